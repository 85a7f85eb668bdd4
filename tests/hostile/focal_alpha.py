"""A softmax focal loss whose class weights are called alpha, and which takes labels of any shape that broadcasts."""

import paddle
import paddle.nn.functional as F


class AlphaFocal(paddle.nn.Layer):
    def __init__(self, gamma=2.0, alpha=None, reduction="mean"):
        super().__init__()
        self.gamma, self.alpha, self.reduction = gamma, alpha, reduction

    def forward(self, logits, labels):
        log_p = F.log_softmax(logits, axis=-1)
        hot = F.one_hot(labels, logits.shape[-1]).astype(logits.dtype)
        chosen = (log_p * hot).sum(-1)
        losses = -((1 - chosen.exp()) ** self.gamma) * chosen
        weight = hot.sum(-1) if self.alpha is None else (self.alpha * hot).sum(-1)
        losses = losses * weight
        if self.reduction == "none":
            return losses
        return losses.sum() if self.reduction == "sum" else losses.sum() / weight.sum()
