"""Gates: laws about hard ingredients, which other laws draw only where the gate holds, and the order in which they run.

First of all runs ``conduct/answers``: whether the layer answers at all. Then come three rounds of gates, each over
what the rounds before let through; then all other laws run. After the first round it is found out what the layer does
where sound losses differ, and again after each that shut a gate.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from properties.engine.adoption import adopted, narrower
from properties.engine.description import Description, LawInfo
from properties.engine.result import FAILED, UNSETTLED, LawResult
from properties.engine.study import Facts, Inquiry
from properties.engine.task import Task
from properties.errors import is_broken
from properties.judging.conventions import OF_PRECISION, TOLD_BY
from properties.judging.law import Law
from properties.judging.observation import Failure
from properties.laws.conduct import ANSWERS
from properties.laws.conduct_kinds import ANSWERS_ALL

GATE_EXAMPLES = 50
"""Examples of a gate that was not asked for, but is needed to know what the others may draw."""

FIRST_DEPENDENT = 3
"""The first round of gates whose outcome may depend on what the layer does where sound losses differ."""


class GateSchedule:
    """The gates of one subject and how they ended: which laws may be asked now, and over what.

    ``shut`` are the gates that do not hold, by id, and ``raises`` is where the layer raises on problems that have
    nothing special about them (see ``Failure.place``). The schedule neither runs laws nor keeps their results: whoever
    runs the laws of :meth:`due` tells it by :meth:`end` how each of them ended, until none is due any more. Where it
    :attr:`wonders`, they answer its :meth:`inquiry` first, and it will :meth:`learn`: ``facts`` are what was found, and
    ``adopted`` the conventions with which the laws run from then on, as far as a law is ``asked`` that tells of them.
    """

    def __init__(self, description: Description, asked: Collection[str] | None = None) -> None:
        self._known = description
        self._asked = frozenset(info.id for info in description.laws) if asked is None else frozenset(asked)
        self._inquired: tuple[frozenset[str], tuple[str, ...]] | None = None
        self.facts: Facts = {}
        self.adopted: Mapping[str, str] = {}
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
        dtypes = known.dtypes if info.id in OF_PRECISION else self._dtypes
        return Task(
            info.id,
            seed,
            examples,
            dtypes,
            aside(info, self._gates, self.shut),
            kept=known.kept,
            style=known.style,
            raises=() if info.id == ANSWERS_ALL else self.raises,
            adopted=self.adopted,
        )

    @property
    def wonders(self) -> bool:
        """Whether it is to be found out what the layer does, before the next laws run that may depend on it."""
        early = any(number < FIRST_DEPENDENT for number in self._left.values())
        return not self.silent and not early and self._inquired != (self.shut, self._dtypes)

    def inquiry(self, seed: int) -> Inquiry | None:
        """Return the question what the layer does; None where it does not answer."""
        known = self._known
        return None if self.silent else Inquiry(seed, self._dtypes, self.shut, known.kept, known.style)

    @property
    def _dtypes(self) -> tuple[str, ...]:
        """The dtypes that the layer is asked in, less those that are wider than what it computes in."""
        return narrower(self._known.dtypes, self.adopted)

    def learn(self, facts: Facts) -> None:
        """Take what was found out in answer to the last inquiry, and adopt the conventions that follow from it."""
        self._inquired = (self.shut, self._dtypes)
        # in less precision less can be told
        known = self.facts if "precision" in self.adopted else {}
        kept = {
            name: fact for name, fact in known.items() if name not in facts or (name in TOLD_BY and name != "gradient")
        }
        self.facts = {**facts, **kept}
        self.adopted = adopted(self.facts, self._asked)
        if not self._dtypes:
            self.adopted = {name: value for name, value in self.adopted.items() if name != "precision"}

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
