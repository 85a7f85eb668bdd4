"""Departures of shapes that are broadcast: targets with an axis too many, so that elements meet those of others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from properties.departures.departure import Departure, Refused, Settings
from properties.problems.precision import Array
from properties.problems.problem import ENTRIES, Problem
from reference import Answer


def _with_axis(axis: int) -> Callable[[], Settings]:
    """Targets have one more axis, of length 1, and are broadcast against the logits."""

    def rewrite(problem: Problem) -> Problem:
        if problem.targets not in ENTRIES or not problem.labels.ndim:
            return problem
        labels = np.expand_dims(problem.labels, axis)
        try:
            shape = np.broadcast_shapes(problem.logits.shape, labels.shape)
        except ValueError as error:
            raise Refused("shapes that cannot be broadcast") from error
        mask = problem.label_weight
        return problem.replace(
            logits=np.broadcast_to(problem.logits, shape),
            labels=np.broadcast_to(labels, shape),
            label_weight=None if mask is None else np.broadcast_to(np.expand_dims(mask, axis), shape),
            cotangent=None,
        )

    def finish(problem: Problem, answer: Answer) -> Answer:
        gradient, scale = (_summed(array, problem.shape) for array in (answer.gradient, answer.gradient_scale))
        return replace(answer, gradient=gradient, gradient_scale=scale + 4.0 * np.abs(gradient), alternatives=())

    return lambda: {"rewrite": (rewrite,), "finish": (finish,)}


def _summed(array: Array, shape: tuple[int, ...]) -> Array:
    """The sum over the axes that were broadcast from this shape."""
    array = array.sum(axis=tuple(range(array.ndim - len(shape))))
    stretched = tuple(i for i, (have, had) in enumerate(zip(array.shape, shape, strict=True)) if have != had)
    return np.asarray(array.sum(axis=stretched, keepdims=True))


def _of_entries(problem: Problem) -> bool:
    return problem.targets in ENTRIES and problem.labels.ndim > 0


OF_BROADCAST = (
    Departure(
        "targets-with-an-axis-after-the-first",
        "Targets get an axis after the first, and are broadcast: every row meets the targets of every other.",
        _with_axis(1),
        harm=6,
        applies=_of_entries,
    ),
    Departure(
        "targets-with-an-axis-at-the-end",
        "Targets get an axis at the end, and are broadcast: every entry meets the targets of others.",
        _with_axis(-1),
        harm=6,
        applies=_of_entries,
    ),
)
