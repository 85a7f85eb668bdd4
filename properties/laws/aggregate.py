"""Laws of losses that look at the whole batch: how density weights share out, and where their regions lie."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from properties.case import Case
from properties.domain import within
from properties.law import Finding, Law
from properties.laws.limits import cross_entropy_of


def weights_sum_to_n(case: Case) -> Iterator[Finding]:
    """The harmonising weights b_i, read off as loss over cross entropy, sum to the number of valid elements."""
    problem = case.problem.replace(weight=None, reduction="none")
    observed = case.observe(problem)
    plain = cross_entropy_of(problem)
    valid = problem.valid
    if observed.value.shape != valid.shape or not valid.any():
        return
    ratios = observed.value[valid] / plain.value[valid]
    count = np.asarray(float(valid.sum()))
    # a ratio inherits the relative errors of both losses
    scale = np.sum(np.abs(ratios) * (2.0 + 2.0 * plain.value_scale[valid] / plain.value[valid])) + count
    message = "The weights of the elements do not sum to the number of valid ones."
    yield from case.same(problem, np.asarray(ratios.sum()), count, "sum of the weights", message, scale)


def edges(case: Case) -> Iterator[Finding]:
    """Regions begin where they should: gradient norms on and beside an edge fall on the right side."""
    yield from case.matches(message="Beside the edge of a region an element is counted on the wrong side.")


def uneven_width(case: Case) -> Iterator[Finding]:
    """A width that does not divide 1 leaves a narrower last region."""
    width = case.problem.config["bins"]
    regions = math.ceil(1.0 / width - 1e-9)
    yield from case.matches(message=f"With regions of width {width} there are {regions}, the last one narrower.")


def width_equals_count(case: Case) -> Iterator[Finding]:
    """bins=1/M and bins=M are the same regions."""
    problem = case.problem
    width = problem.config["bins"]
    counted = problem.configure(bins=round(1.0 / width))
    yield from case.agree(problem, counted, f"bins={width} is not bins={round(1.0 / width)}.")


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


DENSITY_LAWS = (
    Law(
        "aggregate/weights-sum-to-n",
        "The harmonising weights sum to the number of valid elements.",
        weights_sum_to_n,
        demand={"logits": within("lattice", "normal", "ties"), "classes": lambda c: c > 1, "reduction": within("none")},
        needs=("reduction",),
    ),
    Law(
        "aggregate/edges",
        "Regions begin where they should.",
        edges,
        demand={"logits": within("edges"), "classes": lambda c: c > 1, "bins": lambda b: b not in (1, 1.0)},
        needs=("oracle", "bins"),
    ),
    Law(
        "aggregate/uneven-width",
        "A width that does not divide 1 leaves a narrower last region.",
        uneven_width,
        demand={"bins": is_uneven},
        needs=("oracle", "bins"),
        gate=2,
    ),
    Law(
        "aggregate/width-equals-count",
        "A width of 1/M and a count of M are the same regions.",
        width_equals_count,
        demand={"bins": lambda b: is_width(b) and not is_uneven(b)},
        needs=("bins", "bins=count"),
        gate=2,
    ),
)
"""For losses that weigh an element by the density of its gradient norm; their contract has an argument ``bins``."""
