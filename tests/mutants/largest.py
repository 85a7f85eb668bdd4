"""Mutants for the laws of the average of the largest: a sound loss with one change each."""

import paddle

from .registry import TOP_K, mutant
from .sound_top_k import SoundTopK


@mutant("limit/everything-is-cross-entropy", TOP_K)
class StrictlyBelowTheFraction(SoundTopK):
    def count(self, valid):
        if self.k is not None:
            return super().count(valid)
        return max((j for j in range(min(1, valid), valid + 1) if j <= 1 or j / valid < self.top_k), default=0)


@mutant("limit/one-is-the-maximum", TOP_K)
class SmallestFirst(SoundTopK):
    def chosen(self, losses, weight, valid):
        return super().chosen(-losses, weight, valid)


@mutant("aggregate/between-mean-and-maximum", TOP_K)
class MeanOfAll(SoundTopK):
    def size(self, weight, valid):
        return weight.sum() if self.denominator == "weights" else valid.astype(weight.dtype).sum()


@mutant("aggregate/non-increasing", TOP_K)
class SumForMean(SoundTopK):
    def size(self, weight, valid):
        return paddle.ones([], weight.dtype)


@mutant("aggregate/convex", TOP_K)
class OutlierDropped(SoundTopK):
    def chosen(self, losses, weight, valid):
        largest = losses.max() if losses.size else losses.sum()
        return super().chosen(paddle.where(losses == largest, -losses, losses), weight, valid)


@mutant("aggregate/variational", TOP_K)
class TiesAllCount(SoundTopK):
    def chosen(self, losses, weight, valid):
        found = super().chosen(losses, weight, valid)
        if not found.any():
            return found
        return valid & ((losses >= losses[found].min()) | losses.isnan())


@mutant("aggregate/fraction", TOP_K)
class Truncated(SoundTopK):
    def count(self, valid):
        return super().count(valid) if self.k is not None else min(max(int(self.top_k * valid), 1), valid)


@mutant("refusals/k-and-top-k", TOP_K)
class SmallerOfBoth(SoundTopK):
    """Given a number and a fraction, half as many elements."""

    def __init__(self, individual="cross_entropy", top_k=None, k=None, **options):
        both = top_k is not None and k is not None
        super().__init__(individual, None if both else top_k, k, **options)
        self.halved = both

    def count(self, valid):
        found = super().count(valid)
        return (found + 1) // 2 if self.halved else found
