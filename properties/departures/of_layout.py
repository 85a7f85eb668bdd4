"""Departures of layout: logits whose classes are looked for along another axis, or in the order of the memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from properties.departures.departure import Departure, Settings
from properties.problems.precision import Array
from properties.problems.problem import Problem
from reference import Answer

Numbers = NDArray[Any]

Places = Callable[[Problem], Numbers]
"""For each logit that is asked for, in the logits' shape, the place where another one is read, in the flat logits."""


def _read(places: Places, with_labels: bool = False) -> Callable[[], Settings]:
    """Settings of a layer that reads other logits; the gradient goes to where they were read."""

    def rewrite(problem: Problem) -> Problem:
        read = problem.logits.reshape(-1)[places(problem)]
        turned = with_labels and problem.targets == "soft"
        labels = problem.labels.T.reshape(problem.labels.shape) if turned else problem.labels
        return problem.replace(logits=read, labels=labels)

    def back(problem: Problem, answer: Answer) -> Answer:
        place = places(problem).reshape(-1)
        return replace(
            answer, gradient=_added(place, answer.gradient), gradient_scale=_added(place, answer.gradient_scale)
        )

    return lambda: {"rewrite": (rewrite,), "finish": (back,)}


def _added(place: Numbers, array: Array) -> Array:
    found = np.zeros(array.size)
    np.add.at(found, place, array.reshape(-1))
    return found.reshape(array.shape)


def _numbered(problem: Problem) -> Numbers:
    return np.arange(problem.logits.size).reshape(problem.logits.shape)


def _not_moved(problem: Problem) -> Numbers:
    return problem.unflatten(_numbered(problem).reshape(problem.size, problem.classes))


def _of_axis(axis: int) -> Places:
    def places(problem: Problem) -> Numbers:
        moved = np.moveaxis(_numbered(problem), axis, -1)
        return problem.unflatten(moved.reshape(problem.size, problem.classes))

    return places


def _turned(problem: Problem) -> Numbers:
    return problem.unflatten(problem.flatten(_numbered(problem)).T)


def _in_memory(problem: Problem) -> Numbers:
    return np.asarray(_numbered(problem).T.reshape(problem.logits.shape))


def _backwards(problem: Problem) -> Numbers:
    return problem.unflatten(problem.flatten(_numbered(problem))[:, ::-1])


def _others_alike(axis: int) -> Callable[[Problem], bool]:
    """Whether another axis is as long as that of the classes, which lie elsewhere."""

    def applies(problem: Problem) -> bool:
        ndim = problem.logits.ndim
        if problem.entrywise or ndim < 2 or problem.axis % ndim == axis % ndim:
            return False
        return bool(problem.logits.shape[axis] == problem.classes)

    return applies


def _elsewhere(problem: Problem) -> bool:
    return not problem.entrywise and problem.axis % problem.logits.ndim != problem.logits.ndim - 1 and problem.size > 1


def _square(problem: Problem) -> bool:
    return not problem.entrywise and problem.size == problem.classes > 1


def _strided(problem: Problem) -> bool:
    return problem.layout == "strided" and problem.logits.ndim > 1


OF_LAYOUT = (
    Departure(
        "class-axis-not-moved",
        "The logits are reshaped to rows without the class axis having been moved to the end.",
        _read(_not_moved),
        harm=6,
        applies=_elsewhere,
    ),
    Departure(
        "class-axis-is-the-second",
        "The classes are looked for along the second axis, wherever it fits.",
        _read(_of_axis(1)),
        harm=6,
        applies=_others_alike(1),
    ),
    Departure(
        "class-axis-is-the-last",
        "The classes are looked for along the last axis, wherever it fits.",
        _read(_of_axis(-1)),
        harm=6,
        applies=_others_alike(-1),
    ),
    Departure(
        "square-is-turned",
        "As many elements as classes are read as classes of elements.",
        _read(_turned),
        harm=6,
        applies=_square,
    ),
    Departure(
        "read-in-memory-order",
        "Logits and labels are read in the order in which they lie in memory.",
        _read(_in_memory, with_labels=True),
        harm=6,
        applies=_strided,
    ),
    Departure(
        "logits-in-memory-order",
        "The logits are read in the order in which they lie in memory.",
        _read(_in_memory),
        harm=6,
        applies=_strided,
    ),
    Departure(
        "classes-reversed", "The classes of the logits are read from the last to the first.", _read(_backwards), harm=6
    ),
)
