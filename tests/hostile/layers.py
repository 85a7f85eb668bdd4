"""Layers that misbehave. Each does one thing wrong, and otherwise is cross entropy."""

import os
import threading
import time

import paddle
from paddle import nn


class Honest(nn.Layer):
    """Cross entropy by log-sum-exp; the others inherit its answer."""

    def __init__(self, weight=None, ignore_index=-100, reduction="mean"):
        super().__init__()
        self.weight, self.ignore_index, self.reduction = weight, ignore_index, reduction

    def forward(self, logits, labels):
        valid = labels != self.ignore_index
        safe = paddle.where(valid, labels, paddle.zeros_like(labels))
        scores = paddle.where(valid.unsqueeze(1), logits, paddle.zeros_like(logits))
        loss = paddle.logsumexp(scores, axis=1) - paddle.take_along_axis(scores, safe.unsqueeze(1), 1).squeeze(1)
        weight = valid.astype(logits.dtype)
        if self.weight is not None:
            weight = weight * paddle.gather(self.weight.astype(logits.dtype), safe.flatten()).reshape(safe.shape)
        loss = loss * weight
        if self.reduction == "none":
            return loss
        if self.reduction == "sum":
            return loss.sum()
        total = weight.sum()
        return loss.sum() / paddle.where(total > 0, total, paddle.ones_like(total))


class Aborts(Honest):
    """Ends the process, always."""

    def forward(self, logits, labels):
        os.abort()


class AbortsWhenWeighted(Honest):
    """Ends the process where there are class weights."""

    def forward(self, logits, labels):
        if self.weight is not None:
            os.abort()
        return super().forward(logits, labels)


class AbortsOnForeignLabels(Honest):
    """Ends the process where a label is no class."""

    def forward(self, logits, labels):
        if ((labels != self.ignore_index) & (labels >= logits.shape[1])).any():
            os.abort()
        return super().forward(logits, labels)


class Leaves(Honest):
    """Ends the process as if all were well."""

    def forward(self, logits, labels):
        os._exit(0)


class Sleeps(Honest):
    """Never answers."""

    def forward(self, logits, labels):
        while True:
            time.sleep(3600)


class SleepsWhenWeighted(Honest):
    """Never answers where there are class weights."""

    def forward(self, logits, labels):
        while self.weight is not None:
            time.sleep(3600)
        return super().forward(logits, labels)


class PrintsAndMutates(Honest):
    """Prints its labels and then overwrites the ignored ones."""

    def forward(self, logits, labels):
        print("labels", labels.shape)
        loss = super().forward(logits, labels)
        labels[labels == self.ignore_index] = 0
        return loss


class NeedsArgument(Honest):
    """Wants an argument that no contract knows."""

    def __init__(self, temperature, weight=None, ignore_index=-100, reduction="mean"):
        super().__init__(weight, ignore_index, reduction)
        self.temperature = temperature


class RaisesInFloat32(Honest):
    """Takes float64 alone, which no network has."""

    def forward(self, logits, labels):
        if logits.dtype == paddle.float32:
            raise RuntimeError("no float32 here")
        return super().forward(logits, labels)


class AbortsInFloat32(Honest):
    """Ends the process in float32."""

    def forward(self, logits, labels):
        if logits.dtype == paddle.float32:
            os.abort()
        return super().forward(logits, labels)


class NoHalf(Honest):
    """Has no kernels for float16 and bfloat16."""

    def forward(self, logits, labels):
        if logits.dtype in (paddle.float16, paddle.bfloat16):
            raise RuntimeError("no half precision here")
        return super().forward(logits, labels)


class DetachedInHalf(Honest):
    """Cuts the graph in float16 and bfloat16."""

    def forward(self, logits, labels):
        if logits.dtype in (paddle.float16, paddle.bfloat16):
            return super().forward(logits.astype("float32"), labels).astype(logits.dtype).detach()
        return super().forward(logits, labels)


class DiesLater(Honest):
    """Ends the process a few milliseconds after it was first asked."""

    def forward(self, logits, labels):
        timer = threading.Timer(0.05, os.abort)
        timer.daemon = True
        timer.start()
        return super().forward(logits, labels)
