"""The steps of a task: search, shrink, explain, write, attribute. Each takes what was found and adds to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from properties.engine.attribution import Attribution, py_layer_at_fault
from properties.engine.conditions import conditions
from properties.engine.deviation import deviation
from properties.engine.examination import outcome_of
from properties.engine.explanation import Explanation
from properties.engine.modelled_layer import FittedLayer
from properties.engine.result import FAILED, LawResult
from properties.engine.search import SearchOptions, Tick, run_law
from properties.engine.shrinking import shrink as smallest
from properties.engine.task import Task
from properties.engine.trial import Trial
from properties.errors import Broken, ContractError, broken_in
from properties.judging.finding import Finding, NotApplicable, Undecided
from properties.problems.membership import reason_outside
from properties.problems.problem import Problem
from properties.subjects.backend import backend_of
from properties.subjects.kernels import Kernels
from properties.subjects.subject import Subject

MOST_HANGS = 6
"""Hangs that are waited for while a problem is made smaller."""

SECOND_LOOK = 50
"""Examples in which a contradiction is looked for that is no kernel's, or a much larger one, after the first one."""


def _nothing(problem: Problem, finding: Finding) -> bool:
    return False


@dataclass(frozen=True)
class Job:
    """A task with what its steps need: the subject, the trial of the law, the clock and the kernels, if any.

    A contradiction that ``kernels_at_fault`` tells to be a kernel's is not looked for, nor one that follows from the
    departures of the layer where the job ``passes_explained`` ones. ``held`` is told of each example on which the law
    held.
    """

    task: Task
    subject: Subject
    trial: Trial
    tick: Tick
    kernels: Kernels | None = None
    kernels_at_fault: Attribution | None = None
    passes_explained: bool = False
    held: Callable[[Problem], None] = lambda problem: None

    @cached_property
    def explanation(self) -> Explanation | None:
        """Tells what follows from the departures of the layer; None where none are known."""
        if self.task.fitted is None or self.trial.contract.oracle is None:
            return None
        contract = self.subject.resolved
        layer = FittedLayer.from_dict(self.task.fitted, contract)
        return Explanation(self.trial, layer, contract.conventions.differ) if layer.departures else None

    @cached_property
    def attribution(self) -> Attribution | None:
        """Tells kernels' contradictions from the layer's own; None where no kernels are known."""
        found = None if self.kernels is None else self.kernels(self.trial.contract)
        return None if found is None else Attribution(self.trial, found)

    def avoids(self, problem: Problem) -> bool:
        """Whether a known fault would end the process on a problem."""
        return any(fault.ends(problem) for fault in self.task.known)

    def excuses(self, problem: Problem, finding: Finding) -> bool:
        """Whether to pass over a contradiction: that of a known fault, or of a kernel."""
        if any(fault.explains(finding) for fault in self.task.known):
            return True
        if self.passes_explained and self.explanation is not None and self.explanation.explains(problem, finding):
            return True
        return self.kernels_at_fault is not None and bool(self.kernels_at_fault.kernel_at_fault(problem, finding))

    def whose(self, error: Exception, doing: str) -> Exception:
        """An error behind a contradiction that stands: the contract author's as it is, another one as ours."""
        return error if isinstance(error, ContractError) else broken_in(f"{doing} under law {self.trial.law.id}", error)


