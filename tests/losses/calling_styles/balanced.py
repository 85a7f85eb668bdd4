"""Losses that weigh or choose elements, by arguments that take one kind of value alone."""

import math

import numpy as np
import paddle

from tests.losses.calling_styles.parts import ClassLoss, over


class Balanced(ClassLoss):
    """Cross entropy of each element times what a subclass makes of all cross entropies."""

    def forward(self, logits, labels):
        return self.of_elements(logits, labels)

    def reduced(self, losses, weights, valid):
        return super().reduced(losses * self.density(losses.detach(), valid), weights, valid)

    def density(self, losses, valid):
        raise NotImplementedError


class CountsOfRegions(Balanced):
    """GHM-C; ``bins`` is how many regions there are."""

    def __init__(self, bins=10, ignore_index=-100, reduction="mean"):
        super().__init__(None, ignore_index, reduction)
        self.cut(bins)

    def cut(self, bins):
        if isinstance(bins, bool) or not isinstance(bins, int) or bins < 1:
            raise ValueError(f"bins must be a number of regions, 1 at least, got {bins!r}")
        self.number, self.width = bins, 1 / bins

    def places(self, norm):
        return (norm * self.number).floor().clip(0, self.number - 1).astype("int64")

    def counted(self, valid):
        return valid

    def density(self, losses, valid):
        norm = 1 - (-paddle.where(losses.isnan(), paddle.zeros_like(losses), losses)).exp()
        members = paddle.nn.functional.one_hot(self.places(norm), self.number).astype(losses.dtype)
        population = (members * self.counted(valid).unsqueeze(1)).sum(axis=0)
        occupied = (population > 0).astype(losses.dtype).sum()
        share = self.counted(valid).sum() / (population * occupied).clip(min=1)
        return (members * share).sum(axis=1)


class CountsOfRegionsLastOpen(CountsOfRegions):
    """An element of gradient norm 1 lies in no region, and weighs nothing."""

    def density(self, losses, valid):
        inside = (1 - (-losses).exp()) < 1
        return super().density(losses, valid) * inside.astype(losses.dtype)


class WidthsOfRegions(CountsOfRegions):
    """GHM-C; ``bins`` is how wide a region is."""

    def __init__(self, bins=0.1, ignore_index=-100, reduction="mean"):
        super().__init__(bins, ignore_index, reduction)

    def cut(self, bins):
        if not isinstance(bins, float) or not 0 < bins <= 1:
            raise ValueError(f"bins must be the width of a region, in (0, 1], got {bins!r}")
        self.number, self.width = math.ceil(1 / bins - 1e-9), bins

    def places(self, norm):
        steps = norm * self.number if self.width == 1 / self.number else norm / paddle.full([], self.width, norm.dtype)
        return steps.floor().clip(0, self.number - 1).astype("int64")


class WidthsOfRegionsWithIgnored(WidthsOfRegions):
    """Ignored elements are in the histogram."""

    def counted(self, valid):
        return paddle.ones_like(valid)


class HardestShare(Balanced):
    """Average top-k; ``top_ratio`` is the share of the elements that is kept."""

    def __init__(self, top_ratio=0.7, ignore_index=255, reduction="mean"):
        super().__init__(None, ignore_index, reduction)
        if isinstance(top_ratio, bool) or not isinstance(top_ratio, (int, float)) or not 0 < top_ratio <= 1:
            raise ValueError(f"top_ratio must be in (0, 1], got {top_ratio!r}")
        self.top_ratio = top_ratio

    def number(self, valid):
        """The largest j with j / n <= r, 1 at least."""
        n = int(valid.sum())
        return max((j for j in range(1, n + 1) if j / n <= self.top_ratio), default=min(1, n))

    def density(self, losses, valid):
        keys = paddle.where(valid > 0, losses, paddle.full_like(losses, -math.inf)).numpy()
        chosen = np.zeros(keys.shape)
        chosen[np.argsort(-keys, kind="stable")[: self.number(valid)]] = 1.0
        return paddle.to_tensor(chosen, dtype=losses.dtype)

    def divisor(self, losses, weights, valid):
        return paddle.full([], self.number(valid), losses.dtype)


class HardestShareOfAll(HardestShare):
    """The share is of all elements, ignored ones too."""

    def number(self, valid):
        return min(int(valid.sum()), max(1, int(self.top_ratio * valid.size))) if valid.size else 0


class RareClasses(ClassLoss):
    """Cost-sensitive cross entropy; ``samples_per_cls`` is an array."""

    def __init__(self, samples_per_cls, gamma=1.0, ignore_index=-100, reduction="mean"):
        super().__init__(None, ignore_index, reduction)
        if not isinstance(samples_per_cls, np.ndarray):
            raise TypeError(f"samples_per_cls must be an array, got {type(samples_per_cls)}")
        if not np.isfinite(samples_per_cls).all() or not (samples_per_cls > 0).all():
            raise ValueError(f"samples_per_cls must be > 0, got {samples_per_cls.tolist()}")
        if isinstance(gamma, str) or not 0 <= gamma < math.inf:
            raise ValueError(f"gamma must be >= 0, got {gamma!r}")
        self.costs = self.costs_of(samples_per_cls.astype("float64"), gamma)
        self.class_weights = paddle.to_tensor(self.costs, dtype="float64")

    def costs_of(self, counts, gamma):
        return (counts.min() / counts) ** gamma

    def forward(self, logits, labels):
        return self.of_elements(logits, labels)


class RareClassesSummingToC(RareClasses):
    """The costs are made to sum to the number of classes, and the mean divides by the elements."""

    def costs_of(self, counts, gamma):
        costs = super().costs_of(counts, gamma)
        return costs / costs.sum() * len(costs)

    def reduced(self, losses, weights, valid):
        if self.reduction == "mean":
            return over(losses.sum(), valid.sum())
        return super().reduced(losses, weights, valid)
