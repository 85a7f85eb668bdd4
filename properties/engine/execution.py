"""One piece of work: a law over a subject, from the search to the script that shows what it found."""

from __future__ import annotations

from dataclasses import replace

from properties.engine.canary import LastAnswers, blinded
from properties.engine.description import domain_of, laws_of
from properties.engine.evidence import with_evidence
from properties.engine.pipeline import (
    Found,
    Job,
    attribute,
    explain,
    look_behind,
    look_for_larger,
    look_for_own,
    put,
    search,
    shrink,
    write,
)
from properties.engine.result import LawResult
from properties.engine.search import Tick
from properties.engine.task import Task
from properties.engine.trial import Trial
from properties.errors import Broken, ContractError, MachineTrouble, UsageError, broken_in, raise_if_machines
from properties.judging.contract import Contract
from properties.judging.finding import Finding, NotApplicable
from properties.judging.observation import Failure, Observer
from properties.judging.restated import restated
from properties.problems.arguments import at_rest, features_of_arguments
from properties.problems.problem import Problem
from properties.subjects.arguments_given import ArgumentRecorder
from properties.subjects.backend import backend_of
from properties.subjects.kernels import Kernels
from properties.subjects.subject import Subject


def lost(task: Task, failure: Failure) -> LawResult:
    """The worker was lost, and no example could be found that does it."""
    reason = f"the process was lost ({failure}) and the example could not be found again"
    return LawResult(task.law, failure.kind, reason=reason, repeatable=False)


def broken(law: str, error: Exception, where: str = "") -> LawResult:
    """What came of a law under which we failed: nothing is said of the layer, and nothing is certified.

    Raises MachineTrouble where the machine did.
    """
    raise_if_machines(error)
    return LawResult(law, "gave up", reason=str(broken_in(where or f"law {law}", error)))


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
    """Run a task: search, shrink, find what the contradiction depends on, write it down, and find whose it is.

    Where the contradiction is that of one of the ``kernels``, the same examples are searched again for one that is not:
    only if there is none is it called inherited. Where we fail, or a contract of ours does, that is no contradiction:
    the law gives up. Raises ContractError where what the user wrote in a contract cannot be used.
    """
    witness = ArgumentRecorder(observer, subject.own_arguments)
    try:
        result = _performed(task, subject, witness, tick, kernels)
    except ContractError as error:
        if not subject.shipped:
            raise
        return broken(task.law, error)
    except (UsageError, MachineTrouble, MemoryError):
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


def _performed(task: Task, subject: Subject, observer: Observer, tick: Tick, kernels: Kernels | None) -> LawResult:
    """The steps of a task, one after another."""
    answers = LastAnswers(observer)
    trial, ticking = trial_of(task, subject, answers), answers.before_each(tick)
    job = Job(task, subject, trial, ticking, kernels, held=answers.keep)
    if task.example is not None:
        return attributed(job, put(job, task.example)).result
    found = with_evidence(job, look_for_larger(job, search(job))) if task.suspect is None else put(job, task.suspect)
    if found.result.outcome == "held":
        blind = blinded(trial.law, answers, lambda wrong: trial_of(task, subject, wrong))
        return found.but(outcome="gave up", reason=blind).result if blind else found.result
    job = replace(job, trial=replace(job.trial, effective=found.result.effective))
    found = write(job, explain(job, shrink(job, found)))
    return look_for_own(job, attributed(job, found)).result


def attributed(job: Job, found: Found) -> Found:
    """What was found, with the departures that it follows from, or the kernel that it is inherited from."""
    behind = look_behind(job, found)
    return behind if behind is not found else attribute(job, found)


def trial_of(task: Task, subject: Subject, observer: Observer) -> Trial:
    """The trial of a task's law over a subject that an observer asks."""
    subject = task.subject(subject)
    contract = contract_of(task, subject)
    contract = replace(contract, conventions=replace(contract.conventions, found=task.found))
    law = next(law for law in laws_of(contract) if law.id == task.law)
    domain, asking = domain_of(subject, task.dtypes, task.kept), restated(observer, contract)
    return Trial(law, contract, asking, subject.takes, domain, task.shut, task.raises, task.effective)


def refutation(task: Task, subject: Subject, observer: Observer, problem: Problem) -> tuple[Finding, str] | None:
    """The contradiction that one problem of a task's shows, with its script; None where it shows none.

    Raises Undecided and NotApplicable as the law does, and where it had nothing to ask the layer about this problem.
    """
    trial = trial_of(task, subject, observer)
    finding, used = trial.examine(problem)
    if finding is None and used is None:
        raise NotApplicable("the law asks the layer nothing about this problem")
    if finding is None:
        return None
    return finding, backend_of(subject).script(trial.law, finding, subject, trial.contract)