class Retrial:
    """Asks whether other problems show the same contradiction, for as long as there is time."""

    def __init__(self, job: Job, result: LawResult, excuses: Callable[[Problem, Finding], bool]) -> None:
        assert result.finding is not None
        self.finding = self._first = result.finding
        self.time_left = True
        self._due = deviation(result.finding).at_least(result.first)
        self._job, self._excuses, self._examples, self._hangs = job, excuses, result.examples, 0

    def __call__(self, problem: Problem) -> Finding | None:
        """The contradiction that a problem shows, kept in ``finding``; None where it is another one, or none."""
        job, first = self._job, self._first
        self.time_left = self.time_left and self._hangs < MOST_HANGS and job.tick(self._examples, problem)
        if not self.time_left or reason_outside(problem, job.trial.askable) or job.avoids(problem):
            return None
        try:
            found = job.trial.finding(problem)
        except (Broken, ContractError):
            # a smaller problem of our own making, about which nobody has to know the answer
            return None
        if found is None:
            return None
        shown = deviation(found)
        self._hangs += shown.kind == "timed out"
        # a smaller case must not tell of less, nor of another fault, nor make a remark of an error
        told = found.items >= first.items and found.grade == first.grade
        if not (shown.shows(self._due) and told) or self._excuses(problem, found):
            return None
        self.finding = found
        return found

    def stands(self, problem: Problem) -> bool:
        """Whether a problem shows the contradiction."""
        return self(problem) is not None


@dataclass(frozen=True)
class Found:
    """What was found so far; ``excuses`` says which other contradictions would not have counted.

    ``retrial`` is None where the contradiction cannot be looked at further: there is none, or it does not repeat.
    """

    result: LawResult
    excuses: Callable[[Problem, Finding], bool] = _nothing
    retrial: Retrial | None = None

    def but(self, **changes: Any) -> Found:
        """The same, with other values in the result."""
        return replace(self, result=replace(self.result, **changes))


def search(job: Job, excuses: Callable[[Problem, Finding], bool] | None = None) -> Found:
    """Draw problems until one refutes the law, or there are enough; ``excuses`` in place of what the job excuses."""
    excused = job.excuses if excuses is None else excuses
    task = job.task
    options = SearchOptions(
        seed=task.seed,
        max_examples=task.max_examples,
        shrinks=task.shrink,
        seek=task.seek,
        named=tuple(job.subject.domain),
        tick=job.tick,
        excuse=excused,
        avoid=job.avoids,
        held=job.held,
    )
    return Found(run_law(job.trial, options), excused)


def look_for_larger(job: Job, found: Found) -> Found:
    """Search again where the first contradiction is a small one: an epsilon must not hide a wrong formula."""
    first, task, law = found.result.first, job.task, job.trial.law
    if first is None or not first.is_small or law.level != "formula" or not _is_shown(job, found):
        return found

    def excuses(problem: Problem, finding: Finding) -> bool:
        return not deviation(finding).dwarfs(first) or found.excuses(problem, finding)

    fewer = replace(task, max_examples=min(task.max_examples, SECOND_LOOK))
    larger = search(replace(job, task=fewer), excuses)
    return larger if larger.result.outcome == "refuted" else found


def put(job: Job, problem: Problem) -> Found:
    """Put one problem to the law, in the place of a search."""
    law = job.trial.law.id
    try:
        finding, used = job.trial.examine(problem)
    except Undecided as reason:
        return Found(LawResult(law, "undecided", undecided=1, reason=str(reason)))
    except NotApplicable as reason:
        return Found(LawResult(law, "not applicable", reason=str(reason)))
    outcome = "held" if finding is None else outcome_of(finding)
    return Found(LawResult(law, outcome, 1, used=used or 0.0, finding=finding, problem=problem))


def shrink(job: Job, found: Found) -> Found:
    """Make the problem smaller, and show what the smallest one shows."""
    result = found.result
    alive = job.task.suspect is not None or result.outcome in ("refuted", "raised")
    if not (_is_shown(job, found) and alive and result.repeatable) or result.problem is None:
        return found
    retrial = Retrial(job, result, found.excuses)
    try:
        problem = smallest(result.problem, job.trial, retrial)
    except Exception as error:
        return _left_as_it_is(job, found, retrial, error)
    spent = result.spent or not retrial.time_left
    return replace(found.but(problem=problem, finding=retrial.finding, spent=spent), retrial=retrial)


def explain(job: Job, found: Found) -> Found:
    """Find the ingredients that the contradiction needs."""
    retrial, problem = found.retrial, found.result.problem
    if retrial is None or problem is None:
        return found
    try:
        needed = conditions(problem, job.trial, retrial.stands)
    except Exception as error:
        return _left_as_it_is(job, found, retrial, error)
    # without an answer every ingredient looks as if it were needed
    return found.but(condition=needed) if retrial.time_left else found.but(spent=True)


