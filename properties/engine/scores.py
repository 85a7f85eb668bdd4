"""What makes an example worth changing in a guided search."""

from __future__ import annotations

import math

from properties.judging.observed_case import ObservedCase

NEAR = -16.0
"""The logarithm of a number over the largest of its dtype from which on overflow is in reach."""


def scores(case: ObservedCase) -> dict[str, float]:
    """What makes an example worth changing: the budget that it used, and how near it came to overflow."""
    found = {}
    if case.used > 0:
        found[f"budget {case.problem.dtype}"] = math.log(case.used)
    if case.nearness > NEAR:
        found[f"overflow {case.problem.dtype}"] = case.nearness
    return found
