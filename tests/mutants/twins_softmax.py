"""Wrong twins of the losses of a softmax: what people write, not what a law looks for."""

import numpy as np
import paddle
import paddle.nn.functional as F

from .registry import CE, COST, FOCAL, GHM, twin
from .sound import SoundCostSensitive, SoundCrossEntropy, SoundFocal, SoundGHM, power
from .sound_regions import Regions


@twin(CE)
class DividesByTheLargestWeight(SoundCrossEntropy):
    def elements(self, logits, labels):
        losses, weight, valid, shape = super().elements(logits, labels)
        return losses, paddle.ones_like(weight) * weight.max() if weight.size else weight, valid, shape


@twin(CE)
class SmoothsIgnoredToo(SoundCrossEntropy):
    def element_weight(self, targets, valid, rows):
        found = super().element_weight(targets, valid, rows)
        return found + self.label_smoothing * (1 - valid.astype(rows.dtype))


@twin(CE)
class SoftToldByTheSquare(SoundCrossEntropy):
    def arrange(self, logits, labels):
        rows, targets = super().arrange(logits, labels)
        if targets.ndim == 1 and targets.shape[0] == rows.shape[1] > 1:
            return rows, F.one_hot(targets.clip(0), rows.shape[1]).astype(rows.dtype)
        return rows, targets


@twin(CE)
class TorchWeightsCounted(SoundCrossEntropy):
    def element_weight(self, targets, valid, rows):
        shares = self.shares(targets, rows.shape[1], rows.dtype)
        return super(SoundCrossEntropy, self).element_weight(shares, valid, rows)


@twin(CE)
class ProbabilitiesClipped(SoundCrossEntropy):
    def log_softmax(self, rows):
        return super().log_softmax(rows).exp().clip(1e-7, 1 - 1e-7).log()


@twin(CE)
class WeightOfTheWinner(SoundCrossEntropy):
    def factor(self, targets, valid, rows):
        return super().factor(rows.argmax(axis=1) if targets.ndim == 1 and rows.size else targets, valid, rows)


@twin(FOCAL)
class FactorDetached(SoundFocal):
    def modulation(self, losses):
        return super().modulation(losses.detach())


@twin(FOCAL)
class LossDetachedInTheFactor(SoundFocal):
    def losses(self, rows, targets):
        found = super(SoundFocal, self).losses(rows, targets)
        factor = self.modulation(found)
        return factor.detach() * found - (factor - factor.detach()) * found.detach()


@twin(FOCAL)
class FactorOfTheWinner(SoundFocal):
    def losses(self, rows, targets):
        found = super(SoundFocal, self).losses(rows, targets)
        return found * power(1 - self.log_softmax(rows).exp().max(axis=1), self.gamma)


@twin(FOCAL)
class WeightsInsideTheFactor(SoundFocal):
    """exp(-w l) is no probability: the weight was applied too early."""

    def losses(self, rows, targets):
        plain = super(SoundFocal, self).losses(rows, targets)
        weighted = plain * paddle.gather(self.class_weight(rows), targets)
        return plain * power(1 - (-weighted).exp(), self.gamma)


@twin(FOCAL)
class EpsilonInTheLog(SoundFocal):
    def losses(self, rows, targets):
        p = self.pick(self.log_softmax(rows), targets).exp()
        return -power(1 - p, self.gamma) * (p + 1e-8).log()


@twin(GHM)
class DensityNotDetached(SoundGHM):
    """The weights carry a gradient by way of the norm, as where they are made of soft counts."""

    def losses(self, rows, targets):
        found = super().losses(rows, targets)
        norm = 1 - (-found).exp()
        return found * (1 + norm - norm.detach())


@twin(GHM)
class NearestEdge(SoundGHM):
    def cut(self, bins, normalize):
        return RoundedRegions(bins, normalize)


class RoundedRegions(Regions):
    """A norm belongs to the edge that it is nearest to."""

    def index(self, norm):
        return super().index((norm * self.count).round() / self.count)


@twin(GHM)
class ShareOfAll(SoundGHM):
    """Ignored elements are out of the histogram, and still counted in N."""

    def harmony(self, losses, valid):
        n = max(int(valid.sum()), 1)
        return super().harmony(losses, valid) * (losses.shape[0] / n)


@twin(GHM)
class EmptyRegionsCount(SoundGHM):
    def cut(self, bins, normalize):
        return _AllOccupied(bins, normalize)


class _AllOccupied(Regions):
    def divisor(self, population):
        return paddle.full([], self.count, population.dtype)


@twin(GHM)
class NormOfTheWinner(SoundGHM):
    def harmony(self, losses, valid):
        return self.regions.harmony((-losses).exp(), self.counted(valid))


@twin(GHM)
class EpsilonInTheDensity(SoundGHM):
    def cut(self, bins, normalize):
        return _NearlyDivided(bins, normalize)


class _NearlyDivided(Regions):
    def divisor(self, population):
        return super().divisor(population) * (1 + 1e-6 / population.clip(min=1.0))


@twin(COST)
class CommonestIsOne(SoundCostSensitive):
    def costs_of(self, counts, gamma, empty_class_weight):
        costs = super().costs_of(counts, gamma, empty_class_weight)
        return costs / costs.min() if costs.min() > 0 else costs


@twin(COST)
class RarestOfAll(SoundCostSensitive):
    """A class that never occurs counts as the rarest, as if it occurred once."""

    def costs_of(self, counts, gamma, empty_class_weight):
        costs = super().costs_of(counts, gamma, empty_class_weight)
        return super().costs_of(np.maximum(counts, 1.0), gamma, None) if (counts == 0).any() else costs


@twin(COST)
class CostsAlone(SoundCostSensitive):
    def class_weight(self, rows):
        return paddle.to_tensor(self.costs, dtype=rows.dtype)


@twin(COST)
class CostsLeftOutOfTheMean(SoundCostSensitive):
    def mean(self, losses, weight, valid):
        return super().mean(losses, valid.astype(losses.dtype), valid)


@twin(COST)
class LabelsThroughSoftmax(SoundCostSensitive):
    def arrange(self, logits, labels):
        rows, targets = super().arrange(logits, labels)
        return rows, F.softmax(targets, axis=1) if targets.ndim == 2 else targets
