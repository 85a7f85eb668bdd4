"""GHM-R: the authentic smooth L1 loss of each entry, harmonised by the density of gradient norms."""

from __future__ import annotations

from typing import Unpack

import numpy as np
from numpy.typing import ArrayLike

from reference.answer import BUDGET, UNIT_ROUNDOFF, Answer, Array
from reference.elements import Losses, check_number
from reference.entries import arrange_entries
from reference.moving import MovingPopulation
from reference.options import ReductionOptions, oracle
from reference.regions import harmonized


@oracle
def ghm_regression(
    logits: ArrayLike,
    labels: ArrayLike,
    *,
    mu: float = 0.02,
    bins: int | float = 10,
    label_weight: ArrayLike | None = None,
    normalize: str = "occupied",
    momentum: float = 0.0,
    ema: str = "corrected",
    history: MovingPopulation | None = None,
    unit_roundoff: float = UNIT_ROUNDOFF["float64"],
    **options: Unpack[ReductionOptions],
) -> Answer:
    r"""Compute the GHM-R loss of every entry, and its gradient with the harmonising weights held constant.

    .. math:: d = x - t, \quad g = \frac{|d|}{\sqrt{d^2 + \mu^2}}, \quad b = \frac{N}{R_{j(g)}\, m}, \quad
              l = b (\sqrt{d^2 + \mu^2} - \mu), \quad dl/dx = b \frac{d}{\sqrt{d^2 + \mu^2}}

    Args:
        logits: predictions x, real numbers of any shape.
        labels: targets t, real numbers of the same shape.
        mu: > 0; errors well below it are squared, errors well above it count as they are.
        label_weight: of the same shape; what is not above 0 counts for nothing.
        reduction: ``none``, ``sum``, ``mean`` over the valid entries.
        bins, normalize, momentum, ema, history, unit_roundoff: as in ``ghm``.
        denominator, normalizer, cotangent: as in ``cross_entropy``.

    Raises:
        ValueError, TypeError: shapes or options out of range.

    Source: Li, Liu, Wang, *Gradient Harmonized Single-stage Detector*, AAAI 2019, eq. 10 to 13.

    Example:
        >>> predictions, targets = [0.25, 0.5, 3.0], [0.0, 0.0, 0.0]
        >>> ghm_regression(predictions, targets, mu=0.5, bins=2, reduction="none").value.round(4).tolist()
        [0.0885, 0.1553, 1.906]
    """
    mu = check_number("mu", mu, 0.0)
    if mu == 0.0:
        raise ValueError(f"mu must be finite and > 0, got {mu!r}")
    elements = arrange_entries(logits, labels, label_weight=label_weight, probabilities=False, **options)
    assert elements.targets is not None
    losses, norm = smooth_losses(elements.rows[:, 0] - elements.targets, mu)
    return harmonized(
        elements,
        losses,
        norm,
        BUDGET * unit_roundoff * 4.0 * norm,
        bins=bins,
        normalize=normalize,
        momentum=momentum,
        ema=ema,
        history=history,
    )


def smooth_losses(d: Array, mu: float) -> tuple[Losses, Array]:
    """sqrt(d^2 + mu^2) - mu with its slope, and the gradient norm |d| / sqrt(d^2 + mu^2)."""
    root = np.hypot(d, mu)
    with np.errstate(invalid="ignore"):
        # the difference cancels for small d; this quotient does not
        value = np.where(np.isinf(d), np.inf, np.abs(d) * (np.abs(d) / (root + mu)))
        slope = np.where(np.isinf(d), np.sign(d), d / root)
    return Losses(value, slope[:, None], root + mu + value, 4.0 * np.abs(slope)[:, None]), np.abs(slope)