def write(job: Job, found: Found) -> Found:
    """Write the script that shows the contradiction without lossproof."""
    finding, subject, trial = found.result.finding, job.subject, job.trial
    if not _is_shown(job, found) or finding is None:
        return found
    try:
        return found.but(script=backend_of(subject).script(trial.law, finding, subject, trial.contract))
    except Exception as error:
        return found.but(reason=f"there is no script of it: {job.whose(error, 'writing it down')}")


def attribute(job: Job, found: Found) -> Found:
    """Name the kernel whose contradiction it is, if it is one's."""
    result = found.result
    if not job.task.shrink or not result.repeatable or result.problem is None or result.finding is None:
        return found
    # a formula that its author got wrong is told of here, whatever comes of the contradiction
    attribution = job.attribution if result.outcome in ("refuted", "raised") else None
    try:
        if result.outcome == "crashed":
            return found.but(inherited=py_layer_at_fault(job.trial, result.problem, result.finding))
        if attribution is None:
            return found
        return found.but(inherited=attribution.kernel_at_fault(result.problem, result.finding))
    except Exception as error:
        return found.but(reason=_unattributed(job, error))


def look_behind(job: Job, found: Found) -> Found:
    """Name the departures that a contradiction follows from, and search again for one that does not follow from any."""
    result, explanation = found.result, job.explanation
    if explanation is None or result.outcome not in FAILED or result.finding is None or result.problem is None:
        return found
    try:
        names = explanation.departures(result.problem, result.finding)
    except Exception as error:
        return found.but(reason=f"whether it follows from departures was not found out: {job.whose(error, 'asking')}")
    if not names:
        return found
    explained = found.but(explained=names, inherited=explanation.inherited(names))
    if job.task.example is not None:
        return explained
    fewer = replace(job.task, max_examples=min(job.task.max_examples, SECOND_LOOK))
    second = replace(job, task=fewer, passes_explained=True)
    other = search(second)
    if other.result.outcome not in FAILED:
        return explained
    own = attribute(second, write(second, explain(second, shrink(second, other))))
    return own.but(reason=own.result.reason or f"another counterexample follows from {', '.join(names)}")


def look_for_own(job: Job, found: Found) -> Found:
    """Search again for a contradiction of the layer's own, where the one that was found is a kernel's."""
    task, kernel = job.task, found.result.inherited if not found.result.explained else ""
    # a law of conduct holds a layer against itself: one case says whose conduct it is
    if (
        not kernel
        or job.attribution is None
        or task.example is not None
        or job.trial.law.level in ("conduct", "refusals")
    ):
        return found
    fewer = replace(task, max_examples=min(task.max_examples, SECOND_LOOK))
    second = replace(job, task=fewer, kernels_at_fault=job.attribution.only(kernel), passes_explained=True)
    try:
        own = write(second, explain(second, shrink(second, look_for_larger(second, search(second)))))
    except Exception as error:
        return found.but(reason=_unattributed(job, error))
    if own.result.outcome not in FAILED:
        return found
    return own.but(reason=f"another counterexample is inherited from {kernel}")


def _left_as_it_is(job: Job, found: Found, retrial: Retrial, error: Exception) -> Found:
    """The contradiction as far as it was made smaller when we failed: it stands all the same."""
    spent = found.result.spent or not retrial.time_left
    return found.but(spent=spent, reason=f"it is not made smaller: {job.whose(error, 'making it smaller')}")


def _unattributed(job: Job, error: Exception) -> str:
    return f"whose fault it is was not found out: {job.whose(error, 'looking for the kernel')}"


def _is_shown(job: Job, found: Found) -> bool:
    """Whether there is a contradiction, of which more is wanted than that it is there."""
    return job.task.shrink and found.result.outcome in FAILED and found.result.finding is not None
