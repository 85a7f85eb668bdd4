"""Average top-k: the mean of the k largest losses, whatever they are losses of."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Unpack

import numpy as np
import paddle
from paddle import Tensor

from paddle_impl.checks import (
    INTEGERS,
    NUMBERS,
    TENSORS,
    check_choice,
    check_dtype,
    check_int,
    check_logits,
    fits,
    is_number,
    shown,
)
from paddle_impl.elements import ElementLoss, Elements, zero_unless
from paddle_impl.entries import arrange_entries
from paddle_impl.kernel import cross_entropy
from paddle_impl.layer import divided, not_ignored
from paddle_impl.options import KeywordOptions
from paddle_impl.precision import narrow, widen
from paddle_impl.programs import aligned, detached, sizes
from paddle_impl.sigmoid import logistic

FRACTION = 0.7
"""Of the elements, where neither ``top_k`` nor ``k`` is given."""


def hinge(x: Tensor, t: Tensor) -> Tensor:
    """max(0, 1 - (2t - 1) x)."""
    margin = 1.0 - (2.0 * t - 1.0) * x
    # a maximum with 0 would lose NaN
    return paddle.where(margin <= 0, paddle.zeros_like(margin), margin)


def squared(x: Tensor, t: Tensor) -> Tensor:
    """(x - t)^2."""
    return (x - t).square()


def absolute(x: Tensor, t: Tensor) -> Tensor:
    """|x - t|."""
    return (x - t).abs()


BINARY = {"logistic": logistic, "hinge": hinge}
REAL = {"squared": squared, "absolute": absolute}
INDIVIDUALS = ("cross_entropy", *BINARY, *REAL)


class TopKLoss(ElementLoss):
    r"""Average the k largest individual losses of a batch.

    The class axis is 1 by default (``paddle.nn.CrossEntropyLoss``: -1). For logits ``[N, ..., C]`` pass ``axis=-1``.

    .. math:: L = \frac{\sum_i s_i o_i l_i}{k W / N}, \quad s_i = 1 \text{ for the k largest } o_i l_i
              \text{ of the valid elements, else } 0

    o_i is the class weight, W the sum of the valid elements' weights, N their number. For weights of 1 this is the mean
    of the k largest losses: the maximum loss for k=1, the average for k=N. Exactly k elements are selected, also
    where losses tie, and no gradient flows through the selection.

    The k largest are those of one call, so losses of micro-batches do not add up to that of the batch.

    Args:
        top_k: fraction r in (0, 1] of the valid elements: k is the largest j with j / N <= r, at least 1. 0.7 where
            neither is given.
        k: number of elements, >= 1; more than there are means all of them.
        individual: the losses that are aggregated: ``cross_entropy`` (labels are classes); or of each entry, with
            targets of the logits' shape, ``logistic`` and ``hinge`` (targets 0 and 1), ``squared`` and ``absolute``;
            or a function of (logits, labels) that returns the losses as a Tensor.
        weight: [C] class weights of the elements' labels, or of the entries along ``axis``.
        ignore_index: elements with this label count for nothing (``squared`` and ``absolute``: none is ignored).
        reduction: ``none`` (the shape of the labels; what is not selected is 0), ``sum`` or ``mean``.
        axis: the class axis of the logits: 1 by default, where ``paddle.nn.CrossEntropyLoss`` has -1.
        denominator: what ``mean`` divides by: ``weights``, k W / N, or ``count``, k.
        **options: check_labels, twice_differentiable and as_dict, which all layers share.

    Shapes: logits [..., C, ...] with the classes along ``axis``, labels the same without that axis; for entries both
    of the same shape.

    Raises:
        ValueError: an option, shape, weight or label is out of range.
        TypeError: an argument has the wrong type or dtype.

    Source: Fan, Lyu, Ying, Hu, *Learning with Average Top-k Loss*, NeurIPS 2017, eq. 2 and 3.

    Example:
        >>> import paddle
        >>> logits = paddle.to_tensor([[2.0, 0.0, 1.0], [0.0, 3.0, 0.0], [1.0, 0.0, 2.0]])
        >>> TopKLoss(k=1)(logits, paddle.to_tensor([0, 1, 1])).item()
        2.4076...
    """

    def __init__(
        self,
        top_k: float | None = None,
        k: int | None = None,
        individual: str | Callable[[Tensor, Tensor], Tensor] = "cross_entropy",
        weight: Any = None,
        ignore_index: int | None = -100,
        reduction: str = "mean",
        axis: int = 1,
        **options: Unpack[KeywordOptions],
    ) -> None:
        super().__init__(weight, ignore_index, reduction, axis, **options)
        self.top_k, self.k = _check_counts(top_k, k)
        if not callable(individual):
            check_choice("individual", individual, INDIVIDUALS)
        self.individual = individual

    def forward(
        self, logits: Tensor, labels: Tensor, normalizer: Any = None, label_weight: Tensor | None = None
    ) -> Tensor:
        """The average of the k largest losses of ``labels`` under ``logits``, in the dtype of the logits.

        ``normalizer`` (a number or a Tensor of one) replaces the denominator of ``mean``; ``label_weight`` is for the
        individual losses of entries: what is not above 0 counts for nothing.
        Raises ValueError or TypeError for shapes, dtypes and labels that do not fit.
        """
        # a function of the user's own is called here, where paddle.jit.to_static translates it
        given = None
        if callable(self.individual):
            self.check_called(logits, labels)
            given = self.individual(logits, labels)
        return self.top_loss(logits, labels, given, normalizer, label_weight)

    @paddle.jit.not_to_static
    def check_called(self, logits: Tensor, labels: Tensor) -> None:
        """Refuse what a function of the user's own should not be called with."""
        check_logits(logits)
        check_dtype("labels", labels, NUMBERS, "numbers")

    @paddle.jit.not_to_static
    def top_loss(
        self, logits: Tensor, labels: Tensor, given: Any, normalizer: Any, label_weight: Tensor | None
    ) -> Tensor:
        """The weighted, reduced loss; ``given`` are the individual losses where they are a function's."""
        normalizer = self.normalizer(normalizer)
        losses, elements = self._individual(logits, labels, given, label_weight)
        if elements.weight is not None:
            losses = losses * elements.weight
        count = elements.count()
        if paddle.in_dynamic_mode():
            count = count if isinstance(count, int) else count.item()
            k = count_of(self.top_k, self.k, count)
            losses = losses if k == count else largest(losses, elements.kept, k)
        else:
            k = traced_count_of(self.top_k, self.k, count)
            losses = traced_largest(losses, elements.kept, k)
        loss = self._average(losses, elements, k, count, normalizer)
        if self.reduction == "none" and self.individual == "cross_entropy":
            loss = elements.as_labels(loss)
        return narrow(loss, logits)

    def _individual(
        self, logits: Tensor, labels: Tensor, given: Any, label_weight: Tensor | None
    ) -> tuple[Tensor, Any]:
        """Losses, 0 where ignored, and the elements or entries that they are losses of."""
        if self.individual in BINARY or self.individual in REAL:
            binary = self.individual in BINARY
            entries = arrange_entries(self, logits, labels, label_weight, binary)
            losses = (BINARY if binary else REAL)[self.individual](*entries.whole())
            return zero_unless(losses, entries.kept), entries
        if label_weight is not None:
            raise ValueError(
                f"label_weight is for losses of entries, {', '.join((*BINARY, *REAL))}; got one for "
                f"individual={self.individual!r}"
            )
        if self.individual == "cross_entropy":
            elements = self.arrange(logits, labels)
            return cross_entropy(elements), elements
        return self._of_function(given, labels)

    def _of_function(self, losses: Any, labels: Tensor) -> tuple[Tensor, Elements]:
        """Losses of a function of the user's own."""
        if not isinstance(losses, TENSORS):
            raise TypeError(f"individual must return the losses as a Tensor, got {type(losses).__name__}")
        losses = widen(losses)
        classes = labels.dtype in INTEGERS and fits(list(labels.shape), list(losses.shape))
        labels = aligned(labels, losses).astype("int64") if classes else detached(losses)
        kept = not_ignored(labels, self.ignore_index) if classes else None
        elements = Elements(losses, labels, kept, 0, True)
        if classes and self.classes is not None:
            self.kept(labels, self.classes)
            elements.weigh(self.table(self.classes, losses.dtype))
        return zero_unless(losses, kept), elements

    def _average(self, losses: Tensor, elements: Any, k: Any, count: Any, normalizer: Any) -> Tensor:
        if self.reduction == "none":
            return losses
        total = losses.sum()
        if self.reduction == "sum":
            return total
        if normalizer is not None:
            return divided(total, normalizer)
        if elements.weight is None or self.denominator == "count":
            return divided(total, k)
        if isinstance(k, int):
            portion = paddle.full([], k / max(count, 1), dtype=losses.dtype)
        else:
            portion = (k.astype("float64") / count.astype("float64").clip(min=1)).astype(losses.dtype)
        return divided(total, elements.weight.sum() * portion)


