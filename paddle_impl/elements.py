"""Losses over a softmax: an element is one row of C logits with one label.

A layer is a subclass of :class:`ElementLoss` that says what an element of cross entropy l costs; axes, ranks, ignored
elements, class weights, precision, reductions and the refusal of bad input are written here and in ``layer``, once.
"""

from __future__ import annotations

import math
from typing import Any

import paddle
from paddle import Tensor

from paddle_impl.checks import INTEGERS, check_dtype, check_logits, class_axis, without_class_axis
from paddle_impl.layer import LossLayer
from paddle_impl.precision import narrow, widen
from paddle_impl.programs import sizes


class Elements:
    """Logits [..., C, ...] in the working precision with the labels of n elements, [...].

    ``kept`` tells the valid elements (bool; None: all are), ``weight`` is the class weight of each label, 0 where
    ignored (None: ones), ``plain`` asks for operations that Paddle differentiates itself. ``keeps_axis``: the labels
    came with the class axis, of length 1.
    """

    # no dataclass: the tracer of paddle.jit.to_static (3.3) does not see their methods
    def __init__(self, logits: Tensor, labels: Tensor, kept: Tensor | None, axis: int, plain: bool) -> None:
        self.logits = logits
        self.labels = labels
        self.kept = kept
        self.axis = axis
        self.plain = plain
        self.weight: Tensor | None = None
        self.ignored: int | None = None
        self.keeps_axis = False

    def known_labels(self) -> Tensor:
        """The labels, 0 where ignored."""
        return zero_unless(self.labels, self.kept)

    def masked_logits(self) -> Tensor:
        """The logits, 0 where ignored: a product with 0 would keep NaN and inf, in the gradient too."""
        if self.kept is None:
            return self.logits
        return paddle.where(self.kept.unsqueeze(self.axis), self.logits, paddle.zeros([], dtype=self.logits.dtype))

    def masked(self, losses: Tensor) -> Tensor:
        """Losses [...], 0 where ignored."""
        return zero_unless(losses, self.kept)

    def as_labels(self, losses: Tensor) -> Tensor:
        """Unreduced losses [...] in the shape that the labels came in."""
        return losses.unsqueeze(self.axis) if self.keeps_axis else losses

    def count(self) -> Any:
        """How many elements are valid: a number where it is known, else a 0-d Tensor."""
        if self.kept is not None:
            return self.kept.astype("int64").sum()
        return math.prod(self.labels.shape) if paddle.in_dynamic_mode() else paddle.numel(self.labels)

    def weigh(self, table: Tensor | None) -> None:
        """Set ``weight`` from [C] class weights."""
        if table is None:
            return
        weight = paddle.gather(table, self.known_labels().flatten()).reshape(sizes(self.labels))
        self.weight = weight if self.kept is None else weight * self.kept.astype(weight.dtype)


# not called masked like the method, which paddle.jit.to_static (3.3) would take it for
def zero_unless(array: Tensor, kept: Tensor | None) -> Tensor:
    """An array, 0 where it is not ``kept`` (None: all of it is)."""
    return array if kept is None else paddle.where(kept, array, paddle.zeros_like(array))


def one_hot(ids: Tensor, classes: Any, axis: int, dtype: paddle.dtype) -> Tensor:
    """Class ids [...] as rows of zeros with a one, [..., C, ...] with C at ``axis``."""
    shape = [1] * (ids.ndim + 1)
    shape[axis] = classes
    return (ids.unsqueeze(axis) == paddle.arange(classes, dtype=ids.dtype).reshape(shape)).astype(dtype)


def along(table: Tensor, x: Tensor, axis: int) -> Tensor:
    """[C] numbers as an array that meets x along ``axis``; a program raises when it runs where C is another there."""
    shape = [1] * x.ndim
    shape[axis] = sizes(x)[axis]
    return table.reshape(shape)


class ElementLoss(LossLayer):
    """Base of the losses that are a function of the cross entropy of each element.

    Args: as in :class:`~paddle_impl.layer.LossLayer`.
    """

    def forward(self, logits: Tensor, labels: Tensor, normalizer: Any = None) -> Tensor:
        """The loss of ``labels`` (integers, [...]) under ``logits`` ([..., C, ...]), in the dtype of the logits.

        ``normalizer`` (a number or a Tensor of one) replaces the denominator of ``mean``.
        Raises ValueError or TypeError for shapes, dtypes and labels that do not fit.
        """
        return self.hard_loss(logits, labels, normalizer)

    # a method of its own, for paddle.jit.to_static (3.3) recurs for ever in a super().forward of a further subclass
    @paddle.jit.not_to_static
    def hard_loss(self, logits: Tensor, labels: Tensor, normalizer: Any, element_weight: Any = None) -> Tensor:
        """The weighted, reduced loss of integer labels."""
        normalizer = self.normalizer(normalizer)
        elements = self.arrange(logits, labels)
        losses = self.element_losses(elements)
        if elements.weight is not None:
            losses = losses * elements.weight
        if element_weight is not None:
            losses = losses * self.factors(element_weight, elements)
        return narrow(self.reduced(losses, elements, elements.weight, normalizer), logits)

    def reduced(self, losses: Tensor, elements: Elements, weight: Tensor | None, normalizer: Any) -> Tensor:
        """Losses by the reduction, those of ``none`` in the shape of the labels."""
        if self.reduction == "none":
            return elements.as_labels(losses)
        return self.reduce(losses, weight, elements.count(), normalizer)

    def factors(self, element_weight: Any, elements: Elements) -> Tensor:
        """The weights of single elements, in the layers whose ``forward`` takes them."""
        raise TypeError(f"{type(self).__name__} takes no element_weight")

    def element_losses(self, elements: Elements) -> Tensor:
        """The loss of each element before class weights, [...], 0 where ignored. Subclasses say it."""
        raise TypeError(f"{type(self).__name__} must define element_losses(elements)")

    def arrange(self, logits: Tensor, labels: Tensor) -> Elements:
        """Check both and find the valid elements."""
        check_logits(logits)
        axis = class_axis(logits, self.axis)
        table = self.table(logits.shape[axis], paddle.float64 if logits.dtype == paddle.float64 else paddle.float32)
        check_dtype("labels", labels, INTEGERS, "integers")
        keeps_axis = labels.ndim == logits.ndim
        labels = without_class_axis(labels, logits, axis)
        kept = self.kept(labels, logits.shape[axis])
        elements = Elements(widen(logits), labels, kept, axis, self.plain())
        elements.ignored = self.ignore_index
        elements.keeps_axis = keeps_axis
        elements.weigh(table)
        return elements
