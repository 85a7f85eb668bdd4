"""Extended byte encoding: logits at boundary constants, other numbers of classes, large batches.

A string is what ``strategies.problems`` draws and a tail. A tail of zeros changes nothing, so every string of a plain
problem is one here too, and any bytes stand for a problem of the domain.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from properties.drawing.boundary_values import placed
from properties.drawing.regimes import Bytes, HardLogits
from properties.drawing.strategies import MOST_BLOCKS, ROW, decode, header_length, names_of, number_of_blocks
from properties.problems.dimensions import COMMON, FORMULA_LOGITS
from properties.problems.domain import Domain
from properties.problems.problem import Problem

PLACE = 6
TAIL = PLACE + 3
"""Bytes of a tail: where a constant goes; then how elements are repeated, how many classes, how many elements."""

MOST_NUMBERS = 1_000_000
"""Logits of one problem: beyond, an example takes seconds."""

MOST_CLASSES = 255
"""Classes of a problem whose number comes from the source: labels are made of one byte."""

MODERATE = 1024
"""Elements of most of the problems that grow; the larger ones are rare, since they take so long."""

SMALL_LOGITS, LARGE_LOGITS = 32.0, 1e4
"""Up to which size constants become logits: where formulas are compared, and anywhere."""


class ExtendedEncoding:
    """Reads byte strings as problems of a domain, with the constants and the largest size of one search."""

    def __init__(
        self, domain: Domain, hard_logits: HardLogits | None, constants: tuple[float, ...], largest: int
    ) -> None:
        self.domain, self._hard = domain, hard_logits
        self.names = names_of(domain)
        self.head = header_length(domain)
        self.plain = self.head + 1 + ROW * MOST_BLOCKS
        regimes = set(domain["logits"])
        self._limit = LARGE_LOGITS if "saturated" in regimes else SMALL_LOGITS
        # a law that is about one regime of logits draws nothing else
        self._constants = constants if set(FORMULA_LOGITS) <= regimes else ()
        counts = sorted({int(c) + d for c in constants for d in (-1, 0, 1) if c == int(c) and 1 < abs(c) < 2**31})
        self._largest = largest if "many" in domain["size"] else 0
        self._sizes = [n for n in counts if 1 < n <= self._largest]
        self._classes = [c for c in counts if c <= MOST_CLASSES and _takes_classes(domain, c)]

    def fitted(self, string: bytes) -> bytes:
        """A string of the length that is read here."""
        length = self.plain + TAIL
        return string[:length].ljust(length, b"\0")

    def kind(self, string: bytes) -> tuple[int, ...]:
        """What strings have in common that differ in their elements alone."""
        values = zip(self.names, string, strict=False)
        return (*(byte % len(self.domain[name]) for name, byte in values), *map(bool, string[self.plain :]))

    def sparing(self, tail: bytes, how: int) -> bytes:
        """A tail with little in it: a constant, a crowd or other classes, seldom together."""
        wants = _WANTS[how % len(_WANTS)]
        place, (style, classes, grow) = tail[:PLACE], tail[PLACE:]
        return bytes(
            [
                *(place if "constant" in wants else bytes(PLACE)),
                style,
                classes if "classes" in wants else 0,
                grow if "crowd" in wants else 0,
            ]
        )

    def tamed(self, string: bytes, how: int) -> bytes:
        """A string that seldom stands for a large crowd, whatever those have scored."""
        if how % 64 == 0 or self._wanted(string[-1], 1) <= MODERATE:
            return string
        return string[:-1] + bytes([max(grow for grow in range(128) if self._wanted(grow, 1) <= MODERATE)])

    def problem(self, string: bytes) -> Problem:
        """The problem of a string."""
        string = self.fitted(string)
        header, count, blocks = string[: self.head], string[self.head], string[self.head + 1 : self.plain]
        place, (style, classes, grow) = string[self.plain :][:PLACE], string[self.plain + PLACE :]
        domain = self.domain
        if classes and self._classes:
            domain = _of_classes(domain, self._classes[classes % len(self._classes)])
        n = number_of_blocks(header, count, domain)
        first = [blocks[ROW * i : ROW * (i + 1)] for i in range(n)]
        problem = decode(header, first, domain, self._hard)
        wanted = self._wanted(grow, problem.classes)
        if n and wanted > problem.size:
            problem = decode(header, crowd(first, wanted, style), domain, self._hard)
        if any(place) and self._constants:
            problem = placed(problem, place, self._constants, self._limit)
        return problem

    def _wanted(self, grow: int, classes: int) -> int:
        """How many elements a byte asks for: a size that the source names, or one up to the largest."""
        if not grow or self._largest <= 1:
            return 0
        if grow >= 128 and self._sizes:
            n = self._sizes[grow % len(self._sizes)]
        else:
            # most are small
            n = round(12 * (self._largest / 12) ** ((grow % 128 / 127) ** 2))
        return min(n, self._largest, MOST_NUMBERS // max(classes, 1))


_WANTS = (
    *(("constant",),) * 9,
    *(("constant", "classes"),) * 2,
    *(("classes",),) * 2,
    ("constant", "classes", "crowd"),
    ("constant", "crowd"),
    ("crowd",),
)
"""What tails have in them: most a constant alone; crowds are slow."""


def crowd(blocks: list[bytes], n: int, style: int) -> Bytes:
    """``n`` elements made of a few: in turn, each repeated, or in turn with other logits every time."""
    few: Bytes = np.frombuffer(b"".join(blocks), dtype=np.uint8).reshape(-1, ROW)
    place = np.arange(n)
    if style % 3 == 1:
        return np.take(few, place * len(few) // n, axis=0)
    elements: Bytes = few[place % len(few)]
    if style % 3 == 2:
        elements[:, 2:] *= (1 + 2 * (place // len(few)) % 256).astype(np.uint8)[:, None]
    return elements


def _takes_classes(domain: Domain, classes: int) -> bool:
    """Whether a number of classes is in a domain: named, or allowed where nobody chose among them."""
    dimension = domain.dimensions["classes"]
    usual = next(d for d in COMMON if d.name == "classes")
    chosen = not set(usual.values) - {1} <= set(dimension.values)
    listed = any(isinstance(v, tuple) for d in domain.dimensions.values() for v in d.values)
    return classes in dimension.values or (classes > 1 and not chosen and not listed and dimension.allows(classes))


def _of_classes(domain: Domain, classes: int) -> Domain:
    dimensions = dict(domain.dimensions)
    dimensions["classes"] = replace(dimensions["classes"], values=(classes,))
    return replace(domain, dimensions=dimensions)
