"""Losses of single entries: every number of the logits is a binary or a regression problem of its own.

A layer is a subclass of :class:`EntryLoss` that says what an entry costs, and its slope. Where it can, the loss is
computed in pieces that stay in the cache, and the slopes again in the backward pass, written over the gradient; that
is faster than differentiating operation by operation over arrays that do not, and takes no memory beside the gradient.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import paddle
from paddle import Tensor

from paddle_impl.checks import (
    FLOATS,
    INTEGERS,
    NUMBERS,
    check_dtype,
    check_logits,
    class_axis,
    fits,
    outside,
    without_class_axis,
)
from paddle_impl.elements import along, one_hot, zero_unless
from paddle_impl.gradients import eager, with_slopes
from paddle_impl.layer import LossLayer, divided, label_range
from paddle_impl.pieces import Entries, Piece
from paddle_impl.precision import narrow, widen
from paddle_impl.programs import UNKNOWN, aligned, detached, sizes

HALVES = (paddle.float16, paddle.bfloat16)


class EntryLoss(LossLayer):
    """Base of the losses of entries.

    Args: as in :class:`~paddle_impl.layer.LossLayer`; ``axis`` matters for class weights and class ids alone.
    """

    probabilities = True
    """Whether targets are probabilities, so that class ids mean one-hot rows."""

    def forward(
        self, logits: Tensor, labels: Tensor, label_weight: Tensor | None = None, normalizer: Any = None
    ) -> Tensor:
        """The loss of every entry of ``logits`` (any shape), in their dtype.

        Args:
            labels: targets of the logits' shape, floats in [0, 1] or integers 0 and 1; or class ids, integers of the
                logits' shape without the class axis (or with length 1 there), which become one-hot rows. Entries with
                the target ``ignore_index``, and rows with that id, count for nothing.
            label_weight: a mask of the logits' or the labels' shape: what is not above 0 counts for nothing.
            normalizer: replaces the denominator of ``mean``, a number or a Tensor of one.

        Raises ValueError or TypeError for shapes, dtypes and targets that do not fit.
        """
        return self.entry_loss(logits, labels, label_weight, normalizer)

    # a method of its own, for paddle.jit.to_static (3.3) recurs for ever in a super().forward of a further subclass
    @paddle.jit.not_to_static
    def entry_loss(
        self,
        logits: Tensor,
        labels: Tensor,
        label_weight: Tensor | None,
        normalizer: Any,
        element_weight: Any = None,
    ) -> Tensor:
        """The weighted, reduced loss of the entries."""
        normalizer = self.normalizer(normalizer)
        entries = arrange_entries(self, logits, labels, label_weight, self.probabilities)
        if element_weight is not None:
            entries.factors = self.factors(element_weight, entries)
        prepared = self.prepare(entries)
        loss = None if entries.plain else self._by_slopes(entries, prepared, normalizer)
        if loss is None:
            loss = self._by_operations(entries, prepared, normalizer)
        return narrow(loss, logits)

    def factors(self, element_weight: Any, entries: Entries) -> Tensor:
        """The weights of single entries, in the layers whose ``forward`` takes them."""
        raise TypeError(f"{type(self).__name__} takes no element_weight")

    def losses(self, x: Tensor, t: Tensor) -> Tensor:
        """The loss of each entry, by operations that have derivatives of all orders. Subclasses say it."""
        raise TypeError(f"{type(self).__name__} must define losses(x, t)")

    def value_and_slope(self, x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """The loss of each entry and its derivative by x, in new Tensors. Subclasses say it."""
        raise TypeError(f"{type(self).__name__} must define value_and_slope(x, t)")

    def prepare(self, entries: Entries) -> Any:
        """What must be known of all entries before the loss of one; it is handed to the next two methods."""
        return None

    def weighted(self, piece: Piece, prepared: Any) -> tuple[Tensor, Tensor]:
        """Losses and slopes of a piece, weighed, in new Tensors."""
        value, slope = self.value_and_slope(piece.x, piece.t)
        return piece.shown(value), piece.shown(slope)

    def weighted_values(self, piece: Piece, prepared: Any) -> Tensor:
        """The losses alone."""
        return self.weighted(piece, prepared)[0]

    def weighted_slopes(self, piece: Piece, prepared: Any) -> Tensor:
        """The slopes alone."""
        return self.weighted(piece, prepared)[1]

    def constant(self, x: Tensor, t: Tensor, prepared: Any) -> Tensor | None:
        """What multiplies the losses of all entries, held constant in the gradient (None: nothing does)."""
        return None

    @eager
    def _by_slopes(self, entries: Entries, prepared: Any, normalizer: Any) -> Tensor | None:
        """The loss with a gradient from the slopes; None where something is not finite."""
        x, none, slope = entries.logits, self.reduction == "none", None
        with paddle.no_grad():
            if entries.single():
                # what is small is computed once and kept
                value, slope = self.weighted(next(entries.pieces()), prepared)
                value = value.reshape(x.shape) if none else value.sum()
            else:
                values = (self.weighted_values(piece, prepared) for piece in entries.pieces())
                value = paddle.concat(list(values)).reshape(x.shape) if none else _total(values)
            if not math.isfinite((value.sum() if none else value).item()):
                return None

        def rescale(gradient: Tensor) -> None:
            if slope is not None:
                gradient.multiply_(slope)
                return
            start = 0
            for piece in entries.pieces():
                stop = start + piece.x.shape[0]
                # written back, for a slice need not share the numbers of the whole (FLAGS_use_stride_kernel)
                gradient[start:stop] = gradient[start:stop] * self.weighted_slopes(piece, prepared)
                start = stop

        return self.reduced(with_slopes(value, x, rescale), entries, normalizer)

    def _by_operations(self, entries: Entries, prepared: Any, normalizer: Any) -> Tensor:
        x, t = entries.whole()
        losses = self.losses(x, t)
        with paddle.no_grad():
            constant = self.constant(detached(x), t, prepared)
        if constant is not None:
            losses = losses * constant
        if entries.weight is not None:
            losses = losses * entries.weight
        if entries.factors is not None:
            losses = losses * entries.factors
        losses = zero_unless(losses, entries.kept)
        return self.reduced(losses if self.reduction == "none" else losses.sum(), entries, normalizer)

    def reduced(self, loss: Tensor, entries: Entries, normalizer: Any) -> Tensor:
        """A sum, or the losses of reduction ``none``, over the denominator."""
        if self.reduction != "mean":
            return loss
        return divided(loss, self.divisor(entries.weight, entries.count(), normalizer))


def arrange_entries(
    layer: LossLayer, logits: Tensor, labels: Tensor, label_weight: Tensor | None, probabilities: bool
) -> Entries:
    """Check logits and labels, expand class ids, and find the valid entries.

    Where labels are no ``probabilities`` they are any numbers of the logits' shape, and none of them is ignored.
    """
    check_logits(logits, layer.inputs[0])
    x = widen(logits)
    check_dtype(layer.inputs[1], labels, NUMBERS, "numbers")
    if label_weight is not None:
        check_dtype("label_weight", label_weight, NUMBERS, "numbers")
    # half precisions have no kernels on the CPU
    if labels.dtype in HALVES:
        labels = labels.astype("float32")
    if label_weight is not None and label_weight.dtype in HALVES:
        label_weight = label_weight.astype("float32")
    entrywise = _entrywise(layer, list(labels.shape), list(logits.shape), probabilities)
    mask = None if label_weight is None else label_weight > 0
    rows = mask is not None and not fits(list(label_weight.shape), list(logits.shape))
    if rows and (entrywise or not fits(list(label_weight.shape), list(labels.shape))):
        raise ValueError(
            f"label_weight must have the labels' shape, {list(labels.shape)}, got {list(label_weight.shape)}"
        )
    if mask is not None and not rows:
        mask = aligned(mask, logits)
    if entrywise:
        targets = aligned(labels, logits)
        kept = _valid_targets(layer, targets, mask) if probabilities else mask
    elif probabilities:
        targets, kept = _one_hot(layer, x, labels, mask if rows else None)
        if mask is not None and not rows:
            kept = _combined_masks(kept, mask)
    else:
        raise ValueError(
            f"targets must have the shape of the predictions, {list(logits.shape)}, got {list(labels.shape)}"
        )
    plain = layer.plain() or 0 in x.shape
    return Entries(x, detached(targets).astype(x.dtype), kept, _entry_weight(layer, x, kept), plain)


def _entrywise(layer: LossLayer, labels: list[int], logits: list[int], probabilities: bool) -> bool:
    """Whether labels of this shape are one for each entry. Raises ValueError where a program can't know yet."""
    if not fits(labels, logits):
        return False
    rank = len(logits)
    axis = layer.axis if rank > 1 and -rank <= layer.axis < rank else None
    if probabilities and axis is not None and labels[axis] == 1 and logits[axis] == UNKNOWN:
        raise ValueError(
            f"labels of shape {labels} are class ids or targets, by how many classes there are along axis {axis}; "
            f"logits must say that in a program, got {logits}"
        )
    return True


