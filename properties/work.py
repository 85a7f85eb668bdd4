"""One piece of work: a law over a subject, from the search to the script that shows what it found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Any

from hypothesis.strategies import SearchStrategy

from properties.contract import Contract
from properties.demand import law_domain
from properties.domain import Domain
from properties.engine import FAILED, UNSETTLED, LawResult, Tick, examine, outcome_of, run_law, verdict_on
from properties.ingredients import Fault
from properties.inheritance import Heir, Kernels, heir
from properties.law import Finding, Law, NotApplicable, Undecided
from properties.laws import LAWS
from properties.laws.conduct import ANSWERS
from properties.numpy_script import numpy_script_of
from properties.observation import Failure, Observer
from properties.problem import Problem
from properties.script import script_of
from properties.seek import Seek
from properties.shrink import shrink
from properties.strategies import problems
from properties.subject import Subject, dtypes_taken
from properties.triage import conditions

GATE_EXAMPLES = 50
"""Examples of a gate that was not asked for, but is needed to know what the others may draw."""

MOST_HANGS = 6
"""Hangs that are waited for while a problem is made smaller."""

SECOND_LOOK = 50
"""Examples in which a contradiction is looked for that is no kernel's, where the first one was."""


@dataclass(frozen=True)
class Task:
    """A law to run, with everything that decides its outcome; with an ``example``, on that problem alone.

    Without ``shrink`` the first contradiction is taken as it is; without ``oracle`` the law must do without the
    contract's. A ``suspect`` is a problem that was seen to fail: nothing is searched, only made smaller. What ``known``
    faults explain is no contradiction; ``seek`` leads the search. After so many ``seconds`` it ends with what it has. A
    contradiction is shown ``repetitions`` times more, each in a process of its own.
    """

    law: str
    seed: int
    max_examples: int
    dtypes: tuple[str, ...]
    shut: frozenset[str] = frozenset()
    guard: bool = False
    example: Problem | None = None
    shrink: bool = True
    oracle: bool = True
    suspect: Problem | None = None
    known: tuple[Fault, ...] = ()
    seconds: float | None = None
    repetitions: int = 0
    seek: Seek | None = None

    def guarded(self) -> Task:
        """The same task, with the layer in a process of its own."""
        return replace(self, guard=True)

    def on(self, suspect: Problem) -> Task:
        """The same task on a problem that was seen to fail, with the layer in a process of its own."""
        return replace(self, guard=True, suspect=suspect)


@dataclass(frozen=True)
class LawInfo:
    """What a report says of a law, without the law: it crosses process borders."""

    id: str
    sentence: str
    level: str
    severity: str
    gate: int
    behind: dict[str, list[Any]]


@dataclass(frozen=True)
class Description:
    """What a worker learned about a subject: enough for a supervisor that never imports it.

    ``oracle_free`` are the laws that are left where no oracle is known.
    """

    name: str
    contract: str
    takes: tuple[str, ...]
    dtypes: tuple[str, ...]
    dropped: dict[str, str]
    domain: dict[str, tuple[Any, ...]]
    laws: tuple[LawInfo, ...]
    oracle_free: tuple[str, ...] = ()


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
    return shuts(result.outcome, result.declined)


def shuts(outcome: str, declined: bool) -> bool:
    """Whether a gate with this outcome stays shut."""
    return outcome in (*FAILED, *UNSETTLED) or declined


def unanswered(law: str) -> LawResult:
    """The result of a law that was not run, since the layer does not answer at all."""
    return LawResult(law, "not applicable", reason=f"the layer does not answer ({ANSWERS})")


def laws_of(contract: Contract) -> tuple[Law, ...]:
    """Every law that a contract promises."""
    return tuple(law for law in (*LAWS, *contract.own) if contract.promised(law))


def domain_of(subject: Subject, dtypes: tuple[str, ...]) -> Domain:
    """What the subject is asked, in the dtypes that it has kernels for."""
    return subject.full_domain.only(dtype=dtypes)


