"""Contract of GHM-C over a softmax, the harmonising weights detached."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

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
from properties.departures import density_parts, softmax_parts
from properties.departures.of_density import OF_DENSITY
from properties.departures.of_labels import OF_LABELS
from properties.departures.of_places import OF_CLASSES_BY_PLACE
from properties.departures.of_slopes import OF_SLOPES
from properties.departures.of_softmax import OF_SOFTMAX
from properties.judging.assumptions import reading
from properties.judging.contract import OF_CLASSES, Contract
from properties.judging.kernel_formula import KernelFormula, KernelLosses
from properties.laws.aggregate_density import density_laws
from properties.laws.limits import by_both_logits, cross_entropy_of, limit, two_classes
from properties.laws.modes_running_average import BAD_MOMENTUM, EMA, MOMENTUM, moving_average
from properties.problems.dimensions import DENOMINATOR
from properties.problems.precision import Array
from properties.problems.problem import Problem
from reference import UNIT_ROUNDOFF, Answer, ghm, sigmoid_ghm
from reference.cross_entropy import softmax_of
from reference.elements import Losses, arrange

ONE_REGION = limit(
    "one-region-is-cross-entropy",
    "With a single region the loss is cross entropy.",
    {"bins": (1, 1.0)},
    cross_entropy_of,
    needs=("bins",),
    rests_on="M = 1: R_1 = N and m = 1, so b_i = N / (R_1 m) = 1",
    headline=True,
)


def norms(problem: Problem) -> Array:
    """Gradient norms 1 - p of the valid elements."""
    elements = arrange(problem.logits, problem.labels, ignore_index=problem.ignore_index, axis=problem.axis)
    return softmax_of(elements).p_rest[elements.valid]


def of_difference(problem: Problem) -> Answer:
    """GHM of two classes by GHM-C over the sigmoid of the label's logit less the other's, whose target is 1."""
    elements, difference = two_classes(problem)
    single = sigmoid_ghm(
        difference,
        np.ones(len(difference)),
        bins=problem.config["bins"],
        normalize=problem.config["normalize"],
        label_weight=elements.valid,
        reduction="none",
        unit_roundoff=UNIT_ROUNDOFF[problem.dtype],
    )

    def spread(answer: Answer) -> Answer:
        losses = Losses(answer.value, answer.gradient[:, None], answer.value_scale, answer.gradient_scale[:, None])
        return by_both_logits(losses, elements, problem)

    others = tuple(spread(answer) for answer in single.alternatives)
    return replace(spread(single), alternatives=others, decided=single.decided)


TWO_CLASSES = limit(
    "two-classes-is-sigmoid-ghm",
    "With two classes the loss is the sigmoid GHM-C of the difference of the logits.",
    {"classes": (2,)},
    of_difference,
    needs=("bins",),
    rests_on="C = 2: 1 - p_y = 1 - sigma(z_y - z_other): the same gradient norms, the same regions, the same b_i",
)

ROUNDING = 1e-7
"""How close to an edge of a region the side is a matter of rounding."""


def harmonized(of: KernelLosses) -> Any:
    """Cross entropy times its density weight; the gradient norm 1 - p is 1 - exp(-loss)."""
    return of.weighted * density_weights(of, -np.expm1(-of.operations.numbers(of.losses)))


def harmonized_below(of: KernelLosses) -> Any:
    """The same on the other side, where an edge of a region is met exactly: either is right."""
    return of.weighted * density_weights(of, -np.expm1(-of.operations.numbers(of.losses)) - ROUNDING)


ARGUMENTS = (BINS, NORMALIZE, MOMENTUM, EMA, DENOMINATOR)

CONTRACT = Contract(
    name="ghm",
    sentence="GHM-C over a softmax: cross entropy times N / (R m), with no gradient through the weights.",
    promises=(*OF_CLASSES, "repetition"),
    oracle=ghm,
    arguments=ARGUMENTS,
    gradient="detached",
    kernel_formula=KernelFormula(harmonized, (harmonized_below,)),
    bases=(cross_entropy_of,),
    departures=(*OF_DENSITY, *OF_SOFTMAX, *OF_SLOPES, *OF_CLASSES_BY_PLACE, *OF_LABELS),
    parts=softmax_parts.softmax_parts(density_parts.harmonized),
    inside=softmax_parts.INSIDE | density_parts.INSIDE,
    own=(ONE_REGION, TWO_CLASSES, *density_laws(cross_entropy_of, {"classes": lambda c: c > 1}), moving_average(norms)),
    # a better logit may move an element into a sparser region, where it counts more
    without=frozenset({"softmax/monotone"}),
    precise=True,
    hard_logits=logits_at_edges,
    jumps=crosses_an_edge(norms),
    essential=(("bins",),),
    reads=reading("GHM", {"bins": in_words}, one_region_is("cross entropy"), ARGUMENTS),
    bad_arguments={
        "bins": BAD_BINS,
        "normalize": ("all",),
        "momentum": BAD_MOMENTUM,
        "ema": ("none",),
        "denominator": ("batch",),
    },
)