def _valid_targets(layer: LossLayer, labels: Tensor, mask: Tensor | None) -> Tensor | None:
    """Which targets are valid (None: all). Raises ValueError for one outside [0, 1]."""
    if labels.dtype == paddle.bool:
        return mask
    find = _checked_targets if layer.looks() else _mask_of_valid
    return find(layer.ignore_index, labels, mask)


def _checked_targets(ignored: int | None, labels: Tensor, mask: Tensor | None) -> Tensor | None:
    low, high = label_range(labels)
    if low >= 0 and high <= 1 and (ignored is None or not low <= ignored <= high):
        return mask
    kept = _mask_of_valid(ignored, labels, mask)
    for value in label_range(zero_unless(labels, kept)):
        if not 0 <= value <= 1:
            raise ValueError(outside(value, "[0, 1]", ignored))
    return kept


def _mask_of_valid(ignored: int | None, labels: Tensor, mask: Tensor | None) -> Tensor | None:
    if ignored is None:
        return mask
    if labels.dtype in FLOATS:
        # Paddle (3.3, CPU) finds floats equal that differ by less than 1e-15
        return _combined_masks(~((labels >= ignored) & (labels <= ignored)), mask)
    # the narrow integers overflow beside an ignore_index of -100
    return _combined_masks(labels.astype("int64") != ignored, mask)


