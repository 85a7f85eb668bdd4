"""The same laws as a pytest suite: one test for each law, in the process of the test; and each as a Hypothesis test,
which any engine that knows those can run.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis.strategies import SearchStrategy
from rich.console import Console

from properties.certificates.certificate import LawReport
from properties.certificates.required import REMARKS, required_of
from properties.engine.description import LawInfo
from properties.engine.gates import GateSchedule, closes, raised_in, unanswered
from properties.engine.result import FAILED, LawResult
from properties.engine.study import Facts
from properties.engine.task import Task
from properties.judging.finding import NotApplicable, Undecided
from properties.problems.domain import EmptyDomainError
from properties.problems.problem import Problem
from properties.report.causes import show_failure
from properties.subjects.subject import Loadable
from properties.workers.inline import Inline


class LawBroken(AssertionError):  # noqa: N818 - what it says
    """A problem refutes a law; the message has the script that shows it."""


class Suite:
    """The laws of one subject, each run at most once, gates before what stands behind them."""

    def __init__(
        self, subject: Loadable, *, seed: int = 0, max_examples: int | None = None, require: Sequence[str] = ()
    ) -> None:
        self._required = required_of((require,) if isinstance(require, str) else require)
        self._performer = Inline(subject)
        self.description = self._performer.describe()
        self._infos = {info.id: info for info in self.description.laws}
        self._gates = GateSchedule(self.description)
        self._results: dict[str, LawResult] = {}
        self._seed, self._examples = seed, max_examples

    @property
    def laws(self) -> tuple[str, ...]:
        """The ids of all laws."""
        return tuple(self._infos)

    def result(self, law: str) -> LawResult:
        """Return what came of a law; runs it, and the gates before it, if it has not run yet."""
        if law not in self._results:
            result = self._run(law)
            self._results[law] = result
            self._gates.end(law, closes(result), raised_in(result))
        return self._results[law]

    def report(self, law: str) -> LawReport:
        """The line that a certificate has of a law."""
        return LawReport.of(self._infos[law], self.result(law))

    def counts(self, law: str, grade: str = "") -> bool:
        """Whether a contradiction to a law fails its test: of a grade, or of the law's own."""
        info = self._infos[law]
        graded = (grade or info.grade) == "error" or REMARKS in self._required
        return graded and info.level in self._required

    @property
    def facts(self) -> Facts:
        """What the layer does, found out by asking it, inside what the gates let through."""
        self._pass_gates()
        self._inquire()
        return self._gates.facts

    def test(self, law: str, **options: Any) -> Callable[[], None]:
        """A law as an ordinary Hypothesis test, for whatever engine runs those; it fails with LawBroken.

        ``options`` are settings of Hypothesis, such as max_examples. Raises EmptyDomainError where the layer leaves the
        law nothing to draw.
        """

        def test(problem: Problem) -> None:
            self.put(law, problem)

        # a database of examples tells tests apart by their names
        test.__name__ = test.__qualname__ = re.sub(r"\W", "_", f"test_{self.description.name}_{law}")
        run = given(self.problems(law))(test)
        return settings(**{"suppress_health_check": list(HealthCheck), "deadline": None, **options})(run)

    def problems(self, law: str) -> SearchStrategy[Problem]:
        """What a law draws, behind the gates; EmptyDomainError where that is nothing."""
        task = self._task(law)
        if not self._gates.asks(self._infos[law]):
            raise EmptyDomainError(unanswered(law).reason)
        return self._performer.problems(task)

    def put(self, law: str, problem: Problem) -> None:
        """Put one problem to a law, inside a Hypothesis test; LawBroken where it does not hold."""
        try:
            found = self._performer.put(self._task(law), problem)
        except (Undecided, NotApplicable):
            reject()
        if found is not None and self.counts(law, found[0].grade):
            finding, script = found
            raise LawBroken(f"{law}: {finding.message}\n\n{script}")

    def _run(self, law: str) -> LawResult:
        task = self._task(law)
        if not self._gates.asks(self._infos[law]):
            return unanswered(law)
        return self._performer.run(task, lambda examples: None)

    def _task(self, law: str) -> Task:
        info = self._infos[law]
        self._pass_gates(info)
        if info.gate != 1:
            self._inquire()
        return self._gates.task(info, self._seed, self._examples or settings().max_examples)

    def _pass_gates(self, before: LawInfo | None = None) -> None:
        """Run the gates that must have ended before a law; all of them where none is named."""
        while gates := self._gates.due(before):
            self._inquire()
            for gate in gates:
                self.result(gate.id)

    def _inquire(self) -> None:
        while self._gates.wonders and (inquiry := self._gates.inquiry(self._seed)) is not None:
            self._gates.learn(self._performer.infer(inquiry))


class BoundLaw:
    """A law and the subject to put it to, as a test's parameter."""

    def __init__(self, suite: Suite, law: str) -> None:
        self._suite, self.id = suite, law

    def check(self) -> LawReport:
        """Run the law; fail with case and script where it does not hold, skip where it does not apply.

        A remark fails nothing unless it is required; it is printed, and its report returned.
        """
        report = self._suite.report(self.id)
        if report.outcome == "not applicable":
            pytest.skip(report.reason)
        if report.outcome in FAILED and not self._suite.counts(self.id, report.grade):
            print(f"a remark, which fails no test:\n{failure_text(report)}")
        elif report.outcome != "held":
            pytest.fail(failure_text(report), pytrace=False)
        return report

    def problems(self) -> SearchStrategy[Problem]:
        """What the law draws; EmptyDomainError where that is nothing."""
        return self._suite.problems(self.id)

    def put(self, problem: Problem) -> None:
        """Put one problem to the law, inside a Hypothesis test; LawBroken where it does not hold."""
        self._suite.put(self.id, problem)


class Gap(BoundLaw):
    """What keeps a subject from being certified whatever its laws say, as a test's parameter: it fails."""

    def __init__(self, suite: Suite, words: str) -> None:
        super().__init__(suite, "not-certified")
        self._words = words

    def check(self) -> LawReport:
        """Fail, with what is to be said of the subject."""
        pytest.fail(f"not certified: {self._words}", pytrace=False)

    def problems(self) -> SearchStrategy[Problem]:
        """Nothing is drawn of it."""
        raise EmptyDomainError(self._words)


def parametrize(
    subject: Loadable, *, seed: int = 0, max_examples: int | None = None, require: Sequence[str] = ()
) -> Callable[..., Any]:
    """One test for each law of a subject's contract, and one that fails for whatever keeps it from being certified.

    Decorates a test that takes ``law`` and calls ``law.check()``. ``max_examples`` is that of the Hypothesis profile in
    force unless given; ``require`` names what a test fails for, such as ``refusals`` or ``all``: by default remarks and
    refusals fail none. Everything runs in the process of the test: a layer that crashes ends it; ``lossproof certify``
    runs the same laws in processes of their own.
    """
    suite = Suite(subject, seed=seed, max_examples=max_examples, require=require)
    name = suite.description.name
    parameters = [
        pytest.param(BoundLaw(suite, law), id=f"{name}-{law}", marks=pytest.mark.xdist_group(name))
        for law in suite.laws
    ]
    parameters += [pytest.param(Gap(suite, gap), id=f"{name}-not-certified") for gap in suite.description.gaps]
    return pytest.mark.parametrize("law", parameters)


def failure_text(report: LawReport) -> str:
    """What a failed law says: cause, condition, case and script."""
    text = io.StringIO()
    show_failure(Console(file=text, width=110, no_color=True), report)
    return text.getvalue()
