"""Tolerance: decides whether numbers differ by rounding alone: by the budget of roundoffs at most."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from properties.judging.observation import Observation
from properties.problems.precision import LARGEST, SMALLEST_NORMAL, Array
from reference import BUDGET, UNIT_ROUNDOFF, Answer

# held here: a layer runs in the process that judges it, and may replace NumPy's
_abs, _isfinite, _isnan, _maximum, _sign, _where = np.abs, np.isfinite, np.isnan, np.maximum, np.sign, np.where
_inf, _tiny = float("inf"), float(np.finfo(np.float64).tiny)


@dataclass(frozen=True)
class Match:
    """Whether two arrays agree, and how many units (u * scale) of the error budget their difference uses."""

    holds: bool
    used: float
    quantity: str = ""
    expected: Array | None = None
    got: Array | None = None


def compare(
    got: Array, expected: Array, scale: Array, dtype: str, quantity: str = "value", floor: Array | float = 0.0
) -> Match:
    """Compare ``got`` with ``expected``: same shape, same NaN and inf, differences within BUDGET * u * scale.

    A result that is flushed to zero below the smallest normal number is no error, nor is an overflow of a number that
    the dtype cannot hold. Where ``expected`` is a layer's own answer, it may be flushed too if it is below ``floor``.
    """
    if got.shape != expected.shape:
        return Match(False, _inf, f"shape of the {quantity}", expected, got)
    with np.errstate(invalid="ignore", over="ignore"):
        finite = _isfinite(expected)
        room = _abs(expected) > LARGEST[dtype] * (1.0 - 2.0**-8)
        odd = _where(finite, ~_isfinite(got) & ~(room & (got == _sign(expected) * _inf)), got != expected)
        odd &= ~(_isnan(expected) & _isnan(got))
        if odd.any():
            return Match(False, _inf, quantity, expected, got)
        error = _where(finite & _isfinite(got), _abs(got - expected), 0.0)
        # below the smallest normal number results may be flushed to zero, and are a spacing apart
        flushed = (got == 0.0) & (_abs(expected) < SMALLEST_NORMAL[dtype])
        flushed |= (expected == 0.0) & (_abs(got) < floor)
        spacing = 2.0 * UNIT_ROUNDOFF[dtype] * (SMALLEST_NORMAL[dtype] + floor)
        error = _where(flushed, 0.0, _maximum(error - spacing, 0.0))
        unit = UNIT_ROUNDOFF[dtype] * _where(_isfinite(scale), scale, 0.0)
        used = _where(error > 0, error / _maximum(unit, _tiny), 0.0)
    worst = float(used.max(initial=0.0))
    return Match(worst <= BUDGET, worst, quantity, expected, got)


def judge(observation: Observation, answer: Answer, dtype: str, *, value: bool = True, gradient: bool = True) -> Match:
    """Compare an observation with every admissible answer: value and gradient must match the same one.

    Return the match with the answer that is closest to the observation.
    """
    return closest_answer(observation, answer, dtype, value=value, gradient=gradient)[0]


def closest_answer(
    observation: Observation, answer: Answer, dtype: str, *, value: bool = True, gradient: bool = True
) -> tuple[Match, Answer]:
    """Return the match with the admissible answer closest to an observation, and that answer."""
    best: tuple[Match, Answer] | None = None
    for candidate in candidate_answers(observation, answer):
        match = _judge_one(observation, candidate, dtype, value, gradient)
        if match.holds:
            return match, candidate
        if best is None or match.used < best[0].used:
            best = match, candidate
    assert best is not None
    return best


def candidate_answers(observation: Observation, answer: Answer) -> tuple[Answer, ...]:
    """Return the admissible answers to compare an observation with; of a continuum of answers, the nearest one too."""
    if answer.nearest is None or observation.value.shape != answer.value.shape:
        return answer.admissible
    gradient = observation.gradient
    if gradient is not None and gradient.shape != answer.gradient.shape:
        return answer.admissible
    return (*answer.admissible, answer.nearest(observation.value, gradient))


def _judge_one(observation: Observation, answer: Answer, dtype: str, value: bool, gradient: bool) -> Match:
    """Return the first mismatch of value and gradient, or else the match of both."""
    used = 0.0
    if value:
        match = compare(observation.value, answer.value, answer.value_scale, dtype)
        if not match.holds:
            return match
        used = match.used
    if gradient and observation.gradient is not None:
        match = compare(observation.gradient, answer.gradient, answer.gradient_scale, dtype, "gradient")
        if not match.holds:
            return match
        used = max(used, match.used)
    return Match(True, used)
