"""Losses as a textbook has them, in NumPy and in the precision of the logits: no step is taken in a wider one.

The formulas of ``tests/reference/naive.py`` with a class axis, ignored elements, class weights and reductions around
them. Gradients are the written-out ones, where the losses of ``tests/mutants/museum`` get theirs from a tape.
"""

import numpy as np

from properties import Subject
from tests.reference import naive

PRECISIONS = ("float64", "float32")
"""In float16 the sum of a batch overflows before the mean divides it, which a sound layer must not do."""


class Textbook:
    """Hard labels along any class axis. ``losses(rows, labels)`` are the element's losses and slopes."""

    def __init__(self, weight=None, ignore_index=-100, reduction="mean", axis=1):
        self.weight, self.ignore_index, self.reduction, self.axis = weight, ignore_index, reduction, axis

    def __call__(self, logits, labels):
        if not np.issubdtype(labels.dtype, np.integer):
            raise TypeError(f"labels must be integers, got {labels.dtype}")
        axis = 0 if logits.ndim == 1 else self.axis
        rows = np.moveaxis(logits, axis, -1)
        shape, given = rows.shape[:-1], labels.shape
        rows, labels = rows.reshape(int(np.prod(shape)), rows.shape[-1]), labels.reshape(-1)
        valid = np.ones(len(labels), bool) if self.ignore_index is None else labels != self.ignore_index
        with np.errstate(all="ignore"):
            value, slopes = self.reduced(rows[valid], labels[valid], rows.dtype)
        if self.reduction == "none":
            value, kept = np.zeros(len(valid), rows.dtype), value
            value[valid] = kept
            value = value.reshape(given)

        def gradient(upstream):
            upstream = np.broadcast_to(upstream, value.shape).reshape(-1)
            found = np.zeros_like(rows)
            found[valid] = slopes * (upstream[valid, None] if self.reduction == "none" else upstream)
            return np.moveaxis(found.reshape((*shape, rows.shape[1])), -1, axis)

        return value, gradient

    def reduced(self, rows, labels, dtype):
        losses, slopes = self.losses(rows, labels) if len(rows) else (np.zeros(0, dtype), np.zeros_like(rows))
        weight = np.ones(rows.shape[1], dtype) if self.weight is None else self.weight.astype(dtype)
        weight = weight[labels]
        factor = weight * self.factor(losses)
        divisor = self.divisor(weight)
        if self.reduction == "mean" and divisor == 0:
            return np.zeros((), dtype), np.zeros_like(rows)
        return naive.reduce(losses, slopes, factor, divisor, self.reduction, np.ones((), dtype))

    def factor(self, losses):
        return np.ones_like(losses)

    def divisor(self, weight):
        return weight.sum(dtype=weight.dtype)


class CrossEntropy(Textbook):
    def losses(self, rows, labels):
        return naive.cross_entropy(rows, labels)


class Focal(Textbook):
    def __init__(self, gamma=2.0, weight=None, ignore_index=-100, reduction="mean", axis=1):
        super().__init__(weight, ignore_index, reduction, axis)
        self.gamma = gamma

    def losses(self, rows, labels):
        return naive.focal(rows, labels, self.gamma)


class GHM(Textbook):
    def __init__(self, bins=10, weight=None, ignore_index=-100, reduction="mean", axis=1):
        super().__init__(weight, ignore_index, reduction, axis)
        self.bins = bins

    def losses(self, rows, labels):
        return naive.cross_entropy(rows, labels)

    def factor(self, losses):
        # a NaN has no region, and its loss is NaN in any of them
        norms = np.nan_to_num(1 - np.exp(-losses))
        return naive.harmonize(norms, self.bins) if len(losses) else losses


class Logistic:
    """Binary cross entropy of every entry, under the contract of the focal loss that does not focus."""

    def __init__(self, reduction="mean"):
        self.reduction = reduction

    def __call__(self, logits, labels):
        if labels.shape != logits.shape:
            raise ValueError(f"labels must have the shape {logits.shape}, got {labels.shape}")
        losses, slopes = naive.logistic(logits.reshape(-1), labels.reshape(-1).astype(logits.dtype))
        if self.reduction == "none":
            return losses.reshape(logits.shape), lambda upstream: slopes.reshape(logits.shape) * upstream
        divisor = logits.dtype.type(max(len(losses), 1) if self.reduction == "mean" else 1)
        value = losses.sum(dtype=losses.dtype) / divisor
        return value, lambda upstream: slopes.reshape(logits.shape) * upstream / divisor


def textbook(contract, build, **domain):
    return Subject(
        contract=contract,
        build=build,
        name=f"textbook {contract}",
        domain={"dtype": PRECISIONS, **domain},
        backend="numpy",
    )


CROSS_ENTROPY = textbook("cross_entropy", CrossEntropy)
FOCAL = textbook("focal", Focal)
# regions by their number alone
GHM_C = textbook("ghm", GHM, bins=(1, 2, 3, 10, 30))
LOGISTIC = textbook("sigmoid_focal", Logistic, gamma=(0,), alpha=(None,))
