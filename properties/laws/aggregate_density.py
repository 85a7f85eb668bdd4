"""Laws of losses that weigh an element by the density of its gradient norm in the whole batch.

They rest on how these weights share out among the elements, and on where the regions of gradient norms lie.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from properties.judging.context import Case
from properties.judging.finding import Finding
from properties.judging.law import Law, law
from properties.judging.observation import Failure
from properties.problems.domain import Precondition, within
from properties.problems.precision import round_to
from properties.problems.problem import Problem
from reference import Answer

LEFT_OUT = "The last region is open: an element whose gradient norm is 1 is in no region."
MISPLACED = "An element whose gradient norm is 1 does not count in the last region as its other elements do."

GAPS = {"float64": (40.0, 50.0, 60.0), "float32": (20.0, 25.0, 30.0), "float16": (9.0, 10.0, 12.0)}
"""How far a logit lies on the wrong side: far enough that the gradient norm rounds to 1, below where kernels clip."""

DOUBLINGS = {"float64": (28, 30, 32), "float32": (14, 15, 16), "float16": (6, 6, 6)}
"""How often mu is doubled to give an error whose gradient norm rounds to 1."""

WHOLE = ("hard", "binary", "real")
"""Targets that a logit can be as wrong about as can be: to a probability between 0 and 1 no norm is 1."""


def is_width(bins: Any) -> bool:
    """Whether ``bins`` is a width."""
    return isinstance(bins, float)


def is_uneven(bins: Any) -> bool:
    """Whether ``bins`` is a width that does not divide 1."""
    return is_width(bins) and abs(1.0 / bins - round(1.0 / bins)) > 1e-9


def bins_gate(bins: Any) -> str | None:
    """The law that must hold before others draw such ``bins``."""
    if is_uneven(bins):
        return "aggregate/uneven-width"
    return "aggregate/width-equals-count" if is_width(bins) else None


def _weights_sum_to_n(case: Case, plain_of: Callable[[Problem], Answer]) -> Iterator[Finding]:
    """The harmonising weights b_i, read off as loss over plain loss, sum to the number of valid elements."""
    problem = case.problem.replace(weight=None, reduction="none")
    plain = plain_of(problem)
    valid = problem.valid
    if not valid.any() or not plain.value[valid].all():
        return
    observed = case.observe(problem)
    if observed.value.shape != valid.shape:
        return
    ratios = observed.value[valid] / plain.value[valid]
    count = np.asarray(float(valid.sum()))
    # a ratio inherits the relative errors of both losses
    scale = np.sum(np.abs(ratios) * (2.0 + 2.0 * plain.value_scale[valid] / plain.value[valid])) + count
    message = "The weights of the elements do not sum to the number of valid ones."
    yield from case.due(problem, np.asarray(ratios.sum()), count, "sum of the weights", message, scale)


def edges(case: Case) -> Iterator[Finding]:
    """Regions begin where they should: gradient norms on and beside an edge fall on the right side."""
    yield from case.matches(message="Beside the edge of a region an element is counted on the wrong side.")


def last_region(case: Case) -> Iterator[Finding]:
    """Elements whose gradient norm is 1 count in the last region: it is closed on the right."""
    problem, ones = _with_norms_of_one(case.problem)
    if not len(ones):
        return
    # the weight of an element shows in its loss; a kernel may be wrong about slopes elsewhere
    for finding in case.matches(problem, gradient=False):
        message = LEFT_OUT if _are_left_out(case, problem, ones) else MISPLACED
        yield replace(finding, message=message)


def _with_norms_of_one(problem: Problem) -> tuple[Problem, NDArray[np.int64]]:
    """The problem with every other valid element as wrong as can be, and which these are."""
    valid = np.flatnonzero(problem.valid.reshape(-1))
    ones = valid[problem.salt % 2 :: 2] if len(valid) > 1 else valid
    known = problem.dtype if problem.dtype in GAPS else "float16"
    rows, labels = problem.rows.copy(), problem.label_rows
    gap = GAPS[known][problem.salt % 3]
    if problem.targets == "real":
        rows[ones, 0] = labels[ones] + problem.config["mu"] * 2.0 ** DOUBLINGS[known][problem.salt % 3]
    elif problem.entrywise:
        rows[ones, 0] = np.where(labels[ones] > 0.5, -gap, gap)
    else:
        rows[ones, labels[ones]] = -np.inf
        rows[ones, labels[ones]] = rows[ones].max(axis=1) - gap
    return problem.with_rows(round_to(rows, problem.dtype)), ones


def _are_left_out(case: Case, problem: Problem, ones: NDArray[np.int64]) -> bool:
    """Whether the layer gives these elements no loss at all."""
    result = case.attempt(problem.replace(reduction="none", normalizer=None, cotangent=None))
    if isinstance(result, Failure) or result.value.shape != problem.shape:
        return False
    return not result.value.reshape(-1)[ones].any()


@law(
    "aggregate/uneven-width",
    declinable=True,
    precondition={"bins": is_uneven},
    needs=("oracle", "bins"),
    gate=3,
    rests_on="width e: M = ceil(1 / e) regions, region of g: min(floor(g / e), M - 1)",
    opt_in=True,
)
def uneven_width(case: Case) -> Iterator[Finding]:
    """A width that does not divide 1 leaves a narrower last region."""
    width = case.problem.config["bins"]
    regions = math.ceil(1.0 / width - 1e-9)
    yield from case.matches(message=f"With regions of width {width} there are {regions}, the last one narrower.")


@law(
    "aggregate/width-equals-count",
    declinable=True,
    precondition={"bins": lambda b: is_width(b) and not is_uneven(b)},
    # a norm on an edge may fall on either side of it: only an oracle knows that both are right
    needs=("oracle", "bins"),
    gate=3,
    rests_on="e = 1 / M: floor(g / e) = floor(M g)",
    opt_in=True,
)
def width_equals_count(case: Case) -> Iterator[Finding]:
    """A width of 1/M and a count of M are the same regions."""
    problem = case.problem
    width = problem.config["bins"]
    counted = problem.configure(bins=round(1.0 / width))
    yield from case.agree(problem, counted, f"bins={width} is not bins={round(1.0 / width)}.")


def density_laws(plain_of: Callable[[Problem], Answer], classes: Precondition) -> tuple[Law, ...]:
    """For losses that weigh an element by the density of its gradient norm; their contract has an argument ``bins``.

    ``plain_of`` answers without the weights; ``classes`` demands what the loss needs to have gradient norms at all.
    """

    def weights_sum_to_n(case: Case) -> Iterator[Finding]:
        yield from _weights_sum_to_n(case, plain_of)

    return (
        Law(
            "aggregate/weights-sum-to-n",
            "The harmonising weights sum to the number of valid elements.",
            weights_sum_to_n,
            precondition={
                "logits": within("lattice", "normal", "ties"),
                **classes,
                "reduction": within("none"),
                "normalize": within("occupied"),
            },
            needs=("reduction", "reference"),
            rests_on="sum_i b_i = sum_j R_j N / (R_j m) = N, over the m occupied regions",
        ),
        Law(
            "aggregate/edges",
            "Regions begin where they should.",
            edges,
            precondition={"logits": within("edges"), **classes, "bins": lambda b: b not in (1, 1.0)},
            needs=("oracle", "bins"),
            rests_on="region of g: min(floor(M g), M - 1): closed on the left, the last one on both sides",
        ),
        Law(
            "aggregate/last-region-is-closed",
            "An element whose gradient norm is 1 is in the last region.",
            last_region,
            precondition={"logits": within("lattice", "normal", "ties"), **classes, "targets": within(*WHOLE)},
            needs=("oracle", "bins"),
            rests_on="g in [0, 1], and region of g: min(floor(M g), M - 1), which is M - 1 for g = 1",
            names_fault=LEFT_OUT,
        ),
        uneven_width,
        width_equals_count,
    )
