"""More laws of shape: what elements owe to the others of their batch, and what a batch makes of its elements.

They rest on sums: each element has a loss of its own, or all counts double with the batch.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from properties.judging.context import Case
from properties.judging.finding import Finding
from properties.judging.law import law
from properties.laws.denominator import parts_agree
from properties.problems.domain import outside, within
from properties.problems.precision import Array
from properties.problems.problem import Problem

_SEVERAL = {"rank": outside(1), "size": outside("empty", "one")}


def _other_logits(problem: Problem, index: int) -> Problem:
    """The problem with other logits of one element, numbers that every dtype has."""
    rows = problem.rows.copy()
    rows[index] = -rows[index] if rows[index].any() else np.arange(1.0, problem.classes + 1.0)
    return problem.with_rows(rows)


@law(
    "shape/row-independence",
    precondition={"size": outside("empty", "one")},
    needs=("additive",),
    rests_on="dL/dz_j and l_j depend on z_j alone: L = sum_i o_i l(z_i, y_i) / W",
)
def row_independence(case: Case) -> Iterator[Finding]:
    """The logits of one element change neither the loss nor the gradient of another."""
    problem = case.problem
    if problem.size < 2:
        return
    index = problem.salt % problem.size
    changed = _other_logits(problem, index)
    observed = case.observe(changed)
    own = np.arange(problem.size) == index

    def value(values: Array) -> Array:
        # a reduced loss has the changed element in it
        kept = own.reshape(problem.shape) if problem.reduction == "none" else np.array(True)
        return np.where(kept, observed.value, values) if observed.value.shape == values.shape else values

    def gradient(array: Array) -> Array:
        assert observed.gradient is not None
        return problem.unflatten(np.where(own[:, None], problem.flatten(observed.gradient), problem.flatten(array)))

    yield from case.agree(
        changed, problem, "Other logits of one element change what another one gets.", value=value, gradient=gradient
    )


@law(
    "shape/duplication",
    precondition={"rank": outside(1)},
    needs=("repetition",),
    rests_on="N, W and sum l all double: mean(B, B) = mean(B), sum(B, B) = 2 sum(B); GHM: 2N / (2R m) = N / (R m)",
)
def duplication(case: Case) -> Iterator[Finding]:
    """A batch repeated has the same mean and twice the sum."""
    problem = case.problem
    twice = problem.take(np.tile(np.arange(problem.size), 2))
    shared = 2.0 if problem.reduction == "mean" else 1.0

    def value(values: Array) -> Array:
        if problem.reduction == "none":
            return np.tile(values.reshape(-1), 2).reshape(twice.shape)
        return values * (2.0 if problem.reduction == "sum" else 1.0)

    def gradient(array: Array) -> Array:
        return twice.unflatten(np.tile(problem.flatten(array), (2, 1))) / shared

    due = {"mean": "not the same mean", "sum": "not twice the sum", "none": "other losses"}[problem.reduction]
    yield from case.agree(twice, problem, f"The same batch twice over has {due}.", value=value, gradient=gradient)


@law(
    "shape/sum-is-additive",
    precondition={"reduction": within("sum"), **_SEVERAL},
    needs=("reduction", "reduction=sum", "additive"),
    rests_on="sum_i o_i l_i = sum over A + sum over B, for any split of the batch into A and B",
)
def sum_is_additive(case: Case) -> Iterator[Finding]:
    """The sums of the parts of a batch add up to the sum of the whole."""
    yield from parts_agree(case, {}, "The sums of two parts of a batch do not add up to the sum of the whole.")
