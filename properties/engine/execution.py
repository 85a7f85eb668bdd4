"""One piece of work: a law over a subject, from the search to the script that shows what it found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace

from hypothesis.strategies import SearchStrategy

from properties.drawing.strategies import problems
from properties.engine.attribution import KernelAtFault, kernel_at_fault
from properties.engine.conditions import conditions
from properties.engine.description import Description as Description
from properties.engine.description import LawInfo as LawInfo
from properties.engine.description import describe as describe
from properties.engine.description import domain_of, laws_of
from properties.engine.examination import examine, outcome_of, verdict_on
from properties.engine.search import FAILED, UNSETTLED, LawResult, Tick, run_law
from properties.engine.shrinking import shrink
from properties.engine.task import Task as Task
from properties.errors import Broken, ContractError, UsageError, broken_in, is_broken
from properties.judging.contract import Contract
from properties.judging.law import Finding, Law, NotApplicable, Undecided
from properties.judging.law_domain import askable, law_domain
from properties.judging.observation import Failure, Observer
from properties.laws.conduct import ANSWERS
from properties.problems.arguments import at_rest, features_of_arguments
from properties.problems.domain import Domain
from properties.problems.membership import outside
from properties.problems.problem import Problem
from properties.subjects.argument_effects import Witness
from properties.subjects.kernels import Kernels
from properties.subjects.numpy_backend.script import numpy_script_of
from properties.subjects.script import script_of
from properties.subjects.subject import Subject

GATE_EXAMPLES = 50
"""Examples of a gate that was not asked for, but is needed to know what the others may draw."""

MOST_HANGS = 6
"""Hangs that are waited for while a problem is made smaller."""

SECOND_LOOK = 50
"""Examples in which a contradiction is looked for that is no kernel's, where the first one was."""


def lost(task: Task, failure: Failure) -> LawResult:
    """The worker was lost, and no example could be found that does it."""
    reason = f"the process was lost ({failure}) and the example could not be found again"
    return LawResult(task.law, failure.kind, reason=reason, repeatable=False)


def aside(law: Law | LawInfo, gates: Mapping[str, int], shut: AbstractSet[str]) -> frozenset[str]:
    """The gates whose values a law does not draw: the shut ones, and for a gate all that run beside or after it."""
    if law.id == ANSWERS:
        return frozenset(gates)
    later = {other for other, number in gates.items() if law.gate and number >= law.gate}
    return frozenset((later | shut) - {law.id})


def closes(result: LawResult) -> bool:
    """Whether a gate with this result stays shut: only what surely holds, or is not drawn at all, lets others pass."""
    return closed_by(result.law, result.outcome, result.reason, result.declined)


def closed_by(law: str, outcome: str, reason: str, declined: bool) -> bool:
    """Whether what came of a gate keeps it shut. That we failed does not say that a layer gives no answers."""
    if law == ANSWERS and is_broken(reason) and outcome not in FAILED:
        return False
    return outcome in (*FAILED, *UNSETTLED) or declined


def broken(law: str, error: Exception, where: str = "") -> LawResult:
    """What came of a law under which we failed: nothing is said of the layer, and nothing is certified."""
    return LawResult(law, "gave up", reason=str(broken_in(where or f"law {law}", error)))


def unanswered(law: str) -> LawResult:
    """The result of a law that was not run, since the layer does not answer at all."""
    return LawResult(law, "not applicable", reason=f"the layer does not answer ({ANSWERS})")


def _ending(finding: Finding) -> str:
    """How the calls behind a finding ended: a wrong number must not shrink into a crash, nor a crash into an error."""
    return "answered" if finding.failure is None else finding.failure.kind


def contract_of(task: Task, subject: Subject) -> Contract:
    """What a task holds its subject to."""
    return subject.resolved if task.oracle else subject.resolved.without_oracle()


