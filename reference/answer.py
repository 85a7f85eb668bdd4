"""What an oracle answers: value, gradient, how inexact a sound implementation may be, and every other right answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

BUDGET = 8.0
"""Errors up to ``BUDGET * unit_roundoff * scale`` are rounding; one number for the whole project."""

UNIT_ROUNDOFF = {"float64": 2.0**-53, "float32": 2.0**-24, "float16": 2.0**-11, "bfloat16": 2.0**-8}
"""Half the distance from 1 to the next number, by dtype name."""


@dataclass(frozen=True)
class Answer:
    """Value and gradient of a loss in float64, with the error scale of each number.

    ``value`` has the shape of the labels for ``reduction="none"`` and no axes otherwise; ``gradient`` has the shape of
    the logits and is the vector-Jacobian product with the cotangent that the oracle was given (ones by default).

    ``value_scale`` and ``gradient_scale`` say how large the error of a sound implementation can be, in units of the
    roundoff of its precision, so ``|layer - value| <= BUDGET * u * value_scale``.

    ``alternatives`` are the other admissible answers where the loss is discontinuous and the input lies within
    rounding of the jump. ``decided`` is False where there were too many of them to enumerate: then a disagreement
    proves nothing.

    ``nearest`` is there where the admissible answers are a continuum (the subdifferential at a kink): for a value and a
    gradient that somebody found, the admissible answer closest to them.
    """

    value: Array
    gradient: Array
    value_scale: Array
    gradient_scale: Array
    alternatives: tuple[Answer, ...] = ()
    decided: bool = True
    nearest: Callable[[Array, Array | None], Answer] | None = None

    @property
    def admissible(self) -> tuple[Answer, ...]:
        """This answer and its alternatives."""
        return (self, *self.alternatives)

    @property
    def ambiguous(self) -> bool:
        """Whether more than one answer is right, or too many to tell."""
        return bool(self.alternatives) or not self.decided or self.nearest is not None
