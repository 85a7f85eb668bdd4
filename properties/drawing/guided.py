"""Search that is better than chance: examples worth changing, constants of the layer's source, crowds of elements.

Nothing is remembered from example to example but which were the worst: what a search draws follows from its seed and
its :class:`Guidance` alone, so that it can be repeated. Every example is one string of bytes, since the numbers that
Hypothesis draws depend on which modules are loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from hypothesis import strategies as st

from properties.drawing.encoding import TAIL, ExtendedEncoding
from properties.drawing.mutation import MUTATION_BYTES, mutated
from properties.drawing.regimes import HardLogits
from properties.problems.domain import Domain
from properties.problems.problem import Problem

KEPT = 4
"""Byte strings kept for each score."""

USUAL_SIZE = 12
"""Elements up to which problems are drawn one by one anyway."""


@dataclass(frozen=True)
class Guidance:
    """What a search knows beyond chance.

    ``constants`` are numbers of the layer's source; ``corpus`` byte strings of problems that were the worst so far;
    ``largest`` the number of elements up to which problems may grow; ``plain`` how many of 256 examples are drawn as
    without any of this.
    """

    constants: tuple[float, ...] = ()
    corpus: tuple[bytes, ...] = ()
    largest: int = USUAL_SIZE
    plain: int = 104

    @property
    def idle(self) -> bool:
        """Whether nothing is known, so that all are."""
        return not (self.constants or self.corpus or self.largest > USUAL_SIZE)

    def at_most(self, largest: int) -> Guidance:
        """The same with problems of no more than so many elements."""
        return replace(self, largest=min(self.largest, largest))


class GuidedSearch:
    """One search: draws problems of a domain, and keeps the byte strings of those with the highest scores."""

    def __init__(self, seek: Guidance, domain: Domain, hard_logits: HardLogits | None = None) -> None:
        self._seek = seek
        self._strings = ExtendedEncoding(domain, hard_logits, seek.constants, seek.largest)
        self._corpus = tuple(dict.fromkeys(self._strings.fitted(entry) for entry in seek.corpus))
        self._current = b""
        self._best: dict[str, dict[tuple[int, ...], tuple[float, bytes]]] = {}

    @property
    def strategy(self) -> st.SearchStrategy[Problem]:
        """Problems of the domain; where nothing is known, those of ``strategies.problems`` from the same bytes."""
        length = self._strings.plain + (0 if self._seek.idle else _CONTROL)
        return st.binary(min_size=length, max_size=length).map(self._drawn)

    def _drawn(self, drawn: bytes) -> Problem:
        """The problem of what was drawn; what is noted from now on is noted of it."""
        self._current = self._string(drawn[: self._strings.plain], drawn[self._strings.plain :])
        return self._strings.problem(self._current)

    def _string(self, plain: bytes, control: bytes) -> bytes:
        """Plain, or an entry of the corpus with changes, or at constants and of many elements."""
        if not control or control[0] < self._seek.plain:
            return plain + bytes(TAIL)
        how, changes, tail = control[0], control[1 : 1 + MUTATION_BYTES], control[-TAIL:]
        if self._corpus and how < self._seek.plain + (256 - self._seek.plain) * 3 // 5:
            one, other = (
                self._corpus[int.from_bytes(two) % len(self._corpus)] for two in (control[-4:-2], control[-2:])
            )
            return self._strings.tamed(mutated(one, other, changes, self._strings), how)
        return plain + self._strings.sparing(tail, how)

    def note(self, scores: Mapping[str, float]) -> None:
        """Keep the problem drawn last where a score of it is among the highest; of one kind, only the highest."""
        kind = self._strings.kind(self._current)
        for label, score in scores.items():
            best = self._best.setdefault(label, {})
            if kind not in best or best[kind] < (score, self._current):
                best[kind] = (score, self._current)
                if len(best) > KEPT:
                    del best[min(best, key=lambda key: best[key])]

    def worst(self) -> tuple[bytes, ...]:
        """The byte strings with the highest scores, each once, the highest of every label first."""
        ranked = [
            (place, label, string)
            for label, best in self._best.items()
            for place, (_, string) in enumerate(sorted(best.values(), reverse=True))
        ]
        return tuple(dict.fromkeys(string for _, _, string in sorted(ranked)))


_CONTROL = 1 + MUTATION_BYTES + TAIL