def perform(
    task: Task,
    subject: Subject,
    observer: Observer,
    tick: Tick,
    kernels: Kernels | None = None,
) -> LawResult:
    """Run a task: search, shrink, find what the contradiction depends on, and write it down.

    Where the contradiction is that of one of the ``kernels``, the same examples are searched again for one that is not:
    only if there is none is it called inherited. Where we fail, or a contract of ours does, that is no contradiction:
    the law gives up. Raises ContractError where what the user wrote in a contract cannot be used.
    """
    witness = Witness(observer, subject.own_arguments)
    try:
        result = _performed(task, subject, witness, tick, kernels)
    except ContractError as error:
        if not subject.shipped:
            raise
        return broken(task.law, error)
    except (UsageError, MemoryError):
        raise
    except Exception as error:
        return broken(task.law, error)
    if result.outcome == "refuted" and (result.finding is None or result.problem is None):
        return broken(task.law, Broken("it was refuted, and there is no example"))
    return replace(result, given=witness.given, arguments=_told_of_arguments(result, subject))


def _told_of_arguments(result: LawResult, subject: Subject) -> dict[str, list[list[str]]]:
    """What a report has to know of a contract's own arguments in each call of a finding; empty for contracts of ours.

    ``at_rest`` are those that it need not show, ``features`` what is special about the others. A report has no other
    way to a contract that nobody but its author knows.
    """
    if subject.shipped or result.finding is None:
        return {}
    known = {dimension.name: dimension for dimension in subject.resolved.arguments}
    calls = result.finding.calls
    return {
        "at_rest": [list(at_rest(call, known)) for call in calls],
        "features": [list(features_of_arguments(call, known)) for call in calls],
    }


def _performed(
    task: Task,
    subject: Subject,
    observer: Observer,
    tick: Tick,
    kernels: Kernels | None,
) -> LawResult:
    contract = contract_of(task, subject)
    law = next(law for law in laws_of(contract) if law.id == task.law)
    if task.example is not None:
        result = _put(task, law, subject, observer, task.example)
    elif task.suspect is not None:
        result = _made_small(task, law, subject, observer, tick, _put(task, law, subject, observer, task.suspect))
    else:
        result = _searched(task, law, subject, observer, tick)
    standing = None
    if kernels is not None and task.shrink and result.outcome in ("refuted", "raised"):
        standing = kernels(contract)
    if standing is None or not result.repeatable or result.problem is None or result.finding is None:
        return result
    kernel = ""
    try:
        drawn = _askable(task, law, subject)
        kernel = kernel_at_fault(law, contract, subject.takes, standing, drawn)(result.problem, result.finding)
        # a law of conduct holds a layer against itself: one case says whose conduct it is
        if kernel and task.example is None and law.level != "conduct":
            excuse = kernel_at_fault(law, contract, subject.takes, standing.only(kernel), drawn)
            fewer = replace(task, max_examples=min(task.max_examples, SECOND_LOOK))
            own = _searched(fewer, law, subject, observer, tick, excuse)
            if own.outcome in FAILED:
                return replace(own, reason=f"another counterexample is inherited from {kernel}")
    except Exception as error:
        whose = _whose(error, law, "looking for the kernel")
        return replace(result, inherited=kernel, reason=f"whose fault it is was not found out: {whose}")
    return replace(result, inherited=kernel)


def _searched(
    task: Task,
    law: Law,
    subject: Subject,
    observer: Observer,
    tick: Tick,
    inherited: KernelAtFault = lambda problem, finding: "",
) -> LawResult:
    """Search and shrink; a contradiction that is inherited, or that a known fault explains, is none."""

    def excuse(problem: Problem, finding: Finding) -> bool:
        return any(fault.explains(finding) for fault in task.known) or bool(inherited(problem, finding))

    result = run_law(
        law,
        contract=contract_of(task, subject),
        observer=observer,
        takes=subject.takes,
        domain=domain_of(subject, task.dtypes, task.kept),
        shut=task.shut,
        seed=task.seed,
        max_examples=task.max_examples,
        tick=tick,
        shrinks=task.shrink,
        excuse=excuse,
        avoid=lambda problem: any(fault.ends(problem) for fault in task.known),
        seek=task.seek,
        named=tuple(subject.domain),
    )
    return _made_small(task, law, subject, observer, tick, result, excuse)


