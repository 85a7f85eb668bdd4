"""Focal losses with one step wrong: the balance, the focus, what is focused, and class ids."""

import numpy as np

from properties import Subject

from ..registry import historic
from .classes import CrossEntropy, Focal
from .entries import SigmoidFocal
from .tape import maximum, sigmoid, where


@historic("B155", "mathiaszinnen@5a56a05", "FML")
class NegativesUnbalanced(SigmoidFocal):
    """alpha multiplies the positives, and nothing the negatives."""

    def balance(self, t):
        return (self.alpha * t + (1 - t)).astype(t.dtype)


@historic("B157", "mathiaszinnen#17", "SEN")
class OneHotOfSentinels(Focal):
    """Ignored labels become one-hot like any others."""

    def class_of(self, targets, valid, classes):
        return targets

    def one_hot(self, classes, count):
        if (classes < 0).any():
            raise RuntimeError("Class values must be non-negative.")
        return super().one_hot(classes, count)


@historic("B158", "mathiaszinnen#17", "MUT")
class LabelsMaskedInPlace(Focal):
    """The mask is multiplied into the caller's labels."""

    def class_of(self, targets, valid, classes):
        targets *= valid
        return targets


@historic("B161", "fudannlp16#8", "FML")
class BalanceSwapped(SigmoidFocal):
    """alpha goes to the negatives, 1 - alpha to the positives."""

    def balance(self, t):
        return super().balance(1 - t)


@historic("B162", "SSD_Pytorch#32", "FML")
class NegativesFocusedAsPositives(SigmoidFocal):
    """(1 - p)^gamma focuses negatives too, where p^gamma should."""

    def miss(self, x, t):
        return sigmoid(-x)


@historic("B163", "FocalLoss_for_multiclass#3", "FML")
class LogTakenTwice(Focal):
    """The log-probability passes for the probability, and its logarithm is taken again."""

    def modulated(self, losses):
        p = -losses
        return -((1.0 - p) ** self.gamma) * p.log()


@historic("B164", "gokulprasadthekkel#1", "FML")
class WeightInsideProbability(Focal):
    """p is read off the weighted loss, so the class weight stands in the exponent."""

    def losses(self, rows, shares):
        found = CrossEntropy.losses(self, rows, shares)
        infinite = np.isinf(found.value)
        finite = where(infinite, 0.0, found)
        return where(infinite, found, self.modulation(finite * self.factor(shares, rows)) * finite)


@historic("B165", "InsightFace-v2#38", "RED")
class FocusAfterReduction(Focal):
    """Cross entropy is reduced first, and the one number that is left is focused."""

    def losses(self, rows, shares):
        return CrossEntropy.losses(self, rows, shares)

    def reduce(self, losses, counted, valid, shape, normalizer):
        return self.modulated(super().reduce(losses, counted, valid, shape, normalizer))


@historic("B170", "pywick#8", "API")
class AlphaNeverKept(SigmoidFocal):
    """alpha is taken and never kept."""

    def __init__(self, gamma=2.0, alpha=0.25, ignore_index=-100, reduction="mean", axis=1, denominator="weights"):
        super().__init__(gamma, None, ignore_index, reduction, axis, denominator)


@historic("B172", "bonlime-tools#81", "RED", subject="PATH_CUT")
class PathCut(SigmoidFocal):
    """The cross entropy is cut from the graph, and only its focusing factor is trained."""

    def focused(self, losses, x, t):
        return super().focused(losses.detach(), x, t)


PATH_CUT = Subject("sigmoid_focal", PathCut, domain={"alpha": (None,)}, backend="numpy")


@historic("B173", "MemSeg#22", "FML")
class SoftmaxTwice(Focal):
    """Probabilities pass for logits: the softmax is taken twice."""

    def log_softmax(self, rows):
        return super().log_softmax(super().log_softmax(rows).exp())


@historic("B174", "yolov5#6517", "FML", subject="BALANCE_ALWAYS_ON")
class BalanceAlwaysOn(SigmoidFocal):
    """The balance of positives and negatives is applied though it is switched off."""

    def balance(self, t):
        return (0.25 * t + 0.75 * (1 - t)).astype(t.dtype)


BALANCE_ALWAYS_ON = Subject("sigmoid_focal", BalanceAlwaysOn, domain={"alpha": (None,)}, backend="numpy")


@historic("B175", "ultralytics#7783", "RED")
class MeanInsideSum(SigmoidFocal):
    """The sum adds means over the classes, where it should add the entries."""

    def reduce(self, losses, x, t, valid, shape, normalizer):
        if self.reduction == "none" or len(shape) < 2:
            return super().reduce(losses, x, t, valid, shape, normalizer)
        total = losses.reshape(shape).mean(axis=1).sum()
        if self.reduction == "sum":
            return total
        return self.over(total, self.total(losses, x, t, valid) if normalizer is None else normalizer)


@historic("B176", "gnn_tracking#138", "NUM")
class LogOfZero(SigmoidFocal):
    """Logarithms of probabilities that have rounded to 0."""

    def binary_cross_entropy(self, x, t):
        p = sigmoid(x)
        return -(p.log() * t + (1 - p).log() * (1 - t))


@historic("B177", "mmcv#1488", "PREC")
class FloorUnderflows(SigmoidFocal):
    """In half precision the smallest float32, which should keep logarithms finite, is 0."""

    def widened(self, logits):
        return logits

    def binary_cross_entropy(self, x, t):
        if x.dtype != np.float16:
            return super().binary_cross_entropy(x, t)
        p, t, floor = sigmoid(x), t.astype(x.dtype), np.float16(np.finfo(np.float32).tiny)
        return -(maximum(p, floor).log() * t + maximum(1 - p, floor).log() * (1 - t))


@historic("B178", "mmseg#3249", "SHP")
class RowsCutForColumns(Focal):
    """One-hot labels are cut to as many rows as there are classes, where columns were meant."""

    def one_hot(self, classes, count):
        return super().one_hot(classes, count)[:count]


@historic("B179", "mmdet3d#575", "BKD")
class MinusOneIsTheLastClass(Focal):
    """The label -1 is not ignored: indexing from the end, it names the last class."""

    def mask(self, targets, classes):
        valid = super().mask(targets, classes)
        return np.ones_like(valid) if self.ignore_index == -1 else valid

    def class_of(self, targets, valid, classes):
        return targets if self.ignore_index == -1 else super().class_of(targets, valid, classes)


@historic("B211", "MONAI#2509", "DEG")
class SoftmaxOverOneChannel(SigmoidFocal):
    """A single channel goes through a softmax, whose loss is always 0."""

    def targets(self, logits, labels, axis):
        self.single = logits.ndim > 1 and logits.shape[axis] == 1
        return super().targets(logits, labels, axis)

    def binary_cross_entropy(self, x, t):
        return x - x if self.single else super().binary_cross_entropy(x, t)


@historic("B214", "MONAI#7682", "API")
class AlphaNotHandedOn(SigmoidFocal):
    """A wrapper takes alpha and leaves the loss inside with its own."""

    def __init__(self, gamma=2.0, alpha=0.25, ignore_index=-100, reduction="mean", axis=1, denominator="weights"):
        super().__init__(gamma, ignore_index=ignore_index, reduction=reduction, axis=axis, denominator=denominator)
