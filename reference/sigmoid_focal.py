"""Focal loss over a sigmoid: one binary problem for each entry."""

from __future__ import annotations

from typing import Unpack

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit

from reference.answer import BUDGET, UNIT_ROUNDOFF, Answer, Array
from reference.cross_entropy import GRADIENT_NOISE
from reference.elements import Losses, check_number
from reference.entries import arrange_entries, logistic_losses, probability_error
from reference.focal import power_drift
from reference.options import Options, oracle


@oracle
def sigmoid_focal(
    logits: ArrayLike,
    labels: ArrayLike,
    *,
    gamma: float = 2.0,
    alpha: float | None = 0.25,
    label_weight: ArrayLike | None = None,
    element_weight: ArrayLike | None = None,
    unit_roundoff: float = UNIT_ROUNDOFF["float64"],
    **options: Unpack[Options],
) -> Answer:
    r"""Compute the focal loss of every entry, and its gradient.

    .. math:: l = \alpha_t q^\gamma BCE(x, t), \quad q = 1 - p_t = p (1 - t) + (1 - p) t, \quad
              \alpha_t = \alpha t + (1 - \alpha)(1 - t), \quad p = \sigma(x), \\
              dl/dx = \alpha_t (q^\gamma (p - t) + \gamma q^\gamma \frac{p (1 - p)(1 - 2t)}{q} BCE)

    Args:
        logits: real numbers of any shape.
        labels: targets in [0, 1] of the logits' shape, or class ids, which become one-hot along ``axis``.
        gamma: >= 0.
        alpha: weight of the positives, in [0, 1], the negatives have 1 - alpha; None: both weigh 1.
        weight: [C] weights of the classes along ``axis``.
        ignore_index: entries with this target (or rows with this id) count for nothing.
        label_weight: of the labels' shape; what is not above 0 counts for nothing.
        reduction: ``none`` (the logits' shape), ``sum``, ``mean`` over the entries.
        denominator, normalizer, cotangent: as in ``cross_entropy``; without class weights both denominators are the
            number of valid entries.
        element_weight: numbers >= 0 that multiply the losses, one for each entry, or one for each row: of the logits'
            shape without the class axis, or with length 1 there. The denominators do not know them.
        unit_roundoff: as in ``focal``.

    Raises:
        ValueError, TypeError: targets, ids, shapes or options out of range.

    Source: Lin et al., *Focal Loss for Dense Object Detection*, ICCV 2017, eq. 5.

    Example:
        >>> sigmoid_focal([[2.0, -1.0]], [[1.0, 0.0]], reduction="none").value.round(4).tolist()
        [[0.0005, 0.017]]
    """
    gamma = check_number("gamma", gamma, 0.0)
    balance = None if alpha is None else check_number("alpha", alpha, 0.0, 1.0)
    elements = arrange_entries(logits, labels, label_weight=label_weight, **options)
    assert elements.targets is not None
    losses = entry_focal_losses(elements.rows[:, 0], elements.targets, gamma, unit_roundoff)
    if balance is not None:
        t = elements.targets
        losses = losses.times(balance * t + (1.0 - balance) * (1.0 - t))
    losses = losses.times(elements.weight)
    if element_weight is not None:
        given = entry_weights(element_weight, elements.shape, options["axis"])
        losses = losses.times(elements.check_element_weight(given))
    return elements.reduce(losses)


def entry_weights(element_weight: ArrayLike, shape: tuple[int, ...], axis: int) -> Array:
    """One number for each entry of this shape, from as many or from one for each row along ``axis``."""
    given = np.asarray(element_weight, dtype=np.float64)
    if given.shape == shape:
        return given
    if len(shape) > 1 and -len(shape) <= axis < len(shape):
        place = axis % len(shape)
        rows = np.expand_dims(given, place) if given.shape == (*shape[:place], *shape[place + 1 :]) else given
        if rows.shape == (*shape[:place], 1, *shape[place + 1 :]):
            return np.asarray(np.broadcast_to(rows, shape))
    raise ValueError(f"element_weight must have the logits' shape, {shape}, or that of their rows, got {given.shape}")


def entry_focal_losses(x: Array, t: Array, gamma: float, unit_roundoff: float) -> Losses:
    """q^gamma BCE and its slope, for q = 1 - p_t."""
    p, other = expit(x), expit(-x)
    plain = logistic_losses(x, t)
    loss, reach, distance = plain.value, plain.value_scale, plain.slope[:, 0]
    q = p * (1.0 - t) + other * t
    q_error = probability_error(x)
    unit = BUDGET * unit_roundoff
    power, drift = q**gamma, power_drift(q, gamma, unit * q_error, unit_roundoff)
    value = power * loss
    value_scale = (power + unit * drift) * reach + loss * drift + (2.0 + gamma) * value
    with np.errstate(invalid="ignore", divide="ignore"):
        # p (1 - p)(1 - 2t) / q, where q vanishes with p or 1 - p: 1 - p for t = 0 and -p for t = 1
        turn = np.where(t == 0, other, np.where(t == 1, -p, p * other * (1.0 - 2.0 * t) / np.where(q > 0, q, 1.0)))
        ratio = np.where(q > 0, loss / np.where(q > 0, q, 1.0), 1.0)
    slope = power * (distance + gamma * turn * loss)
    size = np.abs(distance) + gamma * np.abs(turn) * loss
    # 1 - p of a sigmoid's own derivative p (1 - p) is off by the rounding of p, or flushed to 0
    rest_error = np.minimum(q_error, other / unit_roundoff)
    turn_error = np.abs(turn) * q_error + np.abs(1.0 - 2.0 * t) * p * rest_error
    inner = q_error + gamma * (np.abs(turn) * reach + ratio * turn_error)
    slope_scale = drift * size + (power + unit * drift) * inner + (2.0 + gamma) * power * size + GRADIENT_NOISE
    return Losses(value, slope[:, None], value_scale, slope_scale[:, None])
