"""Wrong losses after those of Keras, TensorFlow and its add-ons."""

import numpy as np

from ..registry import historic
from .classes import CrossEntropy
from .entries import SigmoidFocal
from .tape import where


@historic("B118", "keras#19838", "SHP")
class MaskBuiltBeforeTheSqueeze(CrossEntropy):
    """Labels of shape [N, 1] have a mask of shape [N, 1], which broadcasts with the losses [N] to [N, N]."""

    def trimmed(self, labels, logits, axis):
        found = super().trimmed(labels, logits, axis)
        self.squeezed = found.ndim != labels.ndim
        return found

    def masked(self, losses, valid):
        if self.squeezed:
            return where(valid[:, None], losses.reshape(1, -1), 0.0)
        return super().masked(losses, valid)


@historic("B119", "tf-keras#734", "NUM")
class InvalidLossTimesZero(CrossEntropy):
    """The loss of an ignored label outside the classes is NaN, and is multiplied by 0."""

    def elements(self, rows, targets):
        losses, counted, valid = super().elements(rows, targets)
        if targets.ndim == 1:
            outside = (targets < 0) | (targets >= rows.shape[1])
            losses = where(outside, np.nan, losses) * valid
        return losses, counted, valid


@historic("B120", "keras#21908", "DEG")
class EpsilonBesideTheQuotient(CrossEntropy):
    """The mask is scaled by n / valid + eps where n / (valid + eps) was meant: nothing valid is infinitely heavy."""

    def mean(self, losses, counted, valid, normalizer):
        if normalizer is not None or not len(valid):
            return super().mean(losses, counted, valid, normalizer)
        scale = len(valid) / self.total(losses, counted, valid) + 1e-7
        return (losses * np.asarray(scale, losses.dtype)).sum() / len(valid)


@historic("B122", "keras#15323", "DEN")
class MaskedStepsDivide(SigmoidFocal):
    """The sum of the masked losses is divided by all entries, masked ones too."""

    def total(self, losses, x, t, valid):
        return valid.size


@historic("B126", "TF#61519", "API")
class AlphaBehindAFlag(SigmoidFocal):
    """alpha is taken, and does nothing unless a flag says so."""

    def __init__(
        self,
        gamma=2.0,
        alpha=0.25,
        ignore_index=-100,
        reduction="mean",
        axis=1,
        denominator="weights",
        apply_class_balancing=False,
    ):
        super().__init__(gamma, alpha, ignore_index, reduction, axis, denominator)
        self.apply_class_balancing = apply_class_balancing

    def balance(self, t):
        return super().balance(t) if self.apply_class_balancing else np.ones_like(t)


class Broadcast(SigmoidFocal):
    """Logits and targets of different shapes are broadcast to a common one."""

    def loss(self, logits, labels, label_weight, normalizer):
        if np.issubdtype(labels.dtype, np.floating):
            shape = np.broadcast_shapes(logits.shape, labels.shape)
            labels = np.broadcast_to(labels, shape)
            label_weight = None if label_weight is None else np.broadcast_to(label_weight, shape)
            logits = logits + np.zeros(shape, logits.dtype)
        return super().loss(logits, labels, label_weight, normalizer)


@historic("B127", "TF#30040", "SHP")
class TargetsBroadcastAgainstLogits(Broadcast):
    """Targets [N] beside logits [N, 1] are no error: every target meets every logit."""


@historic("B128", "TF#8484", "CHK")
class ForeignLabelIsNaN(CrossEntropy):
    """A label outside the classes gets a loss of NaN, and no error."""

    def check_range(self, labels, classes):
        pass

    def class_of(self, targets, valid, classes):
        return super().class_of(targets, valid, classes) % classes

    def elements(self, rows, targets):
        losses, counted, valid = super().elements(rows, targets)
        if targets.ndim == 1:
            losses = where(valid & ((targets < 0) | (targets >= rows.shape[1])), np.nan, losses)
        return losses, counted, valid


@historic("B129", "TF#126005", "CHK")
class CompiledGatherFillsWithNaN(CrossEntropy):
    """Compiled, the gather fills what lies outside the classes with NaN, where the plain one raises."""

    def check_range(self, labels, classes):
        pass

    def one_hot(self, classes, count):
        inside = (classes >= 0) & (classes < count)
        return np.where(inside[:, None], np.eye(count)[classes * inside], np.nan)

    def picked(self, surprise, shares):
        return where(shares == 0, 0.0, surprise * np.asarray(shares, surprise.dtype)).sum(axis=1)


@historic("B130", "TF#3739", "CHK")
class ForeignLabelIsFree(CrossEntropy):
    """A label outside the classes has a row of zeros among the one-hot rows: a loss of 0, and no error."""

    def check_range(self, labels, classes):
        pass

    def one_hot(self, classes, count):
        return (classes[:, None] == np.arange(count)).astype(float)


@historic("B131", "TF#40606", "NUM")
class ZeroTimesInfinity(CrossEntropy):
    """One-hot rows times log-probabilities, summed: a class masked by -inf adds 0 times infinity."""

    def picked(self, surprise, shares):
        return (surprise * np.asarray(shares, surprise.dtype)).sum(axis=1)


@historic("B133", "TFA#693", "RED")
class LastAxisAlwaysAveraged(SigmoidFocal):
    """The last axis is averaged and kept before any reduction, so `none` has not the targets' shape."""

    def reduce(self, losses, x, t, valid, shape, normalizer):
        if self.reduction == "mean" or not shape:
            return super().reduce(losses, x, t, valid, shape, normalizer)
        averaged = losses.reshape(shape).mean(axis=-1, keepdims=True)
        return averaged if self.reduction == "none" else averaged.sum()
