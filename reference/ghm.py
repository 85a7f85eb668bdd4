"""GHM-C over a softmax: cross entropy, harmonised by the density of gradient norms."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reference.answer import BUDGET, UNIT_ROUNDOFF, Answer, Array
from reference.cross_entropy import Softmax, softmax_of
from reference.elements import Elements, arrange, check_choice

NORMALIZERS = ("occupied", "paper")
MAX_ASSIGNMENTS = 256


@dataclass(frozen=True)
class Regions:
    """Unit regions of the gradient norm: ``count`` of them, each ``width`` wide, left-closed, the last closed too."""

    count: int
    width: float

    @classmethod
    def of(cls, bins: int | float) -> Regions:
        """From a number of regions (int >= 1) or a width (float in (0, 1])."""
        if isinstance(bins, (bool, np.bool_)) or not isinstance(bins, (int, float, np.integer, np.floating)):
            raise TypeError(f"bins must be an int >= 1 or a float width in (0, 1], got {bins!r}")
        if isinstance(bins, (int, np.integer)):
            if bins < 1:
                raise ValueError(f"bins must be an int >= 1 or a float width in (0, 1], got {bins!r}")
            return cls(int(bins), 1.0 / int(bins))
        if not 0.0 < bins <= 1.0:
            raise ValueError(f"bins must be an int >= 1 or a float width in (0, 1], got {bins!r}")
        # 1/e may come out a hair above a whole number (0.1 has no exact float): that is no further region
        return cls(math.ceil(1.0 / bins - 1e-9), float(bins))

    def index(self, norm: Array) -> NDArray[np.int64]:
        """The region of each gradient norm in [0, 1]: min(floor(g / width), count - 1)."""
        # a whole number of regions multiplies: g * M is exact where g / (1 / M) is not
        whole = 1.0 / self.count == self.width
        steps = norm * self.count if whole else norm / self.width
        # NaN has no region; its loss is NaN in any of them
        steps = np.nan_to_num(np.floor(steps), nan=0.0)
        return np.asarray(np.clip(steps, 0, self.count - 1), dtype=np.int64)


def ghm(
    logits: ArrayLike,
    labels: ArrayLike,
    *,
    bins: int | float = 10,
    weight: ArrayLike | None = None,
    ignore_index: int | None = -100,
    reduction: str = "mean",
    axis: int = 1,
    normalize: str = "occupied",
    denominator: str = "weights",
    cotangent: ArrayLike | None = None,
    unit_roundoff: float = UNIT_ROUNDOFF["float64"],
) -> Answer:
    r"""Compute the GHM-C loss over a softmax, and its gradient with the harmonising weights held constant.

    .. math:: g_i = 1 - p_{i y_i}, \quad b_i = \frac{N}{R_{j(i)}\, m}, \quad l_i = o_i b_i CE_i, \quad
              \partial l_i / \partial z_{ij} = o_i b_i (p_{ij} - [j = y_i])

    R_j is the number of valid elements in region j of the gradient norm, N the number of valid elements, m the number
    of occupied regions (so that the b_i sum to N) or, with ``normalize="paper"``, of all regions.

    Args:
        logits, labels, weight, ignore_index, reduction, axis, denominator, cotangent: as in ``cross_entropy``.
        bins: M, a number of regions, or e, the width of one: then there are ceil(1 / e) and the last may be narrower.
        normalize: ``occupied`` or ``paper``.
        unit_roundoff: of the implementation that will be compared. An element whose g lies within the rounding slack
            of an edge may be counted on either side; up to 256 such assignments are returned as alternatives, more
            leave the answer undecided.

    Raises:
        ValueError, TypeError: as ``cross_entropy``, and for a ``bins`` or ``normalize`` out of range.

    Source: Li, Liu, Wang, *Gradient Harmonized Single-stage Detector*, AAAI 2019, eq. 5 to 9, with g of the softmax.
    """
    regions = Regions.of(bins)
    check_choice("normalize", normalize, NORMALIZERS)
    elements = arrange(logits, labels, weight=weight, ignore_index=ignore_index, axis=axis)
    softmax = softmax_of(elements)

    def answer(assignment: NDArray[np.int64]) -> Answer:
        harmony = harmonize(assignment, elements.valid, regions.count, normalize)
        losses = softmax.losses.times(harmony).times(elements.weight)
        return elements.reduce(losses, reduction=reduction, denominator=denominator, cotangent=cotangent)

    nearest = answer(regions.index(softmax.p_rest))
    others = assignments(softmax, elements, regions, unit_roundoff)
    if others is None:
        return replace(nearest, decided=False)
    return replace(nearest, alternatives=tuple(answer(other) for other in others))


def harmonize(
    assignment: NDArray[np.int64], valid: NDArray[np.bool_], regions: int, normalize: str = "occupied"
) -> Array:
    """b_i = N / (R_j m) for each element, from the regions of the valid ones; 0 for the ignored."""
    population = np.bincount(assignment[valid], minlength=regions)
    divisor = np.count_nonzero(population) if normalize == "occupied" else regions
    shares = population[assignment] * divisor
    return np.where(valid, valid.sum() / np.maximum(shares, 1), 0.0)


def edge_slack(softmax: Softmax, unit_roundoff: float) -> Array:
    """How far a sound implementation's g may stray: the errors of p, of 1 - p, and of the width's own rounding."""
    # where p is 0 the scale is infinite, and g is 1 for sure
    value_scale = np.where(softmax.p_label > 0, softmax.losses.value_scale, 0.0)
    drift = softmax.p_label * value_scale
    return np.asarray(BUDGET * unit_roundoff * (drift + 2.0 * softmax.p_rest))


def assignments(
    softmax: Softmax, elements: Elements, regions: Regions, unit_roundoff: float
) -> list[NDArray[np.int64]] | None:
    """Every assignment of elements to regions but the nearest that rounding allows; None where they are too many."""
    nearest = regions.index(softmax.p_rest)
    slack = edge_slack(softmax, unit_roundoff)
    low = regions.index(softmax.p_rest - slack)
    high = regions.index(np.minimum(softmax.p_rest + slack, 1.0))
    doubtful = np.flatnonzero(elements.valid & (low != high))
    if len(doubtful) == 0:
        return []
    choices = [range(low[i], high[i] + 1) for i in doubtful]
    if math.prod(len(choice) for choice in choices) > MAX_ASSIGNMENTS:
        return None
    found = []
    for picked in itertools.product(*choices):
        other = nearest.copy()
        other[doubtful] = picked
        if (other != nearest).any():
            found.append(other)
    return found
