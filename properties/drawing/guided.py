"""Guided search: draws mutated examples of a corpus, boundary values of the layer's source, and large batches.

What a search draws follows from its seed and its :class:`Guidance` alone, so that it can be repeated; it only notes
which examples scored highest. Every example is one string of bytes, since the numbers that Hypothesis draws depend on
which modules are loaded.
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
"""Elements of the largest problem that is drawn without guidance."""


@dataclass(frozen=True)
class Guidance:
    """What guides a search.

    ``constants`` are numbers of the layer's source; ``corpus`` holds byte strings of the problems that scored highest
    so far; ``largest`` is the most elements of a problem; ``unguided`` says how many of 256 examples are drawn as
    without guidance.
    """

    constants: tuple[float, ...] = ()
    corpus: tuple[bytes, ...] = ()
    largest: int = USUAL_SIZE
    unguided: int = 104

    @property
    def empty(self) -> bool:
        """Whether there is nothing to guide a search, so that all examples are drawn without guidance."""
        return not (self.constants or self.corpus or self.largest > USUAL_SIZE)

    def at_most(self, largest: int) -> Guidance:
        """Return the guidance with problems of at most ``largest`` elements."""
        return replace(self, largest=min(self.largest, largest))


class GuidedSearch:
    """One search: draws problems of a domain, and keeps the byte strings of those with the highest scores."""

    def __init__(self, guidance: Guidance, domain: Domain, hard_logits: HardLogits | None = None) -> None:
        self._guidance = guidance
        self._encoding = ExtendedEncoding(domain, hard_logits, guidance.constants, guidance.largest)
        self._corpus = tuple(dict.fromkeys(self._encoding.padded(entry) for entry in guidance.corpus))
        self._current = b""
        self._best: dict[str, dict[tuple[int, ...], tuple[float, bytes]]] = {}

    @property
    def strategy(self) -> st.SearchStrategy[Problem]:
        """Problems of the domain; without guidance, those that ``strategies.problems`` makes of the same bytes."""
        length = self._encoding.plain_length + (0 if self._guidance.empty else _CONTROL)
        return st.binary(min_size=length, max_size=length).map(self._drawn)

    def _drawn(self, drawn: bytes) -> Problem:
        """Return the problem of the bytes drawn; scores noted from now on are scores of it."""
        self._current = self._string(drawn[: self._encoding.plain_length], drawn[self._encoding.plain_length :])
        return self._encoding.problem(self._current)

    def _string(self, plain: bytes, control: bytes) -> bytes:
        """Return the bytes as they are, a mutated corpus entry, or the bytes with a tail, as ``control`` decides."""
        if not control or control[0] < self._guidance.unguided:
            return plain + bytes(TAIL)
        how, changes, tail = control[0], control[1 : 1 + MUTATION_BYTES], control[-TAIL:]
        if self._corpus and how < self._guidance.unguided + (256 - self._guidance.unguided) * 3 // 5:
            one, other = (
                self._corpus[int.from_bytes(two) % len(self._corpus)] for two in (control[-4:-2], control[-2:])
            )
            return self._encoding.limited(mutated(one, other, changes, self._encoding), how)
        return plain + self._encoding.sparse_tail(tail, how)

    def note(self, scores: Mapping[str, float]) -> None:
        """Keep the problem drawn last where a score of it is among the highest, one problem for each set of options."""
        options = self._encoding.options_of(self._current)
        for label, score in scores.items():
            best = self._best.setdefault(label, {})
            if options not in best or best[options] < (score, self._current):
                best[options] = (score, self._current)
                if len(best) > KEPT:
                    del best[min(best, key=lambda key: best[key])]

    def worst(self) -> tuple[bytes, ...]:
        """Return the byte strings with the highest scores, each once, the highest score of every label first."""
        ranked = [
            (place, label, string)
            for label, best in self._best.items()
            for place, (_, string) in enumerate(sorted(best.values(), reverse=True))
        ]
        return tuple(dict.fromkeys(string for _, _, string in sorted(ranked)))


_CONTROL = 1 + MUTATION_BYTES + TAIL
"""Bytes that decide how an example is drawn."""
