"""Diagnosis: a layer is observed and described as its contract with departures, each with its smallest case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from properties.departures.departure import Departure, Fitted
from properties.departures.model import in_precision
from properties.engine.agreement import FULL, Model
from properties.engine.description import laws_of
from properties.engine.fitting import fit, needed_by
from properties.engine.modelled_layer import FittedLayer
from properties.engine.observed_problems import Observed, effort, observed, problems
from properties.engine.result import LawResult
from properties.engine.shrinking import shrink
from properties.engine.study import Tick
from properties.engine.trial import Trial
from properties.errors import ContractError
from properties.judging.contract import Contract
from properties.judging.finding import Finding
from properties.judging.observation import Failure, Observer
from properties.judging.restated import restated
from properties.judging.tolerance import closest_answer
from properties.problems.domain import Domain, EmptyDomainError
from properties.problems.membership import reason_outside
from properties.problems.problem import Problem
from properties.problems.serialization import plain_numbers
from properties.subjects.backend import backend_of
from properties.subjects.subject import Subject

MOST_SHRINKING = 120
"""Problems that are put to the layer to make the smallest case of a departure."""

MOST_DRAWN, BEHIND_A_GATE = 120, 12
"""Problems that are drawn, and those that are put to the layer, for what stands behind one gate."""

NO_DIAGNOSIS: Mapping[str, Any] = {"departures": (), "explained_examples": 0, "examples": 0}


@dataclass(frozen=True)
class Examination:
    """Which layer to diagnose, and over what (see Inquiry); it is asked behind the gates that it ``failed``, too."""

    seed: int
    dtypes: tuple[str, ...]
    shut: frozenset[str] = frozenset()
    kept: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    style: Mapping[str, str] = field(default_factory=dict)
    failed: frozenset[str] = frozenset()


def diagnose(asked: Examination, subject: Subject, observer: Observer, tick: Tick) -> dict[str, Any]:
    """Return the departures of a subject as plain data, with of how many observed problems they explain how many.

    ``fitted`` is what :class:`FittedLayer` reads. A contract without an oracle has no model: then nothing is said.
    """
    contract = subject.resolved
    if contract.oracle is None:
        return dict(NO_DIAGNOSIS)
    try:
        domain = subject.full_domain.only(dtype=asked.dtypes, **asked.kept).open(asked.shut)
    except EmptyDomainError:
        return dict(NO_DIAGNOSIS)
    asking = restated(observer, contract)
    seen = observed(problems(domain, contract, asked.seed, takes=subject.takes), contract, asking, tick)
    seen += _behind_gates(asked, subject, contract, asking, tick)
    seen.sort(key=lambda one: one.effort)
    model = Model(contract, seen)
    found = sorted(fit(model, tick), key=lambda fitted: fitted.departure.harm)
    needs = needed_by(model, found)
    layer = FittedLayer(tuple(found), _failures(model, found))
    # what stands behind a gate that the layer failed may be asked again
    whole = subject.full_domain.only(dtype=asked.dtypes, **asked.kept).open(asked.shut - asked.failed)
    case = _Cases(subject, contract, asking, whole, model, found, tick)
    return {
        "departures": tuple(_told(fitted, case.smallest(fitted), needs[fitted.name], case) for fitted in found),
        "explained_examples": model.explained(found),
        "examples": len(seen),
        "fitted": layer.to_dict(),
    }


def _behind_gates(
    asked: Examination, subject: Subject, contract: Contract, observer: Observer, tick: Tick
) -> list[Observed]:
    """What the layer answers to what stands behind the gates that it failed, each by itself."""
    whole = subject.full_domain.only(dtype=asked.dtypes, **asked.kept)
    found: list[Observed] = []
    for gate in sorted(asked.failed):
        try:
            domain, without = whole.open(asked.shut - {gate}), whole.open(asked.shut | {gate})
        except EmptyDomainError:
            continue
        behind = (p for p in problems(domain, contract, asked.seed, MOST_DRAWN) if reason_outside(p, without))
        found += observed(list(islice(behind, BEHIND_A_GATE)), contract, observer, tick)
    return found


def _failures(model: Model, found: Sequence[Fitted]) -> dict[str, Failure]:
    """What the layer raises by each departure that says that it does."""
    raised = [i for i, one in enumerate(model.observed) if isinstance(one.shown, Failure) and model.agrees(found, i)]
    failures: dict[str, Failure] = {}
    for fitted in found:
        without = [other for other in found if other is not fitted]
        shown = (model.observed[i].shown for i in raised if not model.agrees(without, i))
        failure = next((one for one in shown if isinstance(one, Failure)), None)
        failures |= {} if failure is None else {fitted.name: failure}
    return failures


def _told(fitted: Fitted, finding: Finding | None, needs: int, cases: _Cases) -> dict[str, Any]:
    """A departure as a certificate has it."""
    result = LawResult("", "refuted", finding=finding, problem=None if finding is None else finding.calls[0])
    return {
        "name": fitted.name,
        "sentence": fitted.sentence,
        "parameters": plain_numbers(dict(fitted.parameters)),
        "inherited": fitted.departure.inherited,
        "counterexample": None if finding is None else plain_numbers(result.to_dict()["counterexample"]),
        "script": "" if finding is None else cases.script(finding),
        "needs": needs,
        "harm": fitted.departure.harm,
    }


def of_law(departure: Departure, result: LawResult) -> dict[str, Any]:
    """Return a departure that a law tells of as a certificate has it, with the law's counterexample."""
    return {
        "name": departure.name,
        "sentence": departure.sentence,
        "parameters": {},
        "inherited": result.inherited,
        "counterexample": plain_numbers(result.to_dict()["counterexample"]),
        "script": result.script,
        "needs": 0,
        "harm": departure.harm,
        "law": departure.law,
    }


