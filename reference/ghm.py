"""GHM-C over a softmax: cross entropy, harmonised by the density of gradient norms."""

from __future__ import annotations

from typing import Unpack

from numpy.typing import ArrayLike

from reference.answer import UNIT_ROUNDOFF, Answer
from reference.cross_entropy import softmax_of
from reference.elements import arrange
from reference.moving import MovingPopulation
from reference.options import Options, oracle
from reference.regions import harmonized


@oracle
def ghm(
    logits: ArrayLike,
    labels: ArrayLike,
    *,
    bins: int | float = 10,
    normalize: str = "occupied",
    momentum: float = 0.0,
    ema: str = "corrected",
    history: MovingPopulation | None = None,
    unit_roundoff: float = UNIT_ROUNDOFF["float64"],
    **options: Unpack[Options],
) -> Answer:
    r"""Compute the GHM-C loss over a softmax, and its gradient with the harmonising weights held constant.

    .. math:: g_i = 1 - p_{i y_i}, \quad b_i = \frac{N}{R_{j(i)}\, m}, \quad l_i = o_i b_i CE_i, \quad
              \partial l_i / \partial z_{ij} = o_i b_i (p_{ij} - [j = y_i])

    R_j is the number of valid elements in region j of the gradient norm, N the number of valid elements, m the number
    of occupied regions (so that the b_i sum to N) or, with ``normalize="paper"``, of all regions.

    Args:
        logits, labels, weight, ignore_index, reduction, axis, denominator, normalizer, cotangent: as in
            ``cross_entropy``, with hard labels.
        bins: M, a number of regions, or e, the width of one: then there are ceil(1 / e) and the last may be narrower.
        normalize: ``occupied`` or ``paper``.
        momentum, ema: a in [0, 1), and how the running average of the populations that R_j then is starts:
            ``corrected`` or ``mmdet`` (``MovingPopulation.start``).
        history: the average of the batches before this one, with a momentum and ema of its own; None: there are none.
        unit_roundoff: of the implementation that will be compared. An element whose g lies within the rounding slack
            of an edge may be counted on either side; up to 256 such assignments are returned as alternatives, more
            leave the answer undecided.

    Raises:
        ValueError, TypeError: as ``cross_entropy``, and for a ``bins`` or ``normalize`` out of range.

    Source: Li, Liu, Wang, *Gradient Harmonized Single-stage Detector*, AAAI 2019, eq. 5 to 9, with g of the softmax.

    Example:
        >>> logits = [[0.2, -0.2], [3.0, -3.0], [4.0, -4.0]]
        >>> ghm(logits, [0, 0, 1], bins=2, reduction="none").value.round(4).tolist()
        [0.3848, 0.0019, 12.0005]
    """
    elements = arrange(logits, labels, **options)
    softmax = softmax_of(elements)
    return harmonized(
        elements,
        softmax.losses.times(elements.weight),
        softmax.p_rest,
        softmax.rest_slack(unit_roundoff),
        bins=bins,
        normalize=normalize,
        momentum=momentum,
        ema=ema,
        history=history,
    )
