"""GHM-C as published: a binary problem for each entry, harmonised by the density of gradient norms."""

from __future__ import annotations

from typing import Any, Unpack

import paddle.nn.functional as F
from paddle import Tensor

from paddle_impl.entries import EntryLoss
from paddle_impl.options import KeywordOptions
from paddle_impl.regions import HarmonyOfEntries
from paddle_impl.sigmoid import logistic, logistic_value, parts, signs, softplus


class SigmoidGHMLoss(HarmonyOfEntries, EntryLoss):
    r"""Weigh each entry's binary cross entropy by the inverse density of its gradient norm.

    .. math:: g = |\sigma(x) - t|, \quad b = \frac{N}{R_{j(g)}\, m}, \quad l = b\, BCE(x, t)

    N, R_j and m count valid entries, as in :class:`~paddle_impl.GHMLoss`; no gradient flows through b.

    The histogram counts the elements of one call, so losses of micro-batches do not add up to that of the batch. With
    ``momentum`` it averages many calls, and they nearly do.

    Args:
        bins: a number of regions (int >= 1), or the width of one (float in (0, 1]).
        momentum: in [0, 1). Above 0 the R_j are running averages over the batches seen in ``train()``; ``eval()`` uses
            them without updating them. They are saved in the ``state_dict``.
        normalize: which regions m counts: the ``occupied`` ones, or all of them (``paper``).
        ema: how the running average starts: ``corrected`` for its zero start, or as in a common detection toolbox
            (``mmdet``).
        weight: [C] weights of the entries of each class >= 0 (list, array or Tensor); None means ones.
        ignore_index: elements with this label count for nothing; None: every element counts.
        reduction: ``none`` (the shape of the logits), ``sum`` or ``mean``.
        axis: the class axis, for class weights and class ids.
        **options: denominator, check_labels, twice_differentiable and as_dict, which all layers share.

    Shapes: logits of any shape; labels of the same shape, or class ids without the class axis.

    Raises:
        ValueError: an option, shape, weight or target is out of range.
        TypeError: an argument has the wrong type or dtype.

    Source: Li, Liu, Wang, *Gradient Harmonized Single-stage Detector*, AAAI 2019, eq. 3 to 9.

    Example:
        >>> import paddle
        >>> logits = paddle.to_tensor([[2.0, 0.0], [-1.0, 3.0]])
        >>> SigmoidGHMLoss(bins=2)(logits, paddle.to_tensor([[1.0, 0.0], [0.0, 0.0]])).item()
        1.0454...
    """

    def __init__(
        self,
        bins: int | float = 10,
        momentum: float = 0.0,
        weight: Any = None,
        ignore_index: int | None = -100,
        reduction: str = "mean",
        axis: int = 1,
        *,
        normalize: str = "occupied",
        ema: str = "corrected",
        **options: Unpack[KeywordOptions],
    ) -> None:
        super().__init__(weight, ignore_index, reduction, axis, **options)
        self.set_regions(bins, momentum, normalize, ema)

    def losses(self, x: Tensor, t: Tensor) -> Tensor:
        """BCE."""
        return logistic(x, t)

    def value_and_slope(self, x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """BCE and its derivative by x."""
        sign = signs(t)
        if sign is None:
            return logistic_value(x, t), self.slopes(x, t)
        margin = x * sign
        return softplus(margin), sign.multiply_(F.sigmoid(margin))

    def slopes(self, x: Tensor, t: Tensor) -> Tensor:
        """sigmoid(x) - t."""
        sign = signs(t)
        if sign is not None:
            return sign.multiply_(F.sigmoid(x * sign))
        positive, negative = parts(x, t)
        return positive.subtract_(negative)
