"""Encoding of problems in longer byte strings: also logits at boundary values, other class counts and large batches.

A string is what ``strategies.problems`` draws, followed by a tail. A tail of zeros changes nothing, so every string of
a plain problem stands for the same problem here; and any bytes stand for a problem of the domain.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from properties.drawing.boundary_values import with_constants
from properties.drawing.decoding import (
    ELEMENT_BYTES,
    MOST_BLOCKS,
    decode,
    encoded_dimensions,
    header_length,
    number_of_blocks,
)
from properties.drawing.regimes import Bytes, HardLogits
from properties.problems.dimensions import COMMON, FORMULA_LOGITS
from properties.problems.domain import Domain
from properties.problems.problem import Problem

PLACE = 6
"""Bytes that say where boundary values go (see ``boundary_values.with_constants``)."""

TAIL = PLACE + 3
"""Bytes of a tail: a place; then how elements are repeated, how many classes and how many elements there are."""

MOST_NUMBERS = 1_000_000
"""Logits of the largest problem: with more, an example takes seconds."""

MOST_CLASSES = 255
"""The largest number of classes that is taken from the source: labels are made of one byte."""

MODERATE_SIZE = 1024
"""Elements of most of the large batches; larger ones are rare, since they take so long."""

SMALL_LOGITS, LARGE_LOGITS = 32.0, 1e4
"""The largest boundary logits: where formulas are compared, and where saturated logits are drawn too."""


class ExtendedEncoding:
    """Reads byte strings as problems of a domain.

    ``constants`` are the numbers of the layer's source, ``largest`` the most elements of a problem. ``header_length``
    and ``plain_length`` are the lengths of a string's header and of a string without its tail.
    """

    def __init__(
        self, domain: Domain, hard_logits: HardLogits | None, constants: tuple[float, ...], largest: int
    ) -> None:
        self._domain, self._hard_logits = domain, hard_logits
        self._names = encoded_dimensions(domain)
        self.header_length = header_length(domain)
        self.plain_length = self.header_length + 1 + ELEMENT_BYTES * MOST_BLOCKS
        regimes = set(domain["logits"])
        self._limit = LARGE_LOGITS if "saturated" in regimes else SMALL_LOGITS
        # a law that is about one regime of logits draws nothing else
        self._constants = constants if set(FORMULA_LOGITS) <= regimes else ()
        counts = sorted({int(c) + d for c in constants for d in (-1, 0, 1) if c == int(c) and 1 < abs(c) < 2**31})
        self._largest = largest if "many" in domain["size"] else 0
        self._sizes = [n for n in counts if 1 < n <= self._largest]
        self._classes = [c for c in counts if c <= MOST_CLASSES and _takes_classes(domain, c)]

    def padded(self, string: bytes) -> bytes:
        """Return the string cut or filled with zeros to the length that is read here."""
        length = self.plain_length + TAIL
        return string[:length].ljust(length, b"\0")

    def options_of(self, string: bytes) -> tuple[int, ...]:
        """Return a key that is equal for strings which differ in their elements alone."""
        values = zip(self._names, string, strict=False)
        return (*(byte % len(self._domain[name]) for name, byte in values), *map(bool, string[self.plain_length :]))

    def sparse_tail(self, tail: bytes, how: int) -> bytes:
        """Return the tail with most of it set to zero; ``how`` says which of place, classes and growth stay."""
        wants = _WANTS[how % len(_WANTS)]
        place, (style, classes, grow) = tail[:PLACE], tail[PLACE:]
        return bytes(
            [
                *(place if "constant" in wants else bytes(PLACE)),
                style,
                classes if "classes" in wants else 0,
                grow if "large batch" in wants else 0,
            ]
        )

    def limited(self, string: bytes, how: int) -> bytes:
        """Return the string with its batch limited to MODERATE_SIZE elements, except for one ``how`` in 64."""
        if how % 64 == 0 or self._wanted(string[-1], 1) <= MODERATE_SIZE:
            return string
        return string[:-1] + bytes([max(grow for grow in range(128) if self._wanted(grow, 1) <= MODERATE_SIZE)])

    def problem(self, string: bytes) -> Problem:
        """Return the problem that a string stands for."""
        string = self.padded(string)
        head, tail = self.header_length, string[self.plain_length :]
        header, count, blocks = string[:head], string[head], string[head + 1 : self.plain_length]
        place, (style, classes, grow) = tail[:PLACE], tail[PLACE:]
        domain = self._domain
        if classes and self._classes:
            domain = _with_classes(domain, self._classes[classes % len(self._classes)])
        n = number_of_blocks(header, count, domain)
        first = [blocks[ELEMENT_BYTES * i : ELEMENT_BYTES * (i + 1)] for i in range(n)]
        problem = decode(header, first, domain, self._hard_logits)
        wanted = self._wanted(grow, problem.classes)
        if n and wanted > problem.size:
            problem = decode(header, large_batch(first, wanted, style), domain, self._hard_logits)
        if any(place) and self._constants:
            problem = with_constants(problem, place, self._constants, self._limit)
        return problem

    def _wanted(self, grow: int, classes: int) -> int:
        """Return how many elements a byte asks for: a number of the source, or one up to the largest; 0 for none."""
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
    ("constant", "classes", "large batch"),
    ("constant", "large batch"),
    ("large batch",),
)
"""What tails hold: most of them a boundary value alone, since large batches are slow."""


def large_batch(blocks: list[bytes], n: int, style: int) -> Bytes:
    """Return ``n`` elements made of a few: in turn, each repeated, or in turn with other logits every time."""
    few: Bytes = np.frombuffer(b"".join(blocks), dtype=np.uint8).reshape(-1, ELEMENT_BYTES)
    place = np.arange(n)
    if style % 3 == 1:
        return np.take(few, place * len(few) // n, axis=0)
    elements: Bytes = few[place % len(few)]
    if style % 3 == 2:
        elements[:, 2:] *= (1 + 2 * (place // len(few)) % 256).astype(np.uint8)[:, None]
    return elements


def _takes_classes(domain: Domain, classes: int) -> bool:
    """Return whether a number of classes is in a domain: listed, or allowed where the user has not chosen any."""
    dimension = domain.dimensions["classes"]
    usual = next(d for d in COMMON if d.name == "classes")
    chosen = not set(usual.values) - {1} <= set(dimension.values)
    listed = any(isinstance(v, tuple) for d in domain.dimensions.values() for v in d.values)
    return classes in dimension.values or (classes > 1 and not chosen and not listed and dimension.allows(classes))


def _with_classes(domain: Domain, classes: int) -> Domain:
    """Return the domain with one number of classes."""
    dimensions = dict(domain.dimensions)
    dimensions["classes"] = replace(dimensions["classes"], values=(classes,))
    return replace(domain, dimensions=dimensions)
