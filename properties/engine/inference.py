"""What a layer does, found out by asking it: its gradient, the denominator of its mean, the regions of its weights.

Each fact has a few hypotheses; problems on which they differ strike out those that the layer contradicts. What cannot
be told apart is said to be so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

import numpy as np

from properties.engine.inference_problems import Prober
from properties.engine.promises_found import facts_without_oracle
from properties.errors import ContractError, broken_in
from properties.judging.contract import Contract
from properties.judging.denominators import DIVISOR_WORDS, divisors
from properties.judging.finding import LayerFailed, OutsideDomain, Undecided
from properties.judging.finite_differences import ascent, derivative_along, detaches
from properties.judging.observation import Observer
from properties.judging.observed_case import ObservedCase
from properties.judging.tolerance import judge
from properties.problems.domain import Choice, Domain, EmptyDomainError
from properties.problems.problem import Problem
from properties.subjects.subject import Subject
from reference import BUDGET, UNIT_ROUNDOFF

UNKNOWN = "undecided"

TELLING = 0.05
"""A slope that is known less well than this says nothing about a gradient."""

COARSE = 64.0
"""How much longer the steps of differences are in less than double precision."""


@dataclass(frozen=True)
class Inquiry:
    """What is to be found out is always the same; which problems may be put to the layer is not."""

    seed: int
    dtypes: tuple[str, ...]
    shut: frozenset[str] = frozenset()
    kept: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    style: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Fact:
    """What was found, by name and in words, in so many problems; what the contract (or a claim) says; do they agree.

    ``agrees`` is None where the contract leaves it open, or nothing was found.
    """

    found: str
    contract: str
    words: str
    examples: int = 0
    agrees: bool | None = None


Facts = dict[str, dict[str, Any]]
Question = Callable[["Study", str], Fact]
"""Finds out one fact; told what the contract says of it."""

Tick = Callable[[int], None]


def infer(inquiry: Inquiry, subject: Subject, observer: Observer, tick: Tick = lambda examples: None) -> Facts:
    """Every fact that can be asked of a subject, as plain data.

    A layer that raises on a problem shows nothing by it; one that crashes or hangs is asked no more.
    """
    domain = subject.full_domain.only(dtype=inquiry.dtypes, **inquiry.kept).open(inquiry.shut)
    try:
        study = Study(subject, observer, domain, inquiry.seed, tick)
    except EmptyDomainError as error:
        return unknown(str(error))
    choices = {} if subject.resolved.oracle is None else subject.resolved.choices
    own: dict[str, tuple[str, Question]] = {
        name: (choice.subject, partial(choice_followed, name, choice)) for name, choice in choices.items()
    }
    found: dict[str, Fact] = {}
    for name, (topic, question) in {**QUESTIONS, **own, **QUESTIONS}.items():
        due = due_of(name, subject, domain)
        if study.lost:
            found[name] = Fact(UNKNOWN, due, f"{topic} was not asked for: {study.lost}")
            continue
        try:
            found[name] = question(study, due)
        except Lost as ended:
            found[name] = Fact(UNKNOWN, due, f"{topic} is undecided: {ended}")
        except MemoryError:
            raise
        except Exception as error:
            told = isinstance(error, ContractError) and not subject.shipped
            whose = error if told else broken_in("this question", error)
            found[name] = Fact(UNKNOWN, due, f"{topic} is undecided: {whose}")
    if subject.resolved.oracle is None and not study.lost:
        said = facts_without_oracle(study.contract, observer, domain, subject.takes, inquiry.seed)
        found |= {name: Fact(value, "", words, examples) for name, value, words, examples in said}
    return {name: asdict(fact) for name, fact in found.items()}


def unknown(reason: str) -> Facts:
    """No facts, and why."""
    return {
        name: asdict(Fact(UNKNOWN, "", f"{topic} is undecided: {reason}")) for name, (topic, _) in QUESTIONS.items()
    }


def due_of(name: str, subject: Subject, domain: Domain) -> str:
    """What the contract says, as the claims of the subject have it; empty where it leaves a choice open."""
    contract = subject.resolved
    if name == "gradient":
        return contract.gradient
    return str(domain[name][0]) if name in contract.argument_names else ""


class Lost(Exception):  # noqa: N818 - an outcome
    """The layer crashed or hung: it is asked nothing more."""


class Study:
    """A layer under questions: what it takes, problems for it, and its answers."""

    def __init__(self, subject: Subject, observer: Observer, domain: Domain, seed: int, tick: Tick) -> None:
        self.contract, self.takes, self.domain = subject.resolved, subject.takes, domain
        arguments = frozenset(self.contract.argument_names)
        self.prober = Prober(domain, self.takes, arguments, seed)
        self.lost = ""
        self._observer, self._tick = observer, tick

    def reductions(self, *wanted: str) -> tuple[str, ...]:
        """Those of the reductions that the layer has."""
        return tuple(r for r in wanted if r in self.domain["reduction"])

    def cases(self, problems: Iterator[Problem]) -> Iterator[ObservedCase]:
        """A case for each problem that the layer answers with finite numbers."""
        for number, problem in enumerate(problems):
            self._tick(number)
            case = ObservedCase(problem, self.contract, self._observer, self.takes, self.domain)
            if self.asked(lambda case=case: bool(np.isfinite(case.observe().value).all())):  # type: ignore[misc]
                yield case

    def asked(self, question: Callable[[], Any]) -> Any:
        """The answer to a question, None where the layer raises, or the example proves nothing or may not be asked."""
        try:
            return question()
        except LayerFailed as failed:
            if failed.failure.kind != "raised":
                self.lost = f"the layer {failed.failure.kind} ({failed.failure})"
                raise Lost(self.lost) from None
        except (Undecided, OutsideDomain):
            pass
        return None


GRADIENT_WORDS = {
    "live": "the gradient is the slope of the value: it differentiates through the weights of the elements, if any",
    "detached": "the gradient is that of frozen weights: none goes through the weights of the elements",
    "both": "the gradient is the slope of the value and that of frozen weights: the weights are constant, "
    "or constant between jumps",
    "neither": "the gradient is neither the slope of the value nor that of frozen weights",
}


def gradient(study: Study, due: str) -> Fact:
    """Live, detached, both (the weights are constants, or jump) or neither."""
    seen = set()
    examples = 0
    for case in study.cases(study.prober.smooth(study.reductions("sum", "mean", "none"))):
        evidence = study.asked(lambda case=case: _gradient_of(case))  # type: ignore[misc]
        if evidence is not None:
            examples += 1
            seen.add(evidence)
    if not examples:
        return Fact(UNKNOWN, due, "the gradient is undecided: no problem shows a slope of the value")
    live, frozen = (all(one[k] for one in seen) for k in (0, 1))
    found = "both" if live and frozen else "live" if live else "detached" if frozen else "neither"
    agrees = None if not due else found in (due, "both") or (due == "both" and found == "live")
    return Fact(found, due, GRADIENT_WORDS[found], examples, agrees)


def _gradient_of(case: ObservedCase) -> tuple[bool, bool] | None:
    """Whether a gradient is live, and whether it is detached; None where differences are too coarse to tell."""
    problem = case.problem
    if case.observe().gradient is None or not case.contract.bases:
        return None
    stretch = 1.0 if problem.dtype == "float64" else COARSE
    slope = derivative_along(case, problem, ascent(case, problem), stretch=stretch)
    if slope.tolerance > TELLING * (abs(slope.by_differences) + abs(slope.by_gradient)):
        return None
    return slope.agrees, detaches(case)


@dataclass(frozen=True)
class Quotient:
    """A problem, its sum over its mean, and the candidates that this number may be."""

    problem: Problem
    number: float
    fits: frozenset[str]

    @property
    def regime(self) -> tuple[bool, bool]:
        """Class weights, and an ignore_index of 0 or more: what layers make a difference of."""
        index = self.problem.ignore_index
        return self.problem.weight is not None, index is not None and index >= 0


def denominator(study: Study, due: str) -> Fact:
    """What a mean divides by: the candidates that no problem contradicts."""
    if "mean" not in study.domain["reduction"]:
        return Fact("none", due, "there is no mean that divides")
    if "sum" not in study.domain["reduction"] and study.contract.oracle is None:
        words = (
            "what the mean divides by is undecided: the layer has no sum to compare with, and the contract no oracle"
        )
        return Fact(UNKNOWN, due, words)
    seen = []
    for case in study.cases(study.prober.batches("mean")):
        quotient = study.asked(lambda case=case: _quotient(study, case))  # type: ignore[misc]
        if quotient is not None:
            seen.append(quotient)
    if not seen:
        return Fact(UNKNOWN, due, "what the mean divides by is undecided: every sum is 0")
    fits = frozenset.intersection(*(one.fits for one in seen))
    if not fits:
        found, words = _by_regime(seen)
        return Fact(found, due, f"the mean divides by {words}", len(seen), False if due else None)
    names = [name for name in DIVISOR_WORDS if name in fits]
    first = due if due in fits else names[0]
    words = f"the mean divides by {_apart(first, names, study)}"
    return Fact(" or ".join(names), due, words, len(seen), due in fits if due else None)


def _quotient(study: Study, case: ObservedCase) -> Quotient | None:
    """What divides a sum, the layer's own or the oracle's, to give the layer's mean."""
    problem, mean = case.problem, case.observe()
    summed = problem.replace(reduction="sum")
    if "sum" in study.domain["reduction"]:
        total = case.observe(summed)
        value, scale = float(total.value.sum()), case.error_scale("value", summed, total)
    else:
        answer = study.contract.answer(summed)
        value, scale = float(answer.value), answer.value_scale
    if mean.value.shape != () or not np.isfinite(value) or not value:
        return None
    own = float(case.error_scale("value", problem, mean).max())
    unit = BUDGET * UNIT_ROUNDOFF[problem.dtype]
    fits = {
        name
        for name, number in divisors(problem, study.contract).items()
        if number and abs(float(mean.value) - value / number) <= unit * (own + float(scale.max()) / number)
    }
    return Quotient(problem, value / float(mean.value) if mean.value else np.inf, frozenset(fits))


