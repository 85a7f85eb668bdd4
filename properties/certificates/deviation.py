"""Deviation: how far what came is from what was due, of what kind that is, and in words that say its size."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from properties.certificates.certificate import LawReport
from properties.judging.finding import Finding
from properties.subjects.written_numbers import people

NEARLY = 1e-4
"""Relative size below which a deviation is said to be one of its size, whatever the law accuses the layer of."""

UNIT = 1e-3
"""What numbers are compared with that are all near 0: nothing is seen in one that is 4e-10 where 0 is due."""

DECADES = 3.0
"""Two deviations may be one fault's if their sizes are this many decades apart at most."""


@dataclass(frozen=True)
class Deviation:
    """What is wrong with an answer.

    ``kind`` is ``number``; ``not finite``, where NaN or inf came and a number was due; ``finite``, where a number came
    in their place; ``shape``; ``failure``; or ``words``, where numbers say nothing. ``relative`` is the largest
    difference over the largest number that was due, ``telling`` the same where numbers near 0 count for little.
    ``at`` are what was due and what came where they differ most, ``differing`` how many of the ``entries`` do.
    ``error`` are the words of a failure without its numbers.
    """

    kind: str
    quantity: str = "value"
    relative: float = 1.0
    telling: float = 1.0
    at: tuple[float, float] = (0.0, 0.0)
    differing: int = 0
    entries: int = 0
    dtype: str = ""
    error: str = ""

    @property
    def small(self) -> bool:
        """Whether it is a matter of digits, which no accusation in words fits."""
        return self.kind == "number" and self.relative < NEARLY

    @cached_property
    def words(self) -> str:
        """Its size in words: what came for what was due, how far off that is, where, and in which dtype."""
        if self.kind not in ("number", "not finite", "finite"):
            return ""
        due, came = self.at
        of = "" if self.quantity == "value" else f"{self.quantity} "
        off = f" (off by {percent(abs(came - due) / abs(due))})" if self.kind == "number" and due != 0 else ""
        where = f" in {self.differing} of {self.entries} entries" if self.entries > 1 else ""
        return f"{of}{_apart(came, due)}{off}{where}, {self.dtype}"

    def kindred(self, other: Deviation) -> bool:
        """Whether one fault may show itself as both: the same error, or wrong numbers of like size."""
        if "failure" in (self.kind, other.kind):
            return self.error == other.error
        if self.kind != other.kind:
            return {self.kind, other.kind} == {"number", "shape"} and min(self.telling, other.telling) >= UNIT
        sizes = ((self.relative, other.relative), (self.telling, other.telling))
        return any(abs(_decade(one) - _decade(two)) <= DECADES for one, two in sizes)


def deviation_of(law: LawReport) -> Deviation:
    """Return how far the answer of a law's counterexample is from what was due."""
    finding = law.result.finding
    if finding is None:
        return Deviation("words", error=law.reason)
    dtype = finding.calls[0].dtype if finding.calls else ""
    if finding.failure is not None:
        return Deviation("failure", finding.quantity, dtype=dtype, error=_without_numbers(finding.failure.words))
    if finding.quantity.startswith("shape"):
        return _of_shapes(finding, dtype)
    return _of_numbers(finding, dtype)


def _of_shapes(finding: Finding, dtype: str) -> Deviation:
    """Of two shapes: they tell much where there are more or fewer numbers, little where an axis of length 1 is gone."""
    counts = [_count(array, finding.quantity == "shape") for array in (finding.expected, finding.got)]
    return Deviation("shape", finding.quantity, telling=float(counts[0] != counts[1]), dtype=dtype)


def _count(numbers: NDArray[Any] | None, is_shape: bool) -> int:
    if numbers is None:
        return 0
    return int(np.prod(numbers)) if is_shape else numbers.size


def _of_numbers(finding: Finding, dtype: str) -> Deviation:
    expected, got = finding.expected, finding.got
    if expected is None and got is not None and not np.isfinite(got).all():
        expected = np.zeros_like(got)
    if expected is None or got is None or expected.shape != got.shape or not expected.size:
        return Deviation("words", finding.quantity, dtype=dtype)
    due, came = (np.asarray(array, dtype=np.float64).reshape(-1) for array in (expected, got))
    odd = np.isfinite(due) != np.isfinite(came)
    if odd.any():
        first = int(np.flatnonzero(odd)[0])
        kind = "not finite" if np.isfinite(due[first]) else "finite"
        at = float(due[first]), float(came[first])
        return Deviation(kind, finding.quantity, at=at, differing=int(odd.sum()), entries=due.size, dtype=dtype)
    with np.errstate(invalid="ignore"):
        apart = np.where(np.isfinite(due), np.abs(came - due), 0.0)
    size = float(np.abs(due[np.isfinite(due)]).max(initial=0.0))
    worst, largest = int(apart.argmax()), float(apart.max())
    return Deviation(
        "number",
        finding.quantity,
        relative=largest / size if size else float(largest > 0),
        telling=min(1.0, largest / (size + UNIT)),
        at=(float(due[worst]), float(came[worst])),
        differing=int((apart > largest / 100).sum()),
        entries=due.size,
        dtype=dtype,
    )


def percent(share: float) -> str:
    """Write a relative error: as per cent where that can be read, as a factor beyond, as a power of ten below."""
    if share >= 10:
        return f"a factor of {share + 1:.3g}"
    if share < 1e-3:
        return f"{share:.1g} of itself"
    return f"{100 * share:.{0 if share >= 0.1 else 1}f} %"


def _apart(came: float, due: float) -> str:
    """Write two numbers in as few digits as tell them apart."""
    one = two = ""
    for digits in (4, 8, 12, 17):
        one, two = (people(np.asarray(number), digits).replace("nan", "NaN") for number in (came, due))
        if one != two:
            break
    return f"{one} for {two}"


def _decade(size: float) -> float:
    return float(np.log10(min(max(size, 1e-20), 1.0)))


def _without_numbers(words: str) -> str:
    """Return an error in its own words: without numbers, shapes, hints and the place in a kernel."""
    plain = re.split(r" \[Hint|\(at /", words)[0]
    return re.sub(r"#(?:[\s,x(\[\])]*#)*", "#", re.sub(r"-?\d[\d.e+-]*", "#", plain)).strip()
