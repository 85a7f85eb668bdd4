"""Departures of density weights: the regions, who is counted in them, and by what they are shared out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from properties.departures.density_parts import NEAR, Norms
from properties.departures.departure import Departure, Settings, with_ignored
from properties.problems.precision import Array
from properties.problems.problem import Problem
from reference.regions import Regions

NEEDS = ("bins",)


def _wider(drift: float) -> Settings:
    return {"width": lambda width: width + drift}


def _counted(outside: float | None) -> Callable[[], Settings]:
    return lambda: {"counted": "elements", "outside": outside}


def _truncated(bins: int | float) -> int:
    """int(1 / width) regions."""
    return int(1 / bins) if isinstance(bins, float) else int(bins)


def _all(problem: Problem) -> float:
    return float(problem.size)


def _uneven_or_width(problem: Problem) -> bool:
    return isinstance(problem.config.get("bins"), float)


def _averaged(problem: Problem) -> bool:
    return bool(problem.config.get("momentum"))


def _many_regions(problem: Problem) -> bool:
    return Regions.of(problem.config["bins"]).count > 1


def _has_norm_of_one(problem: Problem) -> bool:
    """Whether a gradient norm may come out as 1: none does near a logit of 0."""
    return problem.targets == "real" or bool((np.abs(problem.logits) > 15.0).any() | ~np.isfinite(problem.logits).all())


def _mistaken(change: Callable[[Norms], Array]) -> Callable[[], Settings]:
    return lambda: {"norm": lambda norms, regions: norms.instead(change(norms))}


def _nearest_edge() -> Settings:
    def change(norms: Norms, regions: Regions) -> Norms:
        steps = norms.norm * regions.count + 0.5
        doubtful = np.abs(steps - np.round(steps)) <= NEAR * regions.count
        return norms.instead(np.floor(steps) / regions.count, doubtful)

    return {"norm": change}


OF_DENSITY = (
    Departure(
        "ignored-in-histogram",
        "Ignored elements enter the histogram, with gradient norm 1.",
        _counted(1.0),
        needs=NEEDS,
        harm=10,
        applies=with_ignored,
    ),
    Departure(
        "ignored-in-histogram-at-zero",
        "Ignored elements enter the histogram, with gradient norm 0.",
        _counted(0.0),
        needs=NEEDS,
        harm=10,
        applies=with_ignored,
    ),
    Departure(
        "ignored-in-histogram-as-zeros",
        "Ignored elements enter the histogram, as if their logits and labels were 0.",
        lambda: {"counted": "elements", "outside": None},
        needs=NEEDS,
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
        applies=_many_regions,
    ),
    Departure(
        "regions-truncated",
        "There are int(1 / width) regions: the last one takes what is beyond.",
        lambda: {"regions": _truncated},
        needs=NEEDS,
        harm=35,
        applies=_uneven_or_width,
    ),
    Departure(
        "region-out-of-range",
        "There are int(1 / width) regions, and an element beyond the last one raises.",
        lambda: {"regions": _truncated, "beyond": "raises"},
        needs=NEEDS,
        harm=26,
        applies=_uneven_or_width,
    ),
    Departure(
        "one-region-more",
        "There is one region more than asked for.",
        lambda: {"width": lambda w: 1.0 / (round(1.0 / w) + 1), "regions": lambda bins: Regions.of(bins).count + 1},
        needs=NEEDS,
        harm=12,
    ),
    Departure(
        "one-region-more-for-a-width",
        "For a width w there are int(1 / w) + 1 regions.",
        lambda: {
            "width": lambda w: 1.0 / (int(1.0 / w) + 1),
            "regions": lambda bins: int(1.0 / bins) + 1 if isinstance(bins, float) else int(bins),
        },
        needs=NEEDS,
        harm=12,
        applies=_uneven_or_width,
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
        applies=_has_norm_of_one,
    ),
    Departure(
        "last-region-open-and-not-counted",
        "The last region is open: what has a gradient norm of 1 has no weight, and is not in N.",
        lambda: {"last": "absent"},
        needs=NEEDS,
        harm=35,
        applies=_has_norm_of_one,
    ),
    Departure(
        "last-region-weightless",
        "What has a gradient norm of 1 is counted in the last region and has no weight.",
        lambda: {"last": "weightless"},
        needs=NEEDS,
        harm=35,
        applies=_has_norm_of_one,
    ),
    Departure(
        "shared-by-all-regions",
        "The weights are shared out over the number of all regions.",
        lambda: {"shared": "paper"},
        needs=NEEDS,
        harm=12,
        applies=_many_regions,
    ),
    Departure(
        "shared-by-occupied-regions",
        "The weights are shared out over the number of occupied regions.",
        lambda: {"shared": "occupied"},
        needs=NEEDS,
        harm=12,
        applies=_many_regions,
    ),
    Departure(
        "shared-by-none",
        "The weights are not shared out over the regions.",
        lambda: {"shared": "none"},
        needs=NEEDS,
        harm=12,
        applies=_many_regions,
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
        applies=_many_regions,
    ),
    Departure(
        "epsilon-in-population",
        "{epsilon} is added to the population of a region.",
        lambda epsilon: {"more": epsilon},
        {"epsilon": (1e-6, 1e-8, 1e-5, 1e-10, 1e-4, 1e-3, 1.0)},
        needs=NEEDS,
        harm=55,
    ),
    Departure(
        "density-weight-limited",
        "A density weight is {limit} at most.",
        lambda limit: {"limit": limit},
        {"limit": (1.0, 2.0, 5.0, 10.0, 50.0)},
        needs=NEEDS,
        harm=12,
    ),
    Departure(
        "average-from-zero",
        "The running average of the populations starts at 0, and nothing makes up for that.",
        lambda: {"average": "uncorrected"},
        needs=(*NEEDS, "momentum"),
        harm=12,
        applies=_averaged,
    ),
    Departure(
        "average-unread",
        "Populations are those of the batch, whatever the momentum.",
        lambda: {"average": "corrected"},
        needs=(*NEEDS, "momentum"),
        harm=12,
        applies=_averaged,
    ),
    Departure(
        "density-has-a-gradient",
        "The density weights have a gradient by way of the gradient norms.",
        lambda: {"live": True},
        needs=NEEDS,
        harm=14,
    ),
    Departure(
        "norm-is-p",
        "The probability stands in the place of the gradient norm.",
        _mistaken(lambda norms: norms.p),
        needs=NEEDS,
        harm=10,
        applies=_many_regions,
    ),
    Departure(
        "norm-with-its-sign",
        "Gradient norms have a sign: what is below 0 falls into the first region.",
        _mistaken(lambda norms: norms.signed),
        needs=NEEDS,
        harm=10,
        applies=_many_regions,
    ),
    Departure(
        "norm-of-the-error",
        "The error itself, 1 at most, stands in the place of the gradient norm.",
        _mistaken(lambda norms: np.abs(norms.error)),
        needs=NEEDS,
        harm=10,
        applies=_many_regions,
    ),
    Departure(
        "norm-squared",
        "Gradient norms are squared.",
        _mistaken(lambda norms: norms.norm**2),
        needs=NEEDS,
        harm=10,
        applies=_many_regions,
    ),
    Departure(
        "norm-times-a-factor",
        "Gradient norms are {factor} times what they should be, and 1 at most.",
        lambda factor: {"norm": lambda norms, regions: norms.instead(factor * norms.norm)},
        {"factor": (float(np.sqrt(2.0)), 0.5, 2.0)},
        needs=NEEDS,
        harm=10,
        applies=_many_regions,
    ),
    Departure(
        "nearest-edge",
        "A gradient norm belongs to the edge of a region that it is nearest to.",
        _nearest_edge,
        needs=NEEDS,
        harm=20,
        applies=_many_regions,
    ),
)
