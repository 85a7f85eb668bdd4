"""Mutants that are sound by another convention than the contract's, or but for a number or a cast inside."""

from .registry import CE, FOCAL, GHM, mutant
from .sound import SoundCrossEntropy, SoundFocal, SoundGHM


@mutant("conventions/denominator", CE)
class MeanOverTheirNumber(SoundCrossEntropy):
    def mean(self, losses, weight, valid):
        return super().mean(losses, valid.astype(losses.dtype), valid)


@mutant("conventions/nothing", CE)
class NothingIsNoNumber(SoundCrossEntropy):
    @staticmethod
    def over(total, divisor):
        return total / divisor


@mutant("conventions/gradient", FOCAL)
class FactorHeldFixed(SoundFocal):
    def modulation(self, losses):
        return super().modulation(losses.detach())


@mutant("conventions/choices", GHM)
class EveryRegionCounts(SoundGHM):
    """Shared out over all regions; takes no argument that says so."""

    def __init__(self, bins=10, weight=None, ignore_index=-100, reduction="mean", axis=1):
        super().__init__(bins, weight, ignore_index, reduction, axis, normalize="paper")


@mutant("numerics/precision-inside", CE)
class SinglePrecisionInside(SoundCrossEntropy):
    def losses(self, rows, targets):
        return super().losses(rows.astype("float32"), targets).astype(rows.dtype)


@mutant("numerics/epsilon", CE)
class KeptFromZero(SoundCrossEntropy):
    def over(self, total, divisor):
        return total / (divisor + 1e-5)
