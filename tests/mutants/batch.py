"""Mutants for the laws of batches, symmetry, arguments and broadcasting: a sound loss with one change each."""

import paddle

from .registry import CE, FOCAL, SIGMOID_FOCAL, SIGMOID_GHM, mutant
from .sound import SoundCrossEntropy, SoundFocal, power
from .sound_entries import SoundSigmoidFocal, SoundSigmoidGHM, sigmoid


@mutant("shape/row-independence", FOCAL)
class FocusOfTheMean(SoundFocal):
    """The factor of the mean loss, where each element has a factor of its own."""

    def modulation(self, losses):
        return power(1 - (-losses.mean()).exp(), self.gamma) if losses.size else losses


@mutant("shape/duplication", CE)
class OverOneLess(SoundCrossEntropy):
    """A mean as of a sample: over N - 1."""

    def mean(self, losses, weight, valid):
        return self.over(losses.sum(), (weight.sum() - 1).clip(min=1))


@mutant("shape/sum-is-additive", CE)
class SumOverTheBatch(SoundCrossEntropy):
    """A sum divided by the length of the first axis."""

    def reduce(self, losses, weight, valid, shape, normalizer):
        found = super().reduce(losses, weight, valid, shape, normalizer)
        return found / max(shape[0], 1) if self.reduction == "sum" and shape else found


@mutant("sigmoid/symmetry", SIGMOID_GHM)
class NormWithItsSign(SoundSigmoidGHM):
    """sigmoid(x) - t for its absolute value: every target of 1 falls into the first region."""

    def norm(self, x, t):
        return (sigmoid(x) - t).clip(min=0.0)


@mutant("arguments/has-effect", FOCAL)
class GammaUnheard(SoundFocal):
    """Takes gamma, and computes with 2."""

    def modulation(self, losses):
        return power(1 - (-losses).exp(), 2.0)


@mutant("refusals/broadcasting", SIGMOID_FOCAL)
class ShapesUnchecked(SoundSigmoidFocal):
    """Lets the framework broadcast logits and targets."""

    def elements(self, logits, labels, label_weight=None):
        if label_weight is None and labels.is_floating_point() and labels.shape != logits.shape:
            logits, labels = logits + paddle.zeros_like(labels), labels + paddle.zeros_like(logits)
        return super().elements(logits, labels, label_weight)
