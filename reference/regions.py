"""Unit regions of the gradient norm, the density weights of GHM, and every way to count what lies on an edge."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from reference.answer import Answer, Array
from reference.elements import Elements, Losses, check_choice
from reference.moving import MovingPopulation

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


def harmonized(
    elements: Elements,
    losses: Losses,
    norm: Array,
    slack: Array,
    *,
    bins: int | float,
    normalize: str,
    momentum: float = 0.0,
    ema: str = "corrected",
    history: MovingPopulation | None = None,
) -> Answer:
    """Weigh losses by the inverse density of their gradient norms, and reduce them.

    Each number of ``norm`` is known up to ``slack``: an element that may lie on either side of an edge is counted on
    both. Up to 256 such assignments are alternatives, more leave the answer undecided. With momentum the density is a
    running average; ``history`` is that of the batches before, with a momentum and an ema of its own.
    """
    regions, valid = Regions.of(bins), elements.valid
    check_choice("normalize", normalize, NORMALIZERS)
    before = MovingPopulation.start(momentum, ema, regions.count) if history is None else history

    def answer(assignment: NDArray[np.int64]) -> Answer:
        return elements.reduce(losses.times(harmonize(assignment, valid, regions.count, normalize, before)))

    nearest = regions.index(norm)
    found = answer(nearest)
    low, high = regions.index(norm - slack), regions.index(np.minimum(norm + slack, 1.0))
    others = assignments(nearest, low, high, valid)
    if others is None:
        return replace(found, decided=False)
    return replace(found, alternatives=tuple(answer(other) for other in others))


def harmonize(
    assignment: NDArray[np.int64],
    valid: NDArray[np.bool_],
    regions: int,
    normalize: str = "occupied",
    before: MovingPopulation | None = None,
) -> Array:
    """b_i = N / (R_j m) for each element, from the regions of the valid ones; 0 for the ignored.

    With momentum, b_i = N / (S_j m), where this batch has joined what was seen ``before`` if that is in training.
    """
    population = np.bincount(assignment[valid], minlength=regions).astype(np.float64)
    if before is None or before.momentum == 0.0:
        divisor = np.count_nonzero(population) if normalize == "occupied" else regions
        shares = population * divisor
    else:
        shares = before.after(population).shares(population, normalize)
    return np.where(valid, valid.sum() / np.where(shares > 0, shares, 1.0)[assignment], 0.0)


def assignments(
    nearest: NDArray[np.int64], low: NDArray[np.int64], high: NDArray[np.int64], valid: NDArray[np.bool_]
) -> list[NDArray[np.int64]] | None:
    """Every assignment of elements to regions in [low, high] but the nearest; None where they are too many."""
    doubtful = np.flatnonzero(valid & (low != high))
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
