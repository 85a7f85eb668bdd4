"""Layers that are cross entropy, and in programs something else, or nothing at all."""

import math

import paddle

from tests.mutants.sound import SoundCrossEntropy


class WeightsLostInPrograms(SoundCrossEntropy):
    """Has no class weights in a program, whatever they are."""

    def class_weight(self, rows):
        return super().class_weight(rows) if paddle.in_dynamic_mode() else paddle.ones([rows.shape[1]], rows.dtype)


class WeightsAreNumbers(WeightsLostInPrograms):
    """The same, and takes class weights as numbers alone in a program."""

    def __init__(self, weight=None, ignore_index=-100, reduction="mean", axis=1):
        if weight is not None and not paddle.in_dynamic_mode():
            if not isinstance(weight, list):
                raise TypeError(f"weight must be a list, got {type(weight).__name__}")
            weight = paddle.to_tensor(weight)
        super().__init__(weight, ignore_index, reduction, axis)


class ComparesSizes(paddle.nn.Layer):
    """Compares sizes, which are variables in a program of any batch."""

    def __init__(self, weight=None, ignore_index=-100, reduction="mean", axis=1):
        super().__init__()
        self.inner = SoundCrossEntropy(weight, ignore_index, reduction, axis)

    def forward(self, logits, labels):
        if math.prod(labels.shape) * logits.shape[self.inner.axis] != math.prod(logits.shape):
            raise ValueError("labels do not fit the logits")
        return self.inner(logits, labels)


class NoProgram(ComparesSizes):
    """Takes no part in programs, of whatever sizes."""

    def forward(self, logits, labels):
        if not paddle.in_dynamic_mode():
            raise TypeError("not in a program")
        return self.inner(logits, labels)


class OneElementInPrograms(ComparesSizes):
    """Right in a program for more than one element."""

    def forward(self, logits, labels):
        loss = self.inner(logits, labels)
        if paddle.in_dynamic_mode():
            return loss
        return loss * paddle.where(paddle.numel(labels) > 1, paddle.ones([], loss.dtype), paddle.zeros([], loss.dtype))
