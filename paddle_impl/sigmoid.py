"""The sigmoid's own cross entropy, exact in both tails."""

from __future__ import annotations

import paddle
import paddle.nn.functional as F
from paddle import Tensor

THRESHOLD = 50.0
"""Where softplus(x) is x in float64 too; Paddle's default of 20 is not."""


def softplus(x: Tensor) -> Tensor:
    """log(1 + exp(x))."""
    return F.softplus(x, threshold=THRESHOLD)


def logistic(x: Tensor, t: Tensor) -> Tensor:
    """-t log p - (1 - t) log(1 - p) with p = sigmoid(x), by operations that have derivatives of all orders."""
    # the two terms instead of softplus(x) - x t, which cancels where t is 1
    return softplus(x) * (1.0 - t) + softplus(-x) * t


def signs(t: Tensor) -> Tensor | None:
    """1 - 2t where all targets are 0 and 1: then p (1 - t) + (1 - p) t = sigmoid((1 - 2t) x), and BCE its softplus."""
    if 0 in t.shape or not paddle.in_dynamic_mode():
        return None
    sign = paddle.scale(t, -2.0, 1.0)
    return sign if sign.abs().min().item() == 1.0 else None


def parts(x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    """p (1 - t) and (1 - p) t: p - t is their difference and 1 - p_t their sum, and neither loses digits in a tail."""
    return F.sigmoid(x).multiply_(1.0 - t), F.sigmoid(-x).multiply_(t)


def logistic_value(x: Tensor, t: Tensor) -> Tensor:
    """The value of :func:`logistic` with one exponential: log(1 + exp(-|x|)) + max(x, 0) - x t."""
    return softplus(-x.abs()).add_(F.relu(x).subtract_(x * t))
