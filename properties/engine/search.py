"""Runs one law over one subject: Hypothesis draws the problems and shrinks what refutes the law."""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from hypothesis import HealthCheck, Phase, Verbosity, given, reject, settings
from hypothesis import seed as seeded
from hypothesis.errors import Flaky, HypothesisWarning, Unsatisfiable

from properties.drawing.guided import USUAL_SIZE, Guidance, GuidedSearch
from properties.engine.deviation import Deviation, deviation
from properties.engine.examination import outcome_of, unforeseen
from properties.engine.result import LawResult
from properties.engine.scores import scores
from properties.engine.shrinking import effort
from properties.engine.trial import Trial
from properties.errors import Broken, ContractError, MachineTrouble
from properties.judging.finding import Finding, NotApplicable, OutsideDomain, Undecided
from properties.judging.law import Law
from properties.judging.observed_case import ObservedCase
from properties.problems.domain import EmptyDomainError
from properties.problems.membership import reason_outside, values_met
from properties.problems.problem import Problem

MOST_SHRINKS = 120
"""Evaluations of Hypothesis after the first refutation; what it leaves is shrunk further on the arrays. A count, not a
time, so that the same seed ends at the same example."""

SLOW_SHRINKS = 30
"""The same, for a law that takes long over each example."""

MOST_TIMEOUTS = 3
"""Hangs that are waited for while shrinking one."""

USUAL_EXAMPLES = 200
"""Where laws have so many examples, one that takes long over each has the most that it ever gets; else its share."""

DOUBTFUL = 8
"""Undecided examples from which on a law is given up where they are the most, though all others were found."""

ENOUGH_WITHOUT = 8
"""Examples without an effect after which a law about the whole run has seen enough, where none had one."""

LOOKED_AT_AGAIN = 4
"""Of these, how many are looked at once more for each name, to find the one that tells of most."""

MOST_DECLINED = 3
"""Examples in which a layer has not what a law is about, after which a law that takes long over each asks no more."""

Tick = Callable[[int, Problem], bool]
"""Told of each problem before it is put to the layer, with the number of valid examples so far; False: time is over."""


class _Contradiction(Exception):  # noqa: N818 - an outcome
    """Raised inside a Hypothesis test: this problem refutes the law."""


class _Enough(BaseException):
    """Raised inside a Hypothesis test to leave it with what was found so far."""


def law_seed(seed: int, law: Law) -> int:
    """Each law draws its own examples, whatever else runs."""
    return seed * 1_000_003 + zlib.crc32(law.id.encode())


@dataclass(frozen=True)
class SearchOptions:
    """How a law's problems are searched.

    ``max_examples`` is what most laws get of ``seed``'s examples; without ``shrinks`` the first contradiction is taken
    as it is. A contradiction that ``excuse`` says yes to is none; a problem that ``avoid`` says yes to is not put to
    the layer. What ``seek`` knows leads the search of a law that draws what most laws draw. Of the dimensions that
    somebody ``named`` values of, it is noted which of them the layer was asked. ``tick`` is told of each problem,
    ``held`` of each on which the law held.
    """

    seed: int = 0
    max_examples: int = 200
    shrinks: bool = True
    seek: Guidance | None = None
    named: Collection[str] = ()
    tick: Tick = lambda examples, problem: True
    excuse: Callable[[Problem, Finding], bool] = lambda problem, finding: False
    avoid: Callable[[Problem], bool] = lambda problem: False
    held: Callable[[Problem], None] = lambda problem: None


def run_law(trial: Trial, options: SearchOptions | None = None) -> LawResult:
    """Look for a contradiction to a law, and shrink the first one found."""
    law = trial.law
    try:
        search = _Search(trial, options or SearchOptions())
    except EmptyDomainError as error:
        return LawResult(law.id, "not applicable", reason=str(error))
    if "bad-arguments" in law.needs and not set(trial.contract.bad_arguments) & trial.takes:
        return LawResult(law.id, "not applicable", reason="the layer takes no argument of the contract's own")
    try:
        repeatable = search.run()
    except (ContractError, MachineTrouble, MemoryError):
        raise
    except Exception as error:
        whose = unforeseen(law, trial.contract, error)
        if isinstance(whose, ContractError):
            raise whose from error
        return search.ended(whose)
    return search.result(repeatable)


