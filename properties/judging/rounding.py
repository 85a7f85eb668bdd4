"""How far two answers of one layer may lie apart: by its own rounding, whatever the oracle says of the loss."""

from __future__ import annotations

import numpy as np

from properties.judging.tolerance import Match, compare
from properties.problems.precision import SMALLEST_NORMAL, Array
from properties.problems.problem import Problem
from reference import BUDGET, UNIT_ROUNDOFF

LARGEST_SCALE = float(np.finfo(np.float64).max)


def agreement(
    got: Array, other: Array, scale: Array | float, dtype: str, quantity: str = "value", floor: Array | float = 0.0
) -> Match:
    """Hold two answers of one layer against each other: same shape, same NaN and inf, no difference beyond rounding.

    Either is rounded to the precision that it has, so that a few roundings of their own size are no difference, even
    where ``scale`` is 0; below the smallest normal number a rounding is as large as there. ``floor`` is that number of
    the call that ``other`` was made from, and what it became: below it an answer may be flushed to zero.
    """
    if got.shape != other.shape:
        return compare(got, other, np.zeros(other.shape), dtype, quantity)
    with np.errstate(invalid="ignore", over="ignore"):
        own = magnitudes(got) + magnitudes(other) + SMALLEST_NORMAL[dtype] + np.abs(floor)
        # a sum that overflows must not count as no scale at all
        whole = np.minimum(own + np.where(np.isfinite(scale), scale, 0.0), LARGEST_SCALE)
    return compare(got, other, whole, dtype, quantity, floor)


def magnitudes(numbers: Array) -> Array:
    """How large numbers are; NaN and inf have no size, since they are compared as they are."""
    return np.where(np.isfinite(numbers), np.abs(numbers), 0.0)


def own_scale(numbers: Array, expected: Array, scale: Array, problem: Problem) -> Array:
    """The error scale of a layer's numbers, from the oracle's ``scale`` of what it ``expected`` there.

    The oracle knows how its own formula rounds. Where a number is not the oracle's, another formula made it, perhaps
    where the oracle has exactly 0, with a scale of 0. Such a number rounds as a sum of exponentials does: by a few
    units of its own size for each unit of the logits; and as the oracle's largest do, for it may be a difference.
    """
    if numbers.shape != expected.shape or numbers.shape != scale.shape:
        return scale
    unit = UNIT_ROUNDOFF[problem.dtype]
    with np.errstate(invalid="ignore", over="ignore"):
        room = BUDGET * unit * (scale + SMALLEST_NORMAL[problem.dtype])
        foreign = (numbers != expected) & ~(np.abs(numbers - expected) <= room)
        if not foreign.any():
            return scale
        more = np.minimum(magnitudes(numbers) * condition_number(problem) + largest_scale(scale), LARGEST_SCALE)
        return np.where(foreign, scale + more, scale)


def largest_scale(scale: Array) -> float:
    """The largest finite scale; 0 where there is none."""
    return float(scale[np.isfinite(scale)].max(initial=0.0))


def condition_number(problem: Problem) -> float:
    """How many roundings of its own size a number of a loss has, where nobody knows its formula.

    As cross entropy has: the exponential of a logit by the logit, and sums by their length.
    """
    rows = problem.rows[problem.valid.reshape(-1)]
    finite = np.isfinite(rows)
    rows = np.where(finite, rows, 0.0)
    high, low = rows.max(axis=1, initial=0.0), rows.min(axis=1, initial=0.0)
    spread = float((high - low).max(initial=0.0))
    return float(1.0 + spread + np.log(problem.classes) + problem.classes / 8.0 + np.log2(max(problem.size, 1)))
