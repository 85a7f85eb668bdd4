"""Average top-k: the mean of the k largest losses, whatever they are losses of."""

from __future__ import annotations

from dataclasses import replace
from typing import Unpack

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reference.answer import BUDGET, UNIT_ROUNDOFF, Answer, Array
from reference.cross_entropy import softmax_of
from reference.elements import Elements, Losses, arrange, check_choice
from reference.entries import arrange_entries
from reference.individual import ENTRY_LOSSES, INDIVIDUALS, REAL, Individual
from reference.options import Options, Reduction, ReductionOptions, oracle


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
    # a float32 is the number that it holds; beside one, NumPy would compare in float32
    fraction = float(fraction)
    # the product may round to either side of a whole number, the quotient decides
    found = min(int(fraction * valid) + 1, valid)
    while found > 1 and found / valid > fraction:
        found -= 1
    return max(found, 1)


@oracle
def average_top_k(
    losses: ArrayLike,
    *,
    top_k: float | None = None,
    k: int | None = None,
    weight: ArrayLike | None = None,
    valid: ArrayLike | None = None,
    unit_roundoff: float = UNIT_ROUNDOFF["float64"],
    **options: Unpack[ReductionOptions],
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

    Example:
        >>> answer = average_top_k([3.0, 1.0, 2.0], k=2)
        >>> answer.value.item(), answer.gradient.tolist()
        (2.5, [0.5, 0.0, 0.5])
    """
    values = np.asarray(losses, dtype=np.float64)
    shape = values.shape
    mask = np.ones(shape, bool) if valid is None else np.asarray(valid).astype(bool)
    weights = np.ones(shape) if weight is None else np.asarray(weight, dtype=np.float64)
    for name, array in (("weight", weights), ("valid", mask)):
        if array.shape != shape:
            raise ValueError(f"{name} must have the shape of the losses, {shape}, got {array.shape}")
    wrong = ~(np.isfinite(weights) & (weights >= 0))
    if wrong.any():
        raise ValueError(f"weight must be finite and >= 0, got {weights[wrong][0]}")
    flat = mask.reshape(-1)
    kept = np.where(flat, values.reshape(-1), 0.0)
    elements = Elements(
        rows=kept[:, None],
        labels=np.zeros(flat.size, np.int64),
        valid=flat,
        weight=weights.reshape(-1) * flat,
        shape=shape,
        axis=None,
        reduction=Reduction(**options),
    )
    ones = np.ones((flat.size, 1))
    individual = Individual(Losses(kept, ones, 1.0 + np.abs(kept), ones))
    return _aggregate(elements, individual, count_of(top_k, k, elements.count), unit_roundoff)


@oracle
def top_k_loss(
    logits: ArrayLike,
    labels: ArrayLike,
    *,
    individual: str = "cross_entropy",
    top_k: float | None = None,
    k: int | None = None,
    label_weight: ArrayLike | None = None,
    unit_roundoff: float = UNIT_ROUNDOFF["float64"],
    **options: Unpack[Options],
) -> Answer:
    """Average the k largest individual losses of logits and labels, and differentiate by the logits.

    The formula is that of ``average_top_k``, with l_i by ``individual``: ``cross_entropy`` (labels are classes); or of
    every entry, with targets of the logits' shape, ``logistic`` log(1 + exp(x)) - x t and ``hinge``
    max(0, 1 - (2t - 1) x) for t in [0, 1], ``squared`` (x - t)^2 and ``absolute`` \\|x - t\\| for real t.

    Ties at the k-th largest loss, and the kinks of hinge and absolute, have more than one right gradient: ``nearest``
    of the answer finds the one closest to a given gradient.

    Args:
        individual: the losses to average, as above.
        top_k, k, unit_roundoff: as in ``average_top_k``.
        label_weight: for losses of entries, of the labels' shape; what is not above 0 counts for nothing.
        logits, labels, weight, ignore_index, reduction, axis, denominator, normalizer, cotangent: as in
            ``cross_entropy`` or, for losses of entries, ``sigmoid_focal``; real targets ignore no label.

    Raises:
        ValueError, TypeError: as ``cross_entropy`` and ``average_top_k``.

    Source: Fan et al., *Learning with Average Top-k Loss*, NeurIPS 2017, eq. 2 and 3.

    Example:
        >>> answer = top_k_loss([[2.0, -1.0]], [[0.0, 1.0]], individual="squared", k=1)
        >>> answer.value.item(), answer.gradient.tolist()
        (4.0, [[4.0, 0.0]])
    """
    check_choice("individual", individual, INDIVIDUALS)
    if individual == "cross_entropy":
        elements = arrange(logits, labels, **options)
        found = Individual(softmax_of(elements).losses)
    else:
        real = individual in REAL
        if real:
            options["ignore_index"] = None
        elements = arrange_entries(logits, labels, label_weight=label_weight, probabilities=not real, **options)
        assert elements.targets is not None
        found = ENTRY_LOSSES[individual](elements.rows[:, 0], elements.targets, unit_roundoff)
    return _aggregate(elements, found, count_of(top_k, k, elements.count), unit_roundoff)


def _aggregate(elements: Elements, individual: Individual, k: int, unit_roundoff: float) -> Answer:
    """The k largest weighted losses, reduced; ties and kinks leave a set of answers, of which one is the nearest."""
    weighted = individual.losses.times(elements.weight)
    key = np.where(elements.valid, np.where(np.isnan(weighted.value), np.inf, weighted.value), -np.inf)
    order = np.argsort(-key, kind="stable")
    chosen = np.zeros(len(key))
    chosen[order[:k]] = 1.0
    portion = k / elements.count if elements.count else 1.0

    def answer(shares: Array, losses: Losses) -> Answer:
        kept = losses.keep(shares > 0)
        # to take or to leave rounds nothing
        whole = np.isin(shares, (0.0, 1.0)).all()
        return elements.reduce(kept if whole else kept.times(shares), portion)

    found = answer(chosen, weighted)
    tied = _ties(key, weighted.value_scale, elements.valid, order, k, unit_roundoff)
    kinks = individual.kinks & elements.valid
    if k == 0 or not (tied.any() or kinks.any()):
        return found

    def nearest(value: Array, gradient: Array | None) -> Answer:
        if gradient is not None and gradient.shape != found.gradient.shape:
            gradient = None
        everything = elements.valid.astype(float)
        # what a slope of 1 leaves in the gradient, at a share of 1
        unit = replace(weighted, slope=elements.weight[:, None] * np.ones_like(weighted.slope))
        shares = chosen.copy()
        if tied.any():
            least, most, size = _shares(elements, answer(everything, weighted), value, gradient)
            if kinks.any():
                trace = elements.flatten(answer(everything, unit).gradient)[:, 0]
                least, most, size = _shares_at_kinks(elements, individual, trace, gradient, (least, most, size))
            shares[tied] = _shares_of_sum(least[tied], most[tied], size[tied], k - int((chosen * ~tied).sum()))
        slopes = weighted.slope
        if kinks.any() and gradient is not None:
            trace = elements.flatten(answer(shares, unit).gradient)[:, 0]
            slopes = _slopes(elements, individual, trace, weighted, gradient)
        return answer(shares, replace(weighted, slope=slopes))

    return replace(found, nearest=nearest)


def _ties(
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


def _shares(elements: Elements, whole: Answer, value: Array, gradient: Array | None) -> tuple[Array, Array, Array]:
    """The least and the largest share of each element that explain what was found, and how clearly it shows.

    ``whole`` is the answer at shares of 1. An element that leaves no trace may have any share.
    """
    rows = elements.flatten(whole.gradient)
    full, seen = (np.zeros_like(rows), np.zeros_like(rows)) if gradient is None else (rows, elements.flatten(gradient))
    if whole.value.shape == elements.loss_shape and value.shape == elements.loss_shape:
        there, got = whole.value.reshape(-1), value.reshape(-1)
        # an infinite loss is there or it is not
        infinite = np.isinf(there)
        full = np.column_stack([full, np.where(infinite, 1.0, there)])
        seen = np.column_stack([seen, np.where(infinite, got == there, got)])
    known = np.isfinite(full)
    full, seen = np.where(known, full, 0.0), np.where(known, seen, 0.0)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        size = (full * full).sum(axis=1)
        # 0 over 0 where a loss has no slope: any share will do there, which `silent` says
        shares = np.clip(np.nan_to_num((full * seen).sum(axis=1) / size, nan=0.0), 0.0, 1.0)
    silent = size == 0
    return np.where(silent, 0.0, shares), np.where(silent, 1.0, shares), size


def _shares_at_kinks(
    elements: Elements,
    individual: Individual,
    trace: Array,
    gradient: Array | None,
    explained: tuple[Array, Array, Array],
) -> tuple[Array, Array, Array]:
    """``explained`` with the shares on kinks: 0 is a slope there, so any share that can reach the gradient explains it.

    ``trace`` [n] is the gradient that a slope of 1 leaves at a share of 1.
    """
    assert individual.low is not None
    assert individual.high is not None
    least, most, size = explained
    seen = np.zeros_like(trace) if gradient is None else elements.flatten(gradient)[:, 0]
    bound = np.where(seen * trace < 0, -individual.low, individual.high)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        needed = np.where((seen != 0) & (bound > 0), np.abs(seen) / (np.abs(trace) * bound), 0.0)
    # a gradient of NaN needs no share: it is compared as it is
    needed = np.clip(np.nan_to_num(needed, nan=0.0), 0.0, 1.0)
    kinks = individual.kinks
    return np.where(kinks, needed, least), np.where(kinks, 1.0, most), np.where(kinks, trace * trace, size)


def _shares_of_sum(least: Array, most: Array, size: Array, total: int) -> Array:
    """Shares in [0, 1] that sum to ``total``: between ``least`` and ``most`` where such there are.

    Elsewhere the nearest to those, by ``size``: what leaves little trace moves first, and what was left out moves last,
    so that the rounding of the shares found does not bring in an element that plainly has none.
    """
    spare, missing = most - least, total - float(least.sum())
    if 0.0 <= missing <= spare.sum():
        return np.asarray(least + spare * (missing / max(float(spare.sum()), 1.0e-300)))
    largest = float(size.max())
    pace = np.minimum(largest / np.maximum(size, 1e-12 * largest), 1e12) if largest > 0 else np.ones_like(size)
    if missing < 0:
        return _shifted_to_sum(least, -pace, total)
    used = most > 0
    shares = _shifted_to_sum(most, np.where(used, pace, 0.0), total)
    return shares if np.count_nonzero(used) >= total else _shifted_to_sum(shares, np.where(used, 0.0, pace), total)


def _shifted_to_sum(shares: Array, pace: Array, total: int) -> Array:
    """Shares after the shortest move along ``pace``, within [0, 1], that makes them sum to ``total``, or gets near."""
    low, high, rising = 0.0, 1.0, bool((pace >= 0).all())
    for _ in range(200):
        middle = (low + high) / 2
        short = np.clip(shares + middle * pace, 0.0, 1.0).sum() < total
        low, high = (middle, high) if short == rising else (low, middle)
    return np.asarray(np.clip(shares + high * pace, 0.0, 1.0))


def _slopes(elements: Elements, individual: Individual, trace: Array, weighted: Losses, gradient: Array) -> Array:
    """Slopes within the bounds of their kinks that come closest to the gradient found.

    ``trace`` [n] is the gradient that a slope of 1 leaves.
    """
    assert individual.low is not None
    assert individual.high is not None
    with np.errstate(invalid="ignore", divide="ignore"):
        wanted = np.where(trace != 0, elements.flatten(gradient)[:, 0] / trace, individual.losses.slope[:, 0])
    clipped = np.clip(wanted, individual.low, individual.high)
    return np.where(individual.kinks, clipped * elements.weight, weighted.slope[:, 0])[:, None]
