"""Wrong twins of the losses of single entries and of the largest, made without any law in mind."""

import math

import paddle

from . import twins_softmax
from .registry import GHM_R, SIGMOID_FOCAL, SIGMOID_GHM, TOP_K, twin
from .sound import power
from .sound_entries import (
    SoundGHMRegression,
    SoundSigmoidFocal,
    SoundSigmoidGHM,
    binary_cross_entropy,
    sigmoid,
    softplus,
)
from .sound_regions import Regions
from .sound_top_k import Entries, SoundTopK


@twin(SIGMOID_FOCAL)
class AlphaOnTheWrongSide(SoundSigmoidFocal):
    def balance(self, t):
        return super().balance(1 - t)


@twin(SIGMOID_FOCAL)
class EntryFactorDetached(SoundSigmoidFocal):
    def modulation(self, x, t):
        return super().modulation(x, t).detach()


@twin(SIGMOID_FOCAL)
class DistanceForMissing(SoundSigmoidFocal):
    """|p - t| is 1 - p_t at targets of 0 and 1 alone."""

    def modulation(self, x, t):
        return power((sigmoid(x) - t).abs(), self.gamma)


@twin(SIGMOID_FOCAL)
class MaskLeftInTheMean(SoundSigmoidFocal):
    def mean(self, losses, weight, valid):
        return super().mean(losses, paddle.ones_like(weight), paddle.ones_like(valid))


@twin(SIGMOID_FOCAL)
class MaskAsWeight(SoundSigmoidFocal):
    def forward(self, logits, labels, label_weight=None, normalizer=None):
        if label_weight is not None and self.reduction == "sum":
            logits, labels = logits * 1, labels * 1
            saved, self.reduction = self.reduction, "none"
            losses = super().forward(logits, labels, label_weight)
            self.reduction = saved
            return (losses * label_weight.astype(losses.dtype)).sum()
        return super().forward(logits, labels, label_weight, normalizer)


@twin(SIGMOID_GHM)
class NormWithoutSign(SoundSigmoidGHM):
    def norm(self, x, t):
        return sigmoid(x)


@twin(SIGMOID_GHM)
class MaskNotInTheHistogram(SoundSigmoidGHM):
    def counted(self, valid):
        return paddle.ones_like(valid)


@twin(SIGMOID_GHM)
class LastRegionForgotten(SoundSigmoidGHM):
    """A norm of exactly 1 lies in no region."""

    def cut(self, bins, normalize):
        return _HalfOpen(bins, normalize)


class _HalfOpen(Regions):
    def harmony(self, norm, counted):
        return super().harmony(norm, counted) * (norm < 1).astype(norm.dtype)


@twin(SIGMOID_GHM)
class SoftTargetsRounded(SoundSigmoidGHM):
    def losses(self, x, t):
        return binary_cross_entropy(x, (t > 0.5).astype(t.dtype))


@twin(SIGMOID_GHM)
class LossClippedAt100(SoundSigmoidGHM):
    def losses(self, x, t):
        return t * softplus(-x).clip(max=100.0) + (1 - t) * softplus(x).clip(max=100.0)


@twin(GHM_R)
class MuInside(SoundGHMRegression):
    def losses(self, x, t):
        return ((x - t) * (x - t) + self.mu).sqrt() - self.mu


@twin(GHM_R)
class NormOfTheError(SoundGHMRegression):
    def norm(self, x, t):
        return (x - t).abs().clip(max=1.0)


@twin(GHM_R)
class SignOfTheErrorLost(SoundGHMRegression):
    def losses(self, x, t):
        root = self.root(x.detach(), t)
        slope = (x.detach() - t).abs() / root
        return root - paddle.full([], self.mu, x.dtype) + slope * (x - x.detach())


@twin(GHM_R)
class SmoothL1(SoundGHMRegression):
    def losses(self, x, t):
        d = (x - t).abs()
        return paddle.where(d < self.mu, 0.5 * d * d / self.mu, d - 0.5 * self.mu)


@twin(GHM_R)
class NearestEdgeOfErrors(SoundGHMRegression):
    def cut(self, bins, normalize):
        return twins_softmax.RoundedRegions(bins, normalize)


@twin(TOP_K)
class RoundedUp(SoundTopK):
    def count(self, valid):
        return min(math.ceil(self.top_k * valid), valid) if self.k is None else super().count(valid)


@twin(TOP_K)
class ChosenBeforeWeighting(SoundTopK):
    def chosen(self, losses, weight, valid):
        safe = paddle.where(weight > 0, weight, paddle.ones_like(weight))
        return super().chosen(losses / safe, weight, valid)


@twin(TOP_K)
class WeightsOfTheChosen(SoundTopK):
    """The mean divides by the weights of the elements that were chosen."""

    def forward(self, logits, labels, normalizer=None):
        losses, weight, valid, _ = self.inner.elements(logits, labels)
        self.taken = self.chosen(losses.detach(), weight, valid).astype(weight.dtype)
        return super().forward(logits, labels, normalizer)

    def size(self, weight, valid):
        return ((weight if self.denominator == "weights" else paddle.ones_like(weight)) * self.taken).sum()


@twin(TOP_K)
class IgnoredInTheFraction(SoundTopK):
    def chosen(self, losses, weight, valid):
        self.everything = losses.shape[0]
        return super().chosen(losses, weight, valid)

    def count(self, valid):
        return min(super().count(getattr(self, "everything", valid)), valid) if self.k is None else min(self.k, valid)


@twin(TOP_K)
class HingeSquared(SoundTopK):
    def inside(self, individual, **options):
        return _HingeSquared(individual, **options) if individual == "hinge" else super().inside(individual, **options)


class _HingeSquared(Entries):
    def hinge(self, x, t):
        return super().hinge(x, t) * super().hinge(x, t)


@twin(TOP_K)
class HalfOfTheSquare(SoundTopK):
    def inside(self, individual, **options):
        return _Half(individual, **options) if individual == "squared" else super().inside(individual, **options)


class _Half(Entries):
    def squared(self, x, t):
        return super().squared(x, t) / 2


@twin(TOP_K)
class SoftChoice(SoundTopK):
    """The rest is not 0 but small, as with a sigmoid in place of a step."""

    def reduce(self, losses, weight, valid, shape, normalizer):
        return super().reduce(losses * (1 - 1e-5), weight, valid, shape, normalizer)
