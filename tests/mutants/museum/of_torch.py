"""Wrong losses after defects of PyTorch's cross entropies."""

import numpy as np

from ..registry import historic
from .classes import CrossEntropy
from .entries import SigmoidFocal
from .tape import where


@historic("B059", "pytorch#55657", "PREC")
class RunningSum(CrossEntropy):
    """The losses are added up one after another in their own precision."""

    def mean(self, losses, counted, valid, normalizer):
        return super().mean(OneByOne(losses), counted, valid, normalizer)


class OneByOne:
    """Losses whose sum is a running one."""

    def __init__(self, losses):
        self.losses = losses

    def sum(self):
        found = self.losses.sum()
        if self.losses.size:
            found.value = np.cumsum(self.losses.value, dtype=self.losses.dtype)[-1]
        return found


@historic("B061", "pytorch#67167", "SHP")
class MemoryOrder(CrossEntropy):
    """Logits and labels are read in the order in which they lie in memory."""

    def loss(self, logits, labels, normalizer):
        place = np.empty_like(logits.value, dtype=np.int64)
        place[...] = np.arange(logits.size).reshape(logits.shape)
        read = logits.reshape(-1)[place.ravel(order="K")].reshape(logits.shape)
        return super().loss(read, labels.ravel(order="K").reshape(labels.shape), normalizer)


@historic("B062", "pytorch#175084", "SHP", simulated=True)
class BackwardWantsContiguous(CrossEntropy):
    """With four axes, and only then, the backward pass refuses logits that are not contiguous."""

    def backward(self, result, leaf, upstream):
        if leaf.ndim == 4 and not leaf.value.flags.c_contiguous:
            raise RuntimeError("the logits of a backward pass must be contiguous")
        return super().backward(result, leaf, upstream)


@historic("B063", "pytorch#67167", "SEN")
class WeightsOfIgnoredLabels(CrossEntropy):
    """With class weights and smoothing the denominator looks up the weight of the raw label, an ignored one too."""

    def elements(self, rows, targets):
        losses, counted, valid = super().elements(rows, targets)
        if targets.ndim == 2 or self.weight is None or not (self.label_smoothing and self.soft_weight == "torch"):
            return losses, counted, valid
        outside = targets[(targets < 0) | (targets >= rows.shape[1])]
        if outside.size:
            raise IndexError(f"index {outside[0]} is out of bounds for dimension 0 with size {rows.shape[1]}")
        return losses, self.class_weight(rows)[targets] * valid, valid


@historic("B064", "pytorch#73205", "IGN")
class SmoothingOfTheIgnored(CrossEntropy):
    """Sum and mean add the uniform part of the smoothed labels of all elements, ignored ones too."""

    def elements(self, rows, targets):
        losses, counted, valid = super().elements(rows, targets)
        if targets.ndim == 2 or not self.label_smoothing or self.reduction == "none":
            return losses, counted, valid
        even = np.full(rows.shape, 1 / rows.shape[1])
        smooth = self.losses(rows, self.by_class(even, rows)) * self.factor(even, rows) * self.label_smoothing
        return where(valid, losses, smooth), counted, valid


@historic("B065", "pytorch#104776", "FML")
class SmoothingByClassWeights(CrossEntropy):
    """The smoothed part of a label is weighed by the classes that it falls to, where the label's own was meant."""

    def is_by_class(self, shares):
        return super().is_by_class(shares) or bool(self.label_smoothing)


@historic("B066", "pytorch#70348", "DEG")
class NothingOverNothing(CrossEntropy):
    """With every element ignored the mean is 0 / 0."""

    def mean(self, losses, counted, valid, normalizer):
        if normalizer is not None:
            return super().mean(losses, counted, valid, normalizer)
        return losses.sum() / self.total(losses, counted, valid)


@historic("B068", "pytorch#72047", "DEN")
class MeanOfTheChunks(CrossEntropy):
    """A batch goes in two equal chunks, each over its own weights, and the two means are averaged."""

    def mean(self, losses, counted, valid, normalizer):
        half = losses.size // 2
        if normalizer is not None or losses.size % 2 or not half:
            return super().mean(losses, counted, valid, normalizer)
        chunks = slice(0, half), slice(half, None)
        first, second = (super(MeanOfTheChunks, self).mean(losses[c], counted[c], valid[c], None) for c in chunks)
        return (first + second) / 2


@historic("B073", "pytorch#1939", "SHP")
class Broadcast(SigmoidFocal):
    """Targets of another shape than the logits are broadcast: [N, 1] against [N] makes N^2 losses."""

    def loss(self, logits, labels, label_weight, normalizer):
        if np.issubdtype(labels.dtype, np.floating) and fit(logits.shape, labels.shape):
            shape = np.broadcast_shapes(logits.shape, labels.shape)
            logits, labels = logits + np.zeros(shape, logits.dtype), np.broadcast_to(labels, shape)
            label_weight = None if label_weight is None else np.broadcast_to(label_weight, shape)
        return super().loss(logits, labels, label_weight, normalizer)


def fit(*shapes):
    """Whether shapes can be broadcast."""
    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        return False
    return True
