"""Boundary values: logits at which a branch, a clip or a region of a layer may begin, from constants of its source."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from properties.problems.precision import Array, round_to
from properties.problems.problem import Problem

STEPS = (0, 0, 0, 1, -1, 2, -2, 3, -3)
"""Units in the last place between a logit and a constant: away from zero, or (negative) towards it."""

DISTANCES = (1e-6, -1e-6, 1e-3, -1e-3)
"""Relative distances between a logit and a constant at which rounding cannot decide on which side the logit lies."""


def logits_of(constant: float, classes: int, limit: float) -> list[float]:
    """Return the logits for which a constant may be the logit, its exponential, the probability or the loss.

    Probability and loss are those of a label whose logit stands beside zeros of the other ``classes`` - 1, or of a
    single entry. Only logits up to ``limit`` in size are returned.
    """
    others = math.log(classes - 1) if classes > 1 else 0.0
    found = [constant, -constant]
    if constant > 0:
        found += [math.log(constant), -math.log(constant)]
    if 0 < constant < 1:
        logit = math.log(constant) - math.log1p(-constant)
        found += [others + logit, others - logit]
    if 0 < constant < 500:
        gap = math.log(math.expm1(constant))
        found += [others - gap, gap - others]
    return [z for z in dict.fromkeys(found) if abs(z) <= limit]


@lru_cache(maxsize=256)
def boundary_logits(constants: tuple[float, ...], classes: int, limit: float, dtype: str) -> Array:
    """Return all logits of the constants, each with its neighbours in a dtype."""
    exact = np.array([z for constant in constants for z in logits_of(constant, classes, limit)] or [0.0])
    found = [neighbours(exact, dtype, steps) for steps in STEPS]
    found += [round_to(exact * (1.0 + distance), dtype) for distance in DISTANCES]
    # float32 inside a float64 layer has neighbours of its own
    found += [round_to(neighbours(exact, "float32", steps), dtype) for steps in (0, 1, -1)]
    return np.stack(found, axis=1).reshape(-1)


def neighbours(numbers: Array, dtype: str, steps: int) -> Array:
    """Return the numbers rounded to a dtype and moved by ``steps`` units in the last place away from zero."""
    near = round_to(numbers, dtype)
    if dtype == "bfloat16":
        bits = near.astype(np.float32).view(np.int32) + (steps << 16)
        moved = bits.astype(np.int32).view(np.float32).astype(np.float64)
    else:
        moved = near.astype(dtype)
        for _ in range(abs(steps)):
            away = np.copysign(np.inf, moved) if steps > 0 else np.zeros_like(moved)
            moved = np.nextafter(moved, away.astype(dtype))
        moved = moved.astype(np.float64)
    return np.where(np.isfinite(moved) & (near != 0.0), moved, near)


def with_constants(problem: Problem, place: bytes, constants: tuple[float, ...], limit: float) -> Problem:
    """Return the problem with boundary values at some logits; ``place`` says which, at which elements, beside what."""
    rows = problem.rows.copy()
    if not rows.size:
        return problem
    known = boundary_logits(constants, problem.classes, limit, problem.dtype)
    where, chosen, stride = place[3:]
    elements = _elements(len(rows), chosen)
    # the same number everywhere, or another one at each element
    step = 0 if stride % 4 == 0 else 131 * stride + 1
    numbers = known[(int.from_bytes(place[:3]) + step * np.arange(len(elements))) % len(known)]
    _write(problem, rows, elements, numbers, where)
    return problem.with_rows(round_to(rows, problem.dtype))


def _elements(n: int, chosen: int) -> NDArray[np.intp]:
    """Return the elements that the bits of a byte choose, every eighth for each bit; all where it chooses none."""
    index = np.arange(n)
    found = index[(chosen >> (index % 8)) & 1 == 1]
    return found if len(found) else index


def _write(problem: Problem, rows: Array, elements: NDArray[np.intp], numbers: Array, where: int) -> None:
    """Write numbers into the rows of some elements: at the label's logit or the next one, beside zeros or as it is."""
    if problem.entrywise:
        around = problem.label_rows[elements] if problem.targets == "real" and where % 4 != 3 else 0.0
        rows[elements, 0] = around + numbers
        return
    soft = problem.targets == "soft"
    labels = problem.label_rows[elements].argmax(axis=1) if soft else problem.label_rows[elements]
    column = np.where((labels >= 0) & (labels < problem.classes), labels, 0).astype(np.int64)
    if where % 8 == 7:
        column = (column + 1) % problem.classes
    if where % 4 != 2:
        rows[elements] = 0.0
    rows[elements, column] = numbers
