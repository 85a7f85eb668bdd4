"""Sound losses of single entries in plain NumPy: every number of the logits has a target of its own."""

import numpy as np

from ..registry import sound
from .checks import check_choice, check_classes, check_finite, check_normalizer, check_number, check_shape
from .classes import Loss
from .tape import Var, sigmoid, softplus, where


class EntryLoss(Loss):
    """Losses of entries x [n] with targets t [n]."""

    probabilities = True

    def __init__(self, ignore_index=-100, reduction="mean", axis=1, denominator="weights"):
        check_choice("reduction", reduction, ("none", "sum", "mean"))
        check_choice("denominator", denominator, ("weights", "count"))
        self.ignore_index, self.reduction, self.axis, self.denominator = ignore_index, reduction, axis, denominator

    def __call__(self, logits, labels, label_weight=None, normalizer=None):
        leaf = Var(logits)
        result = self.loss(leaf, labels, label_weight, normalizer).astype(logits.dtype)
        return result.value, lambda upstream: self.backward(result, leaf, upstream)

    def loss(self, logits, labels, label_weight, normalizer):
        check_normalizer(normalizer, self.reduction)
        x, t, valid = self.arrange(logits, labels, label_weight)
        losses = self.masked(self.weighted(self.losses(x, t), x, t, valid), valid)
        return self.reduce(losses, x, t, valid, logits.shape, normalizer)

    def arrange(self, logits, labels, label_weight):
        """Entries, targets and a mask, all flat."""
        axis = self.axis % logits.ndim if logits.ndim > 1 else 0
        targets, valid = self.targets(logits, labels, axis)
        if label_weight is not None:
            self.check_shape("label_weight", labels.shape, label_weight.shape)
            mask = label_weight > 0
            valid = valid & (mask if labels.ndim == logits.ndim else np.expand_dims(mask, axis))
        valid = np.broadcast_to(valid, logits.shape).reshape(-1)
        t = np.where(valid, targets.reshape(-1), 0).astype(np.result_type(logits.dtype, np.float32))
        self.check_targets(t)
        return self.clean(self.widened(logits).reshape(-1), valid), t, valid

    def targets(self, logits, labels, axis):
        """Targets in the logits' shape and which of them count; class ids become one-hot."""
        if np.issubdtype(labels.dtype, np.floating) or labels.shape == logits.shape:
            self.check_shape("labels", logits.shape, labels.shape)
            return labels, self.mask(labels)
        self.check_shape("labels", [n for k, n in enumerate(logits.shape) if k != axis], labels.shape)
        check_classes(labels, logits.shape[axis], self.ignore_index)
        valid = self.mask(labels)
        hot = self.one_hot(np.where(valid, labels, 0), logits.shape[axis])
        return np.moveaxis(hot, -1, axis), np.expand_dims(valid, axis)

    def check_shape(self, name, expected, got):
        check_shape(name, expected, got)

    def check_targets(self, t):
        bad = t[~((t >= 0) & (t <= 1))]
        if self.probabilities and bad.size:
            raise ValueError(f"labels must lie in [0, 1], got {bad[0]}")
        if not self.probabilities:
            check_finite("labels", np.abs(t))

    def one_hot(self, ids, classes):
        return np.eye(classes)[ids]

    def mask(self, targets):
        return np.ones(targets.shape, bool) if self.ignore_index is None else targets != self.ignore_index

    def clean(self, x, valid):
        return where(valid, x, np.zeros((), x.dtype))

    def masked(self, losses, valid):
        return where(valid, losses, 0.0)

    def weighted(self, losses, x, t, valid):
        return losses

    def losses(self, x, t):
        return self.binary_cross_entropy(x, t)

    def binary_cross_entropy(self, x, t):
        return softplus(x) - x * t

    def reduce(self, losses, x, t, valid, shape, normalizer):
        if self.reduction == "none":
            return losses.reshape(shape)
        if self.reduction == "sum":
            return losses.sum()
        return self.over(losses.sum(), self.total(losses, x, t, valid) if normalizer is None else normalizer)

    def total(self, losses, x, t, valid):
        """The denominator of the mean."""
        return valid.sum()

    def over(self, total, divisor):
        """A quotient, 0 over 0."""
        return total / divisor if divisor else total * 0.0


@sound(backend="numpy")
class SigmoidFocal(EntryLoss):
    """alpha_t (1 - p_t)^gamma times the binary cross entropy of every entry."""

    contract = "sigmoid_focal"

    def __init__(self, gamma=2.0, alpha=0.25, ignore_index=-100, reduction="mean", axis=1, denominator="weights"):
        super().__init__(ignore_index, reduction, axis, denominator)
        check_number("gamma", gamma)
        if alpha is not None:
            check_number("alpha", alpha, 0.0, 1.0)
        self.gamma, self.alpha = gamma, alpha

    def losses(self, x, t):
        return self.focused(self.binary_cross_entropy(x, t), x, t) * self.balance(t)

    def focused(self, losses, x, t):
        return losses * self.modulation(self.miss(x, t))

    def miss(self, x, t):
        """1 - p_t = p (1 - t) + (1 - p) t."""
        return sigmoid(x) * (1 - t) + sigmoid(-x) * t

    def modulation(self, miss):
        return miss.clip(low=np.finfo(miss.dtype).tiny) ** self.gamma

    def balance(self, t):
        """alpha for the targets 1, 1 - alpha for the targets 0."""
        if self.alpha is None:
            return np.ones_like(t)
        return (self.alpha * t + (1 - self.alpha) * (1 - t)).astype(t.dtype)
