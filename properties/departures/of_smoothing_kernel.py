"""Departures of what Paddle's cross entropy makes of smoothed labels: soft ones, of which it ignores none."""

from __future__ import annotations

import numpy as np

from properties.departures.departure import Departure, in_means, with_ignored, with_smoothing
from properties.problems.problem import Problem

CROSS_ENTROPY = "paddle.nn.functional.cross_entropy"


def _smoothing(problem: Problem) -> bool:
    return problem.targets == "hard" and with_smoothing(problem)


def _last(problem: Problem) -> bool:
    return problem.axis in (-1, problem.logits.ndim - 1) or problem.logits.ndim == 1


def _raises(problem: Problem) -> bool:
    """Whether one-hot labels, classes last, do not have the shape of the logits, or a label is none of them."""
    if not _smoothing(problem):
        return False
    last = problem.logits.shape[-1]
    shaped = problem.given_labels.ndim < problem.logits.ndim and (*problem.labels.shape, last) == problem.logits.shape
    return not shaped or bool(((problem.labels < 0) | (problem.labels >= last)).any())


def _ignored_class(problem: Problem) -> bool:
    return _smoothing(problem) and with_ignored(problem)


def _unignored(problem: Problem) -> Problem:
    return problem.replace(ignore_index=None)


def _over_entries(problem: Problem) -> bool:
    return _smoothing(problem) and in_means(problem) and problem.ignore_index is not None and problem.ignore_index >= 0


def _elsewhere(problem: Problem) -> bool:
    return _smoothing(problem) and not _last(problem) and problem.size > 0


def _classes_last(problem: Problem) -> Problem:
    """One-hot labels with their classes along the last axis, read along the axis of the logits' classes."""
    smoothing = float(problem.config["label_smoothing"])
    last = problem.logits.shape[-1]
    hot = (problem.labels[..., None] == np.arange(last)) * 1.0
    shares = (1.0 - smoothing) * hot + smoothing / last
    return problem.replace(labels=shares, targets="soft").configure(label_smoothing=0.0)


OF_SMOOTHING_KERNEL = (
    Departure(
        "raises-on-smoothed-labels-that-do-not-fit",
        "Smoothed labels become one-hot along the last axis: where that is not the classes', or a label is no class, "
        "it raises.",
        refuses=_raises,
        needs=("label_smoothing",),
        inherited=CROSS_ENTROPY,
        harm=27,
    ),
    Departure(
        "smoothed-labels-are-never-ignored",
        "Where labels are smoothed none is ignored: each counts as the class that it names.",
        lambda: {"rewrite": (_unignored,)},
        needs=("label_smoothing", "ignore_index"),
        inherited=CROSS_ENTROPY,
        harm=27,
        applies=_ignored_class,
    ),
    Departure(
        "smoothed-mean-over-entries",
        "Where labels are smoothed and ignore_index is 0 or more, the mean divides by C times its denominator.",
        lambda: {"added": (lambda divisor, problem: divisor * problem.classes,)},
        needs=("label_smoothing",),
        inherited=CROSS_ENTROPY,
        harm=27,
        applies=_over_entries,
    ),
    Departure(
        "smoothed-labels-classes-last",
        "The classes of smoothed labels lie along the last axis, whatever the axis.",
        lambda: {"rewrite": (_classes_last,)},
        needs=("label_smoothing",),
        inherited=CROSS_ENTROPY,
        harm=27,
        applies=_elsewhere,
    ),
)
