"""Rounding: how far two answers of one layer may be apart; ``tolerance`` then compares them."""

from __future__ import annotations

import numpy as np

from properties.judging.tolerance import Match, compare
from properties.problems.precision import LARGEST, SMALLEST_NORMAL, Array
from properties.problems.problem import Problem
from reference import BUDGET, UNIT_ROUNDOFF

LARGEST_SCALE = LARGEST["float64"]
"""The largest error scale: a scale that overflows is no scale at all."""


# held here: a layer runs in the process that judges it, and may replace NumPy's
_abs, _isfinite, _minimum, _where = np.abs, np.isfinite, np.minimum, np.where


def agreement(
    got: Array, other: Array, scale: Array | float, dtype: str, quantity: str = "value", floor: Array | float = 0.0
) -> Match:
    """Compare two answers of one layer: same shape, same NaN and inf, no difference beyond rounding.

    Both are rounded numbers, so that a few roundings relative to their own size are no difference, even where ``scale``
    is 0; below the smallest normal number a rounding is as large as there. ``floor`` is the smallest normal number of
    the call that ``other`` comes from, transformed as ``other`` is: below it an answer may be flushed to zero.
    """
    if got.shape != other.shape:
        return compare(got, other, np.zeros(other.shape), dtype, quantity)
    with np.errstate(invalid="ignore", over="ignore"):
        own = magnitudes(got) + magnitudes(other) + SMALLEST_NORMAL[dtype] + _abs(floor)
        # a sum that overflows must not count as no scale at all
        whole = _minimum(own + _where(_isfinite(scale), scale, 0.0), LARGEST_SCALE)
    return compare(got, other, whole, dtype, quantity, floor)


def magnitudes(numbers: Array) -> Array:
    """Return absolute values; 0 for NaN and inf, which are compared as they are."""
    return _where(_isfinite(numbers), _abs(numbers), 0.0)


def own_scale(numbers: Array, expected: Array, scale: Array, problem: Problem) -> Array:
    """Return the error scale of a layer's numbers, given the oracle's numbers (``expected``) and their ``scale``.

    The oracle knows how its own formula rounds. A number that differs from the oracle's comes from another formula,
    perhaps where the oracle has exactly 0, with a scale of 0. Such a number is taken to round as a sum of exponentials
    does, by a few units of its own size for each unit of the logits; and as much as the oracle's largest number, since
    it may be a difference of such numbers.
    """
    if numbers.shape != expected.shape or numbers.shape != scale.shape:
        return scale
    unit = UNIT_ROUNDOFF[problem.dtype]
    with np.errstate(invalid="ignore", over="ignore"):
        room = BUDGET * unit * (scale + SMALLEST_NORMAL[problem.dtype])
        foreign = (numbers != expected) & ~(_abs(numbers - expected) <= room)
        if not foreign.any():
            return scale
        more = _minimum(magnitudes(numbers) * condition_number(problem) + largest_scale(scale), LARGEST_SCALE)
        return _where(foreign, scale + more, scale)


def largest_scale(scale: Array) -> float:
    """Return the largest finite scale; 0 where there is none."""
    return float(scale[_isfinite(scale)].max(initial=0.0))


def condition_number(problem: Problem) -> float:
    """Return by how many roundings of its own size a number of a loss may err where its formula is not known.

    It is that of cross entropy: an exponential errs in proportion to its logit, and a sum to its length.
    """
    rows = problem.rows[problem.valid.reshape(-1)]
    finite = _isfinite(rows)
    rows = _where(finite, rows, 0.0)
    high, low = rows.max(axis=1, initial=0.0), rows.min(axis=1, initial=0.0)
    spread = float((high - low).max(initial=0.0))
    return float(1.0 + spread + np.log(problem.classes) + problem.classes / 8.0 + np.log2(max(problem.size, 1)))
