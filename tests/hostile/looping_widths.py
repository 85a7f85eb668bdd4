"""A GHM layer with three faults at once, written as a loop over regions of one width, as published ones are."""

import paddle
import paddle.nn.functional as F
from paddle import nn


class LoopingWidths(nn.Layer):
    """Ignored elements are counted at norm 0; its mean ignores class weights; a narrower last region is missing."""

    def __init__(self, bins=0.1, weight=None, ignore_index=-100, reduction="mean"):
        super().__init__()
        self.ignore_index, self.reduction = ignore_index, reduction
        self.weight = None if weight is None else paddle.to_tensor(weight)
        self.edges = [bins * i for i in range(round(1 / bins) + 1)]
        self.edges[-1] += 1e-6

    def forward(self, logits, labels):
        weight = None if self.weight is None else self.weight.astype(logits.dtype)
        losses = F.cross_entropy(logits, labels, weight, self.ignore_index, reduction="none", axis=1)
        losses = losses.squeeze(1) if losses.ndim == logits.ndim else losses
        valid = labels != self.ignore_index
        losses = losses * self.harmony(logits.detach(), labels, valid)
        if self.reduction == "none":
            return losses
        return losses.sum() if self.reduction == "sum" else losses.sum() / valid.astype(losses.dtype).sum()

    def harmony(self, logits, labels, valid):
        """What each element is weighed by."""
        known = paddle.where(valid, labels, paddle.zeros_like(labels))
        chosen = paddle.moveaxis(F.one_hot(known, logits.shape[1]).astype(logits.dtype), -1, 1)
        norm = 1 - (F.softmax(logits, axis=1) * chosen).sum(1)
        norm = paddle.where(valid, norm, paddle.zeros_like(norm))
        weights, occupied = paddle.zeros_like(norm), 0
        for lower, upper in zip(self.edges, self.edges[1:], strict=False):
            inside = (norm >= lower) & (norm < upper)
            count = int(inside.sum())
            if count:
                occupied += 1
                weights = paddle.where(inside, paddle.full_like(norm, norm.size / count), weights)
        return weights / max(occupied, 1)
