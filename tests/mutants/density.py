"""Mutants for the laws of gradient density: a sound GHM with one change each."""

import paddle

from .registry import GHM, mutant
from .sound import SoundGHM
from .sound_regions import Regions


@mutant("aggregate/weights-sum-to-n", GHM)
class OccupiedForgotten(SoundGHM):
    def cut(self, bins, normalize):
        return _NoDivisor(bins, normalize)


class _NoDivisor(Regions):
    def divisor(self, population):
        return paddle.ones_like(population)


@mutant("aggregate/edges", GHM)
class EdgesDrift(SoundGHM):
    def cut(self, bins, normalize):
        return _Drifting(bins, normalize)


class _Drifting(Regions):
    def index(self, norm):
        return (norm / (self.width + 1e-4)).floor().clip(0, self.count - 1).astype("int64")


@mutant("aggregate/last-region-is-closed", GHM)
class LastRegionOpen(SoundGHM):
    """A gradient norm of exactly 1 is in no region."""

    def cut(self, bins, normalize):
        return OpenRegions(bins, normalize)


class OpenRegions(Regions):
    def harmony(self, norm, counted):
        inside = norm < 1
        return super().harmony(norm, counted & inside) * inside.astype(norm.dtype)


@mutant("aggregate/uneven-width", GHM)
class LastRegionMerged(SoundGHM):
    def cut(self, bins, normalize):
        return _Merged(bins, normalize)


class _Merged(Regions):
    def cut(self, bins):
        return (int(1 / bins + 1e-9), bins) if isinstance(bins, float) else super().cut(bins)


@mutant("aggregate/width-equals-count", GHM)
class OneRegionTooMany(SoundGHM):
    def cut(self, bins, normalize):
        return _OneMore(bins, normalize)


class _OneMore(Regions):
    def cut(self, bins):
        return (int(1 / bins) + 1, 1 / (int(1 / bins) + 1)) if isinstance(bins, float) else super().cut(bins)
