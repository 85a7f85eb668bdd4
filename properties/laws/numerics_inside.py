"""Laws of what stands inside a loss and shows in high precision: a cast to float32, a number added to a denominator.

A layer that has one is found to have it before the other laws run; these allow for what was found.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from properties.judging.context import Case
from properties.judging.finding import Finding, OutsideDomain
from properties.judging.law import law
from properties.judging.tolerance import judge
from properties.laws.conventions import may_ignore, sum_of
from properties.problems.dimensions import FORMULA_LOGITS
from properties.problems.domain import outside, within
from properties.problems.precision import Array
from properties.problems.problem import Problem
from reference import BUDGET, UNIT_ROUNDOFF

FULL = 16_384
"""As many elements as have to be ignored for a number to show that is added to the share of the valid ones."""

FEW, PART = 10, 3
"""The most classes of a batch with so many elements; which part of the examples has one."""

MOST = 1e-2
"""The largest number that counts as one that is added to a denominator to keep it from 0."""


@law(
    "numerics/precision-inside",
    level="numerics",
    precondition={"dtype": within("float64"), "logits": within(*FORMULA_LOGITS)},
    needs=("oracle",),
    most=60,
    rests_on="what is computed in float64 errs by a few 2^-53, what is cast to float32 on the way by a few 2^-24",
)
def precision_inside(case: Case) -> Iterator[Finding]:
    """In float64 a loss is more exact than in float32: nothing in it is cast to less."""
    problem, observed, answer = case.problem, case.observe(), case.answer()
    for finding in case.matches():
        if judge(observed, answer, "float32").holds and finding.expected is not None and finding.got is not None:
            size = deviation(finding.got, finding.expected)
            if size < SHOWS:
                continue
            words = f"In float64 the {finding.quantity} is no more exact than in float32: off by {size:.2g} of itself"
            message = f"{words}, where 2^-24 is 6e-08. Something is cast to float32 on the way."
            yield Finding(message, (problem,), finding.quantity, finding.expected, finding.got)


SHOWS = 2.0**-28
"""The least deviation that is taken for a rounding to float32, relative to the largest number."""


def deviation(got: Array, expected: Array) -> float:
    """The largest difference of numbers, relative to the largest of them."""
    size = float(np.abs(expected).max(initial=0.0))
    return float(np.abs(got - expected).max(initial=0.0)) / size if size else 0.0


@law(
    "numerics/epsilon",
    level="numerics",
    precondition={
        "reduction": within("mean"),
        "size": outside("empty"),
        "rank": outside(1),
        "classes": lambda classes: classes <= FEW,
        "dtype": within("float64", "float32"),
        "logits": within("lattice", "normal"),
    },
    most=12,
    rests_on="mean = sum / D, and not sum / (D + e): twice the elements halve what e takes away, e n / N grows with n",
)
def epsilon(case: Case) -> Iterator[Finding]:
    """Nothing is added to a denominator: it is the whole of what the sum is divided by."""
    problem = case.problem
    found = _added(case, problem)
    # a crowd takes long: a part of the examples is enough
    if found is None and may_ignore(problem) and problem.valid.any() and problem.salt % PART == 0:
        found = _added_to_share(case, problem)
    if found is not None:
        yield found


def excess(case: Case, problem: Problem) -> tuple[float, float] | None:
    """How much more than the denominator divides the sum, and how well that is known; None where nobody can tell."""
    divisor = case.contract.divisor(problem)
    total = sum_of(case, problem)
    observed = case.observe(problem)
    mean = float(observed.value) if observed.value.shape == () else np.nan
    if not total or not divisor or not np.isfinite(total) or not mean or not np.isfinite(mean):
        return None
    scale = float(case.error_scale("value", problem, observed).max(initial=0.0))
    noise = 2.0 * BUDGET * UNIT_ROUNDOFF[problem.dtype] * max(scale / abs(mean), 1.0) * divisor
    return total / mean - divisor, noise


def _added(case: Case, problem: Problem) -> Finding | None:
    """A number that is the same for a batch and for the batch twice over."""
    once = excess(case, problem)
    if once is None or not once[1] < once[0] <= MOST * case.contract.divisor(problem):
        return None
    try:
        twice = excess(case, problem.take(np.tile(np.arange(problem.size), 2)))
    except OutsideDomain:
        return None
    if twice is None or abs(once[0] - twice[0]) > once[1] + twice[1]:
        return None
    return _finding(case, problem, once[0], "")


def _added_to_share(case: Case, problem: Problem) -> Finding | None:
    """A number that shows where nearly all elements are ignored, since it is added to the share of the others."""
    single, crowd = crowded(problem)
    try:
        for asked in (single, crowd):
            case.require(asked)
        found = excess(case, crowd)
    except OutsideDomain:
        return None
    divisor = case.contract.divisor(crowd)
    if found is None or not found[1] < found[0] <= MOST * divisor:
        return None
    # a share is rounded to float32 by 2^-24 of itself, whatever stands beside it
    if found[0] <= BUDGET * UNIT_ROUNDOFF["float32"] * divisor:
        return None
    alone = excess(case, single)
    if alone is not None and alone[0] > found[0] / 2.0:
        # it does not grow with the number of elements
        return None
    return _finding(case, crowd, found[0] / crowd.size, " times the number of all elements")


def crowded(problem: Problem) -> tuple[Problem, Problem]:
    """One valid element of a problem, and the same among very many ignored ones."""
    single = problem.take(np.flatnonzero(problem.valid.reshape(-1))[:1])
    many = single.take(np.zeros(FULL, dtype=np.int64))
    return single, many.ignoring(np.arange(FULL) > 0)


def _finding(case: Case, problem: Problem, added: float, to: str) -> Finding:
    divisor, value = case.contract.divisor(problem), case.observe(problem).value
    message = f"{added:.2g}{to} is added to what the mean divides by ({divisor:g})."
    expected = value * (1.0 + added * (problem.size if to else 1.0) / divisor)
    return Finding(message, (problem,), "value", np.asarray(expected), value)