def describe(subject: Subject, observer: Observer) -> Description:
    """A description of the subject, after a look at the dtypes it takes."""
    contract = subject.resolved
    dtypes, dropped = dtypes_taken(subject, observer)
    domain = domain_of(subject, dtypes)
    infos = [
        LawInfo(law.id, law.sentence, law.level, law.severity, law.gate, domain.behind({law.id}) if law.gate else {})
        for law in laws_of(contract)
    ]
    return Description(
        name=subject.title,
        contract=contract.name,
        takes=tuple(sorted(subject.takes)),
        dtypes=dtypes,
        dropped=dropped,
        domain={name: tuple(dict.fromkeys(domain[name])) for name in domain.dimensions},
        laws=tuple(infos),
        oracle_free=tuple(law.id for law in laws_of(contract.without_oracle())),
    )


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
    only if there is none is it called inherited.
    """
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
    kernel = heir(law, contract, subject.takes, standing)(result.problem, result.finding)
    # a law of conduct holds a layer against itself: one case says whose conduct it is
    if kernel and task.example is None and law.level != "conduct":
        excuse = heir(law, contract, subject.takes, standing.only(kernel))
        fewer = replace(task, max_examples=min(task.max_examples, SECOND_LOOK))
        own = _searched(fewer, law, subject, observer, tick, excuse)
        if own.outcome in FAILED:
            return replace(own, reason=f"another counterexample is inherited from {kernel}")
    return replace(result, inherited=kernel)


def _searched(
    task: Task,
    law: Law,
    subject: Subject,
    observer: Observer,
    tick: Tick,
    inherited: Heir = lambda problem, finding: "",
) -> LawResult:
    """Search and shrink; a contradiction that is inherited, or that a known fault explains, is none."""

    def excuse(problem: Problem, finding: Finding) -> bool:
        return any(fault.explains(finding) for fault in task.known) or bool(inherited(problem, finding))

    result = run_law(
        law,
        contract=contract_of(task, subject),
        observer=observer,
        takes=subject.takes,
        domain=domain_of(subject, task.dtypes),
        shut=task.shut,
        seed=task.seed,
        max_examples=task.max_examples,
        tick=tick,
        shrinks=task.shrink,
        excuse=excuse,
        avoid=lambda problem: any(fault.ends(problem) for fault in task.known),
        seek=task.seek,
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
    time_left, hangs, shown = True, 0, finding
    if result.repeatable and problem is not None and (task.suspect or result.outcome in ("refuted", "raised")):
        drawn = domain_of(subject, task.dtypes).for_law(law.id).open(task.shut - {law.id})

        def judge(problem: Problem) -> Finding | None:
            nonlocal time_left, hangs, shown
            time_left = time_left and hangs < MOST_HANGS and tick(result.examples, problem)
            if not time_left or any(fault.ends(problem) for fault in task.known):
                return None
            found = verdict_on(law, problem, contract, observer, subject.takes, drawn)
            hangs += found is not None and _ending(found) == "timed out"
            if found is None or _ending(found) != _ending(finding) or excuse(problem, found):
                return None
            if not found.items >= finding.items:
                # a smaller case must not tell of less
                return None
            shown = found
            return found

        # what was shown last is what the smallest problem shows
        problem, finding = shrink(problem, law, drawn, judge), shown
        condition = conditions(problem, law, drawn, lambda other: judge(other) is not None)
        if not time_left:
            # without an answer every ingredient looks as if it were needed
            condition = ()
    write = numpy_script_of if subject.backend == "numpy" else script_of
    script = write(law, finding, subject, contract)
    spent = result.spent or not time_left
    return replace(result, finding=finding, problem=problem, condition=condition, script=script, spent=spent)


def _put(task: Task, law: Law, subject: Subject, observer: Observer, problem: Problem) -> LawResult:
    """What one problem shows of a law."""
    domain = domain_of(subject, task.dtypes).open(task.shut - {law.id})
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
    law, drawn = _law_and_domain(task, subject)
    contract = contract_of(task, subject)
    finding, used = examine(law, problem, contract, observer, subject.takes, drawn)
    if finding is None and used is None:
        raise NotApplicable("the law asks the layer nothing about this problem")
    write = numpy_script_of if subject.backend == "numpy" else script_of
    return None if finding is None else (finding, write(law, finding, subject, contract))


def _law_and_domain(task: Task, subject: Subject) -> tuple[Law, Domain]:
    law = next(law for law in laws_of(contract_of(task, subject)) if law.id == task.law)
    return law, law_domain(law, domain_of(subject, task.dtypes), task.shut, subject.takes)
