"""Examination: one problem put to one law; what it shows, and whose mistake an unexpected exception is."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import replace

from properties.errors import OURS, Broken, ContractError, broken_in, is_foreign, words_of
from properties.judging.contract import Contract
from properties.judging.law import Finding, Law, LayerFailed, NotApplicable, Undecided
from properties.judging.observation import Failure, Observer
from properties.judging.observed_case import ObservedCase
from properties.problems.domain import Domain
from properties.problems.problem import Problem


def examine(
    law: Law,
    problem: Problem,
    contract: Contract,
    observer: Observer,
    takes: AbstractSet[str],
    domain: Domain | None = None,
) -> tuple[Finding | None, float | None]:
    """Put one problem to one law: the contradiction, if any, and the budget used (None: the layer was not asked).

    What the law makes of the problem stays inside ``domain``. Raises Undecided and NotApplicable as the law does; a
    layer that fails where it had to answer is a finding.
    """
    return examined(law, ObservedCase(problem, contract, observer, frozenset(takes), domain))


def examined(law: Law, case: ObservedCase) -> tuple[Finding | None, float | None]:
    """The same of a case that is there already."""
    try:
        finding = next(iter(law.check(case)), None)
    except LayerFailed as ended:
        finding = failed(ended.failure, ended.problem)
    except (Undecided, NotApplicable, Broken, ContractError, MemoryError):
        raise
    except Exception as error:
        raise unforeseen(law, case.contract, error) from error
    if finding is not None and not finding.calls:
        # a contradiction is about a problem, whatever its law says
        finding = replace(finding, calls=(case.problem,))
    return finding, case.used if case.asked else None


def unforeseen(law: Law, contract: Contract, error: Exception) -> Broken | ContractError:
    """Whose failure an unexpected exception is: the contract author's, where it comes from what was written there."""
    if isinstance(error, (Broken, ContractError)):
        return error
    own = law in contract.own and str(getattr(law.check, "__module__", OURS[0])).split(".")[0] not in OURS
    if own or is_foreign(error):
        return ContractError(f"contract {contract.name}: under law {law.id} its code raised {words_of(error)}")
    return broken_in(f"law {law.id}", error)


def failed(failure: Failure, *calls: Problem) -> Finding:
    """The finding of a layer that failed where it had to answer."""
    words = {"raised": "The layer raises", "crashed": "The process ends with", "timed out": "No answer after"}
    return Finding(f"{words[failure.kind]} {failure}", calls, "failure", failure=failure)


def verdict_on(
    law: Law,
    problem: Problem,
    contract: Contract,
    observer: Observer,
    takes: AbstractSet[str],
    domain: Domain | None = None,
) -> Finding | None:
    """The contradiction that a problem shows, where it shows one."""
    try:
        return examine(law, problem, contract, observer, takes, domain)[0]
    except (Undecided, NotApplicable):
        return None


def outcome_of(finding: Finding) -> str:
    """What a contradiction makes of its law: refuted, or how the layer failed where it had to answer."""
    failure: Failure | None = finding.failure
    return "refuted" if failure is None or finding.quantity == "refusal" else failure.kind
