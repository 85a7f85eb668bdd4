"""Focal loss over a softmax: cross entropy, turned down where the network is right already."""

from __future__ import annotations

from typing import Any, Unpack

import paddle
from paddle import Tensor

from paddle_impl.checks import check_number
from paddle_impl.element_weights import of_elements
from paddle_impl.elements import ElementLoss, Elements
from paddle_impl.gradients import eager, written_over
from paddle_impl.kernel import cross_entropy
from paddle_impl.options import KeywordOptions
from paddle_impl.precision import constant


class FocalLoss(ElementLoss):
    r"""Compute the focal loss over a softmax, finite and exact at saturation for every gamma >= 0.

    The class axis is 1 by default (``paddle.nn.CrossEntropyLoss``: -1). For logits ``[N, ..., C]`` pass ``axis=-1``.

    .. math:: l_i = w_{y_i} (1 - p_{i y_i})^\gamma CE_i, \quad
              \partial l_i / \partial z_i = w_{y_i} (p_i - e_{y_i})\, q^\gamma (1 + \gamma p_{i y_i} CE_i / q),
              \quad q = 1 - p_{i y_i}

    gamma=0 is cross entropy; class weights are the alpha of the paper, one for each class. CE / q goes to 1 as q goes
    to 0, so the gradient is finite for gamma below 1 too.

    Losses of micro-batches add up to that of the batch if each call gets the batch's denominator as ``normalizer``.

    Args:
        gamma: finite, >= 0.
        weight: [C] class weights >= 0 (list, array or Tensor); None means ones.
        ignore_index: elements with this label count for nothing; None: every element counts.
        reduction: ``none`` (the shape of the labels), ``sum`` or ``mean``.
        axis: the class axis of the logits: 1 by default, where ``paddle.nn.CrossEntropyLoss`` has -1.
        **options: denominator, check_labels, twice_differentiable and as_dict, which all layers share.

    Shapes: logits [..., C, ...] with the classes along ``axis``, labels the same without that axis.

    Raises:
        ValueError: an option, shape, weight or label is out of range.
        TypeError: an argument has the wrong type or dtype.

    Source: Lin et al., *Focal Loss for Dense Object Detection*, ICCV 2017, eq. 4, with p of the softmax.

    Example:
        >>> import paddle
        >>> logits = paddle.to_tensor([[2.0, 0.0, 1.0], [0.0, 3.0, 0.0], [1.0, 0.0, 2.0]])
        >>> FocalLoss(gamma=2, weight=[1.0, 2.0, 2.0])(logits, paddle.to_tensor([0, 1, 1])).item()
        0.8068...
    """

    def __init__(
        self,
        gamma: float = 2.0,
        weight: Any = None,
        ignore_index: int | None = -100,
        reduction: str = "mean",
        axis: int = 1,
        **options: Unpack[KeywordOptions],
    ) -> None:
        super().__init__(weight, ignore_index, reduction, axis, **options)
        self.gamma = check_number("gamma", gamma, "a finite number >= 0", 0.0)

    def forward(
        self, logits: Tensor, labels: Tensor, normalizer: Any = None, element_weight: Tensor | None = None
    ) -> Tensor:
        """The loss of ``labels`` (integers, [...]) under ``logits`` ([..., C, ...]), in the dtype of the logits.

        Args:
            normalizer: replaces the denominator of ``mean``, a number or a Tensor of one.
            element_weight: numbers >= 0 of the labels' shape that multiply the losses. No gradient flows into them. The
                denominator of ``mean`` stays as it is: divide by ``normalizer=element_weight.sum()`` for the weighted
                average. An element of weight 0 is counted; an ignored one is not.

        Raises ValueError or TypeError for shapes, dtypes, labels and weights that do not fit.
        """
        return self.hard_loss(logits, labels, normalizer, element_weight)

    def factors(self, element_weight: Any, elements: Elements) -> Tensor:
        """The weights of single elements."""
        return of_elements(self, element_weight, elements)

    def element_losses(self, elements: Elements) -> Tensor:
        """q^gamma CE."""
        losses = cross_entropy(elements)
        if self.gamma == 0.0:
            return losses
        if elements.plain:
            return self._composed(losses)
        return self._value_and_slope(losses)

    def _composed(self, losses: Tensor) -> Tensor:
        """q^gamma l by operations that have derivatives of all orders."""
        endless = losses.isinf()
        # an infinite loss has q = 1; the derivative of q would meet it as 0 times infinity
        known = paddle.where(endless, paddle.zeros_like(losses), losses)
        # 1 - exp(-l) without cancellation; expm1 has no second derivative
        half = paddle.tanh(known * 0.5)
        return paddle.where(endless, losses, power(half * 2.0 / (half + 1.0), self.gamma) * known)

    @eager
    def _value_and_slope(self, losses: Tensor) -> Tensor:
        """The same, with its derivative by l: q^(gamma - 1) (q + gamma p l), since dq/dl = p."""
        with paddle.no_grad():
            less_one = paddle.expm1(-losses)
            p, q = less_one + 1.0, less_one.scale_(-1.0)
            # 0 where q is 0 and gamma below 1
            modulated = power(q, self.gamma - 1.0)
            slope = p.multiply_(losses).scale_(self.gamma).add_(q).multiply_(modulated)
            value = q.multiply_(modulated).multiply_(losses)
        return written_over(losses * slope, value)


def power(q: Tensor, gamma: float) -> Tensor:
    """q^gamma for q >= 0; where q is 0 and gamma is not, 0 with gradient 0, for gamma below 1 and below 0 too."""
    if gamma in (0.0, 1.0, 2.0):
        return {0.0: paddle.ones_like, 1.0: paddle.assign, 2.0: paddle.square}[gamma](q)
    positive = q > 0
    safe = paddle.where(positive, q, paddle.ones_like(q))
    # the framework's power has no second derivative
    return paddle.where(positive, (safe.log() * constant(gamma, q)).exp(), paddle.zeros_like(q))