def _by_regime(seen: list[Quotient]) -> tuple[str, str]:
    """Where no candidate fits throughout: one for each regime, or the number of a small case."""
    regimes: dict[tuple[bool, bool], frozenset[str]] = {}
    for one in seen:
        regimes[one.regime] = regimes.get(one.regime, one.fits) & one.fits
    lost = next((one for one in sorted(seen, key=lambda one: one.problem.size) if not one.fits), None)
    if lost is not None or not all(regimes.values()):
        odd = lost or min(seen, key=lambda one: one.problem.size)
        return "other", f"none of the usual numbers: {odd.number:.4g} for {_described(odd.problem)}"
    counts = {name: sum(name in fits for fits in regimes.values()) for name in DIVISOR_WORDS}
    usual = max(counts, key=lambda name: counts[name])
    others = [
        f"{_regime_words(regime)} by {DIVISOR_WORDS[next(name for name in DIVISOR_WORDS if name in fits)]}"
        for regime, fits in regimes.items()
        if usual not in fits
    ]
    return "mixed", f"{DIVISOR_WORDS[usual]}, but {' and '.join(others)}"


def _regime_words(regime: tuple[bool, bool]) -> str:
    weights = "with class weights" if regime[0] else "without class weights"
    return f"{weights} and with an ignore_index {'of 0 or more' if regime[1] else 'below 0'}"


