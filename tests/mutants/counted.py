"""Losses whose mean counts an element by its loss or its prediction, where its label alone decides."""

import paddle

from .registry import CE, FOCAL, SIGMOID_FOCAL, mutant, twin
from .sound import SoundCrossEntropy, SoundFocal
from .sound_entries import SoundSigmoidFocal


def over_those(layer, losses, weight, kept):
    """The mean over the elements that are kept."""
    kept = kept.astype(losses.dtype)
    return layer.over((losses * kept).sum(), (weight * kept).sum())


@mutant("denominator/counts-every-element", CE)
class MeanOfNonZero(SoundCrossEntropy):
    """A mean over the losses that are not 0: padding was to be told by its loss."""

    def mean(self, losses, weight, valid):
        return over_those(self, losses, weight, losses != 0)


@twin(CE)
class MeanAboveThreshold(SoundCrossEntropy):
    """A mean over losses above 0.1: easy elements are dropped."""

    def mean(self, losses, weight, valid):
        return over_those(self, losses, weight, losses > 0.1)


@twin(FOCAL)
class MeanOfMistaken(SoundFocal):
    """A mean over the elements whose label is not predicted."""

    def elements(self, logits, labels):
        losses, weight, valid, shape = super().elements(logits, labels)
        rows, targets = self.arrange(logits, self.trimmed(logits, labels))
        if losses.size and targets.ndim == 1:
            self.mistaken = (rows.argmax(axis=1) != targets) & valid
        else:
            self.mistaken = valid
        return losses, weight, valid, shape

    def mean(self, losses, weight, valid):
        return over_those(self, losses, weight, self.mistaken)


@twin(SIGMOID_FOCAL)
class DenominatorOfNonZero(SoundSigmoidFocal):
    """All losses over the number of those that are not 0."""

    def mean(self, losses, weight, valid):
        return self.over(losses.sum(), (weight * (losses != paddle.zeros_like(losses)).astype(losses.dtype)).sum())
