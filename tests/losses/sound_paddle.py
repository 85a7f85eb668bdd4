"""Cross entropy composed of ``paddle.logsumexp``, which does not clip as Paddle's softmax losses do."""

import paddle

from properties import Subject


class LogSumExp(paddle.nn.Layer):
    """logsumexp(z) - z_y, in the precision of the logits."""

    def __init__(self, weight=None, ignore_index=-100, reduction="mean", axis=1):
        super().__init__()
        self.weight, self.ignore_index, self.reduction, self.axis = weight, ignore_index, reduction, axis

    def forward(self, logits, labels):
        if labels.is_floating_point():
            raise TypeError(f"labels must be integers, got {labels.dtype}")
        axis = 0 if logits.ndim == 1 else self.axis % logits.ndim
        labels = labels.astype("int64")
        flat = labels.ndim < logits.ndim
        if flat:
            labels = labels.unsqueeze(axis)
        valid = paddle.ones_like(labels, "bool") if self.ignore_index is None else labels != self.ignore_index
        labels = paddle.where(valid, labels, paddle.zeros_like(labels))
        # what stands at an ignored element must not meet the others, nor must the offset of a row
        logits = paddle.where(valid.expand_as(logits), logits, paddle.zeros_like(logits))
        logits = logits - logits.detach().max(axis=axis, keepdim=True)
        losses = paddle.logsumexp(logits, axis, keepdim=True) - paddle.take_along_axis(logits, labels, axis)
        weight = valid.astype(logits.dtype)
        if self.weight is not None:
            weight = weight * paddle.gather(self.weight.astype(logits.dtype), labels.flatten()).reshape(labels.shape)
        losses = paddle.where(valid, losses * weight, paddle.zeros_like(losses))
        if self.reduction == "none":
            # in the labels' shape
            return losses.squeeze(axis) if flat else losses
        total = losses.sum()
        if self.reduction == "sum":
            return total
        divisor = weight.sum()
        return total / paddle.where(divisor > 0, divisor, paddle.ones_like(divisor))


LOGSUMEXP = Subject(
    "cross_entropy",
    LogSumExp,
    name="composition of logsumexp",
    # paddle.logsumexp of Paddle 3.3.1 takes no more axes
    domain={"rank": (2, 3, 4, 1)},
)
