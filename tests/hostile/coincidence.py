"""A loss that has the fault of a kernel of Paddle's without standing on it: nothing here names or calls one."""

import paddle

CAP = 64.0


class CappedAsTheKernel:
    """Cuts gaps between logits at 64 on its own account."""

    def __init__(self, weight=None, ignore_index=-100, reduction="mean"):
        self.weight, self.ignore_index, self.reduction = weight, ignore_index, reduction

    def __call__(self, logits, labels):
        valid = labels != self.ignore_index
        index = paddle.where(valid, labels, paddle.zeros_like(labels)).astype("int64")
        shifted = (logits - logits.max(axis=1, keepdim=True)).clip(min=-CAP)
        log_p = shifted - shifted.exp().sum(axis=1, keepdim=True).log()
        losses = -paddle.take_along_axis(log_p, index.unsqueeze(1), 1).squeeze(1)
        weight = valid.astype(logits.dtype)
        if self.weight is not None:
            weight = weight * paddle.gather(self.weight.astype(logits.dtype), index)
        losses = paddle.where(valid, losses, paddle.zeros_like(losses)) * weight
        if self.reduction == "none":
            return losses
        total = weight.sum() if self.reduction == "mean" else paddle.ones([], logits.dtype)
        return losses.sum() / paddle.where(total > 0, total, paddle.ones_like(total))
