"""Losses of contracts that nobody but their author knows, on Paddle's kernels: sound but for those, or with a fault."""

import numpy as np
import paddle
import paddle.nn as nn
import paddle.nn.functional as F

from properties import Contract, Subject
from properties.contracts import _entrywise as shared
from properties.judging.contract import OF_CLASSES
from properties.problems.domain import Dimension
from reference.cross_entropy import softmax_of
from reference.elements import Losses, arrange
from reference.entries import arrange_entries, logistic_losses

EPSILON = Dimension("epsilon", (1.0, 0.0, 0.5, 2.0), absent=1.0)


def poly1(logits, labels, *, epsilon=1.0, weight=None, ignore_index=-100, reduction="mean", axis=1, **rest):
    """Poly-1: cross entropy plus epsilon (1 - p), whose gradient is (1 + epsilon p) (p - e)."""
    elements = arrange(logits, labels, weight=weight, ignore_index=ignore_index, axis=axis)
    softmax = softmax_of(elements)
    plain, p, q = softmax.losses, softmax.p_label, softmax.p_rest
    error = np.where(p > 0, p * plain.value_scale, 0.0) + 2.0
    with np.errstate(invalid="ignore"):
        value = plain.value + epsilon * q
        factor = (1.0 + epsilon * p)[:, None]
        losses = Losses(
            value,
            factor * plain.slope,
            2.0 * plain.value_scale + epsilon * error + np.where(np.isfinite(value), value, 0.0),
            2.0 * factor * plain.slope_scale + np.abs(plain.slope) * epsilon * error[:, None],
        )
    return elements.reduce(losses.times(elements.weight), reduction=reduction, **rest)


POLY1 = Contract("poly1", "Poly-1 cross entropy.", (*OF_CLASSES, "additive", "repetition"), poly1, (EPSILON,))


class Poly1:
    """Poly-1 on F.cross_entropy and F.softmax."""

    def __init__(self, epsilon=1.0, weight=None, ignore_index=-100, reduction="mean", axis=1):
        self.epsilon, self.weight, self.axis = epsilon, weight, axis
        self.ignore_index, self.reduction = ignore_index, reduction

    def plain(self, logits, labels):
        return F.cross_entropy(logits, labels, ignore_index=self.ignore_index, reduction="none", axis=self.axis)

    def __call__(self, logits, labels):
        plain = self.plain(logits, labels).reshape(labels.shape)
        valid = labels != self.ignore_index
        index = paddle.where(valid, labels, paddle.zeros_like(labels)).astype("int64")
        safe = paddle.where(valid.unsqueeze(self.axis), logits, paddle.zeros_like(logits))
        p = paddle.take_along_axis(F.softmax(safe, axis=self.axis), index.unsqueeze(self.axis), self.axis)
        losses = self.joined(plain, p.squeeze(self.axis))
        weight = valid.astype(losses.dtype)
        if self.weight is not None:
            weight = self.weight[index.flatten()].reshape(index.shape) * weight
        losses = losses * weight
        if self.reduction == "none":
            return losses
        if self.reduction == "sum":
            return losses.sum()
        total = weight.sum()
        return losses.sum() / paddle.where(total > 0, total, paddle.ones_like(total))

    def joined(self, plain, p):
        return plain + self.epsilon * (1 - p)


class Poly1OfLosses(Poly1):
    """The probability from the loss, as exp(-loss)."""

    def joined(self, plain, p):
        return plain + self.epsilon * -paddle.expm1(-plain)


class Poly1OfALayer(Poly1):
    """The kernel inside a layer of Paddle's, behind another operation."""

    def plain(self, logits, labels):
        layer = nn.CrossEntropyLoss(ignore_index=self.ignore_index, reduction="none", axis=self.axis)
        return layer(logits * 1.0, labels)


class Poly1OfLogSoftmax(Poly1):
    def plain(self, logits, labels):
        valid = labels != self.ignore_index
        index = paddle.where(valid, labels, paddle.zeros_like(labels)).astype("int64")
        rows = F.log_softmax(logits, axis=self.axis)
        losses = -paddle.take_along_axis(rows, index.unsqueeze(self.axis), self.axis).squeeze(self.axis)
        return paddle.where(valid, losses, paddle.zeros_like(losses))


class Poly1Mixed(Poly1OfLosses):
    """Half of the loss from either kernel: neither alone is to blame."""

    def plain(self, logits, labels):
        one = super().plain(logits, labels).reshape(labels.shape)
        return 0.5 * one + 0.5 * Poly1OfLogSoftmax.plain(self, logits, labels)


