"""Cross entropy of a softmax, exact at every size of logits, with hard, smoothed and soft labels."""

from __future__ import annotations

import math
from typing import Any, Unpack

import paddle
from paddle import Tensor

from paddle_impl.checks import FLOATS, check_choice, check_logits, check_number, check_tensor, class_axis, fits
from paddle_impl.elements import ElementLoss, Elements, along, one_hot
from paddle_impl.kernel import cross_entropy, soft_cross_entropy
from paddle_impl.layer import label_range
from paddle_impl.options import KeywordOptions
from paddle_impl.precision import constant, narrow, widen
from paddle_impl.programs import UNKNOWN, aligned, detached, sizes

SOFT_WEIGHTS = ("paddle", "torch")


class CrossEntropyLoss(ElementLoss):
    r"""Compute the cross entropy of a softmax with hard or soft labels.

    The class axis is 1 by default (``paddle.nn.CrossEntropyLoss``: -1). For logits ``[N, ..., C]`` pass ``axis=-1``.
    Soft labels of rank 3 or more fit along either axis, so a wrong one raises no error.

    .. math:: l_i = w_{y_i} (\log \sum_c e^{z_{ic}} - z_{i y_i}), \qquad l_i = (q_i \cdot w)(-\sum_c q_{ic} \log p_{ic})

    ``mean`` divides by the sum of the valid elements' weights, w_y or q . w. Unlike ``paddle.nn.CrossEntropyLoss`` of
    Paddle 3.3 the loss keeps growing past a gap of 64 between the largest logit and the label's, and the gradient
    (q . w)(p sum(q) - q) is right for rows of soft labels that do not sum to 1.

    Losses of micro-batches add up to that of the batch if each call gets the batch's denominator as ``normalizer``.

    Args:
        weight: [C] class weights >= 0 (list, array or Tensor); None means ones.
        ignore_index: elements with this label count for nothing; None: every element counts.
        reduction: ``none`` (the shape of hard labels; of soft ones that of the rows), ``sum`` or ``mean``.
        axis: the class axis of the logits: 1 by default, where ``paddle.nn.CrossEntropyLoss`` has -1.
        label_smoothing: e in [0, 1]: labels become (1 - e) q + e / C, hard ones as one-hot rows. Ignored elements get
            none of it.
        soft_weight: how class weights meet soft or smoothed labels: ``paddle`` weighs an element by q . w, in
            the denominator too; ``torch`` weighs each class's term, -sum_c w_c q_c log p_c, and divides by the number
            of elements (by the sum of w_y for hard labels).
        **options: denominator, check_labels, twice_differentiable and as_dict, which all layers share.

    Shapes: logits [..., C, ...] with the classes along ``axis`` (any rank >= 1). Hard labels are integers of the same
    shape without that axis, or with length 1 there; soft labels are floats >= 0 of the logits' shape, all of which
    count, and into which no gradient flows. float16 and bfloat16 are computed in float32; the result has the logits'
    dtype.

    Raises:
        ValueError: an option, shape, weight or label is out of range.
        TypeError: an argument has the wrong type or dtype.

    Source: Bishop, *Pattern Recognition and Machine Learning* (2006), eq. 4.108; smoothing: Szegedy et al.,
    *Rethinking the Inception Architecture for Computer Vision*, CVPR 2016, section 7.

    Example:
        >>> import paddle
        >>> logits = paddle.to_tensor([[2.0, 0.0, 1.0], [0.0, 3.0, 0.0], [1.0, 0.0, 2.0]])
        >>> CrossEntropyLoss(ignore_index=255)(logits, paddle.to_tensor([0, 1, 255])).item()
        0.2512...
    """

    def __init__(
        self,
        weight: Any = None,
        ignore_index: int | None = -100,
        reduction: str = "mean",
        axis: int = 1,
        *,
        label_smoothing: float = 0.0,
        soft_weight: str = "paddle",
        **options: Unpack[KeywordOptions],
    ) -> None:
        super().__init__(weight, ignore_index, reduction, axis, **options)
        check_choice("soft_weight", soft_weight, SOFT_WEIGHTS)
        self.label_smoothing = check_number("label_smoothing", label_smoothing, "a number in [0, 1]", 0.0, 1.0)
        self.soft_weight = soft_weight

    def forward(self, logits: Tensor, labels: Tensor, normalizer: Any = None) -> Tensor:
        """The loss of ``labels`` under ``logits`` ([..., C, ...]), in the dtype of the logits.

        ``normalizer`` (a number or a Tensor of one) replaces the denominator of ``mean``.
        Raises ValueError or TypeError for shapes, dtypes and labels that do not fit.
        """
        return self.any_loss(logits, labels, normalizer)

    @paddle.jit.not_to_static
    def any_loss(self, logits: Tensor, labels: Tensor, normalizer: Any) -> Tensor:
        """The weighted, reduced loss of hard or soft labels."""
        check_tensor("logits", logits)
        check_tensor("labels", labels)
        if labels.dtype in FLOATS:
            return self._soft(logits, labels, self.normalizer(normalizer))
        if self.label_smoothing > 0.0:
            return self._smoothed(logits, labels, self.normalizer(normalizer))
        return self.hard_loss(logits, labels, normalizer)

    def element_losses(self, elements: Elements) -> Tensor:
        """logsumexp(z) - z_y."""
        return cross_entropy(elements)

    def _soft(self, logits: Tensor, labels: Tensor, normalizer: Any) -> Tensor:
        check_logits(logits)
        axis, shape = class_axis(logits, self.axis), list(logits.shape)
        if not fits(list(labels.shape), shape):
            raise ValueError(f"soft labels must have the logits' shape, {shape}, got {list(labels.shape)}")
        self._check_soft(labels)
        scores = widen(logits)
        q = self._smooth(aligned(detached(labels), logits).astype(scores.dtype), axis)
        losses, share = self._weighted(scores, q, axis, self.plain())
        weight = share if self.soft_weight == "paddle" else None
        elements = Elements(scores, share, None, axis, True)
        return narrow(self.reduced(losses, elements, weight, normalizer), logits)

    def _smoothed(self, logits: Tensor, labels: Tensor, normalizer: Any) -> Tensor:
        """Hard labels with label smoothing: one-hot rows, zeros where ignored."""
        elements = self.arrange(logits, labels)
        scores, axis = elements.masked_logits(), elements.axis
        q = one_hot(elements.known_labels(), sizes(scores)[axis], axis, scores.dtype)
        q = self._smooth(q, axis)
        if elements.kept is not None:
            q = q * elements.kept.unsqueeze(axis).astype(q.dtype)
        losses, share = self._weighted(scores, q, axis, elements.plain)
        weight = elements.weight
        if self.soft_weight == "paddle" and weight is not None:
            weight = share
        return narrow(self.reduced(losses, elements, weight, normalizer), logits)

    def _weighted(self, scores: Tensor, q: Tensor, axis: int, plain: bool) -> tuple[Tensor, Tensor]:
        """Losses of rows q of labels with their class weights, and q . w."""
        table = self.table(scores.shape[axis], scores.dtype)
        mass = q.sum(axis=axis)
        share = mass if table is None else over_classes(q, table, axis)
        if self.soft_weight == "paddle":
            return soft_cross_entropy(scores, q, mass, axis, plain) * share, share
        if table is not None:
            q = q * along(table, q, axis)
        return soft_cross_entropy(scores, q, share, axis, plain), share

    def _smooth(self, q: Tensor, axis: int) -> Tensor:
        e = self.label_smoothing
        if e == 0.0:
            return q
        classes = sizes(q)[axis]
        share = constant(e / classes, q) if isinstance(classes, int) else constant(e, q) / classes.astype(q.dtype)
        return q * constant(1.0 - e, q) + share

    def _check_soft(self, labels: Tensor) -> None:
        if self.looks():
            for value in label_range(labels):
                if not 0.0 <= value < float("inf"):
                    raise ValueError(f"soft labels must be finite and >= 0, got {value}")


def over_classes(q: Tensor, table: Tensor, axis: int) -> Tensor:
    """sum_c w_c q_c of each element, by a product of matrices: it makes no array of the size of q."""
    shape = list(q.shape)
    if UNKNOWN in shape or 0 in shape:
        return (q * along(table, q, axis)).sum(axis=axis)
    rows = shape[:axis] + shape[axis + 1 :]
    inner = math.prod(shape[axis + 1 :])
    if inner == 1:
        return paddle.matmul(q.reshape([-1, shape[axis]]), table).reshape(rows)
    return paddle.matmul(table.unsqueeze(0), q.reshape([-1, shape[axis], inner])).reshape(rows)
