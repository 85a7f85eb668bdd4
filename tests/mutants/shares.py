"""Mutants for the laws of soft labels, denominators and class weights: a sound loss with one change each."""

import numpy as np
import paddle
import paddle.nn.functional as F

from .registry import CE, COST, FOCAL, GHM, mutant
from .sound import SoundCostSensitive, SoundCrossEntropy, SoundFocal, SoundGHM, power


@mutant("denominator/normalizer", CE)
class NormalizerUnheard(SoundCrossEntropy):
    def reduce(self, losses, weight, valid, shape, normalizer):
        return super().reduce(losses, weight, valid, shape, None)


@mutant("denominator/zero-normalizer", CE)
class NothingOverZero(SoundCrossEntropy):
    def over(self, total, divisor):
        return total / divisor if self.reduction == "mean" and total.shape == [] else super().over(total, divisor)


@mutant("denominator/parts-add-up", CE)
class AtLeastOne(SoundCrossEntropy):
    def reduce(self, losses, weight, valid, shape, normalizer):
        return super().reduce(losses, weight, valid, shape, None if normalizer is None else max(normalizer, 1.0))


@mutant("shape/label-axis", CE)
class LabelAxisBroadcasts(SoundCrossEntropy):
    def trimmed(self, logits, labels):
        self.column = not self.is_soft(labels) and labels.ndim == logits.ndim > 1
        return super().trimmed(logits, labels)

    def reduce(self, losses, weight, valid, shape, normalizer):
        if self.column:
            losses = (losses.unsqueeze(1) * valid.astype(losses.dtype)).sum(axis=1)
        return super().reduce(losses, weight, valid, shape, normalizer)


@mutant("shape/none-label-axis", CE)
class LabelAxisLost(SoundCrossEntropy):
    def with_class_axis(self, shape, axis):
        return shape


@mutant("weights/of-elements", FOCAL)
class DividedByTheirWeights(SoundFocal):
    """The mean divides by the weights of single elements too, as if they were class weights."""

    def weighed(self, losses, weight, element_weight):
        return losses * element_weight, weight * element_weight


@mutant("limit/one-hot-is-hard", CE)
class SoftmaxOnSoftLabels(SoundCrossEntropy):
    def mixture(self, targets, rows):
        return super().mixture(F.softmax(targets, axis=1) if targets.ndim == 2 else targets, rows)


@mutant("limit/smoothed-labels-are-soft", CE)
class SmoothingSparesTheLabel(SoundCrossEntropy):
    def shares(self, targets, classes, dtype):
        if self.label_smoothing == 0:
            return targets
        rows = targets if targets.ndim == 2 else F.one_hot(targets, classes).astype(dtype)
        smoothing = paddle.full([], self.label_smoothing, dtype)
        return (1 - smoothing) * rows + smoothing * (1 - rows) / max(classes - 1, 1)


@mutant("limit/gamma-zero-is-cross-entropy", FOCAL)
class NoGammaIsTwo(SoundFocal):
    def modulation(self, losses):
        return power(1 - (-losses).exp(), self.gamma or 2.0)


@mutant("limit/two-classes-is-sigmoid-focal", FOCAL)
class FocusOnTheEasy(SoundFocal):
    def modulation(self, losses):
        return power((-losses).exp(), self.gamma)


@mutant("limit/two-classes-is-sigmoid-ghm", GHM)
class NormOfTheWholeRow(SoundGHM):
    """The length of p - e_y, which for two classes is 2^(1/2) (1 - p)."""

    def harmony(self, losses, valid):
        return self.regions.harmony((2**0.5 * (1 - (-losses).exp())).clip(max=1.0), self.counted(valid))


@mutant("limit/equal-counts-is-cross-entropy", COST)
class NotRelativeToTheRarest(SoundCostSensitive):
    def costs_of(self, counts, gamma, empty_class_weight):
        costs = super().costs_of(counts, gamma, empty_class_weight)
        return costs / max(counts.min(), 1.0) ** gamma


@mutant("weights/class-that-never-occurs", COST)
class RarestOverNothing(SoundCostSensitive):
    """The weight of a class that never occurs is 1 over 0, where none is given."""

    def costs_of(self, counts, gamma, empty_class_weight):
        if empty_class_weight is not None or counts.all():
            return super().costs_of(counts, gamma, empty_class_weight)
        with np.errstate(divide="ignore"):
            return np.where(counts > 0, counts[counts > 0].min() / np.maximum(counts, 1e-300), np.inf) ** gamma
