"""Cross entropy of a softmax, and the accurate softmax that its relatives share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Unpack

import numpy as np
from numpy.typing import ArrayLike

from reference.answer import BUDGET, Answer, Array
from reference.elements import (
    Elements,
    Losses,
    arrange,
    arrange_soft,
    average,
    check_choice,
    check_number,
    check_weight,
    is_soft,
    row_sums,
)
from reference.options import Options, oracle

GRADIENT_NOISE = 1e-12
"""Gradient entries this far below their row's own size are noise that no training sees."""

SOFT_WEIGHTS = ("paddle", "torch")


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

    def rest_slack(self, unit_roundoff: float) -> Array:
        """How far a sound implementation's 1 - p may stray: the errors of p, and of the subtraction itself."""
        # where p is 0 the scale is infinite, and 1 - p is 1 for sure
        value_scale = np.where(self.p_label > 0, self.losses.value_scale, 0.0)
        return np.asarray(BUDGET * unit_roundoff * (self.p_label * value_scale + 2.0 * self.p_rest))


def sum_error(classes: int) -> float:
    """Error of a sum over the classes, in units: BUDGET times C / 8 is one roundoff for each term of a naive sum.

    That is its worst case, which equal terms come close to: every addition then errs to the same side.
    """
    return classes / 8.0


def softmax_of(elements: Elements) -> Softmax:
    """Softmax, cross entropy and slopes of every row, accurate to a few units in the last place."""
    rows, labels = elements.rows, elements.labels
    n, classes = rows.shape
    index = np.arange(n)
    with np.errstate(invalid="ignore", over="ignore"):
        p, log_rest, shifted = _softmax_parts(rows)
        gap = -shifted[index, labels]
        # l = logsumexp(z) - z_y = log(1 + sum of exp(z_j - max) over j != argmax) + max - z_y
        loss = log_rest + gap
        others = p.copy()
        others[index, labels] = 0.0
        p_rest = others.sum(axis=1)
        # dl/dz_j = p_j - [j = y]; the label's own entry is minus the sum of the others
        slope = others
        slope[index, labels] = -p_rest
        unit = np.log(classes) + sum_error(classes)
        value_scale = 1.0 + np.abs(gap) + unit
        slope_scale = _probability_scale(p, shifted)
        slope_scale[index, labels] += 1.0
    return Softmax(p, p[index, labels], p_rest, Losses(loss, slope, value_scale, slope_scale))


def _softmax_parts(rows: Array) -> tuple[Array, Array, Array]:
    """Probabilities, log(1 + sum of exp(z_j - max) over j != argmax), and z - max."""
    # a sum along an axis that is not the last in memory adds one class after the other, and errs by a roundoff for each
    rows = np.ascontiguousarray(rows)
    index = np.arange(len(rows))
    top = rows.argmax(axis=1)
    shifted = rows - rows[index, top][:, None]
    powers = np.exp(shifted)
    powers[index, top] = np.where(np.isnan(powers[index, top]), np.nan, 0.0)
    rest = powers.sum(axis=1)
    powers[index, top] = 1.0
    return powers / (1.0 + rest)[:, None], np.log1p(rest), shifted


def _probability_scale(p: Array, shifted: Array) -> Array:
    drop = np.where(p > 0, np.abs(shifted), 0.0)
    return np.asarray(p * (1.0 + drop + np.log(p.shape[1]) + sum_error(p.shape[1])) + GRADIENT_NOISE)


def soft_losses(rows: Array, soft: Array) -> Losses:
    """-sum_c q_c log p_c of every row and its slope p sum(q) - q, for any rows q >= 0."""
    classes = rows.shape[1]
    with np.errstate(invalid="ignore", over="ignore"):
        p, log_rest, shifted = _softmax_parts(rows)
        terms = np.where(soft > 0, soft * (log_rest[:, None] - shifted), 0.0)
        value = terms.sum(axis=1)
        unit = np.log(classes) + sum_error(classes)
        reach = np.where(soft > 0, soft * (1.0 + unit + np.abs(shifted)), 0.0)
        value_scale = reach.sum(axis=1) + sum_error(classes) * np.abs(value)
        # p_j sum(q) - q_j with what cancels taken out: p_j (sum(q) - q_j) - q_j (1 - p_j)
        slope = p * _leave_one_out_sums(soft) - soft * _leave_one_out_sums(p)
        total = soft.sum(axis=1)[:, None]
        slope_scale = (_probability_scale(p, shifted) + sum_error(classes) * p) * total + 2.0 * soft
    return Losses(value, slope, value_scale, slope_scale)


def _leave_one_out_sums(rows: Array) -> Array:
    """For each entry the sum of all others in its row, without cancellation."""
    # a running sum would err by a roundoff for each class; only the largest entry could cancel, so it alone is left out
    first, top = np.arange(len(rows)), rows.argmax(axis=1)
    others = rows.copy()
    others[first, top] = 0.0
    found = row_sums(rows)[:, None] - rows
    found[first, top] = row_sums(others)
    return np.asarray(found)


