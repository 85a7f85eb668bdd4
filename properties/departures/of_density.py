"""Departures of density weights: the regions, who is counted in them, and by what they are shared out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from properties.departures.departure import Departure, Settings, with_ignored
from properties.problems.problem import Problem
from reference.regions import Regions

NEEDS = ("bins",)


def _wider(drift: float) -> Settings:
    return {"width": lambda width: width + drift}


def _counted(outside: float) -> Callable[[], Settings]:
    return lambda: {"counted": "elements", "outside": outside}


def _truncated(bins: int | float) -> int:
    """int(1 / width) regions."""
    return int(1 / bins) if isinstance(bins, float) else int(bins)


def _all(problem: Problem) -> float:
    return float(problem.size)


OF_DENSITY = (
    Departure(
        "ignored-in-histogram",
        "Ignored elements enter the histogram, with gradient norm 1.",
        _counted(1.0),
        needs=(*NEEDS, "ignore_index"),
        harm=10,
        applies=with_ignored,
    ),
    Departure(
        "ignored-in-histogram-at-zero",
        "Ignored elements enter the histogram, with gradient norm 0.",
        _counted(0.0),
        needs=(*NEEDS, "ignore_index"),
        harm=10,
        applies=with_ignored,
    ),
    Departure(
        "ignored-in-total",
        "The number that is shared out counts ignored elements too.",
        lambda: {"total": _all},
        needs=NEEDS,
        harm=10,
        applies=with_ignored,
    ),
    Departure(
        "regions-wider",
        "Regions are {drift} wider than they say.",
        _wider,
        {"drift": (1e-4, 1e-6, 1e-3, 1e-5, 1e-8, 1e-2, -1e-4)},
        needs=NEEDS,
        harm=35,
    ),
    Departure(
        "regions-truncated",
        "There are int(1 / width) regions: the last one takes what is beyond.",
        lambda: {"regions": _truncated},
        needs=NEEDS,
        harm=35,
    ),
    Departure(
        "region-out-of-range",
        "There are int(1 / width) regions, and an element beyond the last one raises.",
        lambda: {"regions": _truncated, "beyond": "raises"},
        needs=NEEDS,
        harm=26,
    ),
    Departure(
        "one-region-more",
        "There is one region more than asked for.",
        lambda: {"width": lambda w: 1.0 / (round(1.0 / w) + 1), "regions": lambda bins: Regions.of(bins).count + 1},
        needs=NEEDS,
        harm=12,
    ),
    Departure(
        "one-region-less",
        "There is one region less than asked for.",
        lambda: {
            "width": lambda w: 1.0 / max(round(1.0 / w) - 1, 1),
            "regions": lambda bins: max(Regions.of(bins).count - 1, 1),
        },
        needs=NEEDS,
        harm=12,
    ),
    Departure(
        "last-region-open",
        "The last region is open: what has a gradient norm of 1 has no weight.",
        lambda: {"last": "open"},
        needs=NEEDS,
        harm=35,
    ),
    Departure(
        "shared-by-all-regions",
        "The weights are shared out over the number of all regions.",
        lambda: {"shared": "paper"},
        needs=NEEDS,
        harm=12,
    ),
    Departure(
        "shared-by-occupied-regions",
        "The weights are shared out over the number of occupied regions.",
        lambda: {"shared": "occupied"},
        needs=NEEDS,
        harm=12,
    ),
    Departure(
        "shared-by-none",
        "The weights are not shared out over the regions.",
        lambda: {"shared": "none"},
        needs=NEEDS,
        harm=12,
    ),
    Departure(
        "density-not-scaled",
        "The weights are 1 / R, not N / R.",
        lambda: {"total": lambda problem: 1.0},
        needs=NEEDS,
        harm=12,
    ),
    Departure(
        "density-of-images", "Each image has a histogram of its own.", lambda: {"images": True}, needs=NEEDS, harm=12
    ),
    Departure(
        "bins-unread",
        "bins is not read: there are 10 regions.",
        lambda: {"width": lambda w: 0.1, "regions": lambda bins: 10},
        needs=NEEDS,
        harm=12,
    ),
    Departure(
        "bins-of-thirty",
        "bins is not read: there are 30 regions.",
        lambda: {"width": lambda w: 1.0 / 30, "regions": lambda bins: 30},
        needs=NEEDS,
        harm=12,
    ),
    Departure(
        "no-regions",
        "There are no regions: every element weighs 1.",
        lambda: {"width": lambda w: 1.0, "regions": lambda bins: 1, "shared": "occupied"},
        needs=NEEDS,
        harm=12,
    ),
)

MU = (
    Departure(
        "mu-unread",
        "mu is not read: it is {mu}.",
        lambda mu: {"mu": lambda given: mu},
        {"mu": (0.02, 0.1, 1.0)},
        needs=("mu",),
        harm=8,
    ),
    Departure(
        "mu-squared", "mu is squared once more.", lambda: {"mu": lambda given: given * given}, needs=("mu",), harm=8
    ),
    Departure(
        "mu-rooted",
        "mu stands where mu squared should.",
        lambda: {"mu": lambda given: float(np.sqrt(given))},
        needs=("mu",),
        harm=8,
    ),
)
