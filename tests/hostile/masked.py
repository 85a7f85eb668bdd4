"""Layers that are right as long as nobody names a label to ignore, though no label is that one."""

import paddle
import paddle.nn.functional as F
from paddle import nn


class OneHotMask(nn.Layer):
    """Masks the entries of a one-hot table: its mean divides by the entries that are left, C for each element."""

    def __init__(self, ignore_index=None, reduction="mean"):
        super().__init__()
        self.ignore_index, self.reduction = ignore_index, reduction

    def forward(self, logits, labels):
        classes = logits.shape[1]
        valid = self.valid(labels, classes)
        table = F.one_hot(paddle.where(valid, labels, paddle.zeros_like(labels)).astype("int64"), classes)
        table = paddle.moveaxis(table.astype(logits.dtype), -1, 1)
        rows = paddle.where(valid.unsqueeze(1), logits, paddle.zeros_like(logits))
        logp = rows - paddle.logsumexp(rows, axis=1, keepdim=True)
        mask = valid.unsqueeze(1).astype(logits.dtype).expand(logits.shape)
        losses = -(table * logp * mask)
        if self.reduction == "none":
            return losses.sum(axis=1)
        return losses.sum() if self.reduction == "sum" else losses.sum() / self.divisor(mask, valid, labels)

    def valid(self, labels, classes):
        return paddle.ones_like(labels).astype("bool") if self.ignore_index is None else labels != self.ignore_index

    def divisor(self, mask, valid, labels):
        total = mask.sum() if self.masks(mask.shape[1]) else mask.sum() / mask.shape[1]
        return paddle.where(total > 0, total, paddle.ones_like(total))

    def masks(self, classes):
        """Whether the mask of entries is made."""
        return self.ignore_index is not None


class NeedsAnIndex(OneHotMask):
    """The same, and there is no way to ignore nothing."""

    def __init__(self, ignore_index=-100, reduction="mean"):
        super().__init__(ignore_index, reduction)
        if ignore_index is None:
            raise TypeError("ignore_index must be an int, got None")


class MasksBackground(OneHotMask):
    """The same, where the number of a class is given."""

    def masks(self, classes):
        return self.ignore_index is not None and 0 <= self.ignore_index < classes


class MasksMinusOne(OneHotMask):
    """The same for -1 alone."""

    def masks(self, classes):
        return self.ignore_index == -1


class Masks255(OneHotMask):
    """The same for 255 alone."""

    def masks(self, classes):
        return self.ignore_index == 255
