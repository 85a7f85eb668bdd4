"""GHM-C over a softmax: cross entropy, harmonised by the density of gradient norms."""

from __future__ import annotations

from typing import Any

import paddle
from paddle import Tensor

from paddle_impl.elements import ElementLoss, Elements
from paddle_impl.kernel import cross_entropy
from paddle_impl.regions import Harmony


class GHMLoss(Harmony, ElementLoss):
    r"""Weigh each element's cross entropy by the inverse density of its gradient norm.

    .. math:: g_i = 1 - p_{i y_i}, \quad b_i = \frac{N}{R_{j(i)}\, m}, \quad l_i = w_{y_i} b_i CE_i

    [0, 1] is cut into regions; R_j counts the valid elements whose g lies in region j, N is their number, m the number
    of occupied regions, so that the b_i sum to N. No gradient flows through b. ``bins=1`` is cross entropy.

    Args:
        bins, momentum, normalize, ema: as in :class:`~paddle_impl.regions.Harmony`.
        weight, reduction, ignore_index, axis, denominator, check_labels, twice_differentiable: as in
            :class:`~paddle_impl.layer.LossLayer`. The second derivative holds b constant, like the first.

    Shapes: logits [..., C, ...] with the classes along ``axis``, labels the same without that axis.

    Raises:
        ValueError: an option, shape, weight or label out of range. TypeError: a wrong type or dtype.

    Source: Li, Liu, Wang, *Gradient Harmonized Single-stage Detector*, AAAI 2019, eq. 5 to 9, with g of the softmax.
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
        denominator: str = "weights",
        check_labels: bool = True,
        twice_differentiable: bool = False,
        as_dict: bool | str = False,
    ) -> None:
        super().__init__(
            weight=weight,
            ignore_index=ignore_index,
            reduction=reduction,
            axis=axis,
            denominator=denominator,
            check_labels=check_labels,
            twice_differentiable=twice_differentiable,
            as_dict=as_dict,
        )
        self.set_regions(bins, momentum, normalize, ema)

    def element_losses(self, elements: Elements) -> Tensor:
        """b_i CE_i, with b_i held constant in the gradient."""
        losses = cross_entropy(elements)
        with paddle.no_grad():
            # g = 1 - p; a region's edge is no finer than the rounding of 1
            norm = 1.0 - (-losses).exp()
        return losses * self.harmony(norm, elements.kept, elements.count())
