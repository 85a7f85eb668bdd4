"""Layers with arguments that no contract fills, and a defect that shows only where one is given."""

import paddle
import paddle.nn.functional as F


class GatheredByIgnored(paddle.nn.Layer):
    """Focal loss; with an alpha it is gathered by the label, also by one that is ignored and no class."""

    def __init__(self, gamma=2.0, alpha=None, ignore_index=-100, reduction="mean", smooth=1e-5):
        super().__init__()
        self.gamma, self.alpha, self.ignore_index, self.reduction = gamma, alpha, ignore_index, reduction

    def forward(self, logits, labels, avg_factor=None):
        losses = F.cross_entropy(logits, labels, ignore_index=self.ignore_index, reduction="none", axis=1)
        losses = (1.0 - paddle.exp(-losses)) ** self.gamma * losses
        if self.alpha is not None:
            losses = losses * paddle.to_tensor(self.alpha, dtype=losses.dtype)[labels]
        if self.reduction == "none":
            return losses
        return losses.sum() if self.reduction == "sum" else losses.mean()


def anything(logits, labels, alpha=None, **options):
    """Cross entropy that takes arguments of any name."""
    ignore_index = options.get("ignore_label", -100)
    return F.cross_entropy(logits, labels, ignore_index=ignore_index, axis=1)
