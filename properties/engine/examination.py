"""What an examination ends in: findings of failures, outcomes, and whose mistake an unexpected exception is."""

from __future__ import annotations

from properties.errors import OURS, Broken, ContractError, broken_in, is_foreign, raise_if_machines, words_of
from properties.judging.contract import Contract
from properties.judging.finding import Finding
from properties.judging.law import Law
from properties.judging.observation import Failure
from properties.problems.problem import Problem


def unforeseen(law: Law, contract: Contract, error: Exception) -> Broken | ContractError:
    """Whose failure an unexpected exception is: the contract author's, where it comes from what was written there.

    Raises MachineTrouble where it is nobody's.
    """
    raise_if_machines(error)
    if isinstance(error, (Broken, ContractError)):
        return error
    own = law in contract.own and str(getattr(law.check, "__module__", OURS[0])).split(".")[0] not in OURS
    if own or is_foreign(error):
        return ContractError(f"contract {contract.name}: under law {law.id} its code raised {words_of(error)}")
    return broken_in(f"law {law.id}", error)


DECLINES = "the layer does not take it: "
"""How the reason begins where a layer refuses what a law is about by an error of its own."""


def declined(failure: Failure) -> str:
    """Why a law does not apply to a layer that refuses what it is about."""
    return f"{DECLINES}{failure} at {failure.line}"


def failed(failure: Failure, *calls: Problem) -> Finding:
    """The finding of a layer that failed where it had to answer."""
    words = {"raised": "The layer raises", "crashed": "The process ends with", "timed out": "No answer after"}
    return Finding(f"{words[failure.kind]} {failure}", calls, "failure", failure=failure)


def outcome_of(finding: Finding) -> str:
    """What a contradiction makes of its law: refuted, or how the layer failed where it had to answer."""
    failure: Failure | None = finding.failure
    return "refuted" if failure is None or finding.quantity == "refusal" else failure.kind
