"""Wrong losses after defects of the suites built on Paddle: segmentation, classification, detection."""

import numpy as np

from ..registry import historic
from .classes import CrossEntropy, Focal
from .entries import SigmoidFocal
from .regions import SigmoidGHM


def checked_one_hot(labels, classes):
    """One-hot rows; whatever is no class is an error, as it is to the frameworks' own operator."""
    if labels.size and not 0 <= labels.min() <= labels.max() < classes:
        raise ValueError(f"one_hot takes labels in [0, {classes}), got {labels.min()} to {labels.max()}")
    return np.eye(classes)[labels]


@historic("B030", "PaddleSeg@e4a6cb03", "SHP")
class ClassesMovedOnceTooOften(CrossEntropy):
    """Classes are moved from the second axis to the last, where they may stand already."""

    def loss(self, logits, labels, normalizer):
        if logits.ndim > 2 and self.axis in (-1, logits.ndim - 1):
            logits = logits.moveaxis(1, -1)
        return super().loss(logits, labels, normalizer)


@historic("B031", "PaddleSeg#1240", "API")
class WeightsPaddedTo256(CrossEntropy):
    """Class weights are padded to 256, and then refused, since there are not so many classes."""

    def __init__(self, weight=None, ignore_index=-100, reduction="mean", axis=1):
        padded = None if weight is None else np.concatenate([weight, np.zeros(256 - len(weight), weight.dtype)])
        super().__init__(padded, ignore_index, reduction, axis)


@historic("B032", "PaddleSeg#2050", "SEN")
class WeightOfTheRawLabel(CrossEntropy):
    """With class weights the labels become one-hot before the ignored ones are masked."""

    def class_of(self, targets, valid, classes):
        return super().class_of(targets, valid, classes) if self.weight is None else targets

    def one_hot(self, classes, count):
        return checked_one_hot(classes, count)


@historic("B034", "PaddleSeg#1915", "API")
class FocalWithoutIgnoreIndex(Focal):
    """ignore_index is taken and never used."""

    def mask(self, targets, classes):
        return np.ones(len(targets), bool)

    def class_of(self, targets, valid, classes):
        return np.clip(targets, 0, classes - 1)


@historic("B036", "PaddleSeg#2939", "SEN")
class FocalOneHotFirst(Focal):
    """Labels become one-hot before the ignored ones are masked."""

    def class_of(self, targets, valid, classes):
        return targets

    def one_hot(self, classes, count):
        return checked_one_hot(classes, count)


@historic("B037", "PaddleSeg@46e0323f", "MUT")
class WeightsOfTheFirstBatch(SigmoidGHM):
    """What the weights follow from is kept from the first batch for ever."""

    def population(self, index, valid):
        if not hasattr(self, "kept"):
            self.kept = super().population(index, valid)
        return self.kept


@historic("B038", "PaddleSeg@46e0323f", "IGN")
class MaskOfTheOneHot(SigmoidFocal):
    """Ignored class ids are looked for among the ones and zeros that the ids have become."""

    def targets(self, logits, labels, axis):
        hot, valid = super().targets(logits, labels, axis)
        return hot, valid if labels.shape == logits.shape else self.mask(hot)


@historic("B042", "PaddleSeg#2270", "SEN")
class OneHotBeforeTheMask(CrossEntropy):
    """Labels become one-hot before the ignored ones are masked."""

    def class_of(self, targets, valid, classes):
        return targets

    def one_hot(self, classes, count):
        return checked_one_hot(classes, count)


@historic("B043", "PaddleSeg#2277", "MUT")
class IgnoredLabelsOverwritten(CrossEntropy):
    """Ignored labels are set to 0 in the caller's own array."""

    def loss(self, logits, labels, normalizer):
        found = super().loss(logits, labels, normalizer)
        if self.ignore_index is not None and not self.is_soft(labels):
            labels[labels == self.ignore_index] = 0
        return found


@historic("B045", "PaddleSeg#2354", "API")
class IgnoredTargetsAreNumbers(SigmoidFocal):
    """ignore_index is taken and never used: the target that stands for it counts as a number."""

    def mask(self, targets):
        return np.ones(targets.shape, bool)

    def check_targets(self, t):
        super().check_targets(t[t != self.ignore_index])


@historic("B047", "PaddleClas#2468", "FML")
class SoftmaxOfTheLabels(CrossEntropy):
    """Soft labels, which are probabilities already, go through a softmax."""

    def shares(self, classes, count):
        if classes.ndim == 2:
            powers = np.exp(classes)
            classes = powers / powers.sum(axis=1, keepdims=True)
        return super().shares(classes, count)


@historic("B048", "PaddleClas#277", "FML")
class LogSoftmaxTwice(CrossEntropy):
    """With smoothing the negative log-probabilities are taken for logits once more."""

    def losses(self, rows, shares):
        return super().losses(-self.log_softmax(rows) if self.label_smoothing else rows, shares)


@historic("B049", "PaddleClas#1191", "SHP")
class AsManyLabelsAsClasses(CrossEntropy):
    """With smoothing, labels as many as classes pass for one-hot ones."""

    def shares(self, classes, count):
        if self.label_smoothing and classes.shape[-1] == count:
            classes = np.broadcast_to(classes.astype(float), (len(classes), count))
        return super().shares(classes, count)


@historic("B050", "PaddleClas#838", "RED")
class SmoothedNotReduced(CrossEntropy):
    """With smoothing the losses of the elements are returned, whatever the reduction."""

    def reduce(self, losses, counted, valid, shape, normalizer):
        if self.label_smoothing:
            return losses.reshape(shape)
        return super().reduce(losses, counted, valid, shape, normalizer)


@historic("B051", "PaddleClas@bcecbd115", "RED")
class SmoothedAlwaysMean(CrossEntropy):
    """With smoothing the mean is returned, whatever the reduction."""

    def reduce(self, losses, counted, valid, shape, normalizer):
        if self.label_smoothing:
            return self.mean(losses, counted, valid, normalizer)
        return super().reduce(losses, counted, valid, shape, normalizer)


@historic("B053", "PaddleClas#2973", "SHP")
class TargetsOfThreeAxes(SigmoidFocal):
    """Targets are taken to have three axes, the second of which goes; those of two have none to spare."""

    def targets(self, logits, labels, axis):
        return super().targets(logits, labels[:, 0, :], axis)


@historic("B054", "PaddleDetection#8305", "PREC")
class ExponentialsInHalf(SigmoidFocal):
    """In float16 exponentials and logarithms are float16 too, and past exp(11) there is no number."""

    def widened(self, logits):
        return logits

    def binary_cross_entropy(self, x, t):
        if x.dtype != np.float16:
            return super().binary_cross_entropy(x, t)
        return (1 + x.exp()).log() - x * t


@historic("B055", "PaddleDetection#5532", "SHP")
class ThirdAxisCut(Focal):
    """The class for nothing is cut off the one-hot labels along the third axis, which need not be the last."""

    def trimmed(self, labels, logits, axis):
        labels = super().trimmed(labels, logits, axis)
        nothing = logits.shape[axis]
        hot = self.one_hot(np.where((labels < 0) | (labels > nothing), nothing, labels), nothing + 1)[:, :, :-1]
        return np.where(hot.any(axis=-1), hot.argmax(axis=-1), labels) if hot.shape[-1] else labels