@dataclass
class _Cases:
    """The smallest cases of departures, found among what was observed and made smaller with the layer as the judge."""

    subject: Subject
    contract: Contract
    observer: Observer
    domain: Domain
    model: Model
    found: Sequence[Fitted]
    tick: Tick

    def smallest(self, fitted: Fitted) -> Finding | None:
        """The smallest case that needs a departure: the layer follows the model with it, not the contract."""
        without = [other for other in self.found if other is not fitted]
        telling = [
            index
            for index in range(len(self.model.observed))
            if self.model.agrees(self.found, index) and not self.model.agrees(without, index)
        ]
        # a case that this departure explains alone tells most, and a number more than an exception
        alone = [index for index in telling if self.model.score([fitted], index) == FULL]
        numbers = [index for index in alone or telling if not isinstance(self.model.observed[index].shown, Failure)]
        for index in dict.fromkeys([*numbers, *alone, *telling]):
            one = self.model.observed[index]
            finding = self._finding(one, fitted, bool(alone))
            if finding is not None:
                return self._shrunk(one, fitted, finding, bool(alone))
        return self._shown(self.model.observed[telling[0]], fitted) if telling else None

    def _finding(self, one: Observed, fitted: Fitted, alone: bool) -> Finding | None:
        """What a problem shows that needs a departure, or that it explains ``alone``; None where it does not."""
        without = [other for other in self.found if other is not fitted]
        scores = Model(self.contract, [one])
        if scores.score(self.found, 0) != FULL or scores.score(without, 0) == FULL or scores.score([], 0) == FULL:
            return None
        if alone and scores.score([fitted], 0) != FULL:
            return None
        return self._shown(one, fitted)

    def _shown(self, one: Observed, fitted: Fitted) -> Finding:
        if isinstance(one.shown, Failure):
            return Finding(fitted.sentence, (one.problem,), failure=one.shown)
        due, dtype = one.due, one.problem.dtype
        for precision in {f.settings["precision"] for f in self.found if f is not fitted and "precision" in f.settings}:
            # what is shown is more than the rounding of what another departure says
            due = in_precision(due, precision, dtype)
        match, _ = closest_answer(one.shown, due, dtype)
        return Finding(fitted.sentence, (one.problem,), match.quantity, match.expected, match.got)

    def _observed(self, problem: Problem) -> Observed | None:
        try:
            due = self.contract.answer(problem)
        except ContractError:
            return None
        return Observed(problem, self.observer.observe(problem), due)

    def _shrunk(self, one: Observed, fitted: Fitted, finding: Finding, alone: bool) -> Finding:
        """The same on a smaller problem."""
        smallest = finding
        left = MOST_SHRINKING

        def judge(problem: Problem) -> Finding | None:
            nonlocal smallest, left
            left -= 1
            self.tick(left)
            seen = self._observed(problem) if left >= 0 else None
            if seen is None or (isinstance(seen.shown, Failure) and seen.shown.kind != "raised"):
                return None
            found = self._finding(seen, fitted, alone)
            if found is None or (found.failure is None) != (finding.failure is None):
                return None
            smallest = found
            return found

        shrink(one.problem, self._trial(finding), judge)
        return smallest if effort(smallest.calls[0]) < effort(one.problem) else finding

    def _trial(self, finding: Finding) -> Trial:
        name = "oracle/gradient" if "gradient" in finding.quantity else "oracle/value"
        law = next(law for law in laws_of(self.contract) if law.id == name)
        return Trial(law, self.contract, self.observer, self.subject.takes, self.domain)

    def script(self, finding: Finding) -> str:
        """The script that shows a case without lossproof; '' where it cannot be written."""
        try:
            return backend_of(self.subject).script(self._trial(finding).law, finding, self.subject, self.contract)
        except (ValueError, TypeError, KeyError):
            return ""