def _examples(law: Law, max_examples: int) -> int:
    """How many examples a law gets where others get ``max_examples``."""
    if law.most is None:
        return max_examples
    return min(law.most, max(1, max_examples * law.most // USUAL_EXAMPLES))


def _root_of(unstable: Flaky) -> BaseException:
    """What made a run of Hypothesis unstable, where it says."""
    causes = getattr(unstable, "exceptions", ())
    return next((one for one in causes if not isinstance(one, _Contradiction)), unstable)


class _Search:
    """The state of one run: counts, and the last contradiction seen, which Hypothesis leaves at the smallest."""

    def __init__(self, trial: Trial, options: SearchOptions) -> None:
        self._trial, self._options, self._law = trial, options, trial.law
        self._wanted = _examples(self._law, options.max_examples)
        self._examples = self._undecided = self._declined = self._shrinks = self._timeouts = 0
        self._used: dict[str, float] = {}
        self._finding: Finding | None = None
        self._first: Deviation | None = None
        self._problem: Problem | None = None
        self._remark: tuple[Finding, Problem] | None = None
        self._inapplicable = self._outside = ""
        self._spent = False
        self._error: Broken | ContractError | None = None
        self._seen: set[tuple[str, str]] = set()
        self._effective: set[str] = set()
        self._without: dict[str, list[Problem]] = {}
        self._seeker: GuidedSearch | None = None
        drawn, seek = trial.drawn, options.seek
        if seek is not None and self._law.draw is None:
            known = seek.at_most(USUAL_SIZE) if self._law.most else seek
            self._seeker = GuidedSearch(known, drawn, trial.contract.hard_logits)

    def run(self) -> bool:
        """Draw, and shrink where that is wanted; returns whether the contradiction, if any, repeats."""
        strategy = self._trial.strategy if self._seeker is None else self._seeker.strategy

        @seeded(law_seed(self._options.seed, self._law))
        @settings(
            max_examples=self._wanted,
            database=None,
            deadline=None,
            phases=(Phase.generate, Phase.shrink) if self._options.shrinks else (Phase.generate,),
            suppress_health_check=list(HealthCheck),
            verbosity=Verbosity.quiet,
            report_multiple_bugs=False,
            print_blob=False,
            derandomize=False,
        )
        @given(strategy)
        def test(problem: Problem) -> None:
            self._one(problem)

        repeatable = True
        try:
            with warnings.catch_warnings():
                # of a crowd, which nobody prints
                warnings.filterwarnings("ignore", "Generating overly large repr", HypothesisWarning)
                test()
        except (_Contradiction, _Enough):
            pass
        except Flaky as unstable:
            if self._finding is None:
                # no contradiction that came and went: what was drawn did
                raise _root_of(unstable) from unstable
            repeatable = False
        except Unsatisfiable:
            # no valid example at all: the counts say so
            pass
        if self._error is not None:
            raise self._error
        if self._finding is None and self._remark is not None:
            self._finding, self._problem = self._remark
        if self._law.over_run:
            self._conclude()
        return repeatable

    def _one(self, problem: Problem) -> None:
        if left := reason_outside(problem, self._trial.askable):
            self._outside = f"no problem that the law draws has all of what the domain asks for: {left}"
            reject()
        if self._options.avoid(problem):
            reject()
        if not self._options.tick(self._examples, problem):
            self._spent = True
            raise _Enough
        if self._finding is not None:
            self._shrinks += effort(problem)
            if self._shrinks > (MOST_SHRINKS if self._law.most is None else SLOW_SHRINKS):
                raise _Enough
        case = self._trial.case(problem)
        if self._law.over_run:
            case.effective = self._effective
        try:
            finding, used = self._trial.examined(case)
            excused = finding is not None and self._options.excuse(problem, finding)
        except (Broken, ContractError) as error:
            # neither the layer's doing nor worth shrinking
            self._error = error
            raise _Enough from None
        except OutsideDomain as reason:
            # what the law makes of this problem may not be asked, of another one it may
            self._outside = str(reason)
            reject()
        except Undecided:
            # not an example: Hypothesis draws another in its place, up to ten times as many as were asked for
            self._undecided += self._finding is None
            reject()
        except NotApplicable as reason:
            self._inapplicable = str(reason)
            self._declined += 1
            if self._law.most is not None and self._examples == 0 and self._declined >= MOST_DECLINED:
                raise _Enough from None
            return
        finally:
            self._note_asked(case)
        if self._law.over_run and finding is not None and not excused:
            self._collect(finding, problem)
            finding = None
        if finding is None and used is None:
            # the layer was asked nothing: this problem is not one of those that the law is about
            reject()
        if finding is not None and not self._is_like_first(finding):
            return
        if finding is not None and finding.grade == "remark" and not excused:
            # it is kept, and an error looked for
            self._remark = self._remark or (finding, problem)
            excused = True
        if finding is None or excused:
            self._examples += self._finding is None
            self._used[problem.dtype] = max(self._used.get(problem.dtype, 0.0), used or 0.0)
            if finding is None:
                self._options.held(problem)
            if self._seeker is not None and finding is None and self._finding is None:
                self._seeker.note(scores(case))
            return
        self._note(finding, problem)
        raise _Contradiction(finding.message)

    def _collect(self, finding: Finding, problem: Problem) -> None:
        """Keep what has no effect in this example, until all examples have been seen or enough have none."""
        for name in finding.items:
            self._without.setdefault(name, []).append(problem)
        without = [seen for name, seen in self._without.items() if name not in self._effective]
        if any(len(seen) >= ENOUGH_WITHOUT for seen in without):
            self._examples += 1
            raise _Enough

    def _conclude(self) -> None:
        """What had no effect in any example of the run is contradicted by one that was to show most of it."""
        never = [seen[:LOOKED_AT_AGAIN] for name, seen in self._without.items() if name not in self._effective]
        trial = replace(self._trial, effective=frozenset(self._effective))
        for problem in (problem for seen in never for problem in seen):
            finding = trial.finding(problem)
            told = 0 if self._finding is None else len(self._finding.items)
            if finding is not None and len(finding.items) > told:
                self._finding, self._problem, self._first = finding, problem, deviation(finding)

    def _is_like_first(self, finding: Finding) -> bool:
        """Whether a smaller case shows what the first contradiction did: of the same kind, and no less of it."""
        if self._finding is None or self._first is None:
            return True
        return finding.items >= self._finding.items and deviation(finding).shows(self._first)

    def _note_asked(self, case: ObservedCase) -> None:
        named = self._options.named
        for asked in case.asked if named else ():
            self._seen |= {(name, str(value)) for name, value in values_met(asked, self._trial.askable, named)}

    def _note(self, finding: Finding, problem: Problem) -> None:
        if self._finding is None:
            self._examples += 1
            self._first = deviation(finding)
        self._finding, self._problem = finding, problem
        if finding.failure is not None and finding.failure.kind == "timed out":
            self._timeouts += 1
            if self._timeouts >= MOST_TIMEOUTS:
                raise _Enough

    def ended(self, broken: Broken) -> LawResult:
        """The outcome where we failed: what was contradicted before stays contradicted, and nothing else is said."""
        result = self.result(repeatable=True)
        outcome = result.outcome if self._finding is not None else "gave up"
        return replace(result, outcome=outcome, reason=str(broken), declined=False)

    def result(self, repeatable: bool) -> LawResult:
        """The outcome, from what was counted."""
        return LawResult(
            law=self._law.id,
            outcome=self._outcome(),
            examples=self._examples,
            undecided=self._undecided,
            used=max(self._used.values(), default=0.0),
            used_by_dtype=dict(sorted(self._used.items())),
            finding=self._finding,
            problem=self._problem,
            reason=self._reason(),
            repeatable=repeatable,
            declined=self._examples == 0 and bool(self._inapplicable),
            spent=self._spent,
            first=self._first,
            effective=frozenset(self._effective),
            corpus=() if self._seeker is None else self._seeker.worst(),
            seen=frozenset(self._seen),
        )

    def _outcome(self) -> str:
        if self._finding is not None:
            return outcome_of(self._finding)
        if self._examples == 0 and (self._inapplicable or (self._outside and not self._undecided)):
            return "not applicable"
        if self._examples == 0:
            return "undecided" if self._undecided else "gave up"
        # where all examples that were asked for were found, a few undecided ones beside them are chance
        doubtful = self._undecided >= DOUBTFUL or self._examples + self._declined < self._wanted
        return "gave up" if doubtful and self._undecided > self._examples else "held"

    def _reason(self) -> str:
        if self._examples == 0 and self._inapplicable:
            return self._inapplicable
        if self._examples == 0 and self._outside and not self._undecided:
            return self._outside
        return f"{self._undecided} more examples proved nothing" if self._undecided else ""
