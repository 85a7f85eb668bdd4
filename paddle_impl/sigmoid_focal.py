"""Focal loss over a sigmoid: one binary problem for each entry, turned down where the network is right already."""

from __future__ import annotations

from typing import Any, ClassVar, Unpack

import paddle
import paddle.nn.functional as F
from paddle import Tensor

from paddle_impl.checks import check_number
from paddle_impl.element_weights import of_entries
from paddle_impl.entries import Entries, EntryLoss, Piece
from paddle_impl.focal import power
from paddle_impl.options import KeywordOptions
from paddle_impl.precision import constant
from paddle_impl.sigmoid import logistic, logistic_value, parts, signs, softplus


class SigmoidFocalLoss(EntryLoss):
    r"""Compute the focal loss of every entry, finite and exact at saturation for every gamma >= 0.

    .. math:: l = \alpha_t q^\gamma BCE(x, t), \quad q = 1 - p_t = p (1 - t) + (1 - p) t, \quad
              \alpha_t = \alpha t + (1 - \alpha)(1 - t), \quad p = \sigma(x), \\
              dl/dx = \alpha_t q^\gamma (p - t + \gamma \frac{p (1 - p)(1 - 2t)}{q} BCE)

    gamma=0 with alpha=1/2 is half the binary cross entropy.

    Losses of micro-batches add up to that of the batch if each call gets the batch's denominator as ``normalizer``.

    Args:
        gamma: finite, >= 0.
        alpha: weight of the positives, in [0, 1]; the negatives have 1 - alpha. None: both weigh 1.
        normalizer: denominator of ``mean`` where the call gives none, such as a number of positives.
        weight: [C] weights of the classes along ``axis``.
        ignore_index: elements with this label count for nothing; None: every element counts.
        reduction: ``none`` (the shape of the logits), ``sum`` or ``mean``.
        axis: the class axis, for class weights and class ids.
        **options: denominator, check_labels, twice_differentiable and as_dict, which all layers share.

    Shapes: logits of any shape; labels of the same shape, or class ids without the class axis.

    Raises:
        ValueError: an option, shape, weight or target is out of range.
        TypeError: an argument has the wrong type or dtype.

    Source: Lin et al., *Focal Loss for Dense Object Detection*, ICCV 2017, eq. 5.

    Example:
        >>> import paddle
        >>> logits, targets = paddle.to_tensor([[2.0, 0.0], [-1.0, 3.0]]), paddle.to_tensor([[1.0, 0.0], [0.0, 0.0]])
        >>> SigmoidFocalLoss(gamma=2, alpha=0.25)(logits, targets, normalizer=targets.sum()).item()
        2.2221...
    """

    stored_as: ClassVar = {"normalizer": "default_normalizer"}

    def __init__(
        self,
        gamma: float = 2.0,
        alpha: float | None = 0.25,
        normalizer: Any = None,
        weight: Any = None,
        ignore_index: int | None = -100,
        reduction: str = "mean",
        axis: int = 1,
        **options: Unpack[KeywordOptions],
    ) -> None:
        super().__init__(weight, ignore_index, reduction, axis, **options)
        self.gamma = check_number("gamma", gamma, "a finite number >= 0", 0.0)
        self.alpha = None if alpha is None else check_number("alpha", alpha, "a number in [0, 1] or None", 0.0, 1.0)
        self.default_normalizer = self.normalizer(normalizer)

    def forward(
        self,
        logits: Tensor,
        labels: Tensor,
        label_weight: Tensor | None = None,
        normalizer: Any = None,
        element_weight: Tensor | None = None,
    ) -> Tensor:
        """The focal loss of every entry of ``logits`` (any shape), in their dtype.

        Args:
            labels, label_weight, normalizer: as in :meth:`paddle_impl.entries.EntryLoss.forward`.
            element_weight: numbers >= 0 that multiply the losses: one for each entry, of the logits' shape, or one for
                each row, of that shape without the class axis (or with length 1 there). No gradient flows into them.
                The denominator of ``mean`` stays as it is: divide by ``normalizer=element_weight.sum()`` for the
                weighted average. An entry of weight 0 is counted; one that ``label_weight`` leaves out is not.

        Raises ValueError or TypeError for shapes, dtypes, targets and weights that do not fit.
        """
        normalizer = self.default_normalizer if normalizer is None else normalizer
        return self.entry_loss(logits, labels, label_weight, normalizer, element_weight)

    def factors(self, element_weight: Any, entries: Entries) -> Tensor:
        """The weights of single entries."""
        return of_entries(self, element_weight, entries)

    def losses(self, x: Tensor, t: Tensor) -> Tensor:
        """alpha_t q^gamma BCE."""
        q = F.sigmoid(x) * (1.0 - t) + F.sigmoid(-x) * t
        modulated = power(q, self.gamma)
        if self.alpha is not None:
            modulated = modulated * (t * constant(self.alpha, t) + (1.0 - t) * constant(1.0 - self.alpha, t))
        return modulated * logistic(x, t)

    def value_and_slope(self, x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """The same and its derivative by x."""
        sign = signs(t)
        return self._soft_targets(x, t) if sign is None else self._binary(x, t, sign)

    def weighted_values(self, piece: Piece, prepared: Any) -> Tensor:
        """The losses of a piece alone, weighed."""
        sign = signs(piece.t)
        if sign is None:
            return piece.shown(self.value_and_slope(piece.x, piece.t)[0])
        margin = sign.multiply_(piece.x)
        return piece.shown(self._modulated(F.sigmoid(margin), piece.t).multiply_(softplus(margin)))

    def _binary(self, x: Tensor, t: Tensor, sign: Tensor) -> tuple[Tensor, Tensor]:
        """Targets 0 and 1. With m = (1 - 2t) x: q = sigmoid(m), BCE = softplus(m), and the slope of alpha_t q^gamma BCE
        is (1 - 2t) alpha_t q^gamma (q + gamma (1 - q) BCE), since dq/dm = q (1 - q).
        """
        margin = x * sign
        q, loss = F.sigmoid(margin), softplus(margin)
        modulated = self._modulated(q, t)
        if self.gamma > 0.0:
            # 1 - q = exp(-BCE), without cancellation
            bend = paddle.scale(loss, -1.0).exp_().multiply_(loss)
            q.add_(bend.scale_(self.gamma))
        slope = q.multiply_(modulated).multiply_(sign)
        return loss.multiply_(modulated), slope

    def _soft_targets(self, x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """Targets in between: alpha_t q^gamma (p - t + gamma p (1 - p)(1 - 2t) BCE / q)."""
        positive, negative = parts(x, t)
        q, loss = positive + negative, logistic_value(x, t)
        modulated = self._modulated(q, t)
        slope = positive.subtract_(negative)
        if self.gamma > 0.0:
            turn = F.sigmoid(x).multiply_(F.sigmoid(-x)).multiply_(1.0 - 2.0 * t)
            # where q is 0, modulated is 0 too
            turn = turn.divide_(paddle.where(q > 0, q, paddle.ones_like(q)))
            slope = slope.add_(turn.multiply_(loss).scale_(self.gamma))
        return loss.multiply_(modulated), slope.multiply_(modulated)

    def _modulated(self, q: Tensor, t: Tensor) -> Tensor:
        """alpha_t q^gamma, in a new Tensor."""
        modulated = power(q, self.gamma)
        if self.alpha is None:
            return modulated
        # a scale takes a Python number as a float64, except in a program
        balance = paddle.scale(t, self.alpha - 1.0, 1.0 - self.alpha).add_(paddle.scale(t, self.alpha))
        return modulated.multiply_(balance)
