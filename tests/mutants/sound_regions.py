"""Unit regions of gradient norms, and the weights of GHM, by a one-hot matrix of regions."""

import math

import paddle
from paddle import nn
from paddle.nn.functional import one_hot

from .museum.checks import check_bins, check_choice, check_number


class Regions(nn.Layer):
    """``count`` regions, each ``width`` wide."""

    def __init__(self, bins, normalize):
        super().__init__()
        check_bins(bins)
        check_choice("normalize", normalize, ("occupied", "paper"))
        self.count, self.width = self.cut(bins)
        self.normalize, self.momentum = normalize, 0.0

    def remember(self, momentum, ema):
        """Keep a running average of the populations, and how much of it is batches and not the 0 of its start."""
        check_number("momentum", momentum)
        if momentum >= 1:
            raise ValueError(f"momentum must be below 1, got {momentum!r}")
        check_choice("ema", ema, ("corrected", "mmdet"))
        self.momentum, self.ema = momentum, ema
        if momentum > 0:
            self.register_buffer("average", paddle.zeros([self.count], "float64"))
            self.register_buffer("mass", paddle.zeros([], "float64"))

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
        batch = (members * counted.unsqueeze(1)).sum(axis=0)
        population = self.remembered(batch).astype(batch.dtype) if self.momentum > 0 else batch
        density = population * self.divisor(batch if self.momentum > 0 and self.ema == "mmdet" else population)
        share = counted.sum() / paddle.where(density > 0, density, paddle.ones_like(density))
        return (members * share).sum(axis=1)

    def remembered(self, batch):
        """The average of the populations, this batch's among them while training."""
        if self.training:
            self.learn(batch.astype("float64"))
        if self.ema == "mmdet":
            return self.average
        return self.average / self.mass if self.mass > 0 else batch

    def learn(self, batch):
        old, new = paddle.full([], self.momentum, "float64"), paddle.full([], 1 - self.momentum, "float64")
        average = old * self.average + new * batch
        paddle.assign(
            average if self.ema == "corrected" else paddle.where(batch > 0, average, self.average), self.average
        )
        paddle.assign(old * self.mass + new, self.mass)

    def divisor(self, population):
        """m: occupied regions, or all of them."""
        occupied = (population > 0).astype(population.dtype).sum()
        return occupied if self.normalize == "occupied" else paddle.full([], self.count, population.dtype)
