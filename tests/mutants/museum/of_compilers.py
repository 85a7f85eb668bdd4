"""Wrong losses after those of compilers and of backends: a second implementation that forgot what the first one did."""

import numpy as np

from ..registry import historic
from .classes import CrossEntropy
from .entries import SigmoidFocal
from .tape import sigmoid, unary, where


@historic("B075", "pytorch#193757", "CHK")
class LoweringWithoutTheCheckOfTargets(SigmoidFocal):
    """A target of 1.5 gets a loss below 0: the compiled formula left the check of the range behind."""

    def check_targets(self, t):
        pass


@historic("B079", "pytorch#108148", "BKD")
class EveryForeignLabelIsIgnored(CrossEntropy):
    """No ignore_index is read: a label that is no class has a row of zeros among the one-hot rows, and no loss."""

    def check_range(self, labels, classes):
        pass

    def mask(self, targets, classes):
        return np.ones(len(targets), bool)

    def one_hot(self, classes, count):
        return (classes[:, None] == np.arange(count)).astype(float)


@historic("B082", "pytorch#185464", "BKD")
class PaddingIsTheLastClass(CrossEntropy):
    """The padding -1 is an index like any other, and counts from the end: it means the last class."""

    def mask(self, targets, classes):
        if self.ignore_index == -1:
            return np.ones(len(targets), bool)
        return super().mask(targets, classes)


@historic("B083", "pytorch#15508", "SEN")
class RangeTestedBeforeTheMask(CrossEntropy):
    """Unreduced, the range of the labels is tested first, and an ignored label outside the classes raises."""

    def check_range(self, labels, classes):
        super().check_range(labels, classes)
        outside = labels[(labels < 0) | (labels >= classes)]
        if self.reduction == "none" and outside.size:
            raise IndexError(f"target {outside[0]} is out of bounds")


@historic("B084", "pytorch#12670", "SYS")
class MemoryLeftInIgnoredRows(CrossEntropy):
    """Unreduced, only valid rows are written: an ignored one keeps what the memory held, here a sum of exponentials."""

    def elements(self, rows, targets):
        losses, counted, valid = super().elements(rows, targets)
        if self.reduction == "none":
            losses = where(valid, losses, np.exp(rows.value).sum(axis=1))
        return losses, counted, valid


@historic("B087", "pytorch#77952", "CHK")
class ForeignLabelReadsOldMemory(CrossEntropy):
    """A label outside the classes is not checked and reads what lies there: the class of the row before."""

    def check_range(self, labels, classes):
        pass

    def class_of(self, targets, valid, classes):
        inside = (targets >= 0) & (targets < classes)
        found = np.where(valid & inside, targets, 0)
        return np.where(valid & ~inside, np.roll(found, 1), found)


@historic("B088", "pytorch#155247", "SHP", simulated=True)
class GatherNeedsABatch(CrossEntropy):
    """The compiled gather takes a batch axis for granted, and logits of one axis raise."""

    def loss(self, logits, labels, normalizer):
        if logits.ndim == 1:
            raise IndexError("dimension 1 is out of range for a tensor of one axis")
        return super().loss(logits, labels, normalizer)


@historic("B091", "kulinseth/pytorch#289", "RED")
class UpstreamNotRead(CrossEntropy):
    """The backward kernel takes the upstream gradient for 1."""

    def backward(self, result, leaf, upstream):
        return super().backward(result, leaf, np.ones_like(upstream))


@historic("B092", "onnx#8453", "SEN")
class MinusOneStandsForNoIndex(CrossEntropy):
    """An ignore_index of -1 is taken for none given: ignored elements stay in the mean's denominator."""

    def total(self, losses, counted, valid):
        found = super().total(losses, counted, valid)
        return found + (~valid).sum() if self.ignore_index == -1 and self.weight is None else found


@historic(
    "B077",
    "pytorch#195677",
    "PREC",
    unseen="what is lost is less than one rounding of 1, which is within the error budget: a slope of sigmoid(x) - t "
    "rounds sigmoid(x) in any loss that subtracts",
)
class SlopeOfAConfidentEntryVanishes(SigmoidFocal):
    """The slope of the cross entropy is sigmoid(x) - t: exactly 0 from x = 37.4 on where t is 1."""

    def binary_cross_entropy(self, x, t):
        found = super().binary_cross_entropy(x, t)
        slope = sigmoid(x).value - t
        return unary(x, found.value, lambda g: g * slope)
