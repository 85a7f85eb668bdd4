"""Sound losses of a softmax in plain NumPy, in steps of which an exhibit changes one."""

import numpy as np

from ..registry import sound
from .checks import check_choice, check_classes, check_finite, check_normalizer, check_number, check_shape
from .tape import Var, gradient_of, where


class Loss:
    """Called with arrays; returns the value, and a function from an upstream gradient to the gradient."""

    def __call__(self, logits, labels, normalizer=None):
        leaf = Var(logits)
        result = self.loss(leaf, labels, normalizer).astype(logits.dtype)
        return result.value, lambda upstream: self.backward(result, leaf, upstream)

    def backward(self, result, leaf, upstream):
        return gradient_of(result, leaf, upstream)

    def widened(self, logits):
        """In float32 at least."""
        return logits.astype(np.float32) if logits.dtype == np.float16 else logits


@sound(backend="numpy")
class CrossEntropy(Loss):
    """Cross entropy with hard, smoothed and soft labels."""

    contract = "cross_entropy"

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
        self.weight, self.ignore_index, self.reduction, self.axis = weight, ignore_index, reduction, axis
        self.label_smoothing, self.soft_weight, self.denominator = label_smoothing, soft_weight, denominator
        self.check_options()

    def check_options(self):
        check_choice("reduction", self.reduction, ("none", "sum", "mean"))
        check_number("label_smoothing", self.label_smoothing, 0.0, 1.0)
        check_choice("soft_weight", self.soft_weight, ("paddle", "torch"))
        check_choice("denominator", self.denominator, ("weights", "count"))
        if self.weight is not None:
            check_finite("weight", self.weight)

    def loss(self, logits, labels, normalizer):
        check_normalizer(normalizer, self.reduction)
        axis = 0 if logits.ndim == 1 else self.axis % logits.ndim
        given, labels = labels, self.trimmed(labels, logits, axis)
        shape = [length for k, length in enumerate(logits.shape) if k != axis]
        self.check(logits, labels, shape, axis)
        rows = self.widened(logits).moveaxis(axis, -1).reshape(int(np.prod(shape)), logits.shape[axis])
        targets = np.moveaxis(labels, axis, -1).reshape(rows.shape) if self.is_soft(labels) else labels.reshape(-1)
        losses, counted, valid = self.elements(rows, targets)
        if given.ndim > labels.ndim:
            shape = [*shape[:axis], 1, *shape[axis:]]
        return self.reduce(losses, counted, valid, shape, normalizer)

    def is_soft(self, labels):
        return np.issubdtype(labels.dtype, np.floating)

    def trimmed(self, labels, logits, axis):
        """Labels without a class axis of length 1."""
        kept = labels.ndim == logits.ndim > 1 and labels.shape[axis] == 1 and not self.is_soft(labels)
        return labels.squeeze(axis) if kept else labels

    def check(self, logits, labels, shape, axis):
        classes = logits.shape[axis]
        if self.weight is not None:
            self.check_weight_length(classes)
        self.check_label_shape(list(logits.shape) if self.is_soft(labels) else shape, labels)
        if self.is_soft(labels):
            check_finite("soft labels", labels)
        else:
            self.check_range(labels, classes)

    def check_weight_length(self, classes):
        check_shape("weight", (classes,), self.weight.shape)

    def check_label_shape(self, expected, labels):
        check_shape("labels", expected, labels.shape)

    def check_range(self, labels, classes):
        check_classes(labels, classes, self.ignore_index)

    def elements(self, rows, targets):
        """Weighted losses [n], what each counts in the denominator [n], and which are valid [n]."""
        valid = self.mask(targets, rows.shape[1])
        rows = self.clean(rows, valid)
        classes = targets if targets.ndim == 2 else self.class_of(targets, valid, rows.shape[1])
        shares = self.shares(classes, rows.shape[1])
        losses = self.losses(rows, self.by_class(shares, rows)) * self.factor(shares, rows)
        return self.masked(losses, valid), self.counted(classes, shares, rows) * valid, valid

    def mask(self, targets, classes):
        if self.ignore_index is None or targets.ndim == 2:
            return np.ones(len(targets), bool)
        return targets != self.ignore_index

    def clean(self, rows, valid):
        """Whatever stands at an ignored element, 0 takes its place."""
        return where(valid[:, None], rows, np.zeros((), rows.dtype))

    def class_of(self, targets, valid, classes):
        """The class of each element, 0 where it is ignored."""
        return np.where(valid, targets, 0)

    def shares(self, classes, count):
        """Rows [n, C] of what each class has of an element."""
        rows = (
            classes.astype(np.result_type(classes, np.float32)) if classes.ndim == 2 else self.one_hot(classes, count)
        )
        return self.smoothed(rows, count)

    def one_hot(self, classes, count):
        return np.eye(count)[classes]

    def smoothed(self, rows, count):
        e = self.label_smoothing
        return (1 - e) * rows + e / count if e else rows

    def losses(self, rows, shares):
        """Cross entropy of each element."""
        return self.picked(-self.log_softmax(rows), shares)

    def picked(self, surprise, shares):
        """The mixture of the classes' terms; a class without a share has none, even of an infinite one."""
        return where(shares > 0, surprise * np.asarray(shares, surprise.dtype), 0.0).sum(axis=1)

    def log_softmax(self, rows):
        shifted = rows - (rows.max(axis=1, keepdims=True) if rows.size else 0.0)
        return shifted - shifted.exp().sum(axis=1, keepdims=True).log()

    def class_weight(self, rows):
        return np.ones(rows.shape[1], rows.dtype) if self.weight is None else np.asarray(self.weight, rows.dtype)

    def is_by_class(self, shares):
        """Whether weights multiply the terms of a mixture: for soft and smoothed labels, where that is asked for."""
        return self.soft_weight == "torch"

    def by_class(self, shares, rows):
        return shares * self.class_weight(rows) if self.is_by_class(shares) else shares

    def factor(self, shares, rows):
        """What multiplies an element's loss."""
        ones = np.ones(len(shares), rows.dtype)
        return ones if self.is_by_class(shares) else (shares @ self.class_weight(rows)).astype(rows.dtype)

    def counted(self, classes, shares, rows):
        """What an element counts in the denominator of the mean."""
        if not self.is_by_class(shares):
            return shares @ self.class_weight(rows)
        return np.ones(len(shares)) if classes.ndim == 2 else self.class_weight(rows)[classes]

    def masked(self, losses, valid):
        return where(valid, losses, 0.0)

    def reduce(self, losses, counted, valid, shape, normalizer):
        if self.reduction == "none":
            return losses.reshape(shape)
        if self.reduction == "sum":
            return losses.sum()
        return self.mean(losses, counted, valid, normalizer)

    def mean(self, losses, counted, valid, normalizer):
        if normalizer is not None:
            return self.over(losses.sum(), normalizer)
        return self.over(losses.sum(), self.total(losses, counted, valid))

    def total(self, losses, counted, valid):
        """The denominator of the mean."""
        return counted.sum() if self.denominator == "weights" else valid.sum()

    def over(self, total, divisor):
        """A quotient, 0 over 0."""
        return total / divisor if divisor else total * 0.0


@sound(backend="numpy")
class Focal(CrossEntropy):
    """Cross entropy times (1 - p)^gamma, p as exp(-l)."""

    contract = "focal"

    def __init__(self, gamma=2.0, weight=None, ignore_index=-100, reduction="mean", axis=1, denominator="weights"):
        check_number("gamma", gamma)
        self.gamma = gamma
        super().__init__(weight, ignore_index, reduction, axis, denominator=denominator)

    def is_soft(self, labels):
        if np.issubdtype(labels.dtype, np.floating):
            raise TypeError(f"labels must be integers, got {labels.dtype}")
        return False

    def losses(self, rows, shares):
        found = super().losses(rows, shares)
        # at an infinite loss the factor is 1, and the factor's slope times infinity would be NaN
        infinite = np.isinf(found.value)
        finite = where(infinite, 0.0, found)
        return where(infinite, found, self.modulated(finite))

    def modulated(self, losses):
        return self.modulation(losses) * losses

    def modulation(self, losses):
        base = 1.0 - (-losses).exp()
        return base.clip(low=np.finfo(base.dtype).tiny) ** self.gamma
