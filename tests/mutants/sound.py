"""Sound losses, written another way than the package's layers, in steps that a mutant overrides one at a time.

Here is what they share, and the losses of a softmax; ``sound_entries`` has those of single entries, ``sound_top_k`` the
average of the largest.
"""

import numpy as np
import paddle
from paddle import nn

from .museum.checks import check_choice, check_classes, check_finite, check_normalizer, check_number, known
from .museum.checks import check_shape as has_shape
from .registry import CE, COST, FOCAL, GHM, sound
from .sound_regions import Regions
from .weighed import WeighsElements


class SoundLoss(nn.Layer):
    """Losses [n] and weights [n] of the elements, put together."""

    def __init__(self, weight, ignore_index, reduction, axis, denominator):
        super().__init__()
        self.check_options(weight, reduction)
        check_choice("denominator", denominator, ("weights", "count"))
        self.weight, self.ignore_index, self.reduction, self.axis = weight, ignore_index, reduction, axis
        self.denominator = denominator

    def check_options(self, weight, reduction):
        check_choice("reduction", reduction, ("none", "sum", "mean"))
        if weight is not None:
            self.check_weight(known(weight))

    def check_weight(self, weight):
        check_finite("weight", weight)

    def check_weight_length(self, classes):
        if self.weight is not None and self.weight.shape[0] != classes:
            raise ValueError(f"weight must have {classes} numbers, got {self.weight.shape[0]}")

    def class_axis(self, logits):
        return 0 if logits.ndim == 1 else self.axis % logits.ndim

    @staticmethod
    def widened(logits):
        """In float32 at least. float16 gradients that round to 0 are set to 0: Paddle 3.3.1's cast does not do it."""
        if logits.dtype == paddle.float64:
            return logits
        wide = logits.astype("float32")
        if logits.dtype == paddle.float16 and not wide.stop_gradient:
            wide.register_hook(lambda g: paddle.where(g.abs() < 2.0**-25, paddle.zeros_like(g), g))
        return wide

    @staticmethod
    def narrowed(loss, dtype):
        """In another dtype; what rounds to 0 in float16 is set to 0 first, for the same reason."""
        if dtype == paddle.float16:
            loss = paddle.where(loss.abs() < 2.0**-25, paddle.zeros_like(loss), loss)
        return loss.astype(dtype)

    def result_dtype(self, logits):
        return logits.dtype

    def reduce(self, losses, weight, valid, shape, normalizer):
        check_normalizer(normalizer, self.reduction)
        if self.reduction == "none":
            return losses.reshape(shape)
        if self.reduction == "sum":
            return losses.sum()
        if normalizer is not None:
            return self.over(losses.sum(), paddle.full([], normalizer, losses.dtype))
        return self.mean(losses, weight, valid)

    def mean(self, losses, weight, valid):
        total = weight if self.denominator == "weights" else valid.astype(losses.dtype)
        return self.over(losses.sum(), total.sum())

    @staticmethod
    def over(total, divisor):
        """A quotient, 0 over 0."""
        safe = paddle.where(divisor > 0, divisor, paddle.ones_like(divisor))
        return paddle.where(divisor > 0, total / safe, paddle.zeros_like(total))


