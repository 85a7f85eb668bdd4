"""Cross entropies as toolboxes of other languages and tasks got them wrong: denominators, infinities, flags, clips."""

import numpy as np

from properties import Subject

from ..registry import historic
from .checks import check_shape
from .classes import CrossEntropy
from .entries import SigmoidFocal
from .tape import sigmoid, unary


@historic("B180", "mmdet#7367", "DEN")
class MeanOverNumel(CrossEntropy):
    """The mean divides by the number of all elements, ignored ones too."""

    def total(self, losses, counted, valid):
        return valid.size


@historic("B182", "mmseg#578", "DEG")
class DividesByNothing(CrossEntropy):
    """The mean divides by the number of valid elements, as a Python number, where there is none."""

    def over(self, total, divisor):
        return total * (1.0 / float(divisor))


@historic("B208", "optax#896", "NUM")
class SharelessInfinity(CrossEntropy):
    """A class without a share multiplies its infinite surprise by 0."""

    def picked(self, surprise, shares):
        return (surprise * np.asarray(shares, surprise.dtype)).sum(axis=1)


@historic("B209", "optax#1762", "NUM", simulated=True)
class TangentTimesInfinity(CrossEntropy):
    """The derivative has the labels' own term in it, 0 times a log-probability of minus infinity."""

    def picked(self, surprise, shares):
        found = super().picked(surprise, shares)
        return unary(found, found.value, lambda g: g + (0.0 * surprise.value).sum(axis=1))


@historic("B210", "optax#1020", "PREC", subject="NORMALISER_IN_HALF")
class NormaliserInHalf(CrossEntropy):
    """The log-normaliser of logits in half precision is rounded to half precision."""

    def loss(self, logits, labels, normalizer):
        self.dtype = logits.dtype
        return super().loss(logits, labels, normalizer)

    def log_softmax(self, rows):
        if self.dtype != np.float16 or not rows.size:
            return super().log_softmax(rows)
        top = rows.max(axis=1, keepdims=True)
        normaliser = (rows - top).exp().sum(axis=1, keepdims=True).log() + top
        return rows - normaliser.astype(self.dtype).astype(rows.dtype)


NORMALISER_IN_HALF = Subject("cross_entropy", NormaliserInHalf, domain={"dtype": ("float16",)}, backend="numpy")


@historic("B213", "MONAI#7729", "API", simulated=True)
class TwoLengthRules(CrossEntropy):
    """Without the background, class 0, one part of the loss wants a weight less than the other."""

    def check_weight_length(self, classes):
        super().check_weight_length(classes)
        if self.ignore_index == 0:
            check_shape("weight", (classes - 1,), self.weight.shape)


@historic("B215", "tiny-dnn#410", "NUM")
class DividesByVariance(SigmoidFocal):
    """Logarithms of 0 in the loss, and in its gradient a division by y (1 - y), which is 0 there."""

    def binary_cross_entropy(self, x, t):
        y = sigmoid(x)
        p = y.value
        value = -t * np.log(p) - (1 - t) * np.log(1 - p)
        return unary(y, value, lambda g: g * (p - t) / (p * (1 - p)))


@historic("B218", "holocron#211", "SEN")
class GatherOfSentinels(CrossEntropy):
    """Ignored labels are looked up like any others, before they are masked."""

    def class_of(self, targets, valid, classes):
        return targets


@historic("B220", "TensorFlow.NET#987", "API")
class LogitsTakenForProbabilities(CrossEntropy):
    """The flag that says logits is dropped, and they are normalised and clipped like probabilities."""

    def log_softmax(self, rows):
        shares = rows / rows.sum(axis=1, keepdims=True)
        return shares.clip(low=1e-7, high=1 - 1e-7).log()


@historic("B223", "pylearn2#744", "RED")
class DivergenceUnreduced(SigmoidFocal):
    """Unreduced it is another formula: the divergence from the targets, less their entropy."""

    def binary_cross_entropy(self, x, t):
        found = super().binary_cross_entropy(x, t)
        if self.reduction != "none":
            return found
        inside = np.where((t > 0) & (t < 1), t, 0.5).astype(t.dtype)
        entropy = -inside * np.log(inside) - (1 - inside) * np.log(1 - inside)
        return found - np.where((t > 0) & (t < 1), entropy, 0).astype(t.dtype)


@historic("B228", "Paddle CE/log_softmax CPU saturates", "NUM")
class CappedAt64(CrossEntropy):
    """Shifted logits are cut off at -64; the gradient does not know it."""

    def log_softmax(self, rows):
        shifted = rows - (rows.max(axis=1, keepdims=True) if rows.size else 0.0)
        cut = unary(shifted, np.maximum(shifted.value, -64).astype(rows.dtype), lambda g: g)
        return cut - cut.exp().sum(axis=1, keepdims=True).log()
