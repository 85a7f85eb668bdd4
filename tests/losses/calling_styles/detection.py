"""Sigmoid focal losses, called as toolboxes of detection call them."""

import paddle
from paddle import nn
from paddle.nn import functional as F

from tests.losses.calling_styles.parts import narrowed, over, widened
from tests.mutants.museum.checks import check_choice, check_classes, check_number, known
from tests.mutants.sound import power
from tests.mutants.sound_entries import softplus


class EntryLoss(nn.Layer):
    """A sigmoid focal loss of entries."""

    def __init__(self, gamma=2.0, alpha=0.25, reduction="mean", loss_weight=1.0):
        super().__init__()
        check_number("gamma", gamma)
        check_number("alpha", alpha, 0.0, 1.0)
        check_choice("reduction", reduction, ("none", "sum", "mean"))
        self.gamma, self.alpha, self.reduction, self.loss_weight = gamma, alpha, reduction, loss_weight

    def losses(self, logits, targets):
        """The loss of each entry, for its target 0 or 1."""
        x, t = widened(logits), targets.astype(widened(logits).dtype)
        rest = (-softplus(-x)).exp() * (1 - t) + (-softplus(x)).exp() * t
        return self.balance(t) * power(rest, self.gamma) * (softplus(x) - x * t)

    def balance(self, t):
        alpha = paddle.full([], self.alpha, t.dtype)
        return alpha * t + (1 - alpha) * (1 - t)

    def reduced(self, losses, avg_factor, dtype):
        losses = losses * self.loss_weight
        if avg_factor is not None and self.reduction != "mean":
            raise ValueError(f"avg_factor={avg_factor} goes with reduction='mean' alone, got {self.reduction!r}")
        if self.reduction == "none":
            return narrowed(losses, dtype)
        if self.reduction == "sum":
            return narrowed(losses.sum(), dtype)
        number = losses.size if avg_factor is None else avg_factor
        return narrowed(over(losses.sum(), paddle.full([], number, losses.dtype)), dtype)


class BackgroundFocal(EntryLoss):
    """Labels are class ids; id C is background, which is no class."""

    def forward(self, pred, target, avg_factor=None):
        assert pred.ndim == 2
        check_classes(known(target), pred.shape[1] + 1, None)
        hot = self.without_background(F.one_hot(target.astype("int64"), pred.shape[1] + 1))
        return self.reduced(self.losses(pred, hot), avg_factor, pred.dtype)

    def without_background(self, hot):
        return hot[:, :-1]


class BackgroundIsFirst(BackgroundFocal):
    """Drops the column of the first class in place of the background's."""

    def without_background(self, hot):
        return hot[:, 1:]


class FocalOfProbabilities(EntryLoss):
    """Takes probabilities, as they come from a sigmoid, and targets of their shape and dtype."""

    def forward(self, pred, target):
        assert pred.shape == target.shape
        p, t = widened(pred), target.astype(widened(pred).dtype)
        if not bool(((p >= 0) & (p <= 1)).all()):
            raise ValueError("pred must be probabilities")
        chosen = p * t + (1 - p) * (1 - t)
        losses = self.balance(t) * power(1 - chosen, self.gamma) * -chosen.log()
        return self.reduced(losses, None, pred.dtype)


class FocalOfProbabilitiesPositives(FocalOfProbabilities):
    """alpha weighs the positives, and nothing the negatives."""

    def balance(self, t):
        alpha = paddle.full([], self.alpha, t.dtype)
        return alpha * t + (1 - t)


class TargetsFirst(EntryLoss):
    """Targets come first; ``avg_factor`` is the denominator."""

    def forward(self, target, pred, avg_factor=None):
        assert pred.shape == target.shape
        if not target.is_floating_point():
            raise TypeError(f"target must be a float Tensor, got {target.dtype}")
        return self.reduced(self.losses(pred, target), avg_factor, pred.dtype)


class TargetsFirstPerImage(TargetsFirst):
    """With ``avg_factor`` the sum is divided by the number of entries, too."""

    def reduced(self, losses, avg_factor, dtype):
        return super().reduced(losses if avg_factor is None else losses / losses.size, avg_factor, dtype)
