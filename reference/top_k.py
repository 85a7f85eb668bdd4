"""Average top-k: the mean of the k largest losses, whatever they are losses of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reference.answer import BUDGET, UNIT_ROUNDOFF, Answer, Array
from reference.cross_entropy import softmax_of
from reference.elements import Elements, Losses, arrange, check_choice
from reference.entries import arrange_entries, logistic_losses

INDIVIDUALS = ("cross_entropy", "logistic", "hinge", "squared", "absolute")
REAL = ("squared", "absolute")


def count_of(top_k: float | None, k: int | None, valid: int) -> int:
    """How many losses to keep of ``valid`` ones: ``k`` itself, or the largest j with j / valid <= ``top_k``."""
    if top_k is not None and k is not None:
        raise ValueError(f"give top_k or k, got top_k={top_k!r} and k={k!r}")
    if k is not None:
        if isinstance(k, (bool, np.bool_)) or not isinstance(k, (int, np.integer)):
            raise TypeError(f"k must be an int >= 1, got {k!r}")
        if k < 1:
            raise ValueError(f"k must be an int >= 1, got {k!r}")
        return min(int(k), valid)
    fraction = 0.7 if top_k is None else top_k
    if isinstance(fraction, (bool, np.bool_)) or not isinstance(fraction, (int, float, np.integer, np.floating)):
        raise TypeError(f"top_k must be a fraction in (0, 1], got {fraction!r}")
    if not 0.0 < fraction <= 1.0:
        raise ValueError(f"top_k must be a fraction in (0, 1], got {fraction!r}; a number of elements is k")
    if valid == 0:
        return 0
    # the product may round to either side of a whole number, the quotient decides
    found = min(int(fraction * valid) + 1, valid)
    while found > 1 and found / valid > fraction:
        found -= 1
    return max(found, 1)


@dataclass(frozen=True)
class Individual:
    """Losses of single elements; ``low`` and ``high`` [n] bound the slopes on a kink (None: there are no kinks)."""

    losses: Losses
    low: Array | None = None
    high: Array | None = None


def average_top_k(
    losses: ArrayLike,
    *,
    top_k: float | None = None,
    k: int | None = None,
    weight: ArrayLike | None = None,
    valid: ArrayLike | None = None,
    reduction: str = "mean",
    denominator: str = "weights",
    normalizer: float | None = None,
    cotangent: ArrayLike | None = None,
    unit_roundoff: float = UNIT_ROUNDOFF["float64"],
) -> Answer:
    r"""Average the k largest of any losses, and differentiate by them.

    .. math:: L = \frac{\sum_i s_i o_i l_i}{k W / N}, \quad s_i = 1 \text{ for the k largest } o_i l_i, \quad
              \partial L / \partial l_i = \frac{s_i o_i}{k W / N}

    For weights of 1 the mean is min over t of t + (1 / k) sum_i max(l_i - t, 0).

    Args:
        losses: individual losses of any shape.
        top_k: fraction r in (0, 1] of the valid elements: k is the largest j with j / N <= r, at least 1. 0.7 where
            neither is given.
        k: number of elements; more than there are means all.
        weight: o_i >= 0, one for each loss; None means ones.
        valid: mask of the losses that count; None: all.
        reduction: ``none`` (elements not among the k largest are 0), ``sum``, ``mean``.
        denominator: of the mean: ``weights``, k W / N, or ``count``, k.
        normalizer, cotangent: as in ``cross_entropy``.
        unit_roundoff: of the implementation that will be compared: losses that close to the k-th largest are tied.

    Raises:
        ValueError, TypeError: for a k, top_k, weight or mask out of range.

    Source: Fan et al., *Learning with Average Top-k Loss*, NeurIPS 2017, eq. 2 and 3.
    """
    values = np.asarray(losses, dtype=np.float64)
    shape = values.shape
    mask = np.ones(shape, bool) if valid is None else np.asarray(valid).astype(bool)
    weights = np.ones(shape) if weight is None else np.asarray(weight, dtype=np.float64)
    for name, array in (("weight", weights), ("valid", mask)):
        if array.shape != shape:
            raise ValueError(f"{name} must have the shape of the losses, {shape}, got {array.shape}")
    if not (np.isfinite(weights) & (weights >= 0)).all():
        raise ValueError(f"weight must be finite and >= 0, got {weights[~(weights >= 0)][0]}")
    flat = mask.reshape(-1)
    kept = np.where(flat, values.reshape(-1), 0.0)
    elements = Elements(
        kept[:, None], np.zeros(flat.size, np.int64), flat, weights.reshape(-1) * flat, shape, axis=None
    )
    ones = np.ones((flat.size, 1))
    individual = Individual(Losses(kept, ones, 1.0 + np.abs(kept), ones))
    options = _Reduction(reduction, denominator, normalizer, cotangent)
    return _aggregate(elements, individual, count_of(top_k, k, elements.count), options, unit_roundoff)


def top_k_loss(
    logits: ArrayLike,
    labels: ArrayLike,
    *,
    individual: str = "cross_entropy",
    top_k: float | None = None,
    k: int | None = None,
    weight: ArrayLike | None = None,
    ignore_index: int | None = -100,
    reduction: str = "mean",
    axis: int = 1,
    label_weight: ArrayLike | None = None,
    denominator: str = "weights",
    normalizer: float | None = None,
    cotangent: ArrayLike | None = None,
    unit_roundoff: float = UNIT_ROUNDOFF["float64"],
) -> Answer:
    """Average the k largest individual losses of logits and labels, and differentiate by the logits.

    The formula is that of ``average_top_k``, with l_i by ``individual``: ``cross_entropy`` (labels are classes); or of
    every entry, with targets of the logits' shape, ``logistic`` log(1 + exp(x)) - x t and ``hinge``
    max(0, 1 - (2t - 1) x) for t in [0, 1], ``squared`` (x - t)^2 and ``absolute`` \\|x - t\\| for real t.

    Ties at the k-th largest loss, and the kinks of hinge and absolute, have more than one right gradient: ``nearest``
    of the answer finds the one closest to a given gradient.

    Raises ValueError or TypeError as ``cross_entropy`` and ``average_top_k``.
    """
    check_choice("individual", individual, INDIVIDUALS)
    if individual == "cross_entropy":
        elements = arrange(logits, labels, weight=weight, ignore_index=ignore_index, axis=axis)
        found = Individual(softmax_of(elements).losses)
    else:
        real = individual in REAL
        elements = arrange_entries(
            logits,
            labels,
            weight=weight,
            ignore_index=None if real else ignore_index,
            axis=axis,
            label_weight=label_weight,
            probabilities=not real,
        )
        assert elements.targets is not None
        found = _ENTRIES[individual](elements.rows[:, 0], elements.targets, unit_roundoff)
    options = _Reduction(reduction, denominator, normalizer, cotangent)
    return _aggregate(elements, found, count_of(top_k, k, elements.count), options, unit_roundoff)


def _logistic(x: Array, t: Array, unit_roundoff: float) -> Individual:
    return Individual(logistic_losses(x, t))


def _hinge(x: Array, t: Array, unit_roundoff: float) -> Individual:
    sign = 2.0 * t - 1.0
    margin = 1.0 - sign * x
    scale = 2.0 + np.abs(sign * x)
    slope = np.where(margin > 0, -sign, 0.0)
    kink = np.abs(margin) <= BUDGET * unit_roundoff * scale
    losses = Losses(
        np.where(np.isnan(margin), margin, np.maximum(margin, 0.0)), slope[:, None], scale, 2.0 * np.abs(slope)[:, None]
    )
    return Individual(
        losses, np.where(kink, np.minimum(-sign, 0.0), slope), np.where(kink, np.maximum(-sign, 0.0), slope)
    )


def _squared(x: Array, t: Array, unit_roundoff: float) -> Individual:
    d = x - t
    return Individual(Losses(d * d, 2.0 * d[:, None], 4.0 * d * d, 4.0 * np.abs(d)[:, None]))


def _absolute(x: Array, t: Array, unit_roundoff: float) -> Individual:
    d = x - t
    slope = np.where(np.isnan(d), np.nan, np.sign(d))
    losses = Losses(np.abs(d), slope[:, None], 2.0 * np.abs(d), np.abs(slope)[:, None])
    return Individual(losses, np.where(d == 0, -1.0, slope), np.where(d == 0, 1.0, slope))


_ENTRIES: dict[str, Callable[[Array, Array, float], Individual]] = {
    "logistic": _logistic,
    "hinge": _hinge,
    "squared": _squared,
    "absolute": _absolute,
}


@dataclass(frozen=True)
class _Reduction:
    reduction: str
    denominator: str
    normalizer: float | None
    cotangent: ArrayLike | None


def _aggregate(elements: Elements, individual: Individual, k: int, options: _Reduction, unit_roundoff: float) -> Answer:
    """The k largest weighted losses, reduced; ties and kinks leave a set of answers, of which one is the nearest."""
    weighted = individual.losses.times(elements.weight)
    key = np.where(elements.valid, np.where(np.isnan(weighted.value), np.inf, weighted.value), -np.inf)
    order = np.argsort(-key, kind="stable")
    chosen = np.zeros(len(key))
    chosen[order[:k]] = 1.0
    portion = k / elements.count if elements.count else 1.0

    def answer(shares: Array, losses: Losses) -> Answer:
        return elements.reduce(
            losses.keep(shares > 0).times(shares),
            reduction=options.reduction,
            denominator=options.denominator,
            normalizer=options.normalizer,
            cotangent=options.cotangent,
            portion=portion,
        )

    found = answer(chosen, weighted)
    tied = _tied(key, weighted.value_scale, elements.valid, order, k, unit_roundoff)
    if k == 0 or (not tied.any() and (individual.low is None or (individual.low == individual.high).all())):
        return found

    def nearest(value: Array, gradient: Array | None) -> Answer:
        whole = answer(elements.valid.astype(float), weighted)
        shares = chosen.copy()
        if tied.any():
            shares[tied] = _shares(elements, whole, value, gradient, tied, k - int((chosen * ~tied).sum()))
        slopes = weighted.slope
        if individual.low is not None and individual.high is not None and gradient is not None:
            slopes = _slopes(elements, individual, answer, shares, weighted, gradient)
        return answer(shares, replace(weighted, slope=slopes))

    return replace(found, nearest=nearest)


def _tied(
    key: Array, scale: Array, valid: NDArray[np.bool_], order: NDArray[np.int64], k: int, unit_roundoff: float
) -> NDArray[np.bool_]:
    """The valid elements within rounding of the k-th largest, where not all of them can be chosen."""
    if k == 0 or k >= valid.sum():
        return np.zeros(len(key), bool)
    threshold, slack = key[order[k - 1]], BUDGET * unit_roundoff * np.where(np.isfinite(scale), scale, 0.0)
    with np.errstate(invalid="ignore"):
        close = (key == threshold) | (np.abs(key - threshold) <= slack + slack[order[k - 1]])
    tied = valid & close
    above = valid & ~tied & (key > threshold)
    return tied if above.sum() + tied.sum() > k else np.zeros(len(key), bool)


def _shares(
    elements: Elements, whole: Answer, value: Array, gradient: Array | None, tied: NDArray[np.bool_], left: int
) -> Array:
    """Shares in [0, 1] of the tied elements that sum to ``left`` and come closest to what was found."""
    full, seen = elements.flatten(whole.gradient)[tied], np.zeros((int(tied.sum()), elements.rows.shape[1]))
    if gradient is not None and gradient.shape == whole.gradient.shape:
        seen = elements.flatten(gradient)[tied]
    if whole.value.shape == elements.shape and value.shape == elements.shape:
        full = np.column_stack([full, whole.value.reshape(-1)[tied]])
        seen = np.column_stack([seen, value.reshape(-1)[tied]])
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        full = np.where(np.isfinite(full), full, 0.0)
        size = (full * full).sum(axis=1)
        shares = np.clip(np.nan_to_num((full * seen).sum(axis=1) / size, nan=0.0), 0.0, 1.0)
    # where an element leaves no trace, its share is whatever the others leave
    silent = size == 0
    rest = left - shares[~silent].sum()
    if silent.any():
        shares[silent] = np.clip(rest / silent.sum(), 0.0, 1.0)
    else:
        shares = np.clip(shares + rest / len(shares), 0.0, 1.0)
    return np.asarray(shares)


def _slopes(
    elements: Elements,
    individual: Individual,
    answer: Callable[[Array, Losses], Answer],
    shares: Array,
    weighted: Losses,
    gradient: Array,
) -> Array:
    """Slopes within the bounds of their kinks that come closest to the gradient found."""
    assert individual.low is not None
    assert individual.high is not None
    unit = replace(weighted, slope=elements.weight[:, None] * np.ones_like(weighted.slope))
    per_slope = elements.flatten(answer(shares, unit).gradient)[:, 0]
    with np.errstate(invalid="ignore", divide="ignore"):
        wanted = np.where(per_slope != 0, elements.flatten(gradient)[:, 0] / per_slope, individual.losses.slope[:, 0])
    clipped = np.clip(wanted, individual.low, individual.high)
    kink = individual.low != individual.high
    return np.where(kink, clipped * elements.weight, weighted.slope[:, 0])[:, None]
