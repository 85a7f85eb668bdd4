"""Losses of single entries: every number of the logits is an element of its own, with a target of its own."""

from __future__ import annotations

from typing import Unpack

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from reference.answer import Array
from reference.elements import Elements, Losses, check_axis, check_weight
from reference.options import Reduction, ReductionOptions


def arrange_entries(
    logits: ArrayLike,
    labels: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    ignore_index: int | None = None,
    axis: int = 1,
    label_weight: ArrayLike | None = None,
    probabilities: bool = True,
    **reduction: Unpack[ReductionOptions],
) -> Elements:
    """Entries as rows of one logit, with ``targets`` [n].

    Shapes: ``labels`` are targets of the logits' shape; or, for ``probabilities``, class ids: integers of the logits'
    shape without the class axis (or with length 1 there), which become one-hot. An entry is ignored where its target
    (or its row's id) equals ``ignore_index``, or where ``label_weight``, of the labels' shape, is not above 0.
    ``weight`` [C] weighs the entries of class c along ``axis``. Raises ValueError or TypeError for anything else.
    """
    scores = np.asarray(logits, dtype=np.float64)
    given = np.asarray(labels)
    if given.dtype.kind not in "iufb":
        raise TypeError(f"labels must be numbers, got dtype {given.dtype}")
    valid = np.ones(given.shape, bool) if ignore_index is None else given != ignore_index
    targets = given.astype(np.float64)
    if given.shape != scores.shape:
        if not probabilities:
            raise ValueError(f"targets must have the shape of the predictions, {scores.shape}, got {given.shape}")
        targets = _one_hot(given, scores, axis, ignore_index)
        valid = _mask_of_entries(valid, scores, axis)
    if label_weight is not None:
        mask = np.asarray(label_weight, dtype=np.float64)
        if mask.shape not in (given.shape, scores.shape):
            raise ValueError(f"label_weight must have the labels' shape, {given.shape}, got {mask.shape}")
        valid = valid & _mask_of_entries(mask > 0, scores, axis)
    if probabilities:
        wrong = valid & ~((targets >= 0) & (targets <= 1))
        if wrong.any():
            raise ValueError(f"labels must lie in [0, 1] or equal ignore_index={ignore_index}, got {targets[wrong][0]}")
    weights = np.ones(scores.shape)
    if weight is not None:
        place = check_axis(axis, scores.ndim)
        classes = check_weight(weight, scores.shape[place])
        weights = weights * np.moveaxis(classes.reshape(-1, *(1,) * (scores.ndim - 1)), 0, place)
    flat = valid.reshape(-1)
    n = flat.size
    return Elements(
        rows=np.where(flat, scores.reshape(-1), 0.0)[:, None],
        labels=np.zeros(n, np.int64),
        valid=flat,
        weight=weights.reshape(-1) * flat,
        shape=scores.shape,
        axis=None,
        targets=np.where(flat, targets.reshape(-1), 0.0),
        reduction=Reduction(**reduction),
    )


def _mask_of_entries(mask: NDArray[np.bool_], scores: Array, axis: int) -> NDArray[np.bool_]:
    """A mask of rows or of entries as one of entries."""
    if mask.shape == scores.shape:
        return mask
    place = check_axis(axis, scores.ndim)
    rows = mask if mask.ndim == scores.ndim else np.expand_dims(mask, place)
    return np.broadcast_to(rows, scores.shape)


def _one_hot(ids: NDArray[np.generic], scores: Array, axis: int, ignore_index: int | None) -> Array:
    place = check_axis(axis, scores.ndim)
    classes = scores.shape[place]
    rows = np.squeeze(ids, place) if ids.ndim == scores.ndim and ids.shape[place] == 1 else ids
    shape = scores.shape[:place] + scores.shape[place + 1 :]
    if rows.shape != shape:
        raise ValueError(
            f"labels must have the logits' shape, {scores.shape}, or that of class ids, {shape}, got {ids.shape}"
        )
    if rows.dtype.kind not in "iu":
        raise TypeError(f"class ids must be integers, got dtype {rows.dtype}")
    numbers = rows.astype(np.int64)
    outside = (numbers < 0) | (numbers >= classes)
    bad = outside if ignore_index is None else outside & (numbers != ignore_index)
    if bad.any():
        raise ValueError(
            f"class ids must lie in [0, {classes}) or equal ignore_index={ignore_index}, got {numbers[bad][0]}"
        )
    found = np.eye(classes)[np.where(outside, 0, numbers)]
    return np.asarray(np.moveaxis(found, -1, place))


def logistic_losses(x: Array, t: Array) -> Losses:
    """log(1 + exp(x)) - x t of each entry, and its slope sigmoid(x) - t."""
    loss = np.where(x > 0, x * (1.0 - t), -x * t) + np.log1p(np.exp(-np.abs(x)))
    slope = signed_distance(x, t)
    scale = 1.0 + np.abs(x) + np.log(2.0)
    return Losses(loss, slope[:, None], scale, (1.0 + probability_error(x))[:, None])


def signed_distance(x: Array, t: Array) -> Array:
    """sigmoid(x) - t, without cancellation where t is 0 or 1."""
    # p - t = p (1 - t) - (1 - p) t
    return np.asarray(expit(x) * (1.0 - t) - expit(-x) * t)


def probability_error(x: Array) -> Array:
    """Error of a sound sigmoid(x), in units: the rounding of a number up to 1, and of the exponent."""
    return np.asarray(1.0 + np.abs(x) * np.minimum(expit(x), expit(-x)))
