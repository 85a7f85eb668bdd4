"""What the kernel formulas of contracts are evaluated with: operations on Paddle's tensors, and their reduction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import paddle
import paddle.nn.functional as F

from properties.judging.kernel_formula import KernelLosses
from properties.problems.precision import Array


class CannotSayError(Exception):
    """The kernel has no way to be told what the problem asks."""


class PaddleOperations:
    """The operations that formulas may use, on tensors of Paddle."""

    def expm1(self, x: Any) -> Any:
        """exp(x) - 1."""
        return paddle.expm1(x)

    def sigmoid(self, x: Any) -> Any:
        """1 / (1 + exp(-x))."""
        return F.sigmoid(x)

    def power(self, base: Any, exponent: float) -> Any:
        """base^exponent without the infinite slope at 0."""
        positive = base > 0
        power = paddle.where(positive, base, paddle.ones_like(base)) ** exponent
        return power if exponent == 0.0 else paddle.where(positive, power, base)

    def numbers(self, x: Any) -> Array:
        """The numbers of a tensor."""
        return np.asarray(x.detach().numpy(), dtype=np.float64)

    def constant(self, numbers: Array, like: Any) -> Any:
        """A tensor of numbers."""
        return paddle.to_tensor(numbers, dtype=like.dtype)


OPERATIONS = PaddleOperations()


def reduced(element: Any, of: KernelLosses, divisor: Callable[[], float]) -> Any:
    """The losses of elements, reduced as the arguments say; a mean divides by ``divisor()`` where none is given."""
    reduction, normalizer = of.arguments["reduction"], of.arguments.get("normalizer")
    if reduction not in ("none", "sum", "mean"):
        raise CannotSayError
    if reduction == "none":
        return element
    total = element.sum()
    if reduction == "sum":
        return total
    denominator = divisor() if normalizer is None else normalizer
    if denominator == 0.0:
        # zeros that a gradient still reaches the logits through
        nothing = paddle.zeros_like(element)
        return paddle.where(nothing > 0, element, nothing).sum()
    return total / denominator
