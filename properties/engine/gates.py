"""Gates: laws about hard ingredients, which other laws draw only where the gate holds, and the order in which they run.

First of all runs ``conduct/answers``: whether the layer answers at all. Then come three rounds of gates, each over
what the rounds before let through; then it is found out what the layer does; then all other laws run.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from properties.engine.description import Description, LawInfo
from properties.engine.inference import Inquiry
from properties.engine.result import FAILED, UNSETTLED, LawResult
from properties.engine.task import Task
from properties.errors import is_broken
from properties.judging.law import Law
from properties.judging.observation import Failure
from properties.laws.conduct import ANSWERS, ANSWERS_ALL

GATE_EXAMPLES = 50
"""Examples of a gate that was not asked for, but is needed to know what the others may draw."""


class GateSchedule:
    """The gates of one subject and how they ended: which laws may be asked now, and over what.

    ``shut`` are the gates that do not hold, by id, and ``raises`` is where the layer raises on problems that have
    nothing special about them (see ``Failure.place``). The schedule neither runs laws nor keeps their results: whoever
    runs the laws of :meth:`due` tells it by :meth:`end` how each of them ended, until none is due any more.
    """

    def __init__(self, description: Description) -> None:
        self._known = description
        self._gates = {info.id: info.gate for info in description.laws if info.gate}
        self._left = {info.id: info.gate for info in description.laws if is_gate(info)}
        self.shut: frozenset[str] = frozenset()
        self.raises: tuple[tuple[str, str], ...] = ()

    @property
    def silent(self) -> bool:
        """Whether the layer does not answer at all."""
        return ANSWERS in self.shut

    def asks(self, info: LawInfo) -> bool:
        """Return whether a law may be put to the layer: where it does not answer, nothing else is asked."""
        return info.id == ANSWERS or not self.silent

    def due(self, before: LawInfo | None = None) -> list[LawInfo]:
        """Return the laws of the first round that is not over; empty where all rounds are over.

        With ``before``, only rounds that must be over before that law runs count.
        """
        end = before.gate if before is not None and is_gate(before) else None
        rounds = [number for number in self._left.values() if end is None or number < end]
        return [
            info for info in self._known.laws if rounds and self._left.get(info.id) == min(rounds) and self.asks(info)
        ]

    def end(self, law: str, shuts: bool, raised: Failure | None = None) -> None:
        """Note that a law ended, and whether that keeps its gate shut; of a law that is no gate nothing follows.

        ``raised`` is what the layer raised where the law does not hold. What one law tells of, others need not.
        """
        if self._left.pop(law, None) is None or not shuts:
            return
        self.shut |= {law}
        if law == ANSWERS_ALL and raised is not None and raised.line:
            self.raises = (raised.place,)

    def task(self, info: LawInfo, seed: int, examples: int) -> Task:
        """Return the task of putting a law to the subject, over what the gates that have ended let through."""
        known = self._known
        shut = aside(info, self._gates, self.shut)
        told = () if info.id == ANSWERS_ALL else self.raises
        return Task(info.id, seed, examples, known.dtypes, shut, kept=known.kept, style=known.style, raises=told)

    def inquiry(self, seed: int) -> Inquiry | None:
        """Return the question what the layer does; None where it does not answer."""
        known = self._known
        return None if self.silent else Inquiry(seed, known.dtypes, self.shut, known.kept, known.style)

    def set_aside(self) -> dict[str, dict[str, list[Any]]]:
        """Return by gate, for each that is shut, the values that no law but its own draws."""
        closed = sorted((info for info in self._known.laws if info.id in self.shut), key=lambda info: info.id)
        return {info.id: dict(info.behind) for info in closed if info.behind}


def is_gate(info: LawInfo) -> bool:
    """Return whether other laws wait for the outcome of a law."""
    return bool(info.gate) or info.id == ANSWERS


def aside(law: Law | LawInfo, gates: Mapping[str, int], shut: AbstractSet[str]) -> frozenset[str]:
    """Return the gates whose values a law must not draw: the shut ones, for a gate also those of its round and later.

    Its own gate is never among them.
    """
    if law.id == ANSWERS:
        return frozenset(gates)
    later = {other for other, number in gates.items() if law.gate and number >= law.gate}
    return frozenset((later | shut) - {law.id})


def closes(result: LawResult) -> bool:
    """Return whether a gate with this result stays shut: it opens only where its law surely held.

    A failure of ours does not say that a layer gives no answers.
    """
    if result.law == ANSWERS and is_broken(result.reason) and result.outcome not in FAILED:
        return False
    return result.outcome in (*FAILED, *UNSETTLED) or result.declined


def raised_in(result: LawResult) -> Failure | None:
    """Return what the layer raised where a law does not hold; None where it is refuted by something else."""
    failure = None if result.finding is None else result.finding.failure
    return failure if failure is not None and failure.kind == "raised" else None


def unanswered(law: str) -> LawResult:
    """Return the result of a law that was not run, since the layer does not answer at all."""
    return LawResult(law, "not applicable", reason=f"the layer does not answer ({ANSWERS})")