def _one_hot(layer: LossLayer, x: Tensor, labels: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """Class ids as one-hot rows along the class axis, and which entries are valid."""
    shape, rank = list(x.shape), x.ndim
    has_classes = rank == 1 or -rank <= layer.axis < rank
    axis = class_axis(x, layer.axis) if rank and has_classes else 0
    rows = shape[:axis] + shape[axis + 1 :]
    if not has_classes or not (fits(list(labels.shape), rows) or _is_column(list(labels.shape), shape, axis)):
        ids = f", or that of class ids, {rows}" if has_classes else ""
        raise ValueError(f"labels must have the logits' shape, {shape}{ids}, got {list(labels.shape)}")
    if labels.dtype not in INTEGERS:
        raise TypeError(f"class ids must be integers, got dtype {labels.dtype}")
    labels = without_class_axis(labels, x, axis)
    if mask is not None:
        mask = mask.reshape(sizes(labels))
        # an id that is masked may be anything
        labels = paddle.where(mask, labels, paddle.zeros_like(labels))
    kept = layer.kept(labels, shape[axis])
    targets = one_hot(zero_unless(labels, kept), sizes(x)[axis], axis, x.dtype)
    kept = _combined_masks(kept, mask)
    return targets, kept if kept is None else _mask_of_entries(kept.unsqueeze(axis), x)


def _mask_of_entries(kept: Tensor, x: Tensor) -> Tensor:
    """What is valid, repeated for each class, in the shape of x."""
    # Paddle (3.3) expands no empty array in a program
    return kept.expand_as(x) if paddle.in_dynamic_mode() else kept & paddle.ones_like(x, dtype="bool")


def _is_column(found: list[int], shape: list[int], axis: int) -> bool:
    """Whether a shape is that of the logits with length 1 along the class axis."""
    return fits(found, [*shape[:axis], 1, *shape[axis + 1 :]])


def _entry_weight(layer: LossLayer, x: Tensor, kept: Tensor | None) -> Tensor | None:
    """The class weight of each entry, 0 where ignored; None without class weights."""
    if layer.classes is None:
        return None
    axis = class_axis(x, layer.axis)
    table = layer.table(x.shape[axis], x.dtype)
    ones = paddle.ones_like(detached(x)) if kept is None else kept.astype(x.dtype)
    return ones * along(table, x, axis)


def _combined_masks(kept: Tensor | None, mask: Tensor | None) -> Tensor | None:
    """What is valid by either, where None is everything."""
    if kept is None or mask is None:
        return mask if kept is None else kept
    return kept & mask


def _total(values: Iterable[Tensor]) -> Tensor:
    return paddle.stack([value.sum() for value in values]).sum()
