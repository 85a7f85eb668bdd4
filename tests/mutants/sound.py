"""Sound losses, written another way than the package's layers, in steps that a mutant overrides one at a time."""

import math

import numpy as np
import paddle
from paddle import nn


class SoundCrossEntropy(nn.Layer):
    """Cross entropy over rows [n, C]."""

    def __init__(self, weight=None, ignore_index=-100, reduction="mean", axis=1):
        super().__init__()
        self.check_options(weight, reduction)
        self.weight, self.ignore_index, self.reduction, self.axis = weight, ignore_index, reduction, axis

    def forward(self, logits, labels):
        self.check(logits, labels)
        rows, targets = self.arrange(logits, labels)
        valid = self.mask(targets, rows.shape[1])
        targets = paddle.where(valid, targets, paddle.zeros_like(targets))
        rows = self.clean(rows, valid)
        losses = self.losses(rows, targets)
        weight = self.element_weight(targets, valid, rows)
        losses = losses * self.harmony(losses.detach(), valid) * weight
        losses = paddle.where(valid, losses, paddle.zeros_like(losses))
        return self.reduce(losses, weight, valid, labels.shape).astype(self.result_dtype(logits))

    def check_options(self, weight, reduction):
        if reduction not in ("none", "sum", "mean"):
            raise ValueError(f"reduction must be none, sum or mean, got {reduction!r}")
        if weight is not None:
            self.check_weight(weight.numpy())

    def check_weight(self, weight):
        bad = weight[~(np.isfinite(weight) & (weight >= 0))]
        if bad.size:
            raise ValueError(f"weight must be finite and >= 0, got {bad[0]}")

    def check(self, logits, labels):
        axis = self.class_axis(logits)
        classes = logits.shape[axis]
        self.check_weight_length(classes)
        expected = [d for k, d in enumerate(logits.shape) if k != axis]
        self.check_shape(expected, list(labels.shape))
        self.check_range(labels.numpy(), classes)

    def check_weight_length(self, classes):
        if self.weight is not None and self.weight.shape[0] != classes:
            raise ValueError(f"weight must have {classes} numbers, got {self.weight.shape[0]}")

    def check_shape(self, expected, got):
        if expected != got:
            raise ValueError(f"labels must have shape {expected}, got {got}")

    def check_range(self, labels, classes):
        ignored = np.zeros(labels.shape, bool) if self.ignore_index is None else labels == self.ignore_index
        bad = labels[~ignored & ((labels < 0) | (labels >= classes))]
        if bad.size:
            raise ValueError(f"labels must lie in [0, {classes}), got {bad.flatten()[0]}")

    def class_axis(self, logits):
        return 0 if logits.ndim == 1 else self.axis % logits.ndim

    def arrange(self, logits, labels):
        axis = self.class_axis(logits)
        order = [k for k in range(logits.ndim) if k != axis] + [axis]
        rows = self.widened(logits).transpose(order).reshape([labels.size, logits.shape[axis]])
        return rows, labels.reshape([-1]).astype("int64")

    @staticmethod
    def widened(logits):
        """In float32 at least. float16 gradients that round to 0 are set to 0: Paddle 3.3.1's cast does not do it."""
        if logits.dtype == paddle.float64:
            return logits
        wide = logits.astype("float32")
        if logits.dtype == paddle.float16 and not wide.stop_gradient:
            wide.register_hook(lambda g: paddle.where(g.abs() < 2.0**-25, paddle.zeros_like(g), g))
        return wide

    def mask(self, targets, classes):
        if self.ignore_index is None:
            return paddle.ones_like(targets).astype("bool")
        return targets != self.ignore_index

    def clean(self, rows, valid):
        return paddle.where(valid.unsqueeze(1), rows, paddle.zeros_like(rows))

    def losses(self, rows, targets):
        shifted = rows - rows.detach().max(axis=1, keepdim=True)
        return shifted.exp().sum(axis=1).log() - self.pick(shifted, targets)

    @staticmethod
    def pick(rows, targets):
        return paddle.take_along_axis(rows, targets.unsqueeze(1), 1).squeeze(1)

    def element_weight(self, targets, valid, rows):
        counted = valid.astype(rows.dtype)
        if self.weight is None:
            return counted
        return paddle.gather(self.weight.astype(rows.dtype), targets) * counted

    def harmony(self, losses, valid):
        return paddle.ones_like(losses)

    def reduce(self, losses, weight, valid, shape):
        if self.reduction == "none":
            return losses.reshape(shape)
        if self.reduction == "sum":
            return losses.sum()
        return self.mean(losses, weight, valid)

    def mean(self, losses, weight, valid):
        total = weight.sum()
        return losses.sum() / paddle.where(total > 0, total, paddle.ones_like(total))

    def result_dtype(self, logits):
        return logits.dtype


class SoundGHM(SoundCrossEntropy):
    """GHM-C over a softmax, by a one-hot matrix of regions."""

    def __init__(self, bins=10, weight=None, ignore_index=-100, reduction="mean", axis=1):
        super().__init__(weight, ignore_index, reduction, axis)
        self.check_bins(bins)
        self.regions, self.width = self.cut(bins)

    def check_bins(self, bins):
        if isinstance(bins, bool) or not isinstance(bins, (int, float)):
            raise TypeError(f"bins must be an int or a float, got {bins!r}")
        if not (bins >= 1 if isinstance(bins, int) else 0 < bins <= 1):
            raise ValueError(f"bins must be an int >= 1 or a float in (0, 1], got {bins!r}")

    def cut(self, bins):
        if isinstance(bins, int):
            return bins, 1 / bins
        return math.ceil(1 / bins - 1e-9), bins

    def region(self, norm):
        whole = self.width == 1 / self.regions
        steps = norm * self.regions if whole else norm / paddle.full([], self.width, norm.dtype)
        steps = paddle.where(steps.isnan(), paddle.zeros_like(steps), steps)
        return steps.floor().clip(0, self.regions - 1).astype("int64")

    def counted(self, valid):
        return valid

    def harmony(self, losses, valid):
        members = nn.functional.one_hot(self.region(1 - (-losses).exp()), self.regions).astype(losses.dtype)
        counted = self.counted(valid).astype(losses.dtype)
        population = (members * counted.unsqueeze(1)).sum(axis=0)
        density = population * self.divisor(population)
        share = counted.sum() / paddle.where(density > 0, density, paddle.ones_like(density))
        return (members * share).sum(axis=1)

    def divisor(self, population):
        return (population > 0).astype(population.dtype).sum()
