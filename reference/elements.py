"""Axes, ranks, masks, class weights and reductions: whatever the layout, a problem becomes n rows of C logits.

Every loss of the package arranges its arguments with :func:`arrange`, computes one loss and one row of slopes for each
row, and hands them to :meth:`Elements.reduce`. No other module knows of axes, of ignored elements or of denominators.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reference.answer import Answer, Array

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


@dataclass(frozen=True)
class Elements:
    """A problem as rows. Ignored rows are zeros with label 0: what stood there has no influence.

    ``rows`` [n, C] logits; ``labels`` [n]; ``valid`` [n] bool; ``weight`` [n], the weight of the label's class, 0 where
    ignored; ``shape`` of the labels; ``axis`` of the classes in the logits.
    """

    rows: Array
    labels: NDArray[np.int64]
    valid: NDArray[np.bool_]
    weight: Array
    shape: tuple[int, ...]
    axis: int

    @property
    def count(self) -> int:
        """N, the number of valid elements."""
        return int(self.valid.sum())

    def reduce(
        self, losses: Losses, *, reduction: str, denominator: str = "weights", cotangent: ArrayLike | None = None
    ) -> Answer:
        """Reduce per-element losses (weights already applied) to an :class:`Answer`.

        ``mean`` divides by W, the sum of the valid elements' class weights (``denominator="weights"``), or by their
        number N (``"count"``). A denominator of 0 gives loss 0 and gradient 0.
        """
        check_choice("reduction", reduction, REDUCTIONS)
        check_choice("denominator", denominator, DENOMINATORS)
        value = np.where(self.valid, losses.value, 0.0)
        scale = np.where(self.valid, losses.value_scale, 0.0)
        if reduction == "none":
            upstream = self._cotangent(cotangent, self.shape).reshape(-1)
            divisor = 1.0
            total, total_scale = value.reshape(self.shape), scale.reshape(self.shape)
        else:
            upstream = np.full(len(value), self._cotangent(cotangent, ()))
            depth = 1.0 + np.log2(max(len(value), 1))
            total, total_scale = value.sum(), scale.sum() + depth * np.abs(value).sum()
            divisor = 1.0
            if reduction == "mean":
                divisor = float(self.weight.sum() if denominator == "weights" else self.count)
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
        stacked = rows.reshape((*self.shape, rows.shape[1]))
        return np.ascontiguousarray(np.moveaxis(stacked, -1, self.axis))

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
) -> Elements:
    """Move the class axis last, flatten the rest, mask what is ignored, look up the class weights.

    Shapes: ``logits`` have C classes along ``axis`` (rank-1 logits have one axis, which ``axis=1`` then means too);
    ``labels`` have the logits' shape without that axis, or with length 1 there. Raises ValueError or TypeError for
    anything else, and for labels outside [0, C) that are not ``ignore_index``.
    """
    scores = np.asarray(logits, dtype=np.float64)
    axis = check_axis(axis, scores.ndim)
    scores = np.moveaxis(scores, axis, -1)
    classes = scores.shape[-1]
    if classes == 0:
        raise ValueError(f"logits must have at least one class along axis {axis}, got shape {np.shape(logits)}")
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
    return Elements(rows, targets, valid, class_weight[targets] * valid, shape, axis)


def check_choice(name: str, value: Any, choices: tuple[str, ...]) -> None:
    """Raise ValueError unless ``value`` is one of ``choices``."""
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}, got {value!r}")


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


def _check_labels(labels: ArrayLike, shape: tuple[int, ...], axis: int) -> NDArray[np.int64]:
    targets = np.asarray(labels)
    if targets.dtype.kind not in "iu":
        raise TypeError(f"labels must be integers, got dtype {targets.dtype}")
    if targets.ndim == len(shape) + 1 and targets.shape[axis] == 1:
        targets = np.squeeze(targets, axis)
    if targets.shape != shape:
        raise ValueError(f"labels must have the logits' shape without the class axis, {shape}, got {np.shape(labels)}")
    return targets.astype(np.int64)
