"""Focal loss over a softmax: cross entropy, turned down where the network is right already."""

from __future__ import annotations

from typing import Unpack

import numpy as np
from numpy.typing import ArrayLike

from reference.answer import BUDGET, UNIT_ROUNDOFF, Answer, Array
from reference.cross_entropy import GRADIENT_NOISE, Softmax, softmax_of
from reference.elements import Losses, arrange, check_number
from reference.options import Options, oracle


@oracle
def focal(
    logits: ArrayLike,
    labels: ArrayLike,
    *,
    gamma: float = 2.0,
    element_weight: ArrayLike | None = None,
    unit_roundoff: float = UNIT_ROUNDOFF["float64"],
    **options: Unpack[Options],
) -> Answer:
    r"""Compute the focal loss over a softmax, and its gradient.

    .. math:: l_i = o_i (1 - p_{i y_i})^\gamma CE_i, \quad
              \partial l_i / \partial z_{ij} = o_i (p_{ij} - [j = y_i]) h(q_i), \quad
              h(q) = q^\gamma (1 + \gamma (1 - q) \frac{-\log(1 - q)}{q}), \quad q_i = 1 - p_{i y_i}

    -log(1 - q) / q goes to 1 as q goes to 0, so the gradient is finite for every gamma >= 0, below 1 too.

    Args:
        gamma: >= 0; 0 is cross entropy.
        weight: [C] class weights; the alpha of the paper, one for each class.
        logits, labels, ignore_index, reduction, axis, denominator, normalizer, cotangent: as in ``cross_entropy``.
        element_weight: numbers >= 0 of the labels' shape that multiply the losses of the elements; the denominators do
            not know them.
        unit_roundoff: of the implementation that will be compared: q^gamma is steep at 0 where gamma is below 1, and
            the error scales say how much an error of q moves it.

    Raises:
        ValueError, TypeError: as ``cross_entropy``, and for a gamma that is no finite number >= 0.

    Source: Lin et al., *Focal Loss for Dense Object Detection*, ICCV 2017, eq. 4, with p of the softmax.

    Example:
        >>> focal([[2.0, 0.0, 1.0], [0.0, 3.0, 0.0]], [0, 1], gamma=2.0, reduction="none").value.round(4).tolist()
        [0.0457, 0.0008]
    """
    gamma = check_number("gamma", gamma, 0.0)
    elements = arrange(logits, labels, **options)
    losses = focal_losses(softmax_of(elements), gamma, unit_roundoff).times(elements.weight)
    return elements.reduce(elements.times(losses, element_weight))


def power_drift(q: Array, gamma: float, slack: Array, unit_roundoff: float) -> Array:
    """How far q^gamma moves with an error ``slack`` of q, in units: a difference quotient, since it may be steep."""
    center = q**gamma
    ends = [np.abs(np.clip(q + side, 0.0, 1.0) ** gamma - center) for side in (slack, -slack)]
    return np.asarray(np.maximum(*ends) / (BUDGET * unit_roundoff))


def focal_losses(softmax: Softmax, gamma: float, unit_roundoff: float) -> Losses:
    """q^gamma l and its slope, for q = 1 - p of the label."""
    q, p, plain = softmax.p_rest, softmax.p_label, softmax.losses
    slack = softmax.rest_slack(unit_roundoff)
    unit = BUDGET * unit_roundoff
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        power, power_error = q**gamma, power_drift(q, gamma, slack, unit_roundoff)
        value = np.where((power == 0.0) & ~np.isnan(plain.value), 0.0, power * plain.value)
        spread = np.where(np.isfinite(plain.value), plain.value, 0.0)
        value_scale = (power + unit * power_error) * plain.value_scale + spread * power_error + (2.0 + gamma) * value
        bend = _gradient_factor(q, p, plain.value, gamma)
        ends = [_gradient_factor_of(np.clip(q + side, 0.0, 1.0), gamma) for side in (slack, -slack)]
        center = _gradient_factor_of(q, gamma)
        bend_error = np.maximum(*(np.abs(end - center) for end in ends)) / unit
        # the loss inside the bracket has an error of its own, beside that of q
        share = np.where(q > 0, gamma * p * power / np.where(q > 0, q, 1.0), 0.0)
        # ... and none where p is 0 and the loss may be infinite
        loss_error = np.where(share > 0, share * plain.value_scale, 0.0)
        bend_error = bend_error + (2.0 + gamma) * bend
        slope = plain.slope * bend[:, None]
        slope_scale = (
            plain.slope_scale * (bend + unit * bend_error)[:, None]
            + np.abs(plain.slope) * (bend_error + loss_error)[:, None]
            # the factor takes cross entropy's own noise away with it
            + GRADIENT_NOISE
        )
    return Losses(value, slope, value_scale, slope_scale)


def _gradient_factor(q: Array, p: Array, loss: Array, gamma: float) -> Array:
    """h(q) = q^gamma (1 + gamma p l / q), with l / q = 1 at q = 0 and p l = 0 at p = 0."""
    ratio = np.where(q > 0, loss / np.where(q > 0, q, 1.0), 1.0)
    return np.asarray(q**gamma * (1.0 + gamma * np.where(p > 0, p * ratio, 0.0)))


def _gradient_factor_of(q: Array, gamma: float) -> Array:
    """h as a function of q alone, exact enough to see how it moves."""
    loss = -np.log1p(-np.minimum(q, 1.0 - 2.0**-53))
    return _gradient_factor(q, 1.0 - q, loss, gamma)
