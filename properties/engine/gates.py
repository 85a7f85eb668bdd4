"""Gates: laws about hard ingredients, which other laws draw only where the gate holds."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from properties.engine.description import LawInfo
from properties.engine.result import FAILED, UNSETTLED, LawResult
from properties.errors import is_broken
from properties.judging.law import Law
from properties.laws.conduct import ANSWERS

GATE_EXAMPLES = 50
"""Examples of a gate that was not asked for, but is needed to know what the others may draw."""


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


def unanswered(law: str) -> LawResult:
    """The result of a law that was not run, since the layer does not answer at all."""
    return LawResult(law, "not applicable", reason=f"the layer does not answer ({ANSWERS})")
