"""Losses that weigh classes or pick elements, with one step wrong."""

import numpy as np

from ..registry import historic
from .classes import CrossEntropy
from .entries import SigmoidFocal
from .largest import TopK
from .regions import SigmoidGHM
from .tape import unary


@historic("B185", "libuyu/GHM#29", "NUM")
class SparseRegionsOverflow(SigmoidGHM):
    """Losses with the large weights of sparse regions are added up in half precision, where they overflow."""

    def loss(self, logits, labels, label_weight, normalizer):
        self.dtype = logits.dtype
        return super().loss(logits, labels, label_weight, normalizer)

    def masked(self, losses, valid):
        return super().masked(losses, valid).astype(self.dtype)


@historic("B191", "super-gradients#1669", "DEG")
class MeanOfNoHardOnes(TopK):
    """With every element ignored there are no hard ones, and their mean is NaN."""

    def over(self, total, divisor):
        return total / divisor


@historic("B192", "TFFRCNN#60", "DEN")
class HardOnesOverAll(TopK):
    """The sum of the hard ones is divided by what all elements count."""

    def total(self, losses, counted, valid):
        return CrossEntropy.total(self, losses, counted, valid)


@historic("B195", "mlx#1428", "FML")
class GradientToTheFirst(TopK):
    """The gradient goes to the first k elements, and not to the largest."""

    def elements(self, rows, targets):
        losses, counted, valid = CrossEntropy.elements(self, rows, targets)
        chosen = self.chosen(losses.value, valid)
        first = np.arange(len(valid)) < chosen.sum()
        return unary(losses, losses.value * chosen, lambda g: g * first), counted, valid


@historic("B196", "autrainer#84", "DEN")
class WeightsOfSumOne(CrossEntropy):
    """Class weights are divided by their sum, so that unreduced losses are C times too small."""

    def class_weight(self, rows):
        weight = super().class_weight(rows)
        return weight / weight.sum() if self.weight is not None and weight.any() else weight


@historic("B197", "vandit15-CB#2", "API")
class WeightsUnusedBySigmoid(SigmoidFocal):
    """Class weights are taken, and not used in the branch with a sigmoid."""

    def __init__(
        self, gamma=2.0, alpha=0.25, weight=None, ignore_index=-100, reduction="mean", axis=1, denominator="weights"
    ):
        super().__init__(gamma, alpha, ignore_index, reduction, axis, denominator)
