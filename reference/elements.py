"""Axes, ranks, masks, class weights and reductions: whatever the layout, a problem becomes n rows of C logits.

Every loss of the package passes its arguments to :func:`arrange` (labels are classes), :func:`arrange_soft` (labels are
rows of probabilities) or :func:`reference.entries.arrange_entries` (every entry is an element of its own), computes one
loss and one row of slopes for each row, and hands them to :meth:`Elements.reduce`. No other module knows of axes,
of ignored elements or of denominators.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Unpack

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reference.answer import Answer, Array
from reference.options import MEAN, Reduction, ReductionOptions

REDUCTIONS = ("none", "sum", "mean")
DENOMINATORS = ("weights", "count")


@dataclass(frozen=True)
class Losses:
    """Per-element losses before the reduction: n losses, n rows of slopes, and the error scale of each."""

    value: Array
    slope: Array
    value_scale: Array
    slope_scale: Array

    def times(self, factor: Array) -> Losses:
        """Multiply each element's loss by a constant >= 0; the product's own rounding joins the scale."""
        column = factor[:, None]
        return Losses(
            self.value * factor,
            self.slope * column,
            self.value_scale * factor + np.abs(self.value * factor),
            self.slope_scale * column + np.abs(self.slope * column),
        )

    def keep(self, mask: NDArray[np.bool_]) -> Losses:
        """The losses where ``mask`` is true, zeros elsewhere, even where they are not finite."""
        column = mask[:, None]
        return Losses(
            np.where(mask, self.value, 0.0),
            np.where(column, self.slope, 0.0),
            np.where(mask, self.value_scale, 0.0),
            np.where(column, self.slope_scale, 0.0),
        )


@dataclass(frozen=True)
class Elements:
    """A problem as rows. Ignored rows are zeros with label 0: what stood there has no influence.

    ``rows`` [n, C] logits; ``labels`` [n] classes (zeros where the targets are numbers); ``valid`` [n] bool; ``weight``
    [n], what the element counts in the denominator, 0 where ignored; ``shape`` of the elements; ``axis`` of the classes
    in the logits (None: every entry is an element); ``targets`` [n, C] or [n], numbers where the labels are no classes;
    ``keeps_axis``: whether the labels came with the class axis, of length 1, which an unreduced loss then has too;
    ``reduction``: what :meth:`reduce` does where it is told nothing else.
    """

    rows: Array
    labels: NDArray[np.int64]
    valid: NDArray[np.bool_]
    weight: Array
    shape: tuple[int, ...]
    axis: int | None
    targets: Array | None = None
    keeps_axis: bool = False
    reduction: Reduction = MEAN

    def times(self, losses: Losses, element_weight: ArrayLike | None) -> Losses:
        """Losses times numbers >= 0, one for each element, of the labels' shape; what is ignored may have any.

        They enter no denominator. Raises ValueError for another shape, and for a number that is none.
        """
        if element_weight is None:
            return losses
        given = np.asarray(element_weight, dtype=np.float64)
        if given.shape not in (self.shape, self.loss_shape):
            raise ValueError(f"element_weight must have the labels' shape, {self.shape}, got {given.shape}")
        return losses.times(self.check_element_weight(given))

    def check_element_weight(self, given: Array) -> Array:
        """[n] weights of the elements, 0 where ignored; finite and >= 0 elsewhere."""
        factors = np.where(self.valid, given.reshape(-1), 0.0)
        wrong = factors[~(np.isfinite(factors) & (factors >= 0))]
        if wrong.size:
            raise ValueError(f"element_weight must be finite and >= 0, got {wrong[0]}")
        return factors

    @property
    def count(self) -> int:
        """N, the number of valid elements."""
        return int(self.valid.sum())

    @property
    def loss_shape(self) -> tuple[int, ...]:
        """The shape of an unreduced loss: that of the labels as they came, where these are classes."""
        if self.axis is None or not self.keeps_axis:
            return self.shape
        return (*self.shape[: self.axis], 1, *self.shape[self.axis :])

    def weighing(self, weight: Array) -> Elements:
        """The same elements with other weights in the denominator."""
        return replace(self, weight=weight * self.valid)

    def reduce(self, losses: Losses, portion: float = 1.0, **options: Unpack[ReductionOptions]) -> Answer:
        """Reduce per-element losses (weights already applied) to an :class:`Answer`.

        ``options`` override those that the elements were arranged with. ``mean`` divides by W, the sum of the valid
        elements' weights (``denominator="weights"``), or by their number N (``"count"``), either times ``portion``; or
        by ``normalizer`` where one is given. A denominator of 0 gives loss 0 and gradient 0.
        """
        chosen = replace(self.reduction, **options)
        reduction, normalizer, cotangent = chosen.reduction, chosen.normalizer, chosen.cotangent
        check_choice("reduction", reduction, REDUCTIONS)
        check_choice("denominator", chosen.denominator, DENOMINATORS)
        check_normalizer(normalizer, reduction)
        losses = losses.keep(self.valid)
        value, scale = losses.value, losses.value_scale
        divisor = 1.0
        if reduction == "none":
            upstream = self._cotangent(cotangent, self.loss_shape).reshape(-1)
            total, total_scale = value.reshape(self.loss_shape), scale.reshape(self.loss_shape)
        else:
            upstream = np.full(len(value), self._cotangent(cotangent, ()))
            depth = 1.0 + np.log2(max(len(value), 1))
            total, total_scale = value.sum(), scale.sum() + depth * np.abs(value).sum()
            if reduction == "mean":
                divisor = portion * float(self.weight.sum() if chosen.denominator == "weights" else self.count)
                divisor = divisor if normalizer is None else float(normalizer)
                if divisor == 0.0:
                    return self._nothing()
                # the denominator is itself a sum of n terms
                total = total / divisor
                total_scale = total_scale / divisor + (1.0 + depth) * np.abs(total)
        factor = (np.where(self.valid, upstream, 0.0) / divisor)[:, None]
        with np.errstate(invalid="ignore"):
            gradient = np.where(self.valid[:, None], losses.slope * factor, 0.0)
            gradient_scale = np.where(self.valid[:, None], losses.slope_scale * np.abs(factor), 0.0)
        rounding = 2.0 if reduction == "none" else 3.0 + np.log2(max(len(value), 1))
        gradient_scale = gradient_scale + rounding * np.abs(gradient)
        return Answer(
            np.asarray(total, dtype=np.float64),
            self.restore(gradient),
            np.asarray(total_scale, dtype=np.float64),
            self.restore(gradient_scale),
        )

    def restore(self, rows: Array) -> Array:
        """Rows [n, C] back in the layout of the logits."""
        if self.axis is None:
            return rows.reshape(self.shape)
        stacked = rows.reshape((*self.shape, rows.shape[1]))
        return np.ascontiguousarray(np.moveaxis(stacked, -1, self.axis))

    def flatten(self, array: Array) -> Array:
        """The inverse of :meth:`restore`."""
        if self.axis is None:
            return array.reshape(-1, 1)
        return np.moveaxis(array, self.axis, -1).reshape(self.rows.shape)

    def _nothing(self) -> Answer:
        empty = self.restore(np.zeros_like(self.rows))
        return Answer(np.zeros(()), empty, np.zeros(()), empty)

    @staticmethod
    def _cotangent(cotangent: ArrayLike | None, shape: tuple[int, ...]) -> Array:
        if cotangent is None:
            return np.ones(shape)
        upstream = np.asarray(cotangent, dtype=np.float64)
        if upstream.shape != shape:
            raise ValueError(f"cotangent must have the shape of the loss, {shape}, got {upstream.shape}")
        return upstream


def arrange(
    logits: ArrayLike,
    labels: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    ignore_index: int | None = -100,
    axis: int = 1,
    **reduction: Unpack[ReductionOptions],
) -> Elements:
    """Move the class axis last, flatten the rest, mask what is ignored, look up the class weights.

    Shapes: ``logits`` have C classes along ``axis`` (rank-1 logits have one axis, which ``axis=1`` then means too);
    ``labels`` have the logits' shape without that axis, or with length 1 there. Raises ValueError or TypeError for
    anything else, and for labels outside [0, C) that are not ``ignore_index``.
    """
    scores, axis = _classes_last(logits, axis)
    classes = scores.shape[-1]
    targets = _check_labels(labels, scores.shape[:-1], axis)
    shape = targets.shape
    targets = targets.reshape(-1)
    valid = np.ones(len(targets), dtype=bool) if ignore_index is None else targets != ignore_index
    outside = valid & ((targets < 0) | (targets >= classes))
    if outside.any():
        bad = targets[outside][0]
        raise ValueError(f"labels must lie in [0, {classes}) or equal ignore_index={ignore_index}, got {bad}")
    targets = np.where(valid, targets, 0)
    rows = np.where(valid[:, None], scores.reshape(-1, classes), 0.0)
    class_weight = check_weight(weight, classes)
    keeps_axis = np.ndim(labels) == scores.ndim
    weights = class_weight[targets] * valid
    return Elements(rows, targets, valid, weights, shape, axis, keeps_axis=keeps_axis, reduction=Reduction(**reduction))


def arrange_soft(
    logits: ArrayLike,
    labels: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    ignore_index: int | None = None,
    axis: int = 1,
    **reduction: Unpack[ReductionOptions],
) -> Elements:
    """Rows of logits and rows of soft labels, numbers >= 0 of the logits' shape.

    Every element counts: a soft label has no class that ``ignore_index`` could equal. The weight of an element is
    q . w, the class weights averaged by its own labels.
    """
    scores, axis = _classes_last(logits, axis)
    targets = np.asarray(labels, dtype=np.float64)
    if targets.shape != np.shape(logits):
        raise ValueError(f"soft labels must have the logits' shape, {np.shape(logits)}, got {targets.shape}")
    wrong = ~(np.isfinite(targets) & (targets >= 0))
    if wrong.any():
        raise ValueError(f"soft labels must be finite and >= 0, got {targets[wrong][0]}")
    classes = scores.shape[-1]
    # a row must lie in one piece in memory: along another axis a sum adds one class after the other
    soft = np.ascontiguousarray(np.moveaxis(targets, axis, -1)).reshape(-1, classes)
    rows = scores.reshape(-1, classes)
    n = len(rows)
    weights = average(soft, check_weight(weight, classes))
    return Elements(
        rows,
        labels=np.zeros(n, np.int64),
        valid=np.ones(n, bool),
        weight=weights,
        shape=scores.shape[:-1],
        axis=axis,
        targets=soft,
        reduction=Reduction(**reduction),
    )


def average(soft: Array, weight: Array) -> Array:
    """q . w of every row [n, C]: the class weights averaged by the row's shares.

    A sum of products and no product of matrices: a library of those orders its sums as the processor likes it best, so
    that another machine would have another last digit.
    """
    return row_sums(soft * weight)


def row_sums(rows: Array) -> Array:
    """The sum of every row [n, C], rounded once: the same on every processor, in whatever layout the rows lie."""
    try:
        return np.fromiter(map(math.fsum, rows.tolist()), np.float64, len(rows))
    except (OverflowError, ValueError):
        # beyond the largest number, or inf less inf: there is no digit to lose
        with np.errstate(invalid="ignore", over="ignore"):
            return np.asarray(rows.sum(axis=1))


def is_soft(labels: ArrayLike) -> bool:
    """Whether labels are probabilities: told by their dtype, never by comparing shapes with numbers of classes."""
    return np.asarray(labels).dtype.kind == "f"


def check_choice(name: str, value: Any, choices: tuple[str, ...]) -> None:
    """Raise ValueError unless ``value`` is one of ``choices``."""
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}, got {value!r}")


def check_number(name: str, value: Any, low: float, high: float = np.inf) -> float:
    """A finite number in [low, high]; TypeError or ValueError otherwise."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise TypeError(f"{name} must be a number, got {value!r}")
    if not (np.isfinite(value) and low <= value <= high):
        expected = f">= {low:g}" if high == np.inf else f"in [{low:g}, {high:g}]"
        raise ValueError(f"{name} must be finite and {expected}, got {value!r}")
    return float(value)