def count_of(top_k: float | None, k: int | None, count: int) -> int:
    """How many of ``count`` losses to keep: ``k``, or the largest j with j / count <= ``top_k``, at least 1."""
    if k is not None:
        return min(k, count)
    # the product may round to either side of a whole number, the quotient decides
    found = min(int(top_k * count) + 1, count)
    while found > 1 and found / count > top_k:
        found -= 1
    return found


def largest(losses: Tensor, kept: Tensor | None, k: int) -> Tensor:
    """The k largest kept losses, exactly k of them, and 0 for the others."""
    with paddle.no_grad():
        scores = _scores(detached(losses), kept).flatten()
        top = scores.max().item()
        if math.isnan(top):
            scores = paddle.where(scores.isnan(), paddle.full_like(scores, math.inf), scores)
        threshold = _kth_largest(scores, k)
        chosen = scores >= threshold
        surplus = chosen.sum().item() - k
        if surplus:
            # of those at the threshold, the first few give way
            tied = chosen & (scores <= threshold)
            chosen = chosen & ~(tied & (tied.astype("int64").cumsum() <= surplus))
        chosen = chosen.reshape(losses.shape)
    if math.isfinite(top):
        return losses * chosen.astype(losses.dtype)
    # a product with 0 would make NaN of an infinite loss that was not chosen
    return zero_unless(losses, chosen)


