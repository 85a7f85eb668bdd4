"""Contract of GHM-C over a softmax, the harmonising weights detached."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from properties.contract import Contract
from properties.domain import Dimension
from properties.laws.aggregate import DENSITY_LAWS, bins_gate
from properties.laws.limits import cross_entropy_of, limit
from properties.problem import Problem
from reference import ghm
from reference.cross_entropy import softmax_of
from reference.elements import arrange
from reference.regions import Regions

BESIDE = (0.0, 1e-6, -1e-6, 1e-5, -1e-5, 1e-4, -1e-4, 1e-3, -1e-3, 1e-2, -1e-2)
"""How far from an edge a gradient norm is drawn: exactly on it, and on either side, where the side is certain."""

BINS = (10, 1, 2, 4, 0.5, 1.0, 0.3, 3, 0.1, 0.25, 50, 0.7)

ONE_REGION = limit(
    "one-region-is-cross-entropy",
    "With a single region the loss is cross entropy.",
    {"bins": (1, 1.0)},
    cross_entropy_of,
    needs=("bins",),
)


def logits_at_edges(config: Mapping[str, Any], classes: int) -> list[float]:
    """Label logits, beside zeros, whose gradient norm 1 - p lies on an edge of a region or next to it."""
    regions = Regions.of(config["bins"])
    if classes == 1:
        return [0.0]
    norms = [edge * regions.width + beside for beside in BESIDE for edge in range(1, min(regions.count, 12))]
    # 1 - p = (C - 1) / (C - 1 + e^z)
    found = [math.log((classes - 1) * (1.0 - g) / g) for g in norms if 0.0 < g < 1.0]
    return [0.0, *found]


def crosses_an_edge(ahead: Problem, behind: Problem) -> bool:
    """Whether an element lies in different regions of the two problems, or too near an edge to tell."""
    regions = Regions.of(ahead.config["bins"])
    found = []
    for problem, slack in ((ahead, 1e-9), (ahead, -1e-9), (behind, 1e-9), (behind, -1e-9)):
        elements = arrange(problem.logits, problem.labels, ignore_index=problem.ignore_index, axis=problem.axis)
        found.append(regions.index(softmax_of(elements).p_rest + slack)[elements.valid])
    return any((other != found[0]).any() for other in found[1:])


def _is_bins(value: Any) -> bool:
    try:
        Regions.of(value)
    except (ValueError, TypeError):
        return False
    return True


CONTRACT = Contract(
    name="ghm",
    sentence="GHM-C over a softmax: cross entropy times N / (R m), with no gradient through the weights.",
    promises=("oracle", "ignore", "weights", "shape", "softmax", "numerics", "conduct", "refusals", "weighted-mean"),
    oracle=ghm,
    arguments=(Dimension("bins", BINS, bins_gate, _is_bins, "ints >= 1 or widths in (0, 1]", absent=10),),
    own=(ONE_REGION, *DENSITY_LAWS),
    # a better logit may move an element into a sparser region, where it counts more
    without=frozenset({"softmax/monotone"}),
    precise=True,
    hard_logits=logits_at_edges,
    jumps=crosses_an_edge,
    bad_arguments={"bins": (0, -1, 1.5, 0.0, -0.1, float("nan"), "ten", True)},
)