def check_normalizer(normalizer: Any, reduction: str) -> None:
    """A denominator of the caller's own: a number >= 0, for means alone."""
    if normalizer is None:
        return
    if reduction != "mean":
        raise ValueError(f"normalizer replaces the denominator of reduction='mean', got reduction={reduction!r}")
    check_number("normalizer", normalizer, 0.0)


def check_axis(axis: Any, rank: int) -> int:
    """The class axis as a number in [0, rank); a rank-1 problem has no other axis than its classes."""
    if isinstance(axis, bool) or not isinstance(axis, (int, np.integer)):
        raise TypeError(f"axis must be an int, got {axis!r}")
    if rank == 0:
        raise ValueError("logits must have a class axis, got a scalar")
    if rank == 1 and axis == 1:
        return 0
    if not -rank <= axis < rank:
        raise ValueError(f"axis must lie in [{-rank}, {rank}) for logits of rank {rank}, got {axis}")
    return int(axis) % rank


def check_weight(weight: ArrayLike | None, classes: int) -> Array:
    """Class weights [C], finite and >= 0; None means ones."""
    if weight is None:
        return np.ones(classes)
    array = np.asarray(weight, dtype=np.float64)
    if array.shape != (classes,):
        raise ValueError(f"weight must have shape ({classes},), one number for each class, got shape {array.shape}")
    if not (np.isfinite(array) & (array >= 0)).all():
        bad = array[~(np.isfinite(array) & (array >= 0))][0]
        raise ValueError(f"weight must be finite and >= 0 for each class, got {bad}")
    return array


def _classes_last(logits: ArrayLike, axis: int) -> tuple[Array, int]:
    scores = np.asarray(logits, dtype=np.float64)
    axis = check_axis(axis, scores.ndim)
    scores = np.moveaxis(scores, axis, -1)
    if scores.shape[-1] == 0:
        raise ValueError(f"logits must have at least one class along axis {axis}, got shape {np.shape(logits)}")
    return scores, axis


def _check_labels(labels: ArrayLike, shape: tuple[int, ...], axis: int) -> NDArray[np.int64]:
    targets = np.asarray(labels)
    if targets.dtype.kind not in "iu":
        raise TypeError(f"labels must be integers, got dtype {targets.dtype}")
    if targets.ndim == len(shape) + 1 and targets.shape[axis] == 1:
        targets = np.squeeze(targets, axis)
    if targets.shape != shape:
        raise ValueError(f"labels must have the logits' shape without the class axis, {shape}, got {np.shape(labels)}")
    return targets.astype(np.int64)
