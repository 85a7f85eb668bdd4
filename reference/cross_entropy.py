"""Cross entropy of a softmax, and the accurate softmax that its relatives share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from reference.answer import Answer, Array
from reference.elements import Elements, Losses, arrange

GRADIENT_NOISE = 1e-12
"""Gradient entries this far below their row's own size are noise that no training sees."""


@dataclass(frozen=True)
class Softmax:
    """A softmax over rows, seen from the label: everything that cancels is computed without cancelling.

    ``p`` [n, C] probabilities; ``p_label`` [n]; ``p_rest`` [n], 1 - p_label as the sum of the others; ``losses`` with
    value logsumexp(z) - z_y and slope p - e_y.
    """

    p: Array
    p_label: Array
    p_rest: Array
    losses: Losses


def softmax_of(elements: Elements) -> Softmax:
    """Softmax, cross entropy and slopes of every row, accurate to a few units in the last place."""
    rows, labels = elements.rows, elements.labels
    n, classes = rows.shape
    index = np.arange(n)
    with np.errstate(invalid="ignore", over="ignore"):
        top = rows.argmax(axis=1)
        largest = rows[index, top]
        shifted = rows - largest[:, None]
        powers = np.exp(shifted)
        powers[index, top] = np.where(np.isnan(powers[index, top]), np.nan, 0.0)
        rest = powers.sum(axis=1)
        powers[index, top] = 1.0
        gap = largest - rows[index, labels]
        # l = logsumexp(z) - z_y = log(1 + sum of exp(z_j - max) over j != argmax) + max - z_y
        loss = np.log1p(rest) + gap
        p = powers / (1.0 + rest)[:, None]
        others = p.copy()
        others[index, labels] = 0.0
        p_rest = others.sum(axis=1)
        # dl/dz_j = p_j - [j = y]; the label's own entry is minus the sum of the others
        slope = others
        slope[index, labels] = -p_rest
        # BUDGET times classes / 8 is one roundoff for each term of a naive sum over the classes, its worst case, which
        # equal logits come close to: every addition then errs to the same side
        unit = np.log(classes) + classes / 8.0
        value_scale = 1.0 + np.abs(gap) + unit
        drop = np.where(p > 0, np.abs(shifted), 0.0)
        slope_scale = p * (1.0 + drop + unit) + GRADIENT_NOISE
        slope_scale[index, labels] += 1.0
    return Softmax(p, p[index, labels], p_rest, Losses(loss, slope, value_scale, slope_scale))


def cross_entropy(
    logits: ArrayLike,
    labels: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    ignore_index: int | None = -100,
    reduction: str = "mean",
    axis: int = 1,
    label_smoothing: float = 0.0,
    denominator: str = "weights",
    cotangent: ArrayLike | None = None,
) -> Answer:
    r"""Compute the cross entropy of a softmax with hard labels, and its gradient.

    .. math:: l_i = o_i (\log \sum_c e^{z_{ic}} - z_{i y_i}), \quad
              \partial l_i / \partial z_{ij} = o_i (p_{ij} - [j = y_i]), \quad o_i = [y_i \ne ignore] w_{y_i}

    Args:
        logits: real numbers with C classes along ``axis``, any rank >= 1; -inf masks a class.
        labels: integers of the logits' shape without the class axis, each in [0, C) or ``ignore_index``.
        weight: [C] class weights >= 0; None means ones.
        ignore_index: the label of elements that count for nothing; None: every element counts.
        reduction: ``none`` (the labels' shape), ``sum``, or ``mean``, which divides by the denominator.
        axis: the class axis.
        label_smoothing: 0; other values are not supported yet.
        denominator: of the mean: ``weights`` (sum of o_i) or ``count`` (number of valid elements); 0 gives loss 0.
        cotangent: upstream gradient, of the loss' shape; the gradient returned is the vector-Jacobian product.

    Raises:
        ValueError: a wrong shape, a label out of range, a negative or non-finite weight, an unknown option.
        TypeError: labels that are no integers, an axis that is no int.

    Source: the negative log-likelihood of a categorical distribution; Bishop, *Pattern Recognition and Machine
    Learning* (2006), eq. 4.108 and 4.109.
    """
    if label_smoothing != 0.0:
        raise ValueError(f"label_smoothing must be 0, got {label_smoothing!r}")
    elements = arrange(logits, labels, weight=weight, ignore_index=ignore_index, axis=axis)
    losses = softmax_of(elements).losses.times(elements.weight)
    return elements.reduce(losses, reduction=reduction, denominator=denominator, cotangent=cotangent)
