"""Departures of the slopes of a softmax alone: one of their two terms is another, whatever the value is."""

from __future__ import annotations

import numpy as np

from properties.departures.departure import Departure, Settings
from properties.departures.of_softmax import CROSS_ENTROPY
from properties.departures.softmax_parts import softmax_rows
from properties.problems.precision import Array
from properties.problems.problem import Problem

FACTORS = (0.0, 2.0, 0.5, -1.0)


def _label_times(factor: float) -> Settings:
    """Slopes p sum(q) - q with another multiple of q."""
    return {"turn": (lambda slope, rows, q: slope + (1.0 - factor) * q,)}


def _softmax_times(factor: float) -> Settings:
    def turned(slope: Array, rows: Array, q: Array) -> Array:
        return np.asarray(slope + (factor - 1.0) * softmax_rows(rows) * q.sum(axis=1, keepdims=True))

    return {"turn": (turned,)}


def _of_sum_one(slope: Array, rows: Array, q: Array) -> Array:
    """Slopes p - q, which are right where the row q sums to 1."""
    valid = (q != 0).any(axis=1, keepdims=True)
    return np.asarray(slope + softmax_rows(rows) * (1.0 - q.sum(axis=1, keepdims=True)) * valid)


def _of_rows(problem: Problem) -> bool:
    return problem.targets == "soft"


OF_SLOPES = (
    Departure(
        "label-slope-times-a-factor",
        "In the slope p - q the labels q are {factor} times what they should be.",
        _label_times,
        {"factor": FACTORS},
        harm=14,
    ),
    Departure(
        "softmax-slope-times-a-factor",
        "In the slope p - q the softmax p is {factor} times what it should be.",
        _softmax_times,
        {"factor": FACTORS},
        harm=14,
    ),
    Departure(
        "slope-of-rows-that-sum-to-one",
        "Soft labels whose rows do not sum to 1 have the slope of rows that do.",
        lambda: {"turn": (_of_sum_one,)},
        inherited=CROSS_ENTROPY,
        harm=78,
        applies=_of_rows,
    ),
)