class Poly1OfTheMean(Poly1):
    """Takes the kernel's own mean, and adds that of its second term."""

    def __init__(self, epsilon=1.0, ignore_index=-100, reduction="mean"):
        super().__init__(epsilon, None, ignore_index, reduction)

    def __call__(self, logits, labels):
        plain = F.cross_entropy(logits, labels, ignore_index=self.ignore_index, reduction=self.reduction, axis=1)
        return plain + super().__call__(logits, labels)

    def joined(self, plain, p):
        return self.epsilon * (1 - p)


class Poly1Capped(Poly1OfLosses):
    """A cap of its own, below the kernel's."""

    def joined(self, plain, p):
        return super().joined(plain.clip(max=50.0), p)


class Poly1CappedAbove(Poly1OfLosses):
    """A cap of its own next to the kernel's, behind which the kernel's can't be seen."""

    def joined(self, plain, p):
        return super().joined(plain.clip(max=63.99), p)


class Poly1Shifted(Poly1):
    """Another loss than Poly-1, on the kernel all the same."""

    def joined(self, plain, p):
        return plain + self.epsilon * (1 - p) + 1e-3


class Poly1NaNBeyond500(Poly1):
    """Where the kernel only caps, this one has no number at all."""

    def __call__(self, logits, labels):
        far = (logits.abs().max() > 500.0).astype(logits.dtype)
        return super().__call__(logits, labels) + paddle.where(far > 0, far * float("nan"), paddle.zeros_like(far))


class Poly1HalfGradient(Poly1):
    def joined(self, plain, p):
        losses = super().joined(plain, p)
        return 0.5 * losses + 0.5 * losses.detach()


class Poly1Amplified(Poly1):
    """Makes the rounding of the kernel, which is sound there, a thousand times as large."""

    def joined(self, plain, p):
        large = super().joined(plain, p)
        return (large * 4097.0 - large * 4096.0).astype(large.dtype)


class Poly1Forgetful(Poly1):
    """A second backward of its own that is wrong: it hands on what it has, and adds it up."""

    def __call__(self, logits, labels):
        kept = []

        def doubled(gradient):
            kept.append(gradient)
            return gradient * float(len(kept))

        behind = logits * 1.0
        if not behind.stop_gradient:
            behind.register_hook(doubled)
        return super().__call__(behind, labels)


def subject_of(layer):
    return Subject(POLY1, layer, name=layer.__name__)


SUBJECTS = {
    layer.__name__: subject_of(layer)
    for layer in (Poly1, *(one for one in list(globals().values()) if isinstance(one, type) and issubclass(one, Poly1)))
}


def tempered(
    logits, labels, *, temperature=2.0, ignore_index=-100, reduction="mean", axis=1, label_weight=None, **rest
):
    """Binary cross entropy of logits over a temperature."""
    elements = arrange_entries(logits, labels, ignore_index=ignore_index, axis=axis, label_weight=label_weight)
    plain = logistic_losses(elements.rows[:, 0] / temperature, elements.targets)
    losses = Losses(
        plain.value, plain.slope / temperature, 4.0 * plain.value_scale, 4.0 * plain.slope_scale / temperature
    )
    return elements.reduce(losses.times(elements.weight), reduction=reduction, **rest)


TEMPERED = Contract(
    "tempered",
    "Binary cross entropy of logits over a temperature.",
    (*shared.PROMISES, "additive"),
    tempered,
    (Dimension("temperature", (2.0, 1.0, 0.5), absent=2.0),),
    common=shared.common(("binary", "binary", "probability")),
    lacks=("weight",),
)


class Tempered:
    def __init__(self, temperature=2.0, ignore_index=-100, reduction="mean"):
        self.temperature, self.ignore_index, self.reduction = temperature, ignore_index, reduction

    def losses(self, logits, labels):
        return F.binary_cross_entropy_with_logits(logits / self.temperature, labels, reduction="none")

    def __call__(self, logits, labels):
        valid = paddle.ones_like(labels) if self.ignore_index is None else (labels != self.ignore_index)
        valid = valid.astype("bool")
        kept = paddle.where(valid, logits, paddle.zeros_like(logits))
        losses = self.losses(kept, paddle.where(valid, labels, paddle.zeros_like(labels)))
        losses = losses * valid.astype(losses.dtype)
        if self.reduction == "none":
            return losses
        total = valid.astype(losses.dtype).sum()
        if self.reduction == "sum":
            return losses.sum()
        return losses.sum() / paddle.where(total > 0, total, paddle.ones_like(total))


class TemperedOtherSlope(Tempered):
    """Forgets that the temperature divides the gradient too."""

    def losses(self, logits, labels):
        moved = logits / self.temperature
        moved = logits + (moved - logits).detach()
        return F.binary_cross_entropy_with_logits(moved, labels, reduction="none")


SUBJECTS |= {layer.__name__: Subject(TEMPERED, layer, name=layer.__name__) for layer in (Tempered, TemperedOtherSlope)}
