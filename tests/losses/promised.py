"""For each promise that a loss without an oracle may make, a loss that keeps it and one that breaks it alone."""

import paddle
from paddle import nn

from tests.mutants.sound import SoundCrossEntropy


class CrossEntropy(SoundCrossEntropy):
    """Invariant to a shift, never below 0, 0 at certainty, the same under other names of the classes."""

    def __init__(self, ignore_index=-100, reduction="mean"):
        super().__init__(None, ignore_index, reduction)


class OfDirections(CrossEntropy):
    """Goes by the direction of an element's logits: a factor on them changes nothing."""

    def losses(self, rows, targets):
        size = (rows * rows).sum(axis=1, keepdim=True).sqrt()
        plain = paddle.where(size > 0, size, paddle.ones_like(size))
        return super().losses(rows / plain, targets)


class WithDecay(CrossEntropy):
    """Adds a part of the squares of the logits: a shift changes it."""

    def losses(self, rows, targets):
        return super().losses(rows, targets) + (rows * rows).sum(axis=1) * paddle.full([], 1e-3, rows.dtype)


class BelowZero(CrossEntropy):
    """A reward for each element, whatever its logits are."""

    def losses(self, rows, targets):
        return super().losses(rows, targets) - paddle.full([], 0.5, rows.dtype)


class NeverGone(CrossEntropy):
    """Something is left where nothing is wrong."""

    def losses(self, rows, targets):
        return super().losses(rows, targets) + paddle.full([], 0.5, rows.dtype)


class FirstClassCounts(CrossEntropy):
    """Elements in which the first class is likely count more."""

    def losses(self, rows, targets):
        likely = nn.functional.sigmoid(rows[:, 0] - rows.mean(axis=1))
        return super().losses(rows, targets) * (1 + likely)


PROMISED = {
    "shift": (CrossEntropy, WithDecay),
    "sign": (CrossEntropy, BelowZero),
    "certain": (CrossEntropy, NeverGone),
    "classes": (CrossEntropy, FirstClassCounts),
    "scale": (OfDirections, CrossEntropy),
}
"""By the name of the promise, who keeps it and who breaks it."""
