"""Laws of losses over a softmax: what a shift of the logits, a sum over classes and a better logit do.

They rest on softmax(z + a) = softmax(z), and on probabilities that are at most 1.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from properties.judging.context import Case
from properties.judging.finding import Finding
from properties.judging.law import law
from properties.judging.rounding import magnitudes
from properties.problems.domain import CLASSES, within
from properties.problems.precision import SMALLEST_NORMAL
from reference import BUDGET, UNIT_ROUNDOFF

GRID = 2.0**10


@law(
    "softmax/shift",
    precondition=CLASSES,
    rests_on="softmax(z + a) = softmax(z), hence L(z + a) = L(z)",
)
def shift(case: Case) -> Iterator[Finding]:
    """A number added to all logits of an element changes nothing."""
    # on a grid the shifted logits are exact, so that nothing but the layer's own rounding is compared
    rows = np.round(case.problem.rows * GRID) / GRID
    base = case.problem.with_rows(rows)
    shifts = case.problem.rng().integers(-8, 9, size=(len(rows), 1)).astype(np.float64)
    moved = base.with_rows(rows + (shifts if base.salt else 1.0))
    yield from case.agree(moved, base, "A number added to all logits of an element changes the answer.")


@law(
    "softmax/gradient-sums-to-zero",
    precondition=CLASSES,
    rests_on="L(z + a) = L(z) for all a, hence sum_c dL/dz_c = 0",
)
def gradient_sums_to_zero(case: Case) -> Iterator[Finding]:
    """Each element's gradient sums to 0 over the classes."""
    problem = case.problem
    observed = case.observe()
    if observed.gradient is None:
        return
    sums = problem.flatten(observed.gradient).sum(axis=1)
    # no number is rounded by less than the spacing below the smallest normal one
    rounded = np.maximum(magnitudes(observed.gradient), SMALLEST_NORMAL[problem.dtype])
    scale = case.error_scale("gradient", problem, observed) + rounded
    unit = UNIT_ROUNDOFF[problem.dtype] * problem.flatten(scale).sum(axis=1)
    used = np.abs(sums) / np.maximum(unit, np.finfo(np.float64).tiny)
    wrong = ~(used <= BUDGET)
    if wrong.any():
        message = "The gradient of an element does not sum to 0 over the classes."
        yield Finding(message, (problem,), "sum of the gradient over the classes", np.zeros_like(sums), sums)
    else:
        case.used = max(case.used, float(used.max(initial=0.0)))


@law(
    "softmax/non-negative",
    # where a loss is next to 0: one or a few elements, far from undecided
    precondition={"logits": within("spread"), "size": within("one", "few")},
    rests_on="p_y <= 1 gives l = -log p_y >= 0, and o_i >= 0",
)
def non_negative(case: Case) -> Iterator[Finding]:
    """No loss is below 0."""
    observed = case.observe()
    floor = np.where(observed.value < 0, 0.0, observed.value)
    yield from case.same(case.problem, observed.value, floor, "value", "The loss is negative.")


@law(
    "softmax/monotone",
    precondition={
        "ignored": within("none", "some", "most"),
        "size": lambda s: s != "empty",
        "targets": within("hard"),
    },
    rests_on="dl/dz_y <= 0: cross entropy has p_y - 1",
)
def monotone(case: Case) -> Iterator[Finding]:
    """A larger logit of the label does not raise the loss."""
    problem = case.problem
    if problem.config.get("label_smoothing"):
        # a smoothed label wants a part of every class
        return
    valid = np.flatnonzero(problem.valid.reshape(-1))
    chosen = int(valid[problem.salt % len(valid)])
    rows = problem.rows.copy()
    rows[chosen, problem.labels.reshape(-1)[chosen]] += 1.0
    better = problem.with_rows(rows)
    low, high = case.observe(better).value.sum(), case.observe().value.sum()
    scale = sum(case.error_scale("value", one, case.observe(one)).sum() for one in (better, problem))
    if low > high + BUDGET * UNIT_ROUNDOFF[problem.dtype] * (scale + abs(low) + abs(high)):
        message = "Raising the label's logit by 1 raises the loss."
        yield Finding(message, (better, problem), "value", np.asarray(high), np.asarray(low))
