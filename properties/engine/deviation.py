"""Deviation: what kind of contradiction a finding is and how large, so that another one is known to be the same."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from properties.judging.finding import Finding
from properties.problems.precision import Array
from reference import BUDGET, UNIT_ROUNDOFF

DECADE = 10.0
"""How many times smaller than the first one a deviation may be and still tell of the same fault."""

SMALL = 1e-3
"""Relative deviations up to here are looked behind: an epsilon, or a constant of few digits."""

ROUNDING = 16.0 * BUDGET
"""Roundoffs of its dtype up to which a deviation may be one of rounding, and is measured in them."""


@dataclass(frozen=True)
class Deviation:
    """What a finding shows: a wrong number, NaN, inf, or a failure with its error and line; of which quantity.

    ``size`` is relative to the largest of the numbers, and None where there are no numbers to weigh; ``roundoffs`` is
    the same in units of the dtype's roundoff.
    """

    quantity: str
    kind: str
    size: float | None = None
    roundoffs: float = 0.0
    error: str = ""
    line: str = ""

    def shows(self, first: Deviation) -> bool:
        """Whether this deviation is of the kind of the ``first`` one, and no more than a decade smaller."""
        if (self.quantity, self.kind, self.error) != (first.quantity, first.kind, first.error):
            return False
        if self.line != first.line and self.line and first.line:
            return False
        if self.size is None or first.size is None:
            return True
        if first.roundoffs <= ROUNDING and self.roundoffs * DECADE >= first.roundoffs:
            # the same number of roundoffs is another relative size in each dtype
            return True
        return self.size * DECADE >= first.size

    @property
    def is_small(self) -> bool:
        """Whether it is a number that is wrong by less than anybody would see in a training."""
        return self.kind == "number" and self.size is not None and self.size < SMALL

    def dwarfs(self, first: Deviation) -> bool:
        """Whether this is a wrong answer that is larger than the ``first`` one by far."""
        if self.kind in ("NaN", "inf"):
            return True
        return self.kind == "number" and (self.size or 0.0) > DECADE**2 * (first.size or 0.0)

    def at_least(self, other: Deviation | None) -> Deviation:
        """The larger of two deviations of one kind."""
        return self if other is None or other.size is None or (self.size or 0.0) >= other.size else other


def deviation(finding: Finding) -> Deviation:
    """Measure what a finding shows."""
    failure = finding.failure
    if failure is not None:
        return Deviation(finding.quantity, failure.kind, error=failure.error, line=failure.line)
    expected, got = finding.expected, finding.got
    if expected is None or got is None:
        return Deviation(finding.quantity, "words")
    if expected.shape != got.shape:
        return Deviation(finding.quantity, "shape")
    size = relative_size(expected, got)
    dtype = finding.calls[0].dtype if finding.calls else "float64"
    return Deviation(finding.quantity, _kind(expected, got), size, size / UNIT_ROUNDOFF[dtype])


def _kind(expected: Array, got: Array) -> str:
    """NaN before inf before numbers: what came where something else was due."""
    with np.errstate(invalid="ignore"):
        odd = ~((expected == got) | (np.isnan(expected) & np.isnan(got)))
    if (odd & np.isnan(got)).any():
        return "NaN"
    if (odd & np.isinf(got)).any():
        return "inf"
    return "number" if np.isfinite(expected[odd]).all() else "finite"


def relative_size(expected: Array, got: Array) -> float:
    """The largest difference over the largest number of both; NaN and inf, which ``kind`` tells of, are left out."""
    finite = np.isfinite(expected) & np.isfinite(got)
    largest = max(float(np.abs(numbers[finite]).max(initial=0.0)) for numbers in (expected, got))
    if largest == 0.0:
        return 0.0
    # halves, so that two numbers of the largest size do not overflow
    return float(np.abs(expected[finite] / 2.0 - got[finite] / 2.0).max(initial=0.0)) / (largest / 2.0)