def _kth_largest(scores: Tensor, k: int) -> Tensor:
    """The k-th largest of [n] numbers, 0-d."""
    place = scores.shape[0] - k
    if paddle.get_device() != "cpu":
        return paddle.kthvalue(scores, place + 1)[0]
    # on the CPU the numbers are NumPy's as they stand, and its partition is 4 to 15 times as fast as kthvalue
    return paddle.to_tensor(np.partition(scores.numpy(), place)[place], dtype=scores.dtype)


def traced_count_of(top_k: float | None, k: int | None, count: Tensor) -> Tensor:
    """``count_of`` inside a program, where the number of elements is a Tensor."""
    count = count.astype("float64")
    if k is not None:
        return paddle.minimum(paddle.full([], k, dtype="float64"), count)
    fraction = paddle.full([], top_k, dtype="float64")
    one = paddle.ones_like(count)
    found = paddle.minimum((fraction * count).floor() + one, count)
    for _ in range(2):
        found = paddle.where(found / paddle.maximum(count, one) > fraction, found - one, found)
    return paddle.minimum(paddle.maximum(found, one), count)


def traced_largest(losses: Tensor, kept: Tensor | None, k: Tensor) -> Tensor:
    """``largest`` inside a program: those whose rank is below k."""
    scores = _scores(detached(losses), kept).flatten()
    scores = paddle.where(scores.isnan(), paddle.full_like(scores, math.inf), scores)
    rank = paddle.argsort(paddle.argsort(scores, descending=True))
    chosen = (rank.astype("float64") < k).reshape(sizes(losses))
    return zero_unless(losses, chosen)


def _scores(losses: Tensor, kept: Tensor | None) -> Tensor:
    return losses if kept is None else paddle.where(kept, losses, paddle.full_like(losses, -math.inf))


def _check_counts(top_k: Any, k: Any) -> tuple[float | None, int | None]:
    if top_k is not None and k is not None:
        raise ValueError(f"give top_k or k, not both, got top_k={shown(top_k)} and k={shown(k)}")
    if k is not None:
        check_int("k", k)
        if k < 1:
            raise ValueError(f"k must be an int >= 1, got {k!r}")
        return None, int(k)
    top_k = FRACTION if top_k is None else top_k
    if not is_number(top_k):
        raise TypeError(f"top_k must be a fraction in (0, 1], got {shown(top_k)}")
    if not 0 < top_k <= 1:
        advice = "; a number of elements is k=" if top_k > 1 else ""
        raise ValueError(f"top_k must be a fraction in (0, 1], got {top_k!r}{advice}")
    return float(top_k), None
