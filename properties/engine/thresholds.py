"""Thresholds: from how many elements or classes on a contradiction shows, and other ingredients that are no option.

Each is found by taking it away: with fewer elements, with classes that all occur, with an axis of two, the same case
shows nothing any more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from properties.engine.trial import Trial
from properties.problems.domain import NEVER_OCCURS, Dimension, counts_zero
from properties.problems.membership import reason_outside
from properties.problems.problem import Problem

Stands = Callable[[Problem], bool]

FEW = 3
"""Fewer elements or classes than so many are no threshold: two are told in other words."""

MOST_CLASSES = 24
"""Of more classes only some are taken away one at a time."""


def thresholds(problem: Problem, trial: Trial, stands: Stands) -> Iterator[str]:
    """The thresholds in words, of a problem that is as small as could be found."""
    fixed = frozenset(trial.law.precondition)

    def shown(*variants: Problem) -> bool | None:
        """Whether any of the variants shows it; None where none of them may be asked."""
        may = [one for one in variants if not reason_outside(one, trial.askable)]
        return any(stands(one) for one in may) if may else None

    if "size" not in fixed:
        yield from _number_of_elements(problem, shown)
    if "classes" not in fixed and not problem.entrywise:
        yield from _number_of_classes(problem, shown)
    yield from _axis_of_one(problem, fixed, shown)
    # which labels there are decides on what an ignore_index matches, and weights on what an element adds
    plain = (
        problem.weight is None and trial.law.family != "ignore" and not any(map(counts_zero, problem.config.values()))
    )
    if problem.targets == "hard" and plain:
        yield from _class_without_elements(problem, shown)
    yield from _not_whole(problem, fixed, trial.askable.dimensions, shown)


Shown = Callable[..., "bool | None"]


def _number_of_elements(problem: Problem, shown: Shown) -> Iterator[str]:
    """From how many elements on it shows, where it is their number that does it: one element, repeated, is enough."""
    valid = np.flatnonzero(problem.valid.reshape(-1))
    if len(valid) < FEW:
        return
    for one in dict.fromkeys((int(valid[0]), int(valid[-1]))):

        def crowd(size: int, one: int = one) -> Problem:
            return problem.take(np.full(size, one))

        if shown(crowd(len(valid))):
            least = _least(len(valid), lambda size: bool(shown(crowd(size))))
            fewer = dict.fromkeys((1, 2, (least - 1) // 2, least - 1))
            if least >= FEW and not any(shown(crowd(size)) for size in fewer if size):
                yield f"at least {least} elements"
            return


def _least(most: int, holds: Callable[[int], bool]) -> int:
    """By bisection: a number up to ``most``, for which it holds, such that it does not for one less."""
    low, high = 0, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def _number_of_classes(problem: Problem, shown: Shown) -> Iterator[str]:
    """How many classes it takes: without any one of them, its elements taken to another class, it does not show."""
    classes = problem.classes
    if classes < FEW:
        return
    kept = problem.ignore_index if problem.ignore_index is not None else -1
    dropped = [c for c in range(classes - 1, -1, -1) if c != kept][:MOST_CLASSES]
    if shown(*(_without_class(problem, c) for c in dropped)) is False:
        yield f"at least {classes} classes"


def _without_class(problem: Problem, dropped: int) -> Problem:
    """One class less; its elements go to the one before it, the ids above it close up."""
    kept = np.setdiff1d(np.arange(problem.classes), [dropped])
    smaller = problem
    if problem.targets == "hard":
        labels = problem.labels.copy()
        known = problem.valid & (labels < problem.classes)
        labels[known & (labels >= max(dropped, 1))] -= 1
        smaller = problem.replace(labels=labels)
    if problem.ignore_index is not None and dropped < problem.ignore_index < problem.classes:
        moved = np.where(problem.valid, smaller.labels, problem.ignore_index - 1) if problem.targets == "hard" else None
        smaller = smaller.replace(ignore_index=problem.ignore_index - 1)
        smaller = smaller if moved is None else smaller.replace(labels=moved)
    return smaller.take_classes(kept)


def _axis_of_one(problem: Problem, fixed: frozenset[str], shown: Shown) -> Iterator[str]:
    """Whether an axis of length 1 does it, or a single element: with all such axes doubled it does not show."""
    single = [axis for axis, length in enumerate(problem.shape) if length == 1]
    if not single or problem.size == 0 or problem.logits.ndim < 2 or "size" in fixed:
        return
    if shown(_doubled(problem, single)) is not False:
        return
    if problem.size == 1 and not (len(single) > 1 and shown(*(_doubled(problem, [axis]) for axis in single))):
        yield "a single element"
    else:
        yield "an axis of length 1"


def _doubled(problem: Problem, axes: list[int]) -> Problem:
    """Every element twice along some axes of the elements."""
    logits, labels, mask, cotangent = problem.logits, problem.labels, problem.label_weight, problem.cotangent
    for axis in axes:
        place = axis if problem.entrywise else axis + (axis >= problem.axis % problem.logits.ndim)
        logits = np.repeat(logits, 2, place)
        labels = np.repeat(labels, 2, place if problem.targets == "soft" else axis)
        mask = None if mask is None else np.repeat(mask, 2, axis)
        if cotangent is not None and cotangent.ndim:
            cotangent = np.repeat(cotangent, 2, axis)
    return problem.replace(logits=logits, labels=labels, label_weight=mask, cotangent=cotangent)


def _class_without_elements(problem: Problem, shown: Shown) -> Iterator[str]:
    """Whether a class that no label names does it: with an element of each it does not show, with as many others it
    does."""
    valid = np.flatnonzero(problem.valid.reshape(-1))
    classes = [c for c in range(problem.classes) if c != problem.ignore_index]
    missing = sorted(set(classes) - set(problem.label_rows[valid].tolist()))
    if not len(valid) or not missing or len(missing) > MOST_CLASSES or problem.reduction == "none":
        return
    grown = problem.take([*range(problem.size), *[valid[0]] * len(missing)])
    labels = grown.label_rows.copy()
    labels[problem.size :] = missing
    if shown(grown) and shown(grown.with_labels(labels)) is False:
        yield NEVER_OCCURS


def _not_whole(
    problem: Problem, fixed: frozenset[str], dimensions: Mapping[str, Dimension], shown: Shown
) -> Iterator[str]:
    """Which arguments must not be whole numbers: at the whole ones beside it does not show, at others it does."""
    for name, value in problem.config.items():
        if name in fixed or name not in dimensions or not isinstance(value, float) or value.is_integer():
            continue
        dimension = dimensions[name]
        if not dimension.chosen and dimension.kind is None and dimension.expand is None:
            allowed = [v for v in _neighbours(value) if _allows(dimension, v)]
            whole = [v for v in (*dimension.values, *allowed) if _is_whole(v)]
            others = [v for v in (*dimension.values, *allowed) if isinstance(v, float) and not _is_whole(v)]
            apart = [v for v in others if v != value]
            if shown(*_configured(problem, name, whole)) is False and shown(*_configured(problem, name, apart)):
                yield f"{name} not whole"


def _neighbours(value: float) -> tuple[float, ...]:
    low = float(np.floor(value))
    return (low, low + 1.0, value + 1.0)


def _is_whole(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and float(value).is_integer()


def _allows(dimension: Dimension, value: float) -> bool:
    return dimension.accepts is not None and dimension.accepts(value)


def _configured(problem: Problem, name: str, values: list[Any]) -> list[Problem]:
    return [problem.configure(**{name: value}) for value in dict.fromkeys(values)]
