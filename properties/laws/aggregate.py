"""Laws of losses that look at the whole batch: how density weights share out, and where their regions lie."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from properties.judging.context import Case
from properties.judging.law import Finding, Law
from properties.judging.observation import Failure
from properties.judging.rounding import largest_scale
from properties.problems.domain import Precondition, within
from properties.problems.precision import round_to
from properties.problems.problem import Problem
from reference import Answer


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


LEFT_OUT = "The last region is open: an element whose gradient norm is 1 is in no region."
MISPLACED = "An element whose gradient norm is 1 does not count in the last region as its other elements do."

GAPS = {"float64": (40.0, 50.0, 60.0), "float32": (20.0, 25.0, 30.0), "float16": (9.0, 10.0, 12.0)}
"""How far a logit lies on the wrong side: far enough that the gradient norm rounds to 1, below where kernels clip."""

DOUBLINGS = {"float64": (28, 30, 32), "float32": (14, 15, 16), "float16": (6, 6, 6)}
"""How often mu is doubled to give an error whose gradient norm rounds to 1."""


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
        ),
        *_WIDTH_LAWS,
    )


WHOLE = ("hard", "binary", "real")
"""Targets that a logit can be as wrong about as can be: to a probability between 0 and 1 no norm is 1."""


_WIDTH_LAWS = (
    Law(
        "aggregate/uneven-width",
        "A width that does not divide 1 leaves a narrower last region.",
        uneven_width,
        precondition={"bins": is_uneven},
        needs=("oracle", "bins"),
        gate=2,
        rests_on="width e: M = ceil(1 / e) regions, region of g: min(floor(g / e), M - 1)",
    ),
    Law(
        "aggregate/width-equals-count",
        "A width of 1/M and a count of M are the same regions.",
        width_equals_count,
        precondition={"bins": lambda b: is_width(b) and not is_uneven(b)},
        # a norm on an edge may fall on either side of it: only an oracle knows that both are right
        needs=("oracle", "bins"),
        gate=2,
        rests_on="e = 1 / M: floor(g / e) = floor(M g)",
    ),
)


def _individual(case: Case, problem: Problem) -> Any:
    """The layer's own losses of the valid elements, all of them chosen."""
    everything = problem.configure(top_k=1.0, k=None).replace(reduction="none")
    observed = case.observe(everything)
    return np.sort(observed.value[problem.valid])[::-1] if observed.value.shape == problem.shape else None


def between_mean_and_maximum(case: Case) -> Iterator[Finding]:
    """The mean of the largest losses lies between the mean and the maximum of all."""
    losses, problem = _individual(case, case.problem), case.problem
    if losses is None or not len(losses):
        return
    value = float(case.observe().value)
    inside = float(np.clip(value, losses.mean(), losses.max()))
    message = "The mean of the largest losses does not lie between the mean and the maximum of all."
    yield from case.same(problem, np.asarray(value), np.asarray(inside), "value", message)


def non_increasing(case: Case) -> Iterator[Finding]:
    """One more loss to average never raises the average."""
    k = case.problem.config["k"]
    fewer, more = case.problem, case.problem.configure(k=k + 1)
    high, low = float(case.observe(fewer).value), float(case.observe(more).value)
    message = f"The mean of the {k + 1} largest losses is above that of the {k} largest."
    scale = sum(case.error_scale("value", problem, case.observe(problem)) for problem in (fewer, more))
    yield from case.same(more, np.asarray(low), np.asarray(min(low, high)), "value", message, scale)


def convex(case: Case) -> Iterator[Finding]:
    """Halfway between two batches the loss is at most halfway between theirs."""
    one = case.problem
    # on a grid the middle is exact
    rows = np.round(one.rows * 2.0**10) / 2.0**10
    step = one.rng().integers(-4, 5, size=rows.shape).astype(np.float64)
    middle, *ends = (one.with_rows(rows + side * step) for side in (0.0, 1.0, -1.0))
    value, *others = (float(case.observe(problem).value) for problem in (middle, *ends))
    most = sum(others) / 2.0
    scales = (case.error_scale("value", problem, case.observe(problem)) for problem in (middle, *ends))
    scale = 4.0 * sum(map(largest_scale, scales))
    message = "Halfway between two batches the loss is above the mean of theirs: it is not convex."
    yield from case.same(middle, np.asarray(value), np.asarray(min(value, most)), "value", message, scale)


def variational(case: Case) -> Iterator[Finding]:
    """The mean of the k largest is the least of t + (1 / k) sum of max(l - t, 0) over all t."""
    losses, problem = _individual(case, case.problem), case.problem
    if losses is None or not len(losses):
        return
    k = min(int(problem.config["k"]), len(losses))
    least = min(float(t + np.maximum(losses - t, 0.0).sum() / k) for t in losses)
    message = f"The mean of the {k} largest losses is not min over t of t + (1 / {k}) sum of max(l - t, 0)."
    yield from case.same(problem, case.observe().value, np.asarray(least), "value", message)


def fraction(case: Case) -> Iterator[Finding]:
    """29 of 100 elements are 0.29 of them, though 0.29 * 100 is a hair below 29 in floating point."""
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


_MEAN = {"reduction": within("mean"), "weight": within("absent")}
_COUNTED = {**_MEAN, "k": lambda k: k is not None}

TOP_K_LAWS = (
    Law(
        "aggregate/between-mean-and-maximum",
        "The mean of the largest losses lies between the mean and the maximum of all.",
        between_mean_and_maximum,
        precondition=_MEAN,
        needs=("reduction=none", "top_k"),
        rests_on="mean of all <= mean of the k largest <= the largest",
    ),
    Law(
        "aggregate/non-increasing",
        "One more loss to average never raises the average.",
        non_increasing,
        precondition=_COUNTED,
        needs=("k",),
        rests_on="the (k + 1)-th largest is at most the mean of the k largest",
    ),
    Law(
        "aggregate/convex",
        "The loss is convex in the logits.",
        convex,
        precondition=_MEAN,
        rests_on="a maximum over sets of size k of sums of convex losses is convex",
    ),
    Law(
        "aggregate/variational",
        "The mean of the k largest is the least of t + (1 / k) sum of max(l - t, 0) over all t.",
        variational,
        precondition=_COUNTED,
        needs=("k", "top_k", "reduction=none"),
        rests_on="(1/k) sum of the k largest l = min over t of t + (1/k) sum_i max(l_i - t, 0)",
    ),
    Law(
        "aggregate/fraction",
        "A fraction keeps the largest number of elements that does not exceed it.",
        fraction,
        precondition={
            "top_k": within(0.29),
            "k": within(None),
            "individual": within("cross_entropy"),
            "classes": lambda c: c > 1,
        },
        needs=("oracle", "top_k"),
        rests_on="k = max {j : j / N <= r}, at least 1; r N in floating point may fall a hair short of an integer",
    ),
)
"""For the average of the k largest losses; their contract has arguments ``k`` and ``top_k``."""
