"""GHM-C as published: a binary problem for each entry, harmonised by the density of gradient norms."""

from __future__ import annotations

from typing import Unpack

import numpy as np
from numpy.typing import ArrayLike

from reference.answer import BUDGET, UNIT_ROUNDOFF, Answer
from reference.entries import arrange_entries, logistic_losses, probability_error
from reference.moving import MovingPopulation
from reference.options import Options, oracle
from reference.regions import harmonized


@oracle
def sigmoid_ghm(
    logits: ArrayLike,
    labels: ArrayLike,
    *,
    bins: int | float = 10,
    label_weight: ArrayLike | None = None,
    normalize: str = "occupied",
    momentum: float = 0.0,
    ema: str = "corrected",
    history: MovingPopulation | None = None,
    unit_roundoff: float = UNIT_ROUNDOFF["float64"],
    **options: Unpack[Options],
) -> Answer:
    r"""Compute the GHM-C loss of every entry, and its gradient with the harmonising weights held constant.

    .. math:: g = |\sigma(x) - t|, \quad b = \frac{N}{R_{j(g)}\, m}, \quad l = b\, BCE(x, t), \quad
              dl/dx = b (\sigma(x) - t)

    N, R_j and m count valid entries, as in ``ghm``.

    Args:
        logits, labels, weight, ignore_index, label_weight, reduction, axis, denominator, normalizer, cotangent: as in
            ``sigmoid_focal``.
        bins, normalize, momentum, ema, history, unit_roundoff: as in ``ghm``.

    Raises:
        ValueError, TypeError: targets, ids, shapes or options out of range.

    Source: Li, Liu, Wang, *Gradient Harmonized Single-stage Detector*, AAAI 2019, eq. 3 to 9.

    Example:
        >>> sigmoid_ghm([[0.5, 3.0, 4.0]], [[0.0, 1.0, 1.0]], bins=2, reduction="none").value.round(4).tolist()
        [[1.4611, 0.0364, 0.0136]]
    """
    elements = arrange_entries(logits, labels, label_weight=label_weight, **options)
    assert elements.targets is not None
    x, t = elements.rows[:, 0], elements.targets
    losses = logistic_losses(x, t)
    return harmonized(
        elements,
        losses.times(elements.weight),
        np.abs(losses.slope[:, 0]),
        BUDGET * unit_roundoff * (1.0 + probability_error(x)),
        bins=bins,
        normalize=normalize,
        momentum=momentum,
        ema=ema,
        history=history,
    )
