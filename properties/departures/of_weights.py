"""Departures of class weights: which weight a class has, where it is applied, and where it is missing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from properties.departures.departure import Departure, Settings, with_weights
from properties.departures.parts import weight_of_elements
from properties.problems.precision import Array
from properties.problems.problem import Problem

Weights = Callable[[Array, Problem], Array]


def _other(change: Weights) -> Callable[[Problem], Problem]:
    def rewrite(problem: Problem) -> Problem:
        if problem.weight is None:
            return problem
        with np.errstate(invalid="ignore", divide="ignore"):
            return problem.replace(weight=change(problem.weight, problem))

    return rewrite


def _whole(change: Weights) -> Callable[[], Settings]:
    return lambda: {"rewrite": (_other(change),)}


def _in_losses(change: Weights) -> Callable[[], Settings]:
    return lambda: {"numerator": (_other(change),)}


def without_weights(problem: Problem) -> Problem:
    """Return the problem without class weights."""
    return problem.replace(weight=None)


def _as_text(weight: Array, problem: Problem) -> Array:
    """The weights of class names that were sorted as text: 0, 1, 10, 11, 2, ..."""
    order = sorted(range(len(weight)), key=str)
    return weight[order]


def _by_text(weight: Array, problem: Problem) -> Array:
    order = sorted(range(len(weight)), key=str)
    found = np.empty_like(weight)
    found[order] = weight
    return found


def _over(total: Callable[[Array], float]) -> Weights:
    def change(weight: Array, problem: Problem) -> Array:
        by = total(weight)
        return weight / by if by else weight

    return change


def _of_batch(weight: Array, problem: Problem) -> Array:
    mean = weight_of_elements(problem).sum() / max(float(problem.valid.sum()), 1.0)
    return weight / mean if mean else weight


KINDS: dict[str, tuple[str, Weights]] = {
    "squared": ("squared", lambda w, p: w * w),
    "rooted": ("the square roots of what they should be", lambda w, p: np.sqrt(w)),
    "reversed": ("those of the classes in reverse order", lambda w, p: w[::-1].copy()),
    "shifted-up": ("those of the next class", lambda w, p: np.roll(w, -1)),
    "shifted-down": ("those of the class before", lambda w, p: np.roll(w, 1)),
    "sorted": ("sorted by size", lambda w, p: np.sort(w)),
    "sorted-as-text": ("those of classes whose numbers were sorted as text: 0, 1, 10, 2", _as_text),
    "written-as-text": ("written to classes whose numbers were sorted as text: 0, 1, 10, 2", _by_text),
    "over-sum": ("divided by their sum", _over(lambda w: float(w.sum()))),
    "over-mean": ("divided by their mean", _over(lambda w: float(w.mean()))),
    "over-largest": ("divided by the largest", _over(lambda w: float(w.max(initial=0.0)))),
    "over-batch": ("divided by their mean over the valid elements of the batch", _of_batch),
    "whole": ("rounded down to whole numbers", lambda w, p: np.floor(w)),
    "one-more": ("1 more than they should be", lambda w, p: w + 1.0),
    "at-least-one": ("1 at least", lambda w, p: np.maximum(w, 1.0)),
    "at-most-one": ("1 at most", lambda w, p: np.minimum(w, 1.0)),
}

OTHER_WEIGHTS = (
    *(
        Departure(
            f"weights-{name}",
            f"Class weights are {words}.",
            _whole(change),
            needs=("weight",),
            harm=15,
            applies=with_weights,
        )
        for name, (words, change) in KINDS.items()
    ),
    *(
        Departure(
            f"weights-{name}-in-losses",
            f"Class weights are {words}; the mean divides by the sum of those that are given.",
            _in_losses(change),
            needs=("weight",),
            harm=15,
            applies=with_weights,
        )
        for name, (words, change) in KINDS.items()
    ),
)


def _twice(weight: Array, problem: Problem) -> Array:
    return weight * weight


WHERE = (
    Departure(
        "weights-unread",
        "Class weights are taken and not used.",
        lambda: {"rewrite": (without_weights,)},
        needs=("weight",),
        harm=15,
        applies=with_weights,
    ),
    Departure(
        "weights-missing-in-losses",
        "Class weights are in the mean's denominator and not in the losses.",
        lambda: {"numerator": (without_weights,)},
        needs=("weight",),
        harm=15,
        applies=with_weights,
    ),
    Departure(
        "weights-missing-in-gradient",
        "Class weights are in the value and not in the gradient.",
        lambda: {"slopes": (without_weights,)},
        needs=("weight",),
        harm=15,
        applies=with_weights,
    ),
    Departure(
        "weights-missing-in-value",
        "Class weights are in the gradient and not in the value.",
        lambda: {"values": (without_weights,)},
        needs=("weight",),
        harm=15,
        applies=with_weights,
    ),
    Departure(
        "weights-squared-in-gradient",
        "Class weights are squared in the gradient.",
        lambda: {"slopes": (_other(_twice),)},
        needs=("weight",),
        harm=15,
        applies=with_weights,
    ),
)

OF_WEIGHTS = (*WHERE, *OTHER_WEIGHTS)
