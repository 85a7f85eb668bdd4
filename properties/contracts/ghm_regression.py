"""Contract of GHM-R, the harmonising weights detached."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from properties.contracts import _entrywise as entries
from properties.contracts._gradient_density import (
    BAD_BINS,
    BINS,
    NORMALIZE,
    crosses_an_edge,
    in_words,
    norms_at_edges,
    one_region_is,
)
from properties.departures import density_parts
from properties.departures.of_broadcast import OF_BROADCAST
from properties.departures.of_density import OF_DENSITY
from properties.departures.of_rows import OF_ROWS
from properties.departures.of_smooth import OF_SMOOTH
from properties.judging.assumptions import reading
from properties.judging.contract import Contract
from properties.laws.aggregate_density import density_laws
from properties.laws.limits import limit, reduction_of
from properties.laws.modes_running_average import BAD_MOMENTUM, EMA, MOMENTUM, moving_average
from properties.problems.dimensions import DENOMINATOR, LABEL_WEIGHT
from properties.problems.domain import Dimension
from properties.problems.precision import Array
from properties.problems.problem import Problem
from reference import Answer, ghm_regression
from reference.entries import arrange_entries
from reference.ghm_regression import smooth_losses


def smooth_of(problem: Problem) -> Answer:
    """The oracle's authentic smooth L1 loss of every entry."""
    elements = arrange_entries(problem.logits, problem.labels, label_weight=problem.label_weight, probabilities=False)
    assert elements.targets is not None
    losses, _ = smooth_losses(elements.rows[:, 0] - elements.targets, problem.config["mu"])
    return elements.reduce(losses, **reduction_of(problem))


def norms(problem: Problem) -> Array:
    """Gradient norms |d| / sqrt(d^2 + mu^2) of the valid entries."""
    valid = problem.valid
    return smooth_losses((problem.logits - problem.labels)[valid], problem.config["mu"])[1]


def errors_at_edges(config: Mapping[str, Any], classes: int) -> list[float]:
    """Errors d whose gradient norm lies on an edge of a region or next to it."""
    return [0.0, *(float(config["mu"] * norm / np.sqrt(1.0 - norm * norm)) for norm in norms_at_edges(config))]


ONE_REGION = limit(
    "one-region-is-smooth-l1",
    "With a single region the loss is sqrt(d^2 + mu^2) - mu of every entry.",
    {"bins": (1, 1.0)},
    smooth_of,
    needs=("bins",),
    rests_on="M = 1: b_i = N / (R_1 m) = 1, which leaves sqrt(d^2 + mu^2) - mu",
)

ARGUMENTS = (
    Dimension(
        "mu",
        (0.02, 1.0, 0.5, 2.0),
        accepts=lambda v: isinstance(v, (int, float)) and 0.0 < v < float("inf"),
        expected="numbers > 0",
        absent=0.02,
        always_shown=True,
    ),
    BINS,
    NORMALIZE,
    MOMENTUM,
    EMA,
    DENOMINATOR,
)

CONTRACT = Contract(
    name="ghm_regression",
    sentence="GHM-R: sqrt(d^2 + mu^2) - mu times N / (R m), with no gradient through the weights.",
    promises=(*entries.PROMISES, "repetition"),
    oracle=ghm_regression,
    arguments=ARGUMENTS,
    common=(*entries.common(("real",), (None,)), LABEL_WEIGHT),
    call_arguments=("label_weight", "normalizer"),
    lacks=("weight", "ignore_index", "axis"),
    gradient="detached",
    bases=(smooth_of,),
    departures=(*OF_DENSITY, *OF_SMOOTH, *OF_ROWS, *OF_BROADCAST),
    parts=density_parts.regression_parts,
    inside=density_parts.INSIDE | {"mu", "smooth"},
    own=(ONE_REGION, *density_laws(smooth_of, {}), moving_average(norms)),
    without=entries.WITHOUT
    | {"ignore/matches-nothing", "ignore/sentinels", "ignore/none-is-all-valid", "refusals/label-out-of-range"},
    precise=True,
    hard_logits=errors_at_edges,
    jumps=crosses_an_edge(norms),
    essential=(("bins",),),
    reads=reading("GHM-R", {"bins": in_words}, one_region_is("the smooth L1 loss sqrt(d^2 + mu^2) - mu"), ARGUMENTS),
    bad_arguments={
        "mu": (0.0, -1.0, float("nan"), float("inf"), "small"),
        "bins": BAD_BINS,
        "normalize": ("all",),
        "momentum": BAD_MOMENTUM,
        "ema": ("none",),
        "denominator": ("batch",),
    },
)
