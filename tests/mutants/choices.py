"""Losses that make another choice than a contract: frozen weights, soft histograms, other denominators, all regions."""

import os

import paddle
import paddle.nn.functional as F
from paddle import nn

from .sound import SoundCrossEntropy, SoundGHM


class Reduced(nn.Layer):
    """Losses [n] of any logits with classes along axis 1; no class weights, nothing ignored."""

    def __init__(self, reduction="mean"):
        super().__init__()
        self.reduction = reduction

    def forward(self, logits, labels):
        plain = F.cross_entropy(logits, labels, reduction="none", axis=1)
        losses = self.weigh(plain.squeeze(1) if plain.ndim == logits.ndim else plain)
        if self.reduction == "none":
            return losses.reshape(labels.shape)
        return losses.sum() if self.reduction == "sum" else losses.sum() / self.size(logits)

    def weigh(self, losses):
        return losses

    def size(self, logits):
        return logits.size // logits.shape[1]


class FactorHeld(Reduced):
    """A focal loss as it is written where no gradient is wanted through the factor."""

    def weigh(self, losses):
        return (1 - (-losses).exp()).detach() ** 2 * losses


class FactorFollowed(Reduced):
    def weigh(self, losses):
        return (1 - (-losses).exp()) ** 2 * losses


class HalfHeld(Reduced):
    """One of two factors is held fixed."""

    def weigh(self, losses):
        q = 1 - (-losses).exp()
        return q.detach() * q * losses


class OverTheBatch(Reduced):
    def size(self, logits):
        return logits.shape[0]


class OverOneMore(Reduced):
    def size(self, logits):
        return logits.size // logits.shape[1] + 1


class SingleOnly(FactorHeld):
    """Takes float32 alone."""

    def forward(self, logits, labels):
        if logits.dtype != paddle.float32:
            raise TypeError(f"logits must be float32, got {logits.dtype}")
        return super().forward(logits, labels)


class MeanAlone(nn.Layer):
    """Takes no reduction."""

    def forward(self, logits, labels):
        return F.cross_entropy(logits, labels, axis=1)


class EntriesHeld(Reduced):
    """A sigmoid loss over one-hot labels, every entry with a weight of its own that is held fixed."""

    def forward(self, logits, labels):
        hot = F.one_hot(labels, logits.shape[1]).astype(logits.dtype)
        hot = hot.transpose([0, hot.ndim - 1, *range(1, hot.ndim - 1)])
        entries = F.softplus(logits) - logits * hot
        losses = ((F.sigmoid(logits) - hot).abs().detach() * entries).sum(axis=1)
        return losses if self.reduction == "none" else losses.sum() if self.reduction == "sum" else losses.mean()


class Builtin(nn.Layer):
    """Paddle's own cross entropy."""

    def __init__(self, weight=None, ignore_index=-100, reduction="mean"):
        super().__init__()
        self.options = {"weight": weight, "ignore_index": ignore_index, "reduction": reduction}

    def forward(self, logits, labels):
        return F.cross_entropy(logits, labels, axis=1, **self.options)


class OverAll(SoundCrossEntropy):
    """The mean counts ignored elements too."""

    def mean(self, losses, weight, valid):
        return super().mean(losses, paddle.ones_like(weight), valid)


class OverTheirNumber(SoundCrossEntropy):
    def __init__(self, weight=None, ignore_index=-100, reduction="mean", axis=1):
        super().__init__(weight, ignore_index, reduction, axis)

    def mean(self, losses, weight, valid):
        return super().mean(losses, valid.astype(losses.dtype), valid)


class SoftHistogram(SoundGHM):
    """Elements are spread over neighbouring regions, and the gradient goes through the counts."""

    def losses(self, rows, targets):
        found = super().losses(rows, targets)
        return found * self.density(1 - (-found).exp())

    def density(self, norm):
        places = (paddle.arange(10).astype(norm.dtype) + 0.5) / 10
        shares = (1 - (norm.unsqueeze(1) - places).abs() * 10).clip(min=0.0) + 1e-3
        return norm.shape[0] / (shares * shares.sum(axis=0)).sum(axis=1)

    def harmony(self, losses, valid):
        return paddle.ones_like(losses)


class SoftHistogramHeld(SoftHistogram):
    def density(self, norm):
        return super().density(norm.detach())


class AllRegions(SoundGHM):
    """Shared out over all regions; takes no argument that says so."""

    def __init__(self, bins=10, weight=None, ignore_index=-100, reduction="mean", axis=1):
        super().__init__(bins, weight, ignore_index, reduction, axis, normalize="paper")


class AbortsOnFive(nn.Layer):
    """Ends the process on a batch of five."""

    def forward(self, logits, labels):
        if logits.shape[0] == 5:
            os.abort()
        return F.cross_entropy(logits, labels, axis=1)