def _made_small(
    task: Task,
    law: Law,
    subject: Subject,
    observer: Observer,
    tick: Tick,
    result: LawResult,
    excuse: Callable[[Problem, Finding], bool] = lambda problem, finding: False,
) -> LawResult:
    """Shrink what refutes a law, find out what it depends on, and write the script."""
    if result.outcome not in FAILED or result.finding is None or not task.shrink:
        return result
    contract = contract_of(task, subject)
    finding, problem = result.finding, result.problem
    condition: tuple[str, ...] = ()
    time_left, hangs, shown, reason = True, 0, finding, result.reason
    if result.repeatable and problem is not None and (task.suspect or result.outcome in ("refuted", "raised")):
        drawn = _askable(task, law, subject)

        def judge(problem: Problem) -> Finding | None:
            nonlocal time_left, hangs, shown
            time_left = time_left and hangs < MOST_HANGS and tick(result.examples, problem)
            if not time_left or outside(problem, drawn) or any(fault.ends(problem) for fault in task.known):
                return None
            try:
                found = verdict_on(law, problem, contract, observer, subject.takes, drawn)
            except (Broken, ContractError):
                # a smaller problem of our own making, about which nobody has to know the answer
                return None
            hangs += found is not None and _ending(found) == "timed out"
            if found is None or _ending(found) != _ending(finding) or excuse(problem, found):
                return None
            if not found.items >= finding.items:
                # a smaller case must not tell of less
                return None
            shown = found
            return found

        try:
            smallest = shrink(problem, law, drawn, judge)
            # what was shown last is what the smallest problem shows
            problem, finding = smallest, shown
            condition = conditions(problem, law, drawn, lambda other: judge(other) is not None)
        except Exception as error:
            # the contradiction stands, as large as it is
            reason = f"it is not made smaller: {_whose(error, law, 'making it smaller')}"
        if not time_left:
            # without an answer every ingredient looks as if it were needed
            condition = ()
    write = numpy_script_of if subject.backend == "numpy" else script_of
    script = ""
    try:
        script = write(law, finding, subject, contract)
    except Exception as error:
        reason = f"there is no script of it: {_whose(error, law, 'writing it down')}"
    spent = result.spent or not time_left
    small = replace(result, finding=finding, problem=problem, condition=condition, script=script, spent=spent)
    return replace(small, reason=reason)


def _whose(error: Exception, law: Law, doing: str) -> Exception:
    """An error behind a contradiction that stands: the contract author's as it is, another one as ours."""
    return error if isinstance(error, ContractError) else broken_in(f"{doing} under law {law.id}", error)


def _put(task: Task, law: Law, subject: Subject, observer: Observer, problem: Problem) -> LawResult:
    """What one problem shows of a law."""
    domain = _askable(task, law, subject)
    try:
        finding, used = examine(law, problem, contract_of(task, subject), observer, subject.takes, domain)
    except Undecided as reason:
        return LawResult(law.id, "undecided", undecided=1, reason=str(reason))
    except NotApplicable as reason:
        return LawResult(law.id, "not applicable", reason=str(reason))
    outcome = "held" if finding is None else outcome_of(finding)
    return LawResult(law.id, outcome, 1, used=used or 0.0, finding=finding, problem=problem)


def strategy_of(task: Task, subject: Subject) -> SearchStrategy[Problem]:
    """What a task draws, for a search of one's own; EmptyDomainError where the layer leaves nothing to draw."""
    law, drawn = _law_and_domain(task, subject)
    return (law.draw or problems)(drawn, contract_of(task, subject).hard_logits)


def refutation(task: Task, subject: Subject, observer: Observer, problem: Problem) -> tuple[Finding, str] | None:
    """The contradiction that one problem of a task's shows, with its script.

    Raises Undecided and NotApplicable as the law does, and where it had nothing to ask the layer about this problem.
    """
    law, _ = _law_and_domain(task, subject)
    contract = contract_of(task, subject)
    finding, used = examine(law, problem, contract, observer, subject.takes, _askable(task, law, subject))
    if finding is None and used is None:
        raise NotApplicable("the law asks the layer nothing about this problem")
    write = numpy_script_of if subject.backend == "numpy" else script_of
    return None if finding is None else (finding, write(law, finding, subject, contract))


def _law_and_domain(task: Task, subject: Subject) -> tuple[Law, Domain]:
    law = next(law for law in laws_of(contract_of(task, subject)) if law.id == task.law)
    return law, law_domain(law, domain_of(subject, task.dtypes, task.kept), task.shut, subject.takes)


def _askable(task: Task, law: Law, subject: Subject) -> Domain:
    """What may be put to the subject for a law."""
    return askable(law, domain_of(subject, task.dtypes, task.kept), task.shut)
