"""Conventions: choices on which sound losses differ, as a claim names them, and which law tells of each."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from properties.errors import did_you_mean

DENOMINATORS: Mapping[str, str] = {
    "count": "the number of valid elements",
    "weights": "the sum of the weights of the valid elements",
    "elements": "the number of all elements, ignored ones too",
    "batch": "the length of the first axis",
    "entries": "the number of valid elements times that of classes",
    "all-entries": "the number of all entries of the logits",
    "positives": "the number of positive labels, at least 1",
    "one": "1, so that it is the sum",
}
"""What a mean may divide by, by name. Where several are the same number, the first one is named."""

NOTHING: Mapping[str, str] = {"zero": "0", "nan": "NaN"}
"""What the mean of no element may be, by name."""

PRECISIONS = ("float32",)
"""Precisions that a layer may compute in whatever it is given."""

WIDER: Mapping[str, tuple[str, ...]] = {"float32": ("float64",)}
"""The dtypes in which a layer is not asked that computes in this precision."""

EACH = "*elements"
"""The ending of an epsilon that is added to a share of the elements, and so once for each of them to their number."""

TOLD_BY: Mapping[str, str] = {
    "denominator": "conventions/denominator",
    "nothing": "conventions/nothing",
    "gradient": "conventions/gradient",
    "epsilon": "numerics/epsilon",
    "precision": "numerics/precision-inside",
}
"""The law that says of a layer that its convention is not the contract's, by convention."""

CHOICES = "conventions/choices"
"""The law that says it of the choices that arguments of the contract stand for."""

OF_PRECISION = frozenset({"numerics/precision-inside", "numerics/epsilon", "numerics/result-dtype", "conduct/answers"})
"""Laws that ask in float64 also where a layer was found to compute in float32."""


def law_of(convention: str) -> str:
    """Return the law that tells of a convention."""
    return TOLD_BY.get(convention, CHOICES)


@dataclass(frozen=True)
class Divisor:
    """What a mean divides by: a denominator, and a number that is added to it, or to it for each of all elements.

    An empty ``name`` is the contract's own denominator.
    """

    name: str = ""
    epsilon: float = 0.0
    each: bool = False

    def __str__(self) -> str:
        return self.name if not self.epsilon else f"{self.name}+{self.added}"

    @property
    def added(self) -> str:
        """What is added, as a claim has it."""
        return f"{self.epsilon:g}{EACH if self.each else ''}"

    @classmethod
    def of(cls, text: str) -> Divisor:
        """Return what a claim says: a name, or a name and a number; ValueError for anything else."""
        name, plus, added = text.partition("+")
        if name in DENOMINATORS and (not plus or (epsilon := _positive(added.removesuffix(EACH)))):
            return cls(name, epsilon if plus else 0.0, added.endswith(EACH))
        raise ValueError(
            f"claim denominator must be one of {', '.join(DENOMINATORS)}, or one of them and a number that is added to "
            f"it (count+1e-5, count+1e-10{EACH}), got {text!r}{did_you_mean(name, DENOMINATORS)}"
        )


def _positive(text: str) -> float:
    """A finite number above 0; 0 where the text is none."""
    try:
        found = float(text)
    except ValueError:
        return 0.0
    return found if math.isfinite(found) and found > 0 else 0.0


@dataclass(frozen=True)
class Conventions:
    """What a layer does where its contract says something else: the divisor of its mean, and its mean of nothing.

    ``found`` is the divisor that it was found to have, for the law that says so.
    """

    divisor: Divisor = Divisor()
    nothing: str = "zero"
    found: Divisor = Divisor()

    @property
    def differ(self) -> bool:
        """Whether an answer has to be restated before the contract's laws can judge it."""
        return self.divisor != Divisor() or self.nothing != "zero"


def apart_from(law: str, adopted: Mapping[str, str], due: str) -> dict[str, str]:
    """Return adopted conventions without what one law tells of; ``due`` is the denominator that the contract says."""
    left = {name: value for name, value in adopted.items() if name == "denominator" or law_of(name) != law}
    if "denominator" in left and law in (TOLD_BY["denominator"], TOLD_BY["epsilon"]):
        divisor = Divisor.of(left.pop("denominator"))
        kept = Divisor(due, divisor.epsilon, divisor.each) if law == TOLD_BY["denominator"] else Divisor(divisor.name)
        if str(kept) != due:
            left["denominator"] = str(kept)
    return left


def telling(adopted: Mapping[str, str]) -> frozenset[str]:
    """Return the laws that tell of adopted conventions, one for each."""
    added = ["epsilon"] if Divisor.of(adopted.get("denominator", "weights")).epsilon else []
    return frozenset(law_of(name) for name in (*adopted, *added))
