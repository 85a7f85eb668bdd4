"""A GHM layer that behaves as the widely copied one for Paddle does, faults included; and its repairs, one by one.

    lossproof certify examples/published/ghm.py:PublishedGHM --contract ghm --map width=bins \\
        --domain bins=1.0,0.5,0.25,0.1,0.3
    lossproof certify examples/published/ghm.py:HalfRepairedGHM --contract ghm --map width=bins \\
        --domain bins=1.0,0.5,0.25,0.1,0.3
"""

import math

import paddle
import paddle.nn.functional as F
from paddle import nn


class PublishedGHM(nn.Layer):
    """Cross entropy, weighted by the inverse density of the gradient norm g = 1 - p.

    Args:
        width: of one region of g in [0, 1].
        weight: [C] class weights.
        ignore_index: label of the elements to leave out.
        reduction: ``none``, ``sum`` or ``mean``.
    """

    def __init__(self, width=0.1, weight=None, ignore_index=None, reduction="mean"):
        super().__init__()
        self.width = width
        self.bins = int(1 / width)
        self.weight = weight
        self.ignore_index = ignore_index
        self.reduction = reduction

    def forward(self, logits, labels):
        """Logits [N, C, ...], labels [N, ...]."""
        loss = self._cross_entropy(logits, labels)
        loss = loss * self._density_weights(logits, labels)
        kept = labels
        if self.ignore_index is not None:
            valid = labels != self.ignore_index
            loss, kept = loss[valid], labels[valid]
        if self.reduction == "mean":
            return self._mean(loss, kept)
        return loss.sum() if self.reduction == "sum" else loss

    def _cross_entropy(self, logits, labels):
        ignore = -100 if self.ignore_index is None else self.ignore_index
        return F.cross_entropy(
            logits, labels, weight=self.weight, ignore_index=ignore, reduction="none", axis=1
        ).reshape(labels.shape)

    def _density_weights(self, logits, labels):
        with paddle.no_grad():
            p = F.softmax(logits, axis=1)
            ignore = -100 if self.ignore_index is None else self.ignore_index
            # the negative of an NLL over the probabilities; of an ignored element it is 0, and so g is 1
            p_label = -F.nll_loss(p, labels, ignore_index=ignore, reduction="none").reshape(labels.shape)
            g = 1 - p_label
            region = paddle.floor(g / (self.width + 0.0001)).astype("int64")
            members = F.one_hot(region.flatten(), num_classes=self.bins).astype(logits.dtype)
            count = members.sum(axis=0)
            occupied = (count > 0).astype(count.dtype).sum()
            per_region = region.size / (count.clip(min=1) * occupied)
            return paddle.gather(per_region, region.flatten()).reshape(labels.shape).astype(logits.dtype)

    def _mean(self, loss, labels):
        return loss.mean()


class HalfRepairedGHM(PublishedGHM):
    """The same with one repair: the mean divides by the sum of the class weights, not by the number of elements."""

    def _mean(self, loss, labels):
        if self.weight is None:
            return loss.mean()
        return loss.sum() / paddle.gather(self.weight, labels.flatten()).sum()


class CountingValid(HalfRepairedGHM):
    """A second repair: only valid elements are counted in the regions, and what is ignored has no weight."""

    def _density_weights(self, logits, labels):
        with paddle.no_grad():
            p = F.softmax(logits, axis=1)
            ignore = -100 if self.ignore_index is None else self.ignore_index
            g = 1 + F.nll_loss(p, labels, ignore_index=ignore, reduction="none").reshape(labels.shape)
            valid = (labels != ignore).astype(logits.dtype).flatten()
            # an ignored element has g = 1, and may lie beyond the last region
            g = g.flatten() * valid
            members = F.one_hot(self._region(g), num_classes=self.bins).astype(logits.dtype)
            count = (members * valid.unsqueeze(1)).sum(axis=0)
            occupied = (count > 0).astype(count.dtype).sum()
            per_region = valid.sum() / (count.clip(min=1) * occupied.clip(min=1))
            return ((members * per_region).sum(axis=1) * valid).reshape(labels.shape)

    def _region(self, g):
        return paddle.floor(g / (self.width + 0.0001)).astype("int64")


class ExactEdges(CountingValid):
    """A third: regions are as wide as they say, as many as it takes, and the last one takes what is left."""

    def __init__(self, width=0.1, weight=None, ignore_index=None, reduction="mean"):
        super().__init__(width, weight, ignore_index, reduction)
        # the hair keeps 1 / 0.1 from being rounded up to 11
        self.bins = math.ceil(1 / width - 1e-9)

    def _region(self, g):
        region = paddle.floor(g / paddle.full([], self.width, g.dtype))
        return region.clip(0, self.bins - 1).astype("int64")


class ShapedAsLabels(ExactEdges):
    """A fourth: unreduced losses have the labels' shape, with 0 where an element is ignored."""

    def forward(self, logits, labels):
        """Logits [N, C, ...], labels [N, ...]."""
        if self.reduction != "none":
            return super().forward(logits, labels)
        return self._cross_entropy(logits, labels) * self._density_weights(logits, labels)


class TakingEverything(ShapedAsLabels):
    """A fifth: int32 labels are taken, and the mean of nothing is 0. What is left is Paddle's."""

    def forward(self, logits, labels):
        """Logits [N, C, ...], labels [N, ...]."""
        return super().forward(logits, labels.astype("int64"))

    def _mean(self, loss, labels):
        total = paddle.ones_like(loss).sum()
        if self.weight is not None:
            total = paddle.gather(self.weight.astype(loss.dtype), labels.flatten()).sum()
        some = (total > 0).astype(total.dtype)
        return some * loss.sum() / (total + (1 - some))
