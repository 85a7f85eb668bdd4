"""A sound average of the k largest losses, whatever they are losses of."""

import math

import paddle

from .museum.checks import check_choice, check_portion
from .registry import TOP_K, sound
from .sound import SoundLoss, SoundSoftmaxLoss
from .sound_entries import SoundEntryLoss, binary_cross_entropy

ENTRIES = ("logistic", "hinge", "squared", "absolute")


class Entries(SoundEntryLoss):
    """Losses of entries by name."""

    def __init__(self, individual, **options):
        super().__init__(**options)
        self.individual, self.probabilities = individual, individual in ("logistic", "hinge")

    def mask(self, targets):
        """Real targets have no number to spare for what is ignored."""
        return super().mask(targets) if self.probabilities else paddle.ones_like(targets).astype("bool")

    def losses(self, x, t):
        return {
            "logistic": binary_cross_entropy,
            "hinge": self.hinge,
            "squared": self.squared,
            "absolute": lambda x, t: (x - t).abs(),
        }[self.individual](x, t)

    def hinge(self, x, t):
        margin = 1 - (2 * t - 1) * x
        return paddle.where(margin <= 0, paddle.zeros_like(margin), margin)

    def squared(self, x, t):
        return (x - t) * (x - t)


@sound(TOP_K)
class SoundTopK(SoundLoss):
    """The mean of the k largest weighted losses."""

    def __init__(
        self,
        individual="cross_entropy",
        top_k=None,
        k=None,
        weight=None,
        ignore_index=-100,
        reduction="mean",
        axis=1,
        denominator="weights",
    ):
        super().__init__(weight, ignore_index, reduction, axis, denominator)
        if not callable(individual):
            check_choice("individual", individual, ("cross_entropy", *ENTRIES))
        check_portion(top_k, k)
        self.top_k, self.k = 0.7 if top_k is None and k is None else top_k, k
        self.inner = self.inside(individual, weight=weight, ignore_index=ignore_index, axis=axis)

    def inside(self, individual, **options):
        if callable(individual):
            return Given(individual, **options)
        return SoundSoftmaxLoss(**options) if individual == "cross_entropy" else Entries(individual, **options)

    def forward(self, logits, labels, normalizer=None):
        losses, weight, valid, shape = self.inner.elements(logits, labels)
        chosen = self.chosen(losses.detach(), weight, valid)
        losses = paddle.where(chosen, losses, paddle.zeros_like(losses))
        return self.narrowed(self.reduce(losses, weight, valid, shape, normalizer), self.result_dtype(logits))

    def chosen(self, losses, weight, valid):
        """A mask of the k largest; a loss of NaN is the largest of all."""
        infinite = paddle.full_like(losses, math.inf)
        keys = paddle.where(valid, paddle.where(losses.isnan(), infinite, losses), -infinite)
        order = keys.numpy().argsort()[::-1].copy()
        places = paddle.to_tensor(order[: self.count(int(valid.sum()))], dtype="int64")
        hits = paddle.zeros(losses.shape, dtype="int64")
        return (paddle.scatter(hits, places, paddle.ones_like(places)) if places.size else hits) > 0

    def count(self, valid):
        """k, or the largest j with j / N <= top_k, at least 1."""
        if self.k is not None:
            return min(self.k, valid)
        count = min(1, valid)
        while count < valid and (count + 1) / valid <= self.top_k:
            count += 1
        return count

    def mean(self, losses, weight, valid):
        return self.over(losses.sum(), self.size(weight, valid))

    def size(self, weight, valid):
        """k W / N, or k."""
        total = weight if self.denominator == "weights" else valid.astype(weight.dtype)
        count = int(valid.sum())
        return total.sum() * paddle.full([], self.count(count), weight.dtype) / max(count, 1)


class Given(SoundSoftmaxLoss):
    """Losses of rows and classes by a callable."""

    def __init__(self, individual, **options):
        super().__init__(**options)
        self.individual = individual

    def losses(self, rows, targets):
        return self.individual(rows, targets)
