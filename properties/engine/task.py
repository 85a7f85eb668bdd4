"""Task: a law to run, with everything that decides its outcome."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from properties.drawing.guided import Guidance
from properties.engine.faults import Fault
from properties.judging.conventions import Divisor, apart_from
from properties.problems.problem import Problem
from properties.subjects.claims import due_denominator
from properties.subjects.subject import Subject


@dataclass(frozen=True)
class Task:
    """A law to run, with everything that decides its outcome; with an ``example``, on that problem alone.

    Without ``shrink`` the first contradiction is taken as it is; without ``oracle`` the law must do without the
    contract's. A ``suspect`` is a problem that was seen to fail: nothing is searched, only made smaller. What ``known``
    faults explain is no contradiction; ``seek`` leads the search. After so many ``seconds`` it ends with what it has. A
    contradiction is shown ``repetitions`` times more, each in a process of its own. ``kept`` are the values of
    arguments to which the layer was found to be limited, ``style`` is how it was found to be called; ``adopted`` are
    conventions that it was found to follow, as claims have them. Where the layer ``raises`` one of these exceptions
    (see ``Failure.place``), another law has told of it.
    ``effective`` names what an earlier run of a law about a whole run saw an effect of. ``fitted`` are the departures
    of the layer, as plain data (see FittedLayer): what follows from them is not what is looked for.
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
    seek: Guidance | None = None
    kept: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    style: Mapping[str, str] = field(default_factory=dict)
    raises: tuple[tuple[str, str], ...] = ()
    adopted: Mapping[str, str] = field(default_factory=dict)
    effective: frozenset[str] = frozenset()
    fitted: Mapping[str, Any] | None = None

    def subject(self, subject: Subject) -> Subject:
        """The subject as if it claimed what was adopted for it, but for what this task's law is about."""
        if not self.adopted:
            return subject
        claims = apart_from(self.law, self.adopted, due_denominator(subject.resolved))
        # a precision is adopted by the dtypes that are drawn
        claims.pop("precision", None)
        return replace(subject, claims={**subject.claims, **claims})

    @property
    def found(self) -> Divisor:
        """The divisor that the layer was found to have, where it is not the contract's."""
        return Divisor.of(self.adopted["denominator"]) if "denominator" in self.adopted else Divisor()

    def guarded(self) -> Task:
        """The same task, with the layer in a process of its own."""
        return replace(self, guard=True)

    def on(self, suspect: Problem) -> Task:
        """The same task on a problem that was seen to fail, with the layer in a process of its own."""
        return replace(self, guard=True, suspect=suspect)