class SoundSoftmaxLoss(SoundLoss):
    """Losses of a softmax over rows [n, C]; ``targets`` are classes [n] or shares of every class [n, C]."""

    def __init__(self, weight=None, ignore_index=-100, reduction="mean", axis=1, denominator="weights"):
        super().__init__(weight, ignore_index, reduction, axis, denominator)

    def forward(self, logits, labels, normalizer=None):
        losses, weight, valid, shape = self.elements(logits, labels)
        return self.narrowed(self.reduce(losses, weight, valid, shape, normalizer), self.result_dtype(logits))

    def elements(self, logits, labels):
        """Weighted losses [n], weights [n] in the denominator, a mask [n], and the labels' shape."""
        given, labels = labels, self.trimmed(logits, labels)
        shape = self.check(logits, labels)
        if given.ndim > labels.ndim:
            shape = self.with_class_axis(shape, self.class_axis(logits))
        rows, targets = self.arrange(logits, labels)
        valid = self.mask(targets, rows.shape[1])
        if targets.ndim == 1:
            targets = paddle.where(valid, targets, paddle.zeros_like(targets))
        rows = self.clean(rows, valid)
        losses = self.losses(rows, targets)
        losses = losses * self.harmony(losses.detach(), valid) * self.factor(targets, valid, rows)
        losses = paddle.where(valid, losses, paddle.zeros_like(losses))
        return losses, self.element_weight(targets, valid, rows), valid, shape

    def takes_soft(self):
        return False

    def is_soft(self, labels):
        return labels.is_floating_point()

    def trimmed(self, logits, labels):
        """Labels as int64, without a class axis of length 1."""
        if self.is_soft(labels):
            return labels
        axis = self.class_axis(logits)
        if labels.ndim == logits.ndim > 1 and labels.shape[axis] == 1:
            labels = labels.squeeze(axis)
        return labels.astype("int64")

    def with_class_axis(self, shape, axis):
        return [*shape[:axis], 1, *shape[axis:]]

    def check(self, logits, labels):
        axis = self.class_axis(logits)
        classes = logits.shape[axis]
        self.check_weight_length(classes)
        shape = [d for k, d in enumerate(logits.shape) if k != axis]
        if not self.is_soft(labels):
            self.check_shape(shape, list(labels.shape))
            self.check_range(known(labels), classes)
        elif self.takes_soft():
            self.check_shape(list(logits.shape), list(labels.shape))
            check_finite("soft labels", known(labels.astype("float64")))
        else:
            raise TypeError(f"labels must be integers, got {labels.dtype}")
        return shape

    def check_shape(self, expected, got):
        has_shape("labels", expected, got)

    def check_range(self, labels, classes):
        check_classes(labels, classes, self.ignore_index)

    def arrange(self, logits, labels):
        axis = self.class_axis(logits)
        order = [k for k in range(logits.ndim) if k != axis] + [axis]
        classes = logits.shape[axis]
        flat = [logits.size // classes if paddle.in_dynamic_mode() else -1, classes]
        rows = self.widened(logits).transpose(order).reshape(flat)
        if self.is_soft(labels):
            return rows, labels.astype(rows.dtype).transpose(order).reshape(flat)
        return rows, labels.reshape([-1])

    def mask(self, targets, classes):
        if self.ignore_index is None or targets.ndim == 2:
            return paddle.ones([targets.shape[0]], dtype="bool")
        return targets != self.ignore_index

    def clean(self, rows, valid):
        return paddle.where(valid.unsqueeze(1), rows, paddle.zeros_like(rows))

    def losses(self, rows, targets):
        return self.cross_entropy(rows, self.mixture(targets, rows))

    def mixture(self, targets, rows):
        return targets

    def cross_entropy(self, rows, targets):
        return -self.pick(self.log_softmax(rows), targets)

    def log_softmax(self, rows):
        shifted = rows - rows.detach().max(axis=1, keepdim=True)
        return shifted - shifted.exp().sum(axis=1, keepdim=True).log()

    @staticmethod
    def pick(rows, targets):
        """The label's entry of each row, or the shares' mixture of them."""
        if targets.ndim == 2:
            return paddle.where(targets > 0, targets * rows, paddle.zeros_like(rows)).sum(axis=1)
        return paddle.take_along_axis(rows, targets.unsqueeze(1), 1).squeeze(1)

    def class_weight(self, rows):
        return paddle.ones([rows.shape[1]], rows.dtype) if self.weight is None else self.weight.astype(rows.dtype)

    def element_weight(self, targets, valid, rows):
        """What an element counts in the denominator."""
        weight = self.class_weight(rows)
        picked = paddle.gather(weight, targets) if targets.ndim == 1 else (targets * weight).sum(axis=1)
        return picked * valid.astype(rows.dtype)

    def factor(self, targets, valid, rows):
        """What multiplies an element's loss."""
        return self.element_weight(targets, valid, rows)

    def harmony(self, losses, valid):
        return paddle.ones_like(losses)


@sound(CE)
class SoundCrossEntropy(SoundSoftmaxLoss):
    """Cross entropy with hard, smoothed and soft labels."""

    def __init__(
        self,
        weight=None,
        ignore_index=-100,
        reduction="mean",
        axis=1,
        label_smoothing=0.0,
        soft_weight="paddle",
        denominator="weights",
    ):
        super().__init__(weight, ignore_index, reduction, axis, denominator)
        check_number("label_smoothing", label_smoothing, 0.0, 1.0)
        check_choice("soft_weight", soft_weight, ("paddle", "torch"))
        self.label_smoothing, self.soft_weight = label_smoothing, soft_weight

    def takes_soft(self):
        return True

    def shares(self, targets, classes, dtype):
        """Smoothed labels as rows [n, C]; hard ones without smoothing stay classes."""
        if self.label_smoothing == 0:
            return targets
        rows = targets if targets.ndim == 2 else nn.functional.one_hot(targets, classes).astype(dtype)
        smoothing = paddle.full([], self.label_smoothing, dtype)
        return (1 - smoothing) * rows + smoothing / classes

    def by_class(self, shares):
        """Whether class weights multiply the terms of a mixture, and not the element."""
        return shares.ndim == 2 and self.soft_weight == "torch"

    def mixture(self, targets, rows):
        shares = self.shares(targets, rows.shape[1], rows.dtype)
        return shares * self.class_weight(rows) if self.by_class(shares) else shares

    def factor(self, targets, valid, rows):
        shares = self.shares(targets, rows.shape[1], rows.dtype)
        return valid.astype(rows.dtype) if self.by_class(shares) else super().element_weight(shares, valid, rows)

    def element_weight(self, targets, valid, rows):
        shares = self.shares(targets, rows.shape[1], rows.dtype)
        if not self.by_class(shares):
            return self.factor(targets, valid, rows)
        counted = valid.astype(rows.dtype)
        return counted if targets.ndim == 2 else super().element_weight(targets, valid, rows)


@sound(COST)
class SoundCostSensitive(SoundCrossEntropy):
    """Cross entropy with the class weights (N_min / N_c)^gamma."""

    def __init__(
        self,
        num_class_list,
        gamma=1.0,
        empty_class_weight=None,
        weight=None,
        ignore_index=-100,
        reduction="mean",
        axis=1,
        soft_weight="paddle",
        denominator="weights",
    ):
        super().__init__(weight, ignore_index, reduction, axis, 0.0, soft_weight, denominator)
        check_number("gamma", gamma)
        if empty_class_weight is not None:
            check_number("empty_class_weight", empty_class_weight)
        self.costs = self.costs_of(np.asarray(num_class_list, dtype=np.float64), gamma, empty_class_weight)

    def costs_of(self, counts, gamma, empty_class_weight):
        check_finite("num_class_list", counts)
        if empty_class_weight is None and (counts == 0).any():
            raise ValueError(f"num_class_list has a class that never occurs: got {counts[counts == 0][0]:g}")
        there = counts > 0
        smallest = counts[there].min() if there.any() else 1.0
        ratios = smallest / np.where(there, counts, 1.0)
        return np.where(there, ratios**gamma, empty_class_weight if empty_class_weight is not None else 0.0)

    def check_weight_length(self, classes):
        if len(self.costs) != classes:
            raise ValueError(f"num_class_list must have {classes} counts, got {len(self.costs)}")
        super().check_weight_length(classes)

    def class_weight(self, rows):
        return super().class_weight(rows) * paddle.to_tensor(self.costs, dtype=rows.dtype)


@sound(FOCAL)
class SoundFocal(WeighsElements, SoundSoftmaxLoss):
    """Cross entropy times (1 - p)^gamma, p as exp(-l)."""

    def __init__(self, gamma=2.0, weight=None, ignore_index=-100, reduction="mean", axis=1, denominator="weights"):
        super().__init__(weight, ignore_index, reduction, axis, denominator)
        check_number("gamma", gamma)
        self.gamma = gamma

    def losses(self, rows, targets):
        found = super().losses(rows, targets)
        # at an infinite loss the factor is 1, and the factor's slope times infinity would be NaN
        infinite = found.detach().isinf()
        finite = paddle.where(infinite, paddle.zeros_like(found), found)
        return paddle.where(infinite, found, self.modulation(finite) * finite)

    def modulation(self, losses):
        return power(1 - (-losses).exp(), self.gamma)


def power(base, exponent):
    """base^exponent for base >= 0, with a finite slope at 0."""
    return paddle.pow(base.clip(min=paddle.finfo(base.dtype).tiny), paddle.full([], exponent, base.dtype))


@sound(GHM)
class SoundGHM(SoundSoftmaxLoss):
    """GHM-C over a softmax."""

    def __init__(
        self,
        bins=10,
        weight=None,
        ignore_index=-100,
        reduction="mean",
        axis=1,
        normalize="occupied",
        denominator="weights",
        momentum=0.0,
        ema="corrected",
    ):
        super().__init__(weight, ignore_index, reduction, axis, denominator)
        self.regions = self.cut(bins, normalize)
        self.regions.remember(momentum, ema)

    def cut(self, bins, normalize):
        return Regions(bins, normalize)

    def counted(self, valid):
        return valid

    def harmony(self, losses, valid):
        return self.regions.harmony(1 - (-losses).exp(), self.counted(valid))
