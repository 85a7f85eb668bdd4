"""The published GHM layer, every fault of its own repaired; it still stands on Paddle's cross entropy.

    lossproof certify examples/published_ghm.py:PublishedGHM --contract ghm --map width=bins \\
        --domain bins=1.0,0.5,0.25,0.1,0.3 --domain rank=2,3,4 --json before.json
    lossproof replay before.json --target examples/repaired_ghm.py:RepairedGHM
    lossproof certify examples/repaired_ghm.py:RepairedGHM --contract ghm --map width=bins \\
        --domain bins=1.0,0.5,0.25,0.1,0.3 --domain rank=2,3,4 --forgive-inherited --json after.json
    lossproof diff before.json after.json
"""

import math

import paddle
import paddle.nn.functional as F
from paddle import nn


class RepairedGHM(nn.Layer):
    """Cross entropy, weighted by the inverse density of the gradient norm g = 1 - p among the valid elements.

    Args:
        width: of one region of g in [0, 1]; the last one is narrower where 1 is no multiple of it.
        weight: [C] class weights.
        ignore_index: label of the elements to leave out; None: none.
        reduction: ``none``, ``sum`` or ``mean``; the mean divides by the sum of the valid elements' weights.
    """

    def __init__(self, width=0.1, weight=None, ignore_index=None, reduction="mean"):
        super().__init__()
        if isinstance(width, bool) or not isinstance(width, float) or not 0 < width <= 1:
            raise ValueError(f"width must be a float in (0, 1], got {width!r}")
        if reduction not in ("none", "sum", "mean"):
            raise ValueError(f"reduction must be none, sum or mean, got {reduction!r}")
        if weight is not None and not bool((paddle.isfinite(weight) & (weight >= 0)).all()):
            raise ValueError(f"weight must be finite and >= 0, got {weight.numpy().tolist()}")
        self.width = width
        # the hair keeps 1 / 0.1 from being rounded up to 11
        self.regions = math.ceil(1 / width - 1e-9)
        self.weight = weight
        self.ignore_index = ignore_index
        self.reduction = reduction

    def forward(self, logits, labels):
        """Logits [N, C, ...], labels [N, ...] or [N, 1, ...]; `none` has the labels' shape."""
        given, labels = labels.shape, labels.astype("int64")
        if labels.ndim == logits.ndim and labels.shape[1] == 1:
            labels = labels.squeeze(1)
        self._check(logits, labels)
        valid = paddle.ones_like(labels) if self.ignore_index is None else (labels != self.ignore_index).astype("int64")
        counted = valid.astype(logits.dtype)
        kept = labels * valid
        # an ignored element may hold anything, NaN too: it must not reach the kernel
        held = paddle.where(valid.unsqueeze(1).astype("bool"), logits, paddle.zeros_like(logits))
        loss = F.cross_entropy(held, kept, reduction="none", axis=1).reshape(labels.shape)
        weight = counted if self.weight is None else self._of_class(kept, logits) * counted
        loss = loss * self._density_weights(loss, counted) * weight
        if self.reduction == "none":
            return loss.reshape(given)
        if self.reduction == "sum":
            return loss.sum()
        total = weight.sum()
        # not total == 0: Paddle compares with a tolerance, and weights of 1e-18 are weights too
        some = (total > 0).astype(total.dtype)
        return some * loss.sum() / (total + (1 - some))

    def _check(self, logits, labels):
        classes, shape = logits.shape[1], [logits.shape[0], *logits.shape[2:]]
        if labels.shape != shape:
            raise ValueError(f"labels must have shape {shape}, got {labels.shape}")
        if self.weight is not None and self.weight.shape != [classes]:
            raise ValueError(f"weight must have shape [{classes}], got {self.weight.shape}")
        odd = (labels < 0) | (labels >= classes)
        odd = odd if self.ignore_index is None else odd & (labels != self.ignore_index)
        if labels.size and bool(odd.any()):
            raise ValueError(f"labels must lie in [0, {classes}), got {int(labels[odd][0])}")

    def _of_class(self, labels, logits):
        return paddle.gather(self.weight.astype(logits.dtype), labels.flatten()).reshape(labels.shape)

    @paddle.no_grad()
    def _density_weights(self, loss, counted):
        g = 1 - paddle.exp(-loss.detach())
        # NaN has no region; its loss is NaN in any of them
        region = paddle.floor(g / paddle.full([], self.width, g.dtype)).nan_to_num().clip(0, self.regions - 1)
        members = F.one_hot(region.astype("int64").flatten(), self.regions).astype(g.dtype)
        count = (members * counted.reshape([-1, 1])).sum(axis=0)
        occupied = (count > 0).astype(g.dtype).sum()
        density = paddle.where(count > 0, count * occupied, paddle.ones_like(count))
        return (members * (counted.sum() / density)).sum(axis=1).reshape(loss.shape)
