"""Contract of GHM-C as published, over a sigmoid, the harmonising weights detached."""

from __future__ import annotations

from typing import Any

import numpy as np

from properties.contracts import _entrywise as entries
from properties.contracts._gradient_density import (
    BAD_BINS,
    BINS,
    NORMALIZE,
    crosses_an_edge,
    density_weights,
    in_words,
    logits_at_edges,
    one_region_is,
)
from properties.departures import density_parts, of_entries
from properties.departures.entry_parts import entry_parts
from properties.departures.of_broadcast import OF_BROADCAST
from properties.departures.of_density import OF_DENSITY
from properties.departures.of_labels import OF_TARGETS
from properties.departures.of_rows import OF_ROWS
from properties.judging.assumptions import reading
from properties.judging.contract import Contract
from properties.judging.kernel_formula import KernelFormula, KernelLosses
from properties.laws.aggregate_density import density_laws
from properties.laws.ignore import ignored_ids
from properties.laws.limits import entry_cross_entropy_of, ids_are_one_hot, limit
from properties.laws.modes_running_average import BAD_MOMENTUM, EMA, MOMENTUM, moving_average
from properties.laws.sigmoid import symmetry
from properties.laws.weights import entry_weights
from properties.problems.dimensions import DENOMINATOR, LABEL_WEIGHT
from properties.problems.precision import Array
from properties.problems.problem import Problem
from reference import sigmoid_ghm
from reference.entries import signed_distance

ONE_REGION = limit(
    "one-region-is-binary-cross-entropy",
    "With a single region the loss is the binary cross entropy of every entry.",
    {"bins": (1, 1.0)},
    entry_cross_entropy_of,
    needs=("bins",),
    rests_on="M = 1: R_1 = N and m = 1, so b_i = N / (R_1 m) = 1",
)


def norms(problem: Problem) -> Array:
    """Gradient norms |sigmoid(x) - t| of the valid entries."""
    valid = problem.valid
    return np.abs(signed_distance(problem.logits[valid], problem.labels[valid]))


def harmonized(of: KernelLosses) -> Any:
    """Binary cross entropy times its density weight."""
    numbers, sigmoid = of.operations.numbers, of.operations.sigmoid
    return of.losses * density_weights(of, np.abs(numbers(sigmoid(of.logits)) - numbers(of.targets)))


ARGUMENTS = (BINS, NORMALIZE, MOMENTUM, EMA, DENOMINATOR)

CONTRACT = Contract(
    name="sigmoid_ghm",
    sentence="GHM-C over a sigmoid: binary cross entropy times N / (R m), with no gradient through the weights.",
    promises=(*entries.PROMISES, "repetition"),
    oracle=sigmoid_ghm,
    arguments=ARGUMENTS,
    common=(*entries.common(("binary", "binary", "probability")), LABEL_WEIGHT),
    call_arguments=("label_weight", "normalizer"),
    gradient="detached",
    kernel_formula=KernelFormula(harmonized),
    bases=(entry_cross_entropy_of,),
    departures=(*OF_DENSITY, *of_entries.OF_ENTRIES, *OF_TARGETS, *OF_ROWS, *OF_BROADCAST),
    parts=entry_parts(density_parts.harmonized_entries),
    inside=of_entries.INSIDE | density_parts.INSIDE,
    own=(
        ONE_REGION,
        ids_are_one_hot,
        entry_weights,
        ignored_ids,
        symmetry(),
        *density_laws(entry_cross_entropy_of, {}),
        moving_average(norms),
    ),
    without=entries.WITHOUT,
    precise=True,
    hard_logits=logits_at_edges,
    jumps=crosses_an_edge(norms),
    essential=(("bins",),),
    reads=reading("sigmoid GHM", {"bins": in_words}, one_region_is("binary cross entropy"), ARGUMENTS),
    bad_arguments={
        "bins": BAD_BINS,
        "normalize": ("all",),
        "momentum": BAD_MOMENTUM,
        "ema": ("none",),
        "denominator": ("batch",),
    },
)
