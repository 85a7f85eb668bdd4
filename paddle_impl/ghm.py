"""GHM-C over a softmax: cross entropy, harmonised by the density of gradient norms."""

from __future__ import annotations

from typing import Any, Unpack

import paddle
from paddle import Tensor

from paddle_impl.elements import ElementLoss, Elements
from paddle_impl.kernel import cross_entropy
from paddle_impl.options import KeywordOptions
from paddle_impl.regions import Harmony


class GHMLoss(Harmony, ElementLoss):
    r"""Weigh each element's cross entropy by the inverse density of its gradient norm.

    The class axis is 1 by default (``paddle.nn.CrossEntropyLoss``: -1). For logits ``[N, ..., C]`` pass ``axis=-1``.

    .. math:: g_i = 1 - p_{i y_i}, \quad b_i = \frac{N}{R_{j(i)}\, m}, \quad l_i = w_{y_i} b_i CE_i

    [0, 1] is cut into regions; R_j counts the valid elements whose g lies in region j, N is their number, m the number
    of occupied regions, so that the b_i sum to N. ``bins=1`` is cross entropy. The gradient and the second derivative
    hold b constant.

    The histogram counts the elements of one call, so losses of micro-batches do not add up to that of the batch. With
    ``momentum`` it averages many calls, and they nearly do.

    Args:
        bins: a number of regions (int >= 1), or the width of one (float in (0, 1]).
        momentum: in [0, 1). Above 0 the R_j are running averages over the batches seen in ``train()``; ``eval()`` uses
            them without updating them. They are saved in the ``state_dict``.
        normalize: which regions m counts: the ``occupied`` ones, or all of them (``paper``).
        ema: how the running average starts: ``corrected`` for its zero start, or as in a common detection toolbox
            (``mmdet``).
        weight: [C] class weights >= 0 (list, array or Tensor); None means ones.
        reduction: ``none`` (the shape of the labels), ``sum`` or ``mean``.
        ignore_index: elements with this label count for nothing; None: every element counts.
        axis: the class axis of the logits: 1 by default, where ``paddle.nn.CrossEntropyLoss`` has -1.
        **options: denominator, check_labels, twice_differentiable and as_dict, which all layers share.

    Shapes: logits [..., C, ...] with the classes along ``axis``, labels the same without that axis.

    Raises:
        ValueError: an option, shape, weight or label is out of range.
        TypeError: an argument has the wrong type or dtype.

    Source: Li, Liu, Wang, *Gradient Harmonized Single-stage Detector*, AAAI 2019, eq. 5 to 9, with g of the softmax.

    Example:
        >>> import paddle
        >>> logits = paddle.to_tensor([[2.0, 0.0, 1.0], [0.0, 3.0, 0.0], [1.0, 0.0, 2.0]])
        >>> layer = GHMLoss(bins=10, weight=[1, 2, 2])
        >>> layer
        GHMLoss(bins=10, momentum=0.0, weight=[1.0, 2.0, 2.0], reduction='mean', ignore_index=-100, axis=1)
        >>> layer(logits, paddle.to_tensor([0, 1, 1])).item()
        1.0825...
    """

    def __init__(
        self,
        bins: int | float = 10,
        momentum: float = 0.0,
        weight: Any = None,
        reduction: str = "mean",
        ignore_index: int | None = -100,
        axis: int = 1,
        *,
        normalize: str = "occupied",
        ema: str = "corrected",
        **options: Unpack[KeywordOptions],
    ) -> None:
        super().__init__(weight, ignore_index, reduction, axis, **options)
        self.set_regions(bins, momentum, normalize, ema)

    def element_losses(self, elements: Elements) -> Tensor:
        """b_i CE_i, with b_i held constant in the gradient."""
        losses = cross_entropy(elements)
        with paddle.no_grad():
            # g = 1 - p; a region's edge is no finer than the rounding of 1
            norm = 1.0 - (-losses).exp()
        return losses * self.harmony(norm, elements.kept, elements.count())
