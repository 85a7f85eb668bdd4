"""Laws of the average of the k largest losses, whose contract has arguments ``k`` and ``top_k``.

They rest on what the k largest of some numbers are, and on the layer's own losses of single elements.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from properties.judging.context import Case
from properties.judging.finding import Finding
from properties.judging.law import law
from properties.judging.rounding import largest_scale
from properties.problems.domain import within
from properties.problems.problem import Problem

_MEAN = {"reduction": within("mean"), "weight": within("absent")}
_COUNTED = {**_MEAN, "k": lambda k: k is not None}


def _individual(case: Case, problem: Problem) -> Any:
    """The layer's own losses of the valid elements, all of them chosen."""
    everything = problem.configure(top_k=1.0, k=None).replace(reduction="none")
    observed = case.observe(everything)
    return np.sort(observed.value[problem.valid])[::-1] if observed.value.shape == problem.shape else None


@law(
    "aggregate/between-mean-and-maximum",
    precondition=_MEAN,
    needs=("reduction=none", "top_k"),
    rests_on="mean of all <= mean of the k largest <= the largest",
    opt_in=True,
)
def between_mean_and_maximum(case: Case) -> Iterator[Finding]:
    """The mean of the largest losses lies between the mean and the maximum of all."""
    losses, problem = _individual(case, case.problem), case.problem
    if losses is None or not len(losses):
        return
    value = float(case.observe().value)
    inside = float(np.clip(value, losses.mean(), losses.max()))
    message = "The mean of the largest losses does not lie between the mean and the maximum of all."
    yield from case.same(problem, np.asarray(value), np.asarray(inside), "value", message)


@law(
    "aggregate/non-increasing",
    precondition=_COUNTED,
    needs=("k",),
    rests_on="the (k + 1)-th largest is at most the mean of the k largest",
    opt_in=True,
)
def non_increasing(case: Case) -> Iterator[Finding]:
    """One more loss to average never raises the average."""
    k = case.problem.config["k"]
    fewer, more = case.problem, case.problem.configure(k=k + 1)
    high, low = float(case.observe(fewer).value), float(case.observe(more).value)
    message = f"The mean of the {k + 1} largest losses is above that of the {k} largest."
    scale = sum(case.error_scale("value", problem, case.observe(problem)) for problem in (fewer, more))
    yield from case.same(more, np.asarray(low), np.asarray(min(low, high)), "value", message, scale)


@law(
    "aggregate/convex",
    precondition=_MEAN,
    rests_on="a maximum over sets of size k of sums of convex losses is convex",
    opt_in=True,
)
def convex(case: Case) -> Iterator[Finding]:
    """The loss is convex in the logits."""
    one = case.problem
    # on a grid the middle is exact
    rows = np.round(one.rows * 2.0**10) / 2.0**10
    step = one.rng().integers(-4, 5, size=rows.shape).astype(np.float64)
    middle, *ends = (one.with_rows(rows + side * step) for side in (0.0, 1.0, -1.0))
    value, *others = (float(case.observe(problem).value) for problem in (middle, *ends))
    most = sum(others) / 2.0
    scale = 4.0 * sum(
        largest_scale(case.error_scale("value", problem, case.observe(problem))) for problem in (middle, *ends)
    )
    message = "Halfway between two batches the loss is above the mean of theirs: it is not convex."
    yield from case.same(middle, np.asarray(value), np.asarray(min(value, most)), "value", message, scale)


@law(
    "aggregate/variational",
    precondition=_COUNTED,
    needs=("k", "top_k", "reduction=none"),
    rests_on="(1/k) sum of the k largest l = min over t of t + (1/k) sum_i max(l_i - t, 0)",
    opt_in=True,
)
def variational(case: Case) -> Iterator[Finding]:
    """The mean of the k largest is the least of t + (1 / k) sum of max(l - t, 0) over all t."""
    losses, problem = _individual(case, case.problem), case.problem
    if losses is None or not len(losses):
        return
    k = min(int(problem.config["k"]), len(losses))
    least = min(float(t + np.maximum(losses - t, 0.0).sum() / k) for t in losses)
    message = f"The mean of the {k} largest losses is not min over t of t + (1 / {k}) sum of max(l - t, 0)."
    yield from case.same(problem, case.observe().value, np.asarray(least), "value", message)


@law(
    "aggregate/fraction",
    precondition={
        "top_k": within(0.29),
        "k": within(None),
        "individual": within("cross_entropy"),
        "classes": lambda c: c > 1,
    },
    needs=("oracle", "top_k"),
    rests_on="k = max {j : j / N <= r}, at least 1; r N in floating point may fall a hair short of an integer",
    opt_in=True,
)
def fraction(case: Case) -> Iterator[Finding]:
    """A fraction keeps the largest number of elements that does not exceed it.

    29 of 100 elements are 0.29 of them, though 0.29 * 100 is a hair below 29 in floating point.
    """
    problem = case.problem
    valid = np.flatnonzero(problem.valid.reshape(-1))
    if not len(valid):
        return
    one = problem.take(np.full(100, valid[0]))
    rows = np.zeros_like(one.rows)
    rows[np.arange(100), one.label_rows] = -np.arange(100) / 8.0
    yield from case.matches(
        one.with_rows(rows), message="With top_k 0.29 and 100 elements, not 29 of them are averaged."
    )


TOP_K_LAWS = (between_mean_and_maximum, non_increasing, convex, variational, fraction)
