"""Departures of labels and layout: classes along another axis, elements in another order, ids taken for rows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from properties.departures.departure import Departure, Settings
from properties.problems.problem import Labels, Problem


def _labels(change: Callable[[Problem], Labels]) -> Callable[[], Settings]:
    def rewrite(problem: Problem) -> Problem:
        if problem.targets != "hard" or not problem.size:
            return problem
        return problem.replace(labels=change(problem).astype(problem.labels.dtype).reshape(problem.labels.shape))

    return lambda: {"rewrite": (rewrite,)}


def _shifted(step: int) -> Callable[[Problem], Labels]:
    def change(problem: Problem) -> Labels:
        return np.where(problem.valid, (problem.labels + step) % problem.classes, problem.labels)

    return change


def _reversed(problem: Problem) -> Labels:
    return np.where(problem.valid, problem.classes - 1 - problem.labels, problem.labels)


def _last_size_is_c(problem: Problem) -> bool:
    """Whether class labels have as many elements along their last axis as there are classes."""
    shape = problem.given_labels.shape
    return problem.targets == "hard" and bool(shape) and shape[-1] == problem.classes


OF_LABELS = (
    Departure("labels-one-more", "A label means the class after it.", _labels(_shifted(1)), harm=5),
    Departure("labels-one-less", "A label means the class before it.", _labels(_shifted(-1)), harm=5),
    Departure("labels-reversed", "Labels count the classes from the last one.", _labels(_reversed), harm=5),
    Departure(
        "raises-on-labels-of-last-size-c",
        "Labels whose last axis has as many elements as there are classes are taken for soft ones, and it raises.",
        refuses=_last_size_is_c,
        harm=25,
    ),
)


def _turned(problem: Problem) -> Problem:
    """Targets 0 for 1, and 1 for 0."""
    if problem.targets not in ("binary", "probability"):
        return problem
    labels = np.where(problem.valid, 1.0 - problem.labels, problem.labels)
    return problem.replace(labels=labels.astype(problem.labels.dtype))


def _positive(problem: Problem) -> Problem:
    if problem.targets not in ("binary", "probability"):
        return problem
    labels = np.where(problem.valid, (problem.labels > 0) * 1.0, problem.labels)
    return problem.replace(labels=labels.astype(problem.labels.dtype))


def _ones_alone(problem: Problem) -> Problem:
    if problem.targets not in ("binary", "probability"):
        return problem
    labels = np.where(problem.valid, (problem.labels == 1) * 1.0, problem.labels)
    return problem.replace(labels=labels.astype(problem.labels.dtype))


OF_TARGETS = (
    Departure("targets-turned", "Targets of 0 and 1 are exchanged.", lambda: {"rewrite": (_turned,)}, harm=5),
    Departure("targets-above-zero-are-one", "Targets above 0 count as 1.", lambda: {"rewrite": (_positive,)}, harm=20),
    Departure(
        "targets-below-one-are-zero", "Targets below 1 count as 0.", lambda: {"rewrite": (_ones_alone,)}, harm=20
    ),
)