def weighted_cross_entropy(
    logits: ArrayLike,
    labels: ArrayLike,
    *,
    label_smoothing: float = 0.0,
    soft_weight: str = "paddle",
    **options: Unpack[Options],
) -> tuple[Elements, Losses]:
    """Elements with their weights, and weighted losses: hard, smoothed or soft labels."""
    check_choice("soft_weight", soft_weight, SOFT_WEIGHTS)
    smoothing = check_number("label_smoothing", label_smoothing, 0.0, 1.0)
    hard = not is_soft(labels)
    if hard:
        elements = arrange(logits, labels, **options)
        if smoothing == 0.0:
            return elements, softmax_of(elements).losses.times(elements.weight)
        soft = np.eye(elements.rows.shape[1])[elements.labels]
    else:
        elements = arrange_soft(logits, labels, **options)
        assert elements.targets is not None
        soft = elements.targets
    classes = soft.shape[1]
    soft = (1.0 - smoothing) * soft + smoothing / classes
    class_weight = check_weight(options.get("weight"), classes)
    if soft_weight == "torch":
        losses = soft_losses(elements.rows, soft * class_weight)
        return (elements if hard else elements.weighing(np.ones(len(soft)))), losses
    share = average(soft, class_weight)
    losses = soft_losses(elements.rows, soft).times(share)
    # the weight of an element is a sum over the classes too
    inexact = sum_error(classes)
    more = Losses(
        losses.value,
        losses.slope,
        losses.value_scale + inexact * np.abs(losses.value),
        losses.slope_scale + inexact * np.abs(losses.slope),
    )
    return elements.weighing(share), more


@oracle
def cross_entropy(
    logits: ArrayLike,
    labels: ArrayLike,
    *,
    label_smoothing: float = 0.0,
    soft_weight: str = "paddle",
    **options: Unpack[Options],
) -> Answer:
    r"""Compute the cross entropy of a softmax with hard or soft labels, and its gradient.

    .. math:: l_i = o_i (\log \sum_c e^{z_{ic}} - z_{i y_i}), \quad
              \partial l_i / \partial z_{ij} = o_i (p_{ij} - [j = y_i]), \quad o_i = [y_i \ne ignore] w_{y_i}

    and for soft labels q, with ``soft_weight="paddle"`` and ``"torch"``,

    .. math:: l_i = (q_i \cdot w)(-\sum_c q_{ic} \log p_{ic}), \qquad l_i = -\sum_c w_c q_{ic} \log p_{ic}

    with gradients :math:`(q_i \cdot w)(p_i \sum_c q_{ic} - q_i)` and the same with w_c q_c for q_c.

    Args:
        logits: real numbers with C classes along ``axis``, any rank >= 1; -inf masks a class.
        labels: integers of the logits' shape without the class axis (or with length 1 there), each in [0, C) or
            ``ignore_index``; or soft labels, floats >= 0 of the logits' shape, which all count.
        weight: [C] class weights >= 0; None means ones.
        ignore_index: the label of elements that count for nothing; None: every element counts.
        reduction: ``none`` (the labels' shape), ``sum``, or ``mean``, which divides by the denominator.
        axis: the class axis.
        label_smoothing: e in [0, 1]: q becomes (1 - e) q + e / C, where hard labels are one-hot first. Ignored elements
            get none of it.
        soft_weight: how class weights meet soft or smoothed labels: ``paddle`` weighs an element by q . w, in the
            denominator too; ``torch`` weighs each class's term, and divides by the number of elements (hard labels:
            by the sum of w_y).
        denominator: of the mean: ``weights`` (sum of the elements' weights) or ``count`` (number of valid elements);
            0 gives loss 0.
        normalizer: a denominator of the caller's own for the mean.
        cotangent: upstream gradient, of the loss' shape; the gradient returned is the vector-Jacobian product.

    Raises:
        ValueError: a wrong shape, a label out of range, a negative or non-finite weight, an unknown option.
        TypeError: labels that are no numbers, an axis that is no int.

    Source: the negative log-likelihood of a categorical distribution; Bishop, *Pattern Recognition and Machine
    Learning* (2006), eq. 4.108 and 4.109; smoothing: Szegedy et al., *Rethinking the Inception Architecture* (2016), 7.

    Example:
        >>> answer = cross_entropy([[2.0, 0.0, 1.0], [0.0, 3.0, 0.0]], [0, 1])
        >>> answer.value.round(4).item()
        0.2513
        >>> answer.gradient.round(4).tolist()
        [[-0.1674, 0.045, 0.1224], [0.0226, -0.0453, 0.0226]]
    """
    elements, losses = weighted_cross_entropy(
        logits, labels, label_smoothing=label_smoothing, soft_weight=soft_weight, **options
    )
    return elements.reduce(losses)
