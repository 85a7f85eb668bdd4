"""Mutants for the laws of single entries: a sound loss with one change each."""

import paddle
from paddle.nn.functional import one_hot

from .registry import GHM_R, SIGMOID_FOCAL, SIGMOID_GHM, mutant
from .sound_entries import SoundGHMRegression, SoundSigmoidFocal, SoundSigmoidGHM


@mutant("limit/gamma-zero-is-half-the-binary-cross-entropy", SIGMOID_FOCAL)
class NegativesUnbalanced(SoundSigmoidFocal):
    def balance(self, t):
        return super().balance(t) if self.alpha is None else self.alpha * t + (1 - t)


@mutant("limit/class-ids-are-one-hot", SIGMOID_FOCAL)
class ClassZeroIsBackground(SoundSigmoidFocal):
    def one_hot(self, ids, classes):
        return one_hot(ids, classes + 1)[..., 1:]


@mutant("ignore/class-ids", SIGMOID_FOCAL)
class IgnoredIdsSoughtInTheOneHot(SoundSigmoidFocal):
    def arrange(self, logits, labels, axis):
        targets, valid = super().arrange(logits, labels, axis)
        return targets, valid if list(labels.shape) == list(logits.shape) else self.mask(targets)


@mutant("ignore/label-and-mask", SIGMOID_FOCAL)
class MaskInsteadOfLabels(SoundSigmoidFocal):
    """Where there is a mask, labels are not looked at."""

    def elements(self, logits, labels, label_weight=None):
        self.masked = label_weight is not None
        return super().elements(logits, labels, label_weight)

    def mask(self, targets):
        return paddle.ones_like(targets).astype("bool") if self.masked else super().mask(targets)

    def check_targets(self, t):
        pass


@mutant("weights/entries-of-a-class", SIGMOID_FOCAL)
class WeightsUncounted(SoundSigmoidFocal):
    def mean(self, losses, weight, valid):
        return super().mean(losses, valid.astype(losses.dtype), valid)


@mutant("limit/one-region-is-binary-cross-entropy", SIGMOID_GHM)
class MeanOverRows(SoundSigmoidGHM):
    def reduce(self, losses, weight, valid, shape, normalizer):
        if self.reduction == "mean" and normalizer is None and len(shape) > 1:
            return self.over(losses.sum(), paddle.full([], shape[0], losses.dtype))
        return super().reduce(losses, weight, valid, shape, normalizer)


@mutant("limit/one-region-is-smooth-l1", GHM_R)
class MuIsLeft(SoundGHMRegression):
    def losses(self, x, t):
        return self.root(x, t)
