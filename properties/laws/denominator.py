"""Laws of the denominator: every element counts, whatever its loss; a normalizer of the caller's takes its place.

They rest on the mean being a sum over a number; over the same number, the means of the parts add up to the whole's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from properties.judging.context import Case
from properties.judging.finding import Finding
from properties.judging.law import law
from properties.judging.rounding import agreement
from properties.laws.ignore import nothing
from properties.problems.domain import outside, within
from properties.problems.problem import Problem

MARGINS = (1000.0, 32.0, 8.0, 3.0, 1.0)
"""By how much a sure element's label stands out: losses of exactly 0, of nearly 0, below thresholds; predicted."""

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


@law(
    "denominator/counts-every-element",
    precondition={
        "reduction": within("mean"),
        "weight": within("absent"),
        "ignored": within("none"),
        "rank": outside(1),
        "size": outside("empty"),
        "targets": within("hard", "binary"),
    },
    needs=("additive",),
    rests_on="D = sum_i v_i w[y_i] depends on labels alone: mean(A, b) = (D_A mean(A) + d_b l_b) / (D_A + d_b)",
    headline=True,
)
def counts_every_element(case: Case) -> Iterator[Finding]:
    """An element counts in the mean like any other, whatever its loss.

    One that is certain and has loss 0, one of small loss, one whose label is predicted: each is one more in the
    denominator.
    """
    rest = case.problem
    whole, alone = _with_a_sure_one(rest)
    before, own, both = (case.contract.divisor(problem) for problem in (rest, alone, whole))
    mean, got = (case.observe(problem) for problem in (rest, whole))
    if both in (0.0, before) or mean.value.shape != () or got.value.shape != ():
        return
    loss = _loss_of(case, alone)
    scale = case.error_scale("value", rest, mean) + case.error_scale("value", whole, got) + abs(loss)
    expected = (mean.value * before + loss * own) / both

    def is_mean(value: Any) -> bool:
        return agreement(got.value, np.asarray(value), scale, whole.dtype).holds

    left_out, added = is_mean(mean.value), is_mean((mean.value * before + loss * own) / before if before else np.nan)
    if is_mean(expected) or not (left_out or added):
        # another mean altogether is for the laws of the oracle
        case.used = max(
            case.used, agreement(got.value, expected, scale, whole.dtype).used if is_mean(expected) else 0.0
        )
        return
    fate = "does not count in the mean" if left_out else "is added, and does not count in the denominator"
    message = f"An element of loss {loss:.3g}, whose label is predicted, {fate}."
    yield Finding(message, (whole, rest), "value", np.asarray(expected), got.value)


def _with_a_sure_one(rest: Problem) -> tuple[Problem, Problem]:
    """The problem with one more element, whose label has the largest logit by far or by little, and that alone."""
    margin = MARGINS[rest.salt % len(MARGINS)]
    whole = rest.take([*range(rest.size), 0])
    rows = whole.rows.copy()
    label = whole.label_rows[-1]
    rows[-1] = margin * (2.0 * label - 1.0) if rest.entrywise else margin * (np.arange(rest.classes) == label)
    whole = whole.with_rows(rows)
    return whole, whole.take([rest.size])


def _loss_of(case: Case, alone: Problem) -> float:
    """The loss of a single element: the oracle's, or else the layer's own where that is a number."""
    known = case.known(alone)
    value = case.observe(alone).value if known is None else known.value
    return float(value.sum()) if np.isfinite(value).all() else 0.0


def parts_agree(case: Case, given: Mapping[str, Any], message: str) -> Iterator[Finding]:
    """The losses and gradients of two parts of a batch, each asked with ``given``, make those of the whole."""
    problem = case.problem
    if problem.size < 2:
        return
    order = problem.rng().permutation(problem.size) if problem.salt else np.arange(problem.size)
    first = order < (problem.size + 1) // 2
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
