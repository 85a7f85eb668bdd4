"""Wrong losses after defects of PyTorch's binary cross entropies."""

import numpy as np

from ..registry import historic
from .entries import SigmoidFocal
from .positive_weight import PositiveWeight, subject
from .tape import sigmoid


@historic("B069", "pytorch#13773", "NUM", subject="UNSTABLE_BRANCH")
class UnstableBranch(PositiveWeight):
    """With a weight of the positives log(1 + exp(-x)) is taken as it is written, and overflows."""

    def losses(self, x, t):
        return (1 + (-x).exp()).log() * self.share(t) + x * (1 - t)


UNSTABLE_BRANCH = subject(UnstableBranch)


@historic("B070", "pytorch#1516", "NUM")
class LogOfTheSigmoid(SigmoidFocal):
    """The logarithm is taken of a sigmoid that is 0 or 1 already; there the gradient is 0."""

    def binary_cross_entropy(self, x, t):
        p, tiny = sigmoid(x), np.finfo(x.dtype).tiny
        return -p.clip(low=tiny).log() * t - (1 - p).clip(low=tiny).log() * (1 - t)


@historic("B072", "pytorch#1792", "NUM")
class WithoutTheMaximum(SigmoidFocal):
    """The loss is x (1 - t) + log(1 + exp(-x)), which overflows at large negative x."""

    def binary_cross_entropy(self, x, t):
        return x * (1 - t) + (1 + (-x).exp()).log()


@historic("B074", "pytorch#51866", "CHK")
class AnyNumberIsAProbability(SigmoidFocal):
    """Numbers outside [0, 1] are taken for probabilities."""

    def check_targets(self, t):
        return
