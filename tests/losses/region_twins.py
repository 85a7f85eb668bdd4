"""The losses of ``region_losses``, each with a step gone wrong, and the laws of which one does not hold."""

import paddle
from paddle.nn import functional as F

from tests.losses.region_losses import (
    Asymmetric,
    DicePerBatch,
    DicePerImage,
    EntryMean,
    LovaszHinge,
    LovaszSoftmax,
    MultiClassSigmoidFocal,
    MultiLabelSoftMargin,
    OnlineHardExamples,
    Tempered,
    Varifocal,
)


class DiceThatChangesLabels(DicePerImage):
    """Sets ignored labels to 0 in the tensor of the caller."""

    def forward(self, logits, labels):
        loss = super().forward(logits, labels)
        if self.ignored is not None:
            labels[labels == self.ignored] = 0
        return loss


class DiceThatCountsIgnored(DicePerBatch):
    """Ignored pixels are part of the first class."""

    def mask(self, valid):
        return paddle.ones_like(valid)


class LovaszOfNothing(LovaszSoftmax):
    """With every pixel ignored an empty tensor comes back."""

    def of_nothing(self, rows):
        return rows[:0] * 0


class LovaszByPrecedence(LovaszHinge):
    """log(p + eps / (1 - p + eps)) in place of the logit: it is 0 at most."""

    def margins(self, rows):
        p = F.sigmoid(rows)
        return (p + 1e-9 / (1 - p + 1e-9)).log()


class HardestIgnored(OnlineHardExamples):
    """What is ignored counts as the hardest."""

    def ranked(self, p, valid):
        return p * valid

    def counted(self, valid):
        return paddle.ones_like(valid)


class EntryMeanOfAll(EntryMean):
    """Its mean divides by ignored entries, too."""

    def number(self, valid):
        return paddle.ones_like(valid).sum()


class VarifocalDetached(Varifocal):
    """No gradient flows through the factor of negatives."""

    def factor(self, x):
        return super().factor(x.detach())


class AsymmetricOverflows(Asymmetric):
    """Its sigmoid is a quotient of exponentials."""

    def sigmoid(self, x):
        return x.exp() / (1 + x.exp())


class SoftMarginByLogarithms(MultiLabelSoftMargin):
    """Takes logarithms of probabilities that have rounded to 0."""

    def entries(self, x, t):
        return -t * F.sigmoid(x).log() - (1 - t) * (1 - F.sigmoid(x)).log()


class FocalThatCountsIgnored(MultiClassSigmoidFocal):
    """Ignored elements keep the loss of what was put in their place."""

    def masked(self, losses, valid):
        return losses


class TemperedDetached(Tempered):
    """The temperature gets half of its gradient."""

    def heat(self, dtype):
        heat = super().heat(dtype)
        return (heat + heat.detach()) / 2


WRONG = {
    DiceThatChangesLabels: ("conduct/inputs-not-mutated",),
    DiceThatCountsIgnored: ("ignore/deleting-is-masking", "ignore/many-ignored"),
    LovaszOfNothing: ("ignore/all-ignored", "shape/scalar-shape"),
    LovaszByPrecedence: ("promise/certain",),
    HardestIgnored: ("ignore/deleting-is-masking", "ignore/many-ignored"),
    EntryMeanOfAll: ("ignore/deleting-is-masking", "ignore/many-ignored"),
    AsymmetricOverflows: ("numerics/finite-at-saturation",),
    SoftMarginByLogarithms: ("numerics/finite-at-saturation",),
    FocalThatCountsIgnored: ("ignore/deleting-is-masking", "ignore/many-ignored"),
    TemperedDetached: ("oracle/parameters",),
}
"""Laws one of which each breaks."""