def _described(problem: Problem) -> str:
    words = f"{int(problem.valid.sum())} valid of {problem.size} elements in shape {list(problem.shape)}"
    return words if problem.weight is None else f"{words} with class weights {problem.weight.tolist()}"


def _apart(first: str, names: list[str], study: Study) -> str:
    """A candidate in words, and which others cannot be told from it, and why."""
    if len(names) == 1:
        return DIVISOR_WORDS[first]
    able = study.prober.able
    lacks = {
        "weights": "" if able.weights else "no class weights",
        "all": "" if able.masks else "no ignore_index",
        "batch": "" if max(able.ranks, default=1) > 2 else "no logits of more than two axes",
    }
    reasons = " and ".join(lacks[name] for name in names if lacks.get(name))
    because = f": the layer takes {reasons}" if reasons else ""
    if {"count", "all"} <= set(names):
        listed = " and ".join(SHORT.get(name, DIVISOR_WORDS[name]) for name in names)
        return f"the number of elements ({listed} cannot be told apart{because})"
    listed = " and ".join(DIVISOR_WORDS[name] for name in names if name != first)
    return f"{DIVISOR_WORDS[first]} (not to be told apart from {listed}{because})"


SHORT = {"count": "valid", "weights": "weighted", "all": "all"}


def choice_followed(name: str, choice: Choice, study: Study, due: str) -> Fact:
    """Which value of an argument the layer follows, of those that its contract has words for."""
    left, examples = set(choice.words), 0
    reduction = next(iter(study.reductions("sum", "none", "mean")))
    for case in study.cases(study.prober.smooth((reduction,), drawn=0)):
        fits = study.asked(lambda case=case: _followed_by(case, study.contract, name, choice))  # type: ignore[misc]
        if fits is not None:
            examples += 1
            left &= fits
    if not examples:
        return Fact(UNKNOWN, due, f"{choice.subject} is undecided: in no problem do {choice.apart}")
    if not left:
        neither = choice.neither or choice.sentence.format("in no way that the contract knows")
        return Fact("other", due, neither, examples, False)
    found = due if due in left else next(value for value in choice.words if value in left)
    return Fact(found, due, choice.says(found), examples, found == due)


def _followed_by(case: ObservedCase, contract: Contract, name: str, choice: Choice) -> set[str] | None:
    """The values for which the layer's loss is right; None where all give the same, or one is too close to tell."""
    problem = case.problem
    answers = {value: contract.answer(problem.configure(**{name: value})) for value in choice.words}
    losses = [float(answer.value.sum()) for answer in answers.values()]
    alike = all(abs(loss - losses[0]) <= 1e-3 * abs(losses[0]) for loss in losses)
    if alike or any(answer.ambiguous for answer in answers.values()):
        return None
    observed = case.observe()
    return {v for v, answer in answers.items() if judge(observed, answer, problem.dtype, gradient=False).holds}


QUESTIONS: Mapping[str, tuple[str, Question]] = {
    "gradient": ("the gradient", gradient),
    "denominator": ("what the mean divides by", denominator),
}
"""What is asked under every contract, in words and how; a contract adds the choices of its arguments."""
