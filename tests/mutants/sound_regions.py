"""Unit regions of gradient norms, and the weights of GHM, by a one-hot matrix of regions."""

import math

import paddle
from paddle.nn.functional import one_hot

from .museum.checks import check_bins, check_choice


class Regions:
    """``count`` regions, each ``width`` wide."""

    def __init__(self, bins, normalize):
        check_bins(bins)
        check_choice("normalize", normalize, ("occupied", "paper"))
        self.count, self.width = self.cut(bins)
        self.normalize = normalize

    def cut(self, bins):
        if isinstance(bins, int):
            return bins, 1 / bins
        return math.ceil(1 / bins - 1e-9), bins

    def index(self, norm):
        """The region of each norm."""
        whole = self.width == 1 / self.count
        steps = norm * self.count if whole else norm / paddle.full([], self.width, norm.dtype)
        steps = paddle.where(steps.isnan(), paddle.zeros_like(steps), steps)
        return steps.floor().clip(0, self.count - 1).astype("int64")

    def harmony(self, norm, counted):
        """N / (R m) of each element, R its region's population among those that are counted."""
        members = one_hot(self.index(norm), self.count).astype(norm.dtype)
        counted = counted.astype(norm.dtype)
        population = (members * counted.unsqueeze(1)).sum(axis=0)
        density = population * self.divisor(population)
        share = counted.sum() / paddle.where(density > 0, density, paddle.ones_like(density))
        return (members * share).sum(axis=1)

    def divisor(self, population):
        """m: occupied regions, or all of them."""
        occupied = (population > 0).astype(population.dtype).sum()
        return occupied if self.normalize == "occupied" else paddle.full([], self.count, population.dtype)
