"""Granularity: what has a loss of its own, an element, an entry, an image or a batch, and which laws that leaves."""

from __future__ import annotations

from collections.abc import Mapping

ELEMENT = "element"

WORDS: Mapping[str, str] = {
    "element": "every element has a loss of its own",
    "entry": "every entry of the logits has a loss of its own: the mean is over entries",
    "image": "the elements of an image have one loss in common: laws of elements by themselves are not asked",
    "batch": "the elements of a batch have one loss in common: laws of elements by themselves are not asked",
}
"""What each of them means, in words for a report."""

_OF_SUMS = frozenset({"weights/zero-weight", "denominator/zero-normalizer"})
_OF_SETS = frozenset(
    {
        "shape/rank",
        "ignore/deleting-is-masking",
        "ignore/inside-classes",
        "ignore/sentinels",
        "ignore/many-ignored",
    }
)

WITHOUT: Mapping[str, frozenset[str]] = {
    "element": frozenset(),
    # an element whose class has weight 0 has entries of other classes
    "entry": frozenset({"weights/zero-weight", "shape/none-label-axis"}),
    # a mean over images counts one that is wholly ignored; an image of other elements is another image
    "image": _OF_SUMS | _OF_SETS | {"shape/none-label-axis"},
    "batch": _OF_SUMS,
}
"""Ids of laws that do not hold for a sound loss of each granularity."""


def shares(granularity: str) -> bool:
    """Whether elements have a loss in common, so that one of them by itself has none."""
    return granularity in ("image", "batch")


def is_unreduced_by_element(granularity: str) -> bool:
    """Whether an unreduced loss has a number for each element."""
    return granularity not in ("entry", "image")
