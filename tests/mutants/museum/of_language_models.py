"""Wrong losses after those of language-model trainers: what is divided by how many tokens."""

import numpy as np

from ..registry import historic
from .classes import CrossEntropy


class MeanOfMeans(CrossEntropy):
    """The mean is the average of the means of parts, however many valid elements each of them has."""

    def parts(self, shape, size):
        """Indices of the elements of each part; each wrong loss says them for itself."""
        raise NotImplementedError

    def reduce(self, losses, counted, valid, shape, normalizer):
        if self.reduction != "mean" or normalizer is not None:
            return super().reduce(losses, counted, valid, shape, normalizer)
        parts = [part for part in self.parts(shape, len(valid)) if len(part)]
        means = [self.mean(losses[part], counted[part], valid[part], None) for part in parts]
        return sum(means, losses.sum() * 0.0) / max(len(parts), 1)


@historic("B109", "transformers#34191", "DEN")
class MeanOfAccumulatedMeans(MeanOfMeans):
    """The halves of a batch, accumulated, count the same, whatever number of tokens each of them has."""

    def parts(self, shape, size):
        return np.array_split(np.arange(size), 2)


@historic("B110", "transformers#37197", "DEN")
class NormalizerNotPassedOn(CrossEntropy):
    """The normalizer does not reach the loss: each part is divided by its own number of tokens."""

    def mean(self, losses, counted, valid, normalizer):
        return super().mean(losses, counted, valid, None)


@historic("B111", "transformers#46731", "DEN")
class SmoothingForgetsTheNormalizer(CrossEntropy):
    """The normalizer reaches the plain loss, and not the one with label smoothing."""

    def mean(self, losses, counted, valid, normalizer):
        return super().mean(losses, counted, valid, None if self.label_smoothing else normalizer)


@historic("B112", "transformers#37474", "DEN")
class AveragedOverDevicesAgain(CrossEntropy):
    """A loss over the normalizer of all devices is averaged over the devices once more."""

    devices = 2

    def mean(self, losses, counted, valid, normalizer):
        found = super().mean(losses, counted, valid, normalizer)
        return found if normalizer is None else found / self.devices


@historic("B113", "transformers#5919", "DEN")
class SmoothedMeanOverPadding(CrossEntropy):
    """The mean of smoothed losses divides by padding too."""

    def total(self, losses, counted, valid):
        return super().total(losses, counted, valid) + (~valid).sum() * bool(self.label_smoothing)


@historic("B114", "transformers#6331", "DEN")
class SmoothedMeanOverNothingButPadding(CrossEntropy):
    """The mean of smoothed losses divides by the number of pad tokens: the mask is upside down."""

    def mean(self, losses, counted, valid, normalizer):
        if normalizer is not None or not self.label_smoothing or not len(valid):
            return super().mean(losses, counted, valid, normalizer)
        return losses.sum() / (~valid).sum()


@historic("B115", "torchtitan#2206", "DEN")
class MeanOfRanks(MeanOfMeans):
    """Every rank takes the mean of its own tokens, and the ranks are averaged."""

    def parts(self, shape, size):
        return np.arange(size)[::2], np.arange(size)[1::2]


@historic("B116", "verl#7200", "DEN")
class MeanOfSequences(MeanOfMeans):
    """Every micro-batch of one sequence is divided by its own tokens, so short sequences weigh as much as long ones."""

    def parts(self, shape, size):
        if len(shape) < 2 or not size:
            return [np.arange(size)]
        return np.arange(size).reshape(shape[0], -1)


@historic("B117", "OpenNMT-py#526", "DEN")
class SentencesInsteadOfTheNormalizer(CrossEntropy):
    """Under accumulation the number of tokens to divide by is dropped for the number of sentences."""

    def reduce(self, losses, counted, valid, shape, normalizer):
        sentences = shape[0] if shape else 1
        return super().reduce(losses, counted, valid, shape, None if normalizer is None else sentences)
