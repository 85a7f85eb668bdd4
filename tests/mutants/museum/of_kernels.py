"""Wrong losses after those of fused and of parallel kernels."""

import numpy as np

from ..registry import historic
from .classes import CrossEntropy
from .entries import SigmoidFocal
from .tape import unary, where


@historic("B096", "Liger#153", "DEG")
class NothingValidDividesByZero(CrossEntropy):
    """With nothing valid the mean is 0 over 0."""

    def over(self, total, divisor):
        return total / divisor


@historic("B097", "Liger#588", "CHK")
class ForeignLabelIsTheNearestClass(CrossEntropy):
    """No bounds are checked: a label past the last class counts as the last."""

    def check_range(self, labels, classes):
        pass

    def class_of(self, targets, valid, classes):
        return np.clip(super().class_of(targets, valid, classes), 0, classes - 1)


@historic(
    "B098",
    "Liger#1268",
    "PREC",
    unseen="the slope at the label is off by less than one rounding of 1, which is within the error budget: p - 1 "
    "rounds p in any loss that subtracts",
)
class SoftmaxRoundedBeforeTheOneIsTaken(CrossEntropy):
    """In half precision the slope is round(p) - 1: nothing is left of it where p rounds to 1."""

    def loss(self, logits, labels, normalizer):
        self.half = logits.dtype == np.float16
        return super().loss(logits, labels, normalizer)

    def losses(self, rows, shares):
        found = super().losses(rows, shares)
        if not self.half:
            return found
        p = np.exp(self.log_softmax(rows).value).astype(np.float16)
        slope = (p * shares.sum(axis=1, keepdims=True) - shares).astype(rows.dtype)
        return unary(rows, found.value, lambda g: g[:, None] * slope)


@historic("B099", "Liger#1338", "SYS")
class LossesOfAnotherChunkLeft(CrossEntropy):
    """The losses' buffer is used again and ignored slots are not written: they hold the loss that was there before."""

    def masked(self, losses, valid):
        return where(valid, losses, np.roll(losses.value, 1))


@historic("B100", "Liger#420", "FML")
class OneWeightForAllSmoothedClasses(CrossEntropy):
    """Where each class weighs its own term of a smoothed label, the label's weight is taken for all of them."""

    def elements(self, rows, targets):
        losses, counted, valid = super().elements(rows, targets)
        if self.soft_weight == "torch" and targets.ndim == 1:
            classes, rows = self.class_of(targets, valid, rows.shape[1]), self.clean(rows, valid)
            plain = self.losses(rows, self.shares(classes, rows.shape[1]))
            losses = self.masked(plain * self.class_weight(rows)[classes], valid)
        return losses, counted, valid


@historic("B101", "FlagGems#5025", "SYS")
class SentinelAsAnAddress(CrossEntropy):
    """The gradient of an ignored row is cleared at the address of its label: that lies in another row."""

    def __call__(self, logits, labels, normalizer=None):
        value, backward = super().__call__(logits, labels, normalizer)
        if self.is_soft(labels) or self.ignore_index is None:
            return value, backward
        return value, lambda upstream: self.cleared(backward(upstream), labels)

    def cleared(self, gradient, labels):
        axis = 0 if gradient.ndim == 1 else self.axis % gradient.ndim
        moved = np.moveaxis(gradient, axis, -1)
        flat = moved.reshape(-1).copy()
        ignored = np.flatnonzero(labels.reshape(-1) == self.ignore_index)
        address = ignored * moved.shape[-1] + self.ignore_index
        flat[address[(address >= 0) & (address < flat.size)]] = 0
        return np.moveaxis(flat.reshape(moved.shape), -1, axis)


@historic("B102", "FlagGems#73", "SEN")
class DefaultIndexIgnoresNothing(CrossEntropy):
    """Masks only where ignore_index is not the default -100; that one reads whatever class it lands on."""

    def mask(self, targets, classes):
        if self.ignore_index == -100:
            return np.ones(len(targets), bool)
        return super().mask(targets, classes)

    def class_of(self, targets, valid, classes):
        return super().class_of(targets, valid, classes) % classes


@historic("B103", "ROCm-TransformerEngine#336", "DEN")
class EveryTokenDivides(CrossEntropy):
    """The mean divides by ignored tokens too, and the unreduced loss has the mean's gradient."""

    def total(self, losses, counted, valid):
        return super().total(losses, counted, valid) + (~valid).sum()

    def reduce(self, losses, counted, valid, shape, normalizer):
        found = super().reduce(losses, counted, valid, shape, normalizer)
        if self.reduction != "none":
            return found
        return unary(found, found.value, lambda g: g / max(len(valid), 1))


@historic("B104", "Megatron-LM#737", "DEN")
class SmoothingOverAShard(CrossEntropy):
    """Label smoothing spreads over the classes of one shard, here the first half."""

    def smoothed(self, rows, count):
        e, local = self.label_smoothing, (count + 1) // 2
        return (1 - e) * rows + e / local * (np.arange(count) < local) if e else rows


@historic("B105", "Megatron-LM#1594", "MUT")
class ConversionThatCopiesNothing(CrossEntropy):
    """float32 logits are not copied by their conversion to float32, and their maximum is subtracted in place."""

    def loss(self, logits, labels, normalizer):
        shifted = logits.value.astype(np.float32, copy=False) if logits.dtype != np.float64 else logits.value.copy()
        if shifted.size:
            shifted -= shifted.max(axis=0 if logits.ndim == 1 else self.axis, keepdims=True)
        return super().loss(logits, labels, normalizer)


@historic("B106", "NeMo-Automodel#3917", "MUT")
class MaskWrittenIntoTheLabels(SigmoidFocal):
    """The mask is written into the caller's labels as ignore_index: with another mask the same labels stay ignored."""

    def arrange(self, logits, labels, label_weight):
        if label_weight is not None and label_weight.shape == labels.shape and self.ignore_index is not None:
            labels.reshape(-1)[label_weight.reshape(-1) <= 0] = self.ignore_index
        return super().arrange(logits, labels, label_weight)
