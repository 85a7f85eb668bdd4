"""Constants of a layer's source as logits: the numbers at which its branches, clips and regions begin."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from properties.problem import Array, Problem, round_to

STEPS = (0, 0, 1, -1, 0, 2, -2, 1, -1, 3, -3, 0)
"""Units in the last place beside a constant."""

BESIDE = (0.0, 0.0, 0.0, 0.0, 1e-6, -1e-6, 1e-3, -1e-3)
"""Distances from it, relative to its size, where it is certain on which side a number lies."""


@lru_cache(maxsize=4096)
def as_logits(constant: float, classes: int, limit: float) -> tuple[float, ...]:
    """Logits that have something to do with a constant: itself, its logarithm; a probability or a loss of that size.

    The probability and the loss are those of a label whose logit stands beside zeros of the other ``classes`` - 1, or
    of a single entry.
    """
    others = math.log(classes - 1) if classes > 1 else 0.0
    found = [constant, -constant]
    if constant > 0:
        found += [math.log(constant), -math.log(constant)]
    if 0 < constant < 1:
        logit = math.log(constant) - math.log1p(-constant)
        found += [others + logit, others - logit]
    if 0 < constant < 500:
        gap = others - math.log(math.expm1(constant))
        found += [gap, -gap]
    return tuple(dict.fromkeys(z for z in found if abs(z) <= limit)) or (0.0,)


def beside(number: float, dtype: str, steps: int) -> float:
    """A number as a dtype has it, so many units in the last place further from zero (or nearer to it)."""
    near = float(round_to(np.array([number]), dtype)[0])
    if dtype == "bfloat16":
        bits = np.array([near], dtype=np.float32).view(np.int32) + (steps << 16)
        moved = float(bits.view(np.float32)[0])
    else:
        kind = np.dtype(dtype).type
        moved = near
        for _ in range(abs(steps)):
            moved = float(np.nextafter(kind(moved), kind(math.copysign(math.inf, moved) if steps > 0 else 0.0)))
    return moved if math.isfinite(moved) else near


def placed(problem: Problem, place: bytes, constants: tuple[float, ...], limit: float) -> Problem:
    """A problem with a constant at some of its logits; ``place`` says which, where, and how near."""
    which, form, step, where, chosen, coarse = place
    rows = problem.rows.copy()
    if not rows.size:
        return problem
    forms = as_logits(constants[which % len(constants)], problem.classes if not problem.entrywise else 1, limit)
    number = forms[form % len(forms)]
    number += number * BESIDE[step // len(STEPS) % len(BESIDE)]
    # float32 inside a float64 layer has neighbours of its own
    finest = "float32" if problem.dtype == "float64" and coarse % 4 == 3 else problem.dtype
    number = beside(number, finest, STEPS[step % len(STEPS)])
    elements = _elements(len(rows), chosen)
    _write(problem, rows, elements, number, where)
    return problem.with_rows(round_to(rows, problem.dtype))


def _elements(n: int, chosen: int) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """The elements that a byte chooses, eight by eight; the first where it chooses none."""
    index = np.arange(n)
    found = index[(chosen >> (index % 8)) & 1 == 1]
    return found if len(found) else index[:1]


def _write(
    problem: Problem, rows: Array, elements: np.ndarray[tuple[int], np.dtype[np.intp]], number: float, where: int
) -> None:
    """Put a number at the label's logit of some elements, beside zeros or what is there, or at another class's."""
    if problem.entrywise:
        offset = problem.label_rows[elements] if problem.targets == "real" else 0.0
        rows[elements, 0] = offset + number
        return
    soft = problem.targets == "soft"
    labels = problem.label_rows[elements].argmax(axis=1) if soft else problem.label_rows[elements]
    column = np.where((labels >= 0) & (labels < problem.classes), labels, 0).astype(np.int64)
    if where % 4 == 3:
        column = (column + 1) % problem.classes
    if where % 4 != 2:
        rows[elements] = 0.0
    rows[elements, column] = number
