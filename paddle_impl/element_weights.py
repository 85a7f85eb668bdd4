"""Weights of single elements, which come with the call: they multiply losses, and no denominator knows them."""

from __future__ import annotations

import paddle
from paddle import Tensor

from paddle_impl.checks import NUMBERS, check_dtype, class_axis, fits
from paddle_impl.elements import Elements
from paddle_impl.layer import LossLayer, label_range
from paddle_impl.pieces import Entries
from paddle_impl.programs import aligned, detached


def of_elements(layer: LossLayer, element_weight: Tensor, elements: Elements) -> Tensor:
    """The weight of each element, [...], 0 where ignored. Raises ValueError or TypeError for what is none."""
    check_dtype("element_weight", element_weight, NUMBERS, "numbers")
    shape, given = list(elements.labels.shape), list(element_weight.shape)
    if fits(given, _with_one(shape, elements.axis)):
        element_weight = element_weight.squeeze(elements.axis)
    elif not fits(given, shape):
        raise ValueError(f"element_weight must have the labels' shape, {shape}, got {given}")
    return _checked(layer, aligned(element_weight, elements.labels), elements.kept, elements.logits.dtype)


def of_entries(layer: LossLayer, element_weight: Tensor, entries: Entries) -> Tensor:
    """The weight of each entry, from one number for each or for each row. Raises ValueError or TypeError."""
    check_dtype("element_weight", element_weight, NUMBERS, "numbers")
    x = entries.logits
    shape, given = list(x.shape), list(element_weight.shape)
    if not fits(given, shape):
        if not (x.ndim > 1 and -x.ndim <= layer.axis < x.ndim):
            raise ValueError(f"element_weight must have the logits' shape, {shape}, got {given}")
        axis = class_axis(x, layer.axis)
        rows = shape[:axis] + shape[axis + 1 :]
        if fits(given, rows):
            element_weight = element_weight.unsqueeze(axis)
        elif not fits(given, _with_one(rows, axis)):
            raise ValueError(
                f"element_weight must have the logits' shape, {shape}, or one for each row, {rows}, got {given}"
            )
        # half precisions have no kernel for it on the CPU
        element_weight = element_weight.astype(x.dtype).expand_as(x)
    return _checked(layer, aligned(element_weight, x), entries.kept, x.dtype)


def _with_one(shape: list[int], axis: int) -> list[int]:
    """The shape of elements with a class axis of length 1."""
    return [*shape[:axis], 1, *shape[axis:]]


def _checked(layer: LossLayer, weight: Tensor, kept: Tensor | None, dtype: paddle.dtype) -> Tensor:
    """Constants of a dtype, 0 where not ``kept``; ValueError for one that is negative or not finite."""
    weight = detached(weight).astype(dtype)
    if kept is not None:
        # a product with 0 would keep NaN
        weight = paddle.where(kept, weight, paddle.zeros_like(weight))
    if layer.looks():
        for number in label_range(weight):
            if not 0.0 <= number < float("inf"):
                raise ValueError(f"element_weight must be finite and >= 0, got {number}")
    return weight
