"""Focal loss and GHM-C over a sigmoid that behave as those of detection toolboxes do, faults included.

    lossproof certify examples/published/sigmoid_losses.py:PublishedSigmoidFocal --contract sigmoid_focal \\
        --map weight=element_weight
    lossproof certify examples/published/sigmoid_losses.py:PublishedSigmoidFocal --contract sigmoid_focal \\
        --map weight=label_weight
    lossproof certify examples/published/sigmoid_losses.py:PublishedGHMC --contract sigmoid_ghm
"""

import paddle
import paddle.nn.functional as F
from paddle import nn

EPSILON = 1.1920929e-07
"""Added to a number that somebody divides by: the distance of 1 to the next float32."""


class PublishedSigmoidFocal(nn.Layer):
    """Binary cross entropy of every entry, times alpha_t (1 - p_t)^gamma.

    Args:
        gamma: how little the well-classified count.
        alpha: the weight of positive entries; 1 - alpha is that of the others.
        reduction: ``none``, ``sum`` or ``mean``.
    """

    def __init__(self, gamma=2.0, alpha=0.25, reduction="mean"):
        super().__init__()
        self.gamma = gamma
        self.alpha = alpha
        self.reduction = reduction

    def forward(self, pred, target, weight=None, avg_factor=None):
        """Logits and targets [N, C]; ``weight`` [N] or [N, C] multiplies; ``avg_factor`` is the denominator."""
        target = target.astype(pred.dtype)
        p = F.sigmoid(pred)
        missed = (1 - p) * target + p * (1 - target)
        share = self.alpha * target + (1 - self.alpha) * (1 - target)
        loss = F.binary_cross_entropy_with_logits(pred, target, reduction="none") * share * missed.pow(self.gamma)
        if weight is not None:
            loss = loss * self._beside(weight, loss)
        if avg_factor is None:
            return {"none": loss, "sum": loss.sum(), "mean": loss.mean()}[self.reduction]
        if self.reduction == "sum":
            raise ValueError("avg_factor goes with a mean")
        return loss.sum() / (avg_factor + EPSILON) if self.reduction == "mean" else loss

    def _beside(self, weight, loss):
        """One weight for each row, or for each entry in whatever shape, as it multiplies the losses."""
        if weight.shape == loss.shape:
            return weight
        if weight.shape[0] == loss.shape[0] and weight.ndim == 1:
            return weight.reshape([-1, 1])
        assert weight.size == loss.size
        return weight.reshape([loss.shape[0], -1])


class PublishedGHMC(nn.Layer):
    """Binary cross entropy of every entry, weighted by the inverse density of the gradient norm g = |sigmoid(x) - t|.

    Args:
        bins: how many regions g has.
        momentum: of the running average of the regions' members; 0: this batch alone.
    """

    def __init__(self, bins=10, momentum=0):
        super().__init__()
        self.bins = bins
        self.momentum = momentum
        self.edges = [i / bins for i in range(bins + 1)]
        self.members = [0.0] * bins

    def forward(self, pred, target, label_weight=None):
        """Logits and targets [N, C]; entries whose ``label_weight`` is not above 0 are left out."""
        target = target.astype(pred.dtype)
        valid = paddle.ones_like(pred) > 0 if label_weight is None else label_weight > 0
        g = (F.sigmoid(pred).detach() - target).abs()
        total = max(float(valid.sum()), 1.0)
        weights, occupied = paddle.zeros_like(pred), 0
        for i in range(self.bins):
            # open on the right, the last one too: g = 1 lies in none
            inside = (g >= self.edges[i]) & (g < self.edges[i + 1]) & valid
            count = int(inside.sum())
            if count > 0:
                if self.momentum > 0:
                    self.members[i] = self.momentum * self.members[i] + (1 - self.momentum) * count
                    count = self.members[i]
                weights = paddle.where(inside, paddle.full_like(weights, total / count), weights)
                occupied += 1
        weights = weights / max(occupied, 1)
        loss = F.binary_cross_entropy_with_logits(pred, target, weights, reduction="sum")
        return loss / total
