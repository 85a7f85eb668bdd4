"""What contracts share whose losses weigh an element by the density of its gradient norm."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from properties.judging.kernel_formula import KernelLosses
from properties.laws.aggregate_density import bins_gate, is_uneven
from properties.problems.domain import Choice, Dimension, outside
from properties.problems.precision import Array
from properties.problems.problem import Problem
from reference.regions import Regions, harmonize

BESIDE = (0.0, 1e-6, -1e-6, 1e-5, -1e-5, 1e-4, -1e-4, 1e-3, -1e-3, 1e-2, -1e-2)
"""How far from an edge a gradient norm is drawn: exactly on it, and on either side, where the side is certain."""


def norms_at_edges(config: Mapping[str, Any]) -> list[float]:
    """Gradient norms on an edge of a region or next to it."""
    regions = Regions.of(config["bins"])
    found = [edge * regions.width + beside for beside in BESIDE for edge in range(1, min(regions.count, 12))]
    return [norm for norm in found if 0.0 < norm < 1.0]


def logits_at_edges(config: Mapping[str, Any], classes: int) -> list[float]:
    """Label logits, beside zeros, whose gradient norm 1 - p lies on an edge of a region or next to it."""
    if classes == 1:
        return [0.0]
    # 1 - p = (C - 1) / (C - 1 + e^z)
    return [0.0, *(math.log((classes - 1) * (1.0 - norm) / norm) for norm in norms_at_edges(config))]


def crosses_an_edge(norms_of: Callable[[Problem], Array]) -> Callable[[Problem, Problem], bool]:
    """Whether an element lies in different regions of two problems, or too near an edge to tell."""

    def crosses(ahead: Problem, behind: Problem) -> bool:
        regions = Regions.of(ahead.config["bins"])
        norms = [norms_of(problem) for problem in (ahead, behind)]
        found = [regions.index(norm + slack) for norm in norms for slack in (1e-9, -1e-9)]
        return any((other != found[0]).any() for other in found[1:])

    return crosses


def _is_bins(value: Any) -> bool:
    try:
        Regions.of(value)
    except (ValueError, TypeError):
        return False
    return True


def _is_width_below_one(value: Any) -> bool:
    return isinstance(value, float) and 0.0 < value < 1.0


BINS = Dimension(
    "bins",
    (10, 1, 2, 4, 0.5, 1.0, 0.3, 3, 0.1, 0.25, 50, 0.7),
    bins_gate,
    _is_bins,
    "ints >= 1 or widths in (0, 1]",
    absent=10,
    # of a single region nobody can tell whether it was counted or measured
    readings={"count": lambda v: isinstance(v, int) and v > 1, "width": lambda v: isinstance(v, float) and v < 1.0},
    always_shown=True,
    # of a single region nobody can tell how its weight came about
    plain=outside(1, 1.0),
    # a layer may be wrong in the narrower last region alone
    feature=lambda v: "regions of uneven width" if _is_width_below_one(v) and is_uneven(v) else "",
)


def in_words(bins: Any) -> str:
    """How many regions there are, or how wide."""
    count = Regions.of(bins).count
    if count == 1:
        return "one region"
    return f"{count} regions" if isinstance(bins, int) else f"regions of width {bins}"


def one_region_is(loss: str) -> Callable[[Mapping[str, Any]], str]:
    """The name of the loss that is left where all elements lie in one region."""

    def named(values: Mapping[str, Any]) -> str:
        if "bins" not in values or Regions.of(values["bins"]).count > 1 or values.get("momentum", 0) > 0:
            # the average of several batches is not the number of elements of this one
            return ""
        return loss if "momentum" in values else f"{loss} where there is no momentum"

    return named


def density_weights(of: KernelLosses, norms: Array) -> Any:
    """The weight of each element by its gradient norm, as a constant; ``norms`` have the shape of the losses."""
    regions = Regions.of(of.arguments["bins"])
    counted = of.operations.numbers(of.valid).reshape(-1) > 0
    places = regions.index(np.clip(norms, 0.0, 1.0).reshape(-1))
    shares = harmonize(places, counted, regions.count, of.arguments["normalize"])
    return of.operations.constant(shares.reshape(norms.shape), of.valid)


NORMALIZE = Dimension(
    "normalize",
    ("occupied", "occupied", "paper"),
    absent="occupied",
    tacit=True,
    choice=Choice(
        "which regions count",
        "the weights are shared out {}",
        {"occupied": "over the number of occupied regions", "paper": "over the number of all regions"},
        "occupied and all of them differ",
        "the weights are shared out over neither the occupied regions nor all",
    ),
)
BAD_BINS = (0, -1, 1.5, 0.0, -0.1, float("nan"), "ten", True)
