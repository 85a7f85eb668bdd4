"""Conditions: on which problems a layer departs or raises, in words that go on after "where"."""

from __future__ import annotations

from collections.abc import Callable

from properties.problems.problem import Problem

Holds = Callable[[Problem], bool]

AND = "+"
"""Between the names of conditions of which all must hold."""


def _ignored(problem: Problem) -> bool:
    return not problem.valid.all()


def _given(problem: Problem) -> bool:
    """Whether ignore_index is a class."""
    return problem.ignore_index is not None and 0 <= problem.ignore_index < problem.classes


def _outside(problem: Problem) -> bool:
    """An ignored label that is no class."""
    return _ignored(problem) and problem.ignore_index is not None and not _given(problem)


def _smoothed(problem: Problem) -> bool:
    return bool(problem.config.get("label_smoothing"))


def _shared(problem: Problem) -> bool:
    return problem.targets == "soft" or _smoothed(problem)


def _last(problem: Problem) -> bool:
    return not problem.entrywise and problem.axis % problem.logits.ndim == problem.logits.ndim - 1


def _strided(problem: Problem) -> bool:
    """Logits with their axes in memory turned around, of which two have a length at least."""
    return problem.layout == "strided" and sum(length > 1 for length in problem.logits.shape) > 1


CONDITIONS: dict[str, tuple[str, Holds]] = {
    "weighted": ("there are class weights", lambda p: p.weight is not None),
    "unweighted": ("there are no class weights", lambda p: p.weight is None),
    "mean": ("the reduction is mean", lambda p: p.reduction == "mean"),
    "sum": ("the reduction is sum", lambda p: p.reduction == "sum"),
    "unreduced": ("the reduction is none", lambda p: p.reduction == "none"),
    "reduced": ("the reduction is mean or sum", lambda p: p.reduction != "none"),
    "smoothed": ("the labels are smoothed", _smoothed),
    "unsmoothed": ("the labels are not smoothed", lambda p: not _smoothed(p)),
    "soft-labels": ("the labels are probabilities", lambda p: p.targets == "soft"),
    "hard-labels": ("the labels are classes", lambda p: p.targets == "hard"),
    "shared": ("the labels are smoothed or are probabilities", _shared),
    "unshared": ("the labels are classes and not smoothed", lambda p: not _shared(p)),
    "ignored": ("an element is ignored", _ignored),
    "ignored-outside": ("an ignored label is no class", _outside),
    "nothing-ignored": ("no element is ignored", lambda p: not _ignored(p)),
    "nothing-valid": ("every element is ignored", lambda p: bool(p.size) and not p.valid.any()),
    "none-valid": ("no element is valid", lambda p: not p.valid.any()),
    "something-valid": ("an element is valid", lambda p: bool(p.valid.any())),
    "default-ignore-index": ("ignore_index is -100", lambda p: p.ignore_index == -100),
    "other-ignore-index": ("ignore_index is not -100", lambda p: p.ignore_index != -100),
    "ignore-index-of-a-class": ("ignore_index is a class", _given),
    "ignore-index-below-zero": ("ignore_index is below 0", lambda p: p.ignore_index is not None and p.ignore_index < 0),
    "ignore-index-of-minus-one": ("ignore_index is -1", lambda p: p.ignore_index == -1),
    "ignore-index-of-zero": ("ignore_index is 0", lambda p: p.ignore_index == 0),
    "no-ignore-index": ("ignore_index is None", lambda p: p.ignore_index is None),
    "normalizer": ("a normalizer is given", lambda p: p.normalizer is not None),
    "no-normalizer": ("no normalizer is given", lambda p: p.normalizer is None),
    "counted": ("the mean divides by the count", lambda p: p.config.get("denominator") == "count"),
    "weighed-by-class": ("soft_weight is torch", lambda p: p.config.get("soft_weight") == "torch"),
    "weighed-by-element": ("soft_weight is paddle", lambda p: p.config.get("soft_weight") == "paddle"),
    "an-empty-batch": ("the batch is empty", lambda p: p.size == 0),
    "one-element": ("there is one element", lambda p: p.size == 1),
    "square": ("there are as many elements as classes", lambda p: p.size == p.classes and not p.entrywise),
    "one-class": ("there is one class", lambda p: p.classes == 1 and not p.entrywise),
    "two-classes": ("there are two classes", lambda p: p.classes == 2),
    "one-axis": ("the logits have one axis", lambda p: p.logits.ndim == 1),
    "two-axes": ("the logits have two axes", lambda p: p.logits.ndim == 2),
    "three-axes": ("the logits have more than two axes", lambda p: p.logits.ndim > 2),
    "four-axes": ("the logits have four axes", lambda p: p.logits.ndim == 4),
    "other-axis": ("the class axis is not the second", lambda p: p.axis not in (1, 1 - p.logits.ndim)),
    "last-axis": ("the classes lie along the last axis", _last),
    "axis-of-one": ("an axis of the labels has length 1", lambda p: p.size > 0 and 1 in p.shape),
    "not-contiguous": ("the logits are not contiguous", _strided),
    "int32-labels": ("the labels are int32", lambda p: p.label_dtype == "int32"),
    "gamma-of-zero": ("gamma is 0", lambda p: p.config.get("gamma") == 0),
}
"""By name: the words, and whether a problem is such a one; the plainest first."""


def holds(name: str, problem: Problem) -> bool:
    """Whether a condition, or all of those that are joined in its name, hold for a problem; '' always does."""
    return all(CONDITIONS[each][1](problem) for each in name.split(AND)) if name else True


def in_words(name: str) -> str:
    """Return a condition, or several that are joined, as a clause: "where ... and ..."."""
    return "where " + " and ".join(CONDITIONS[each][0] for each in name.split(AND))
