"""GHM-R: the authentic smooth L1 loss of each entry, harmonised by the density of gradient norms."""

from __future__ import annotations

import sys
from typing import Any, Unpack

import paddle
from paddle import Tensor

from paddle_impl.checks import is_number, shown
from paddle_impl.entries import EntryLoss
from paddle_impl.options import KeywordOptions
from paddle_impl.precision import constant
from paddle_impl.programs import detached
from paddle_impl.regions import HarmonyOfEntries

NEAR = (1e-15, 1e15)
"""Errors and mu of which a float32 holds the square."""


class GHMRLoss(HarmonyOfEntries, EntryLoss):
    r"""Weigh each entry's authentic smooth L1 loss by the inverse density of its gradient norm.

    .. math:: d = x - t, \quad g = \frac{|d|}{\sqrt{d^2 + \mu^2}}, \quad b = \frac{N}{R_{j(g)}\, m}, \quad
              l = b (\sqrt{d^2 + \mu^2} - \mu), \quad dl/dx = b \frac{d}{\sqrt{d^2 + \mu^2}}

    N, R_j and m count valid entries, as in :class:`~paddle_impl.GHMLoss`; no gradient flows through b.

    The histogram counts the elements of one call, so losses of micro-batches do not add up to that of the batch. With
    ``momentum`` it averages many calls, and they nearly do.

    Args:
        mu: finite, > 0; errors well below it are squared, errors well above it count as they are.
        bins: a number of regions (int >= 1), or the width of one (float in (0, 1]).
        momentum: in [0, 1). Above 0 the R_j are running averages over the batches seen in ``train()``; ``eval()`` uses
            them without updating them. They are saved in the ``state_dict``.
        normalize: which regions m counts: the ``occupied`` ones, or all of them (``paper``).
        ema: how the running average starts: ``corrected`` for its zero start, or as in a common detection toolbox
            (``mmdet``).
        reduction: ``none`` (the shape of the predictions), ``sum`` or ``mean``.
        denominator: ``weights`` or ``count``: the number of valid entries either way, since there are no class weights.
        **options: check_labels, twice_differentiable and as_dict, which all layers share.

    Shapes: predictions and targets of any one shape, and ``label_weight``, whose entries above 0 are valid.

    Raises:
        ValueError: an option or a shape is out of range.
        TypeError: an argument has the wrong type or dtype.

    Source: Li, Liu, Wang, *Gradient Harmonized Single-stage Detector*, AAAI 2019, eq. 10 to 13.

    Example:
        >>> import paddle
        >>> GHMRLoss(mu=0.5, bins=2)(paddle.to_tensor([0.25, 0.5, 3.0]), paddle.zeros([3])).item()
        0.7166...
    """

    probabilities = False
    inputs = ("predictions", "targets")

    def __init__(
        self,
        mu: float = 0.02,
        bins: int | float = 10,
        momentum: float = 0.0,
        reduction: str = "mean",
        *,
        normalize: str = "occupied",
        ema: str = "corrected",
        **options: Unpack[KeywordOptions],
    ) -> None:
        super().__init__(ignore_index=None, reduction=reduction, **options)
        if not is_number(mu):
            raise TypeError(f"mu must be a finite number > 0, got {shown(mu)}")
        # what is too small for a float, or too large, is no mu either
        if not 0.0 < mu <= sys.float_info.max or float(mu) == 0.0:
            raise ValueError(f"mu must be a finite number > 0, got {mu!r}")
        self.mu = float(mu)
        self.set_regions(bins, momentum, normalize, ema)

    def forward(
        self, predictions: Tensor, targets: Tensor, label_weight: Tensor | None = None, normalizer: Any = None
    ) -> Tensor:
        """The loss of ``predictions`` against ``targets`` of their shape.

        Entries whose ``label_weight`` is not above 0 count for nothing; ``normalizer`` replaces the denominator of
        ``mean``. Raises ValueError or TypeError for shapes and dtypes that do not fit.
        """
        return self.entry_loss(predictions, targets, label_weight, normalizer)

    def losses(self, x: Tensor, t: Tensor) -> Tensor:
        """sqrt(d^2 + mu^2) - mu."""
        d = x - t
        endless = d.isinf()
        finite = paddle.where(endless, paddle.zeros_like(d), d)
        # the difference cancels for small d; this quotient does not
        return paddle.where(endless, d.abs(), finite * (finite / (self._root(finite) + constant(self.mu, d))))

    def value_and_slope(self, x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """The same and its derivative by x."""
        d = x - t
        root = self._near_root(d)
        if root is None:
            return (d / (self._root(d) + constant(self.mu, d))).multiply_(d), self._far_slopes(d)
        # Paddle's division of arrays costs three times a reciprocal and a product
        slope = root.reciprocal().multiply_(d)
        return root.scale_(1.0, self.mu).reciprocal_().multiply_(d).multiply_(d), slope

    def slopes(self, x: Tensor, t: Tensor) -> Tensor:
        """d / sqrt(d^2 + mu^2)."""
        d = x - t
        root = self._near_root(d)
        return self._far_slopes(d) if root is None else root.reciprocal_().multiply_(d)

    def _far_slopes(self, d: Tensor) -> Tensor:
        """d / sqrt(d^2 + mu^2); an infinite error has the largest slope there is, and inf / inf is none."""
        return paddle.where(d.isinf(), d.sign(), d / self._root(d))

    def _near_root(self, d: Tensor) -> Tensor | None:
        """sqrt(d^2 + mu^2), or None where a square might leave the range of float32."""
        if 0 in d.shape or not paddle.in_dynamic_mode() or not NEAR[0] < self.mu < NEAR[1]:
            return None
        squares = d.square()
        if not squares.max().item() < NEAR[1] ** 2:
            return None
        return squares.scale_(1.0, self.mu**2).sqrt_()

    def _root(self, d: Tensor) -> Tensor:
        """sqrt(d^2 + mu^2), divided by the larger of the two first: the square of 1e30 overflows."""
        mu = constant(self.mu, d)
        unit = paddle.maximum(detached(d).abs(), mu)
        return ((d / unit).square() + (mu / unit).square()).sqrt() * unit
