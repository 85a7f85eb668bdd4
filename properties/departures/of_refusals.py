"""Departures of layers that raise where they should answer: on which problems, the plainest description first."""

from __future__ import annotations

from collections.abc import Callable

from properties.departures.conditions import holds
from properties.departures.departure import Departure
from properties.problems.problem import Problem


def _ignored(problem: Problem) -> bool:
    return not problem.valid.all()


def _outside(problem: Problem) -> bool:
    """An ignored label that is no class."""
    index = problem.ignore_index
    return _ignored(problem) and index is not None and not 0 <= index < problem.classes


def _top_k_is_zero(problem: Problem) -> bool:
    fraction, k = problem.config.get("top_k"), problem.config.get("k")
    if k is not None or "top_k" not in problem.config:
        return False
    return int((0.7 if fraction is None else fraction) * problem.valid.sum()) < 1


def _looked_up(problem: Problem) -> bool:
    bins = problem.config.get("bins")
    return isinstance(bins, float) and int(1 / bins) * bins < 1.0


CONDITIONS: dict[str, tuple[str, Callable[[Problem], bool]]] = {
    "always": ("whatever it is asked", lambda p: True),
    "an-empty-batch": ("on an empty batch", lambda p: p.size == 0),
    "one-element": ("on one element", lambda p: p.size == 1),
    "nothing-valid": ("where every element is ignored", lambda p: bool(p.size) and not p.valid.any()),
    "ignored": ("where an element is ignored", _ignored),
    "ignored-outside": ("where an ignored label is no class", _outside),
    "ignored-and-weighted": (
        "where an element is ignored and there are class weights",
        lambda p: _ignored(p) and p.weight is not None,
    ),
    "ignored-outside-and-weighted": (
        "where an ignored label is no class and there are class weights",
        lambda p: _outside(p) and p.weight is not None,
    ),
    "ignored-unreduced": (
        "where an element is ignored and the reduction is none",
        lambda p: _outside(p) and p.reduction == "none",
    ),
    "weighted": ("where there are class weights", lambda p: p.weight is not None),
    "unreduced": ("where the reduction is none", lambda p: p.reduction == "none"),
    "square": ("where there are as many elements as classes", lambda p: p.size == p.classes and p.logits.ndim == 2),
    "one-class": ("where there is one class", lambda p: p.classes == 1 and not p.entrywise),
    "two-classes": ("where there are two classes", lambda p: p.classes == 2),
    "one-axis": ("where the logits have one axis", lambda p: p.logits.ndim == 1),
    "two-axes": ("where the logits have two axes", lambda p: p.logits.ndim == 2),
    "three-axes": ("where the logits have more than two axes", lambda p: p.logits.ndim > 2),
    "four-axes": ("where the logits have four axes", lambda p: p.logits.ndim == 4),
    "axis-of-one": ("where an axis of the labels has length 1", lambda p: p.size > 0 and 1 in p.shape),
    "other-axis": ("where the class axis is not the second", lambda p: p.axis not in (1, 1 - p.logits.ndim)),
    "not-contiguous": ("where the logits are not contiguous", lambda p: holds("not-contiguous", p)),
    "no-ignore-index": ("where ignore_index is None", lambda p: p.ignore_index is None),
    "soft-labels": ("where the labels are probabilities", lambda p: p.targets == "soft"),
    "smoothed": ("where the labels are smoothed", lambda p: bool(p.config.get("label_smoothing"))),
    "int32-labels": ("where the labels are int32", lambda p: p.label_dtype == "int32"),
    "k-of-zero": ("where int(fraction * n) is 0", _top_k_is_zero),
    "uneven-width": ("where 1 / width is no whole number", _looked_up),
}

OF_REFUSALS = tuple(
    Departure(
        f"raises-{name}" if name == "always" else f"raises-on-{name}",
        f"It raises {words}.",
        refuses=condition,
        harm=6 if name == "always" else 25,
    )
    for name, (words, condition) in CONDITIONS.items()
)

RAISES = Departure("raises", "It raises.", refuses=lambda problem: True, harm=26)
"""What is said of a layer, with a condition, where none of the above fits."""
