"""The precision to compute in, and the way there and back."""

from __future__ import annotations

import paddle
from paddle import Tensor

HALF_OF_SMALLEST = 2.0**-25
"""Half of the smallest float16: what is smaller rounds to 0."""


def working(dtype: paddle.dtype) -> paddle.dtype:
    """The precision to compute in: half precisions have no kernels on the CPU and no digits to spare."""
    return paddle.float64 if dtype == paddle.float64 else paddle.float32


def widen(logits: Tensor) -> Tensor:
    """The logits in the precision to compute in; the very same Tensor where they have it."""
    if logits.dtype == working(logits.dtype):
        return logits
    scores = logits.astype(working(logits.dtype))
    if _cast_is_broken(logits) and not scores.stop_gradient:
        scores.register_hook(_flushed_to_zero)
    return scores


def narrow(loss: Tensor, logits: Tensor) -> Tensor:
    """The loss in the dtype of the logits."""
    if loss.dtype == logits.dtype:
        return loss
    return (_flushed_to_zero(loss) if _cast_is_broken(logits) else loss).astype(logits.dtype)


def constant(value: float, like: Tensor) -> Tensor:
    """A 0-d Tensor of the other's dtype: a Python number is a float32 in ``pow``, ``where`` and static programs."""
    return paddle.full([], value, dtype=like.dtype)


def _flushed_to_zero(tensor: Tensor) -> Tensor:
    """What rounds to 0 in float16 set to 0, before Paddle casts it.

    Paddle 3.3's cast from float32 to float16 on the CPU makes up to 1.2e-4 of numbers between 2^-87 and 2^-77.
    """
    return paddle.where(tensor.abs() < HALF_OF_SMALLEST, paddle.zeros_like(tensor), tensor)


def _cast_is_broken(logits: Tensor) -> bool:
    return logits.dtype == paddle.float16 and paddle.in_dynamic_mode() and paddle.get_device() == "cpu"
