"""Laws of the denominator: a normalizer that the caller gives takes its place.

They rest on the mean being a sum over a number; over the same number, the means of the parts add up to the whole's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from properties.judging.context import Case
from properties.judging.finding import Finding
from properties.judging.law import law
from properties.laws.ignore import nothing
from properties.problems.domain import outside, within

NORMALIZERS = (1.0, 2.5, 7.0, 0.125, 1000.0)


@law(
    "denominator/normalizer",
    precondition={"reduction": within("mean")},
    needs=("normalizer", "reduction", "reduction=sum"),
    rests_on="L = sum_i o_i l_i / n for a normalizer n",
)
def normalizer(case: Case) -> Iterator[Finding]:
    """A mean with a normalizer is the sum over that number."""
    problem = case.problem
    divisor = NORMALIZERS[problem.salt % len(NORMALIZERS)]
    given = problem.replace(normalizer=divisor)
    yield from case.agree(
        given,
        problem.replace(reduction="sum"),
        f"With the normalizer {divisor:g} the mean is not the sum over {divisor:g}.",
        value=lambda v: v / divisor,
        gradient=lambda g: g / divisor,
    )


@law(
    "denominator/zero-normalizer",
    precondition={"reduction": within("mean")},
    needs=("normalizer",),
    rests_on="a loss over 0 is defined as 0: n = 0 gives L = 0, dL/dz = 0",
)
def zero_normalizer(case: Case) -> Iterator[Finding]:
    """A normalizer of 0 gives loss 0 and gradient 0."""
    yield from nothing(case.on(case.problem.replace(normalizer=0.0)), "With the normalizer 0 the loss is not 0.")


@law(
    "denominator/parts-add-up",
    precondition={"reduction": within("mean"), "rank": outside(1), "size": outside("empty", "one")},
    needs=("normalizer", "additive"),
    rests_on="sum over A / D + sum over B / D = sum over A and B / D, with D of the whole batch",
)
def parts_add_up(case: Case) -> Iterator[Finding]:
    """The losses of the parts of a batch, each over the whole's denominator, add up to the whole's."""
    divisor = case.contract.divisor(case.problem)
    if divisor == 0.0:
        return
    message = f"Two parts of a batch, each over the whole's denominator ({divisor:g}), do not add up to the whole."
    yield from parts_agree(case, {"normalizer": divisor}, message)


def parts_agree(case: Case, given: Mapping[str, Any], message: str) -> Iterator[Finding]:
    """The losses and gradients of two parts of a batch, each asked with ``given``, make those of the whole."""
    problem = case.problem
    if problem.size < 2:
        return
    first = problem.rng().permutation(problem.size) < (problem.size + 1) // 2
    whole = case.observe()
    value, rows = 0.0, np.zeros_like(problem.rows)
    # the whole errs by its own rounding, and so does each part
    value_scale = case.error_scale("value", problem, whole)
    slope_scale = problem.flatten(case.error_scale("gradient", problem, whole)).copy()
    for mask in (first, ~first):
        part = problem.take(mask).replace(**given)
        observed = case.observe(part)
        if observed.gradient is None or whole.gradient is None:
            return
        value += float(observed.value.sum())
        rows[mask] = part.flatten(observed.gradient)
        value_scale = value_scale + case.error_scale("value", part, observed).sum()
        slope_scale[mask] += part.flatten(case.error_scale("gradient", part, observed))
    for quantity, got, expected, scale in (
        ("value", np.asarray(value), whole.value, value_scale),
        ("gradient", problem.unflatten(rows), whole.gradient, problem.unflatten(slope_scale)),
    ):
        yield from case.same(problem, got, np.asarray(expected), f"sum of the parts' {quantity}s", message, scale)
