"""Departures by place: an element, or a class, that counts otherwise than the others."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from properties.departures.departure import Departure, Settings, with_weights
from properties.problems.precision import Array
from properties.problems.problem import Problem

FACTORS = (2.0, 0.0, 0.5)


def _elements(place: int) -> Callable[[float], Settings]:
    def settings(factor: float) -> Settings:
        def numbers(problem: Problem) -> Array:
            found = np.ones(problem.size)
            if problem.size:
                found[place] = factor
            return found

        return {"element-weights": numbers}

    return settings


def _class(place: int) -> Callable[[float], Settings]:
    def settings(factor: float) -> Settings:
        def rewrite(problem: Problem) -> Problem:
            weight = np.ones(problem.classes) if problem.weight is None else problem.weight.copy()
            weight[place] *= factor
            return problem.replace(weight=weight)

        return {"rewrite": (rewrite,)}

    return settings


def _at_least(least: float) -> Settings:
    def rewrite(problem: Problem) -> Problem:
        return problem if problem.weight is None else problem.replace(weight=np.maximum(problem.weight, least))

    return {"rewrite": (rewrite,)}


def _uniform(problem: Problem) -> Problem:
    if problem.weight is not None:
        return problem
    return problem.replace(weight=np.full(problem.classes, 1.0 / problem.classes))


def _unweighted_where_nothing_weighs(problem: Problem) -> Problem:
    if problem.weight is None or problem.targets != "hard":
        return problem
    labels = problem.labels[problem.valid]
    return problem if problem.weight[labels].sum() > 0 else problem.replace(weight=None)


def _unweighted(problem: Problem) -> bool:
    return problem.weight is None


OF_ELEMENTS_BY_PLACE = (
    Departure(
        "first-element-times-a-factor",
        "The first element counts {factor} times.",
        _elements(0),
        {"factor": FACTORS},
        harm=14,
    ),
    Departure(
        "last-element-times-a-factor",
        "The last element counts {factor} times.",
        _elements(-1),
        {"factor": FACTORS},
        harm=14,
    ),
)

OF_CLASSES_BY_PLACE = (
    Departure(
        "first-class-times-a-factor",
        "The first class weighs {factor} times what it should.",
        _class(0),
        {"factor": FACTORS},
        needs=("weight",),
        harm=14,
    ),
    Departure(
        "last-class-times-a-factor",
        "The last class weighs {factor} times what it should.",
        _class(-1),
        {"factor": FACTORS},
        needs=("weight",),
        harm=14,
    ),
    Departure(
        "weights-at-least",
        "Class weights are {least} at least.",
        _at_least,
        {"least": (1e-3, 1e-2, 1e-4, 1e-6, 0.1)},
        needs=("weight",),
        harm=35,
        applies=with_weights,
    ),
    Departure(
        "no-weights-are-uniform-ones",
        "Without class weights each class weighs 1 / C.",
        lambda: {"rewrite": (_uniform,)},
        needs=("weight",),
        harm=14,
        applies=_unweighted,
    ),
    Departure(
        "weightless-is-unweighted",
        "Where all weights that occur are 0, every element weighs 1.",
        lambda: {"rewrite": (_unweighted_where_nothing_weighs,)},
        needs=("weight",),
        harm=35,
        applies=with_weights,
    ),
)
