"""Cost-sensitive cross entropy: class weights from how often each class occurs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Unpack

import numpy as np
import paddle

from paddle_impl.checks import as_numbers, check_number, check_weight
from paddle_impl.cross_entropy import CrossEntropyLoss
from paddle_impl.options import KeywordOptions
from paddle_impl.programs import UNKNOWN, is_variable


class CostSensitiveLoss(CrossEntropyLoss):
    r"""Compute the cross entropy with each class weighted by the inverse of its frequency.

    The class axis is 1 by default (``paddle.nn.CrossEntropyLoss``: -1). For logits ``[N, ..., C]`` pass ``axis=-1``.

    .. math:: w_c = (N_{min} / N_c)^\gamma, \qquad l_i = w_{y_i} (\log \sum_c e^{z_{ic}} - z_{i y_i})

    The rarest class that occurs has weight 1. Hard and soft labels are told apart by dtype; soft labels are used as
    given, without normalization. gamma=0 is cross entropy.

    Losses of micro-batches add up to that of the batch if each call gets the batch's denominator as ``normalizer``.

    Args:
        num_class_list: [C] N_c, how often each class occurs in the training set; 0 only with ``empty_class_weight``.
        gamma: finite, >= 0.
        weight: further class weights; the costs multiply them.
        empty_class_weight: the weight >= 0 of classes that never occur.
        ignore_index: elements with this label count for nothing; None: every element counts.
        reduction: ``none`` (the shape of the labels), ``sum`` or ``mean``.
        axis: the class axis of the logits: 1 by default, where ``paddle.nn.CrossEntropyLoss`` has -1.
        soft_weight: how class weights meet soft labels: ``paddle`` weighs an element by q . w, in the denominator too;
            ``torch`` weighs each class's term, and divides by the number of elements.
        denominator: what ``mean`` divides by: ``weights``, the sum of the valid elements' class weights, under which a
            batch of one class cancels its weight, or ``count``, their number.
        **options: check_labels, twice_differentiable and as_dict, which all layers share.

    Shapes: logits [..., C, ...] with the classes along ``axis``. Hard labels are integers of the same shape without
    that axis, soft labels floats >= 0 of the logits' shape.

    Raises:
        ValueError: a count, option, shape or label is out of range.
        TypeError: an argument has the wrong type or dtype.

    Source: Zhang et al., *Bag of Tricks for Long-Tailed Visual Recognition*, AAAI 2021, eq. 1.

    Example:
        >>> import paddle
        >>> logits = paddle.to_tensor([[2.0, 0.0, 1.0], [0.0, 3.0, 0.0], [1.0, 0.0, 2.0]])
        >>> layer = CostSensitiveLoss([400, 100, 25], as_dict="CELoss")
        >>> layer({"logits": logits}, paddle.to_tensor([0, 1, 2]))["CELoss"].item()
        0.3480...
    """

    weights_from = "num_class_list"
    stored_as: ClassVar = {"weight": "further"}

    def __init__(
        self,
        num_class_list: Sequence[float] | np.ndarray,
        gamma: float = 1.0,
        weight: Any = None,
        ignore_index: int | None = -100,
        reduction: str = "mean",
        axis: int = 1,
        *,
        empty_class_weight: float | None = None,
        soft_weight: str = "paddle",
        **options: Unpack[KeywordOptions],
    ) -> None:
        costs = class_costs(num_class_list, gamma, empty_class_weight)
        multiplied = costs if weight is None else _times_costs(weight, costs)
        super().__init__(multiplied, ignore_index, reduction, axis, soft_weight=soft_weight, **options)
        self.gamma = float(gamma)
        self.num_class_list = _counts(num_class_list)
        self.empty_class_weight = empty_class_weight
        self.further = weight if weight is None or is_variable(weight) else as_numbers("weight", weight)


def class_costs(
    num_class_list: Sequence[float] | np.ndarray, gamma: float, empty_class_weight: float | None = None
) -> np.ndarray:
    """[C] (N_min / N_c)^gamma, N_min over the classes that occur; ``empty_class_weight`` for the others.

    Raises ValueError or TypeError for counts, gamma or weight out of range.
    """
    gamma = check_number("gamma", gamma, "a finite number >= 0", 0.0)
    counts = _counts(num_class_list)
    cost = 0.0
    if empty_class_weight is not None:
        cost = check_number("empty_class_weight", empty_class_weight, "a finite number >= 0", 0.0)
    empty = counts == 0
    if not empty.any():
        return (counts.min() / counts) ** gamma
    if empty_class_weight is None:
        raise ValueError(
            f"num_class_list has the count 0 for class {int(np.flatnonzero(empty)[0])}; "
            "give empty_class_weight, the weight of classes that never occur"
        )
    smallest = counts[~empty].min() if not empty.all() else 1.0
    return np.where(empty, cost, (smallest / np.where(empty, 1.0, counts)) ** gamma)


def _counts(num_class_list: Any) -> np.ndarray:
    counts = as_numbers("num_class_list", num_class_list)
    if counts.ndim != 1 or counts.size == 0:
        raise ValueError(f"num_class_list must be a list of counts, one for each class, got {counts.tolist()}")
    wrong = counts[~(np.isfinite(counts) & (counts >= 0))]
    if wrong.size:
        raise ValueError(f"num_class_list must hold finite counts >= 0, got {wrong[0]}")
    return counts


def _times_costs(weight: Any, costs: np.ndarray) -> Any:
    """Class weights, multiplied by the costs."""
    if is_variable(weight):
        if list(weight.shape) not in ([len(costs)], [UNKNOWN]):
            raise ValueError(
                f"weight must have shape [{len(costs)}] like num_class_list, got shape {list(weight.shape)}"
            )
        return weight.astype("float64") * paddle.assign(costs)
    array = as_numbers("weight", weight)
    check_weight(array)
    if len(array) != len(costs):
        raise ValueError(f"weight must have {len(costs)} numbers, as many as num_class_list, got {len(array)}")
    return array * costs
