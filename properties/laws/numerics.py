"""Laws of numerics: saturated and infinite logits, every dtype, NaN, and batches in which small errors add up.

They rest on the exact loss of such problems, and on what the dtype of the logits can hold.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from properties.judging.context import Case
from properties.judging.finding import Finding, LayerFailed, NotApplicable
from properties.judging.law import law
from properties.judging.observation import Failure
from properties.problems.domain import outside, within
from properties.problems.problem import Problem
from reference import Answer

_SOME_VALID = {
    "size": lambda s: s != "empty",
    "ignored": within("none", "some", "most"),
    "weight": within("absent", "ones", "small"),
    "dtype": within("float64", "float32"),
}

_FINITE_DTYPES = within("float64", "float32")
GAPS = (65.0, 64.0, 90.0, 100.0, 1000.0, 10_000.0, 17.0)

FAR, THREE = 30_000.0, 3
"""Three losses of that size add up to more than 65,504, the largest number of float16."""


@law(
    "numerics/finite-at-saturation",
    level="numerics",
    precondition={"logits": within("saturated", "huge"), "size": outside("empty"), "dtype": _FINITE_DTYPES},
    rests_on="|l_i| <= max z - min z + log C, and |dl/dz| <= 1: finite for finite z",
)
def finite(case: Case) -> Iterator[Finding]:
    """At saturated and huge logits value and gradient are finite."""
    observed = case.observe()
    answers = {"value": observed.value, "gradient": observed.gradient}
    wrong = {name: a for name, a in answers.items() if a is not None and not np.isfinite(a).all()}
    if wrong:
        message = f"At finite logits the {' and the '.join(wrong)} {'is' if len(wrong) == 1 else 'are'} not finite."
        shown = ["loss" if name == "value" else "logits.grad" for name in wrong]
        check = tuple(f'assert np.isfinite({s}.astype("float64").numpy()).all(), {s}' for s in shown)
        first = next(iter(wrong))
        yield Finding(message, (case.problem,), first, None, wrong[first], check=check, items=frozenset(wrong))


@law(
    "numerics/linear-past-64",
    level="numerics",
    precondition={
        "logits": within("lattice"),
        "dtype": _FINITE_DTYPES,
        "size": within("one"),
        "weight": within("absent", "ones", "small"),
        "classes": lambda c: c > 1,
        # of a problem without other axes there is no element to take
        "rank": outside(1),
        "targets": within("hard"),
    },
    needs=("oracle", "softmax"),
    rests_on="l = log(sum_j exp(z_j)) - z_y -> max z - z_y as the gap grows; no clip at 64",
)
def linear_past_64(case: Case) -> Iterator[Finding]:
    """The loss of one wrong element is the gap of its logits, however large."""
    problem = case.problem
    if problem.config.get("label_smoothing"):
        return
    rows = np.zeros((1, problem.classes))
    label = problem.salt // 8 % problem.classes
    label = (label + 1) % problem.classes if label == problem.ignore_index else label
    rows[0, label] = -GAPS[problem.salt % len(GAPS)]
    first = problem.take([0])
    single = first.replace(labels=np.full_like(first.labels, label)).with_rows(rows)
    message = f"The loss of one element does not grow with the gap of its logits ({-rows.min():g})."
    yield from case.matches(single, message=message)


@law(
    "numerics/masked-classes",
    level="numerics",
    precondition={
        **_SOME_VALID,
        "classes": lambda c: c > 1,
        "logits": within("lattice", "normal"),
        "targets": within("hard"),
    },
    needs=("oracle", "softmax"),
    rests_on="exp(-inf) = 0: the sum runs over the other classes; z_y = -inf gives l = inf",
)
def masked_classes(case: Case) -> Iterator[Finding]:
    """A logit of -inf takes its class out of the loss; where it is the label's, the loss is inf."""
    problem = case.problem
    rows = problem.rows.copy()
    labels = problem.labels.reshape(-1)
    chosen = np.flatnonzero(problem.valid.reshape(-1))
    masked = (labels[chosen] + 1 + problem.salt % (problem.classes - 1)) % problem.classes
    rows[chosen, masked] = -np.inf
    certain = not (problem.salt % 5 == 4 and problem.classes > 2)
    if not certain:
        rows[chosen[0], labels[chosen[0]]] = -np.inf
    message = "With a class masked by -inf the loss is wrong."
    # an infinite loss has no gradient that anybody could use
    yield from case.matches(problem.with_rows(rows), gradient=certain, message=message)


@law(
    "numerics/result-dtype",
    level="numerics",
    precondition={"logits": within("lattice")},
    rests_on="loss and gradient have the dtype of the logits, as every operation of Paddle has",
)
def result_dtype(case: Case) -> Iterator[Finding]:
    """Loss and gradient have the dtype of the logits."""
    observed, due = case.observe(), case.problem.dtype
    found = {"loss": observed.dtype, "gradient": observed.gradient_dtype}
    wrong = {name: dtype for name, dtype in found.items() if dtype and dtype != due}
    if wrong:
        has = " and the ".join(f"{name} of {due} logits has dtype {dtype}" for name, dtype in wrong.items())
        check = ("assert loss.dtype == logits.dtype, (loss.dtype, logits.dtype)",)
        yield Finding(f"The {has}.", (case.problem,), "dtype", check=check, items=frozenset(wrong))


@law(
    "numerics/label-dtype",
    declinable=True,
    level="numerics",
    precondition={
        "label_dtype": within("int32"),
        "targets": within("hard"),
        "dtype": _FINITE_DTYPES,
        "logits": within("lattice", "normal", "ties"),
    },
    gate=3,
    rests_on="a label is an integer: int32 3 = int64 3",
)
def label_dtype(case: Case) -> Iterator[Finding]:
    """int32 and int64 labels have the same loss."""
    problem = case.problem
    wide = problem.replace(label_dtype="int64")
    yield from case.agree(problem, wide, f"{problem.label_dtype} labels have another loss than int64 labels.")


@law(
    "numerics/small-labels",
    declinable=True,
    level="numerics",
    precondition={
        "label_dtype": within("int64"),
        "dtype": _FINITE_DTYPES,
        "logits": within("lattice", "normal", "ties"),
        "targets": within("hard"),
    },
    rests_on="a label is an integer: int8 3 = uint8 3 = int64 3",
)
def small_labels(case: Case) -> Iterator[Finding]:
    """Labels of smaller integer types have the same loss, where they are taken."""
    problem = case.problem
    labels = problem.labels
    fitting = [
        name
        for name in ("int8", "int16", "uint8")
        if labels.size and np.iinfo(name).min <= labels.min() and labels.max() <= np.iinfo(name).max
    ]
    if not fitting:
        return
    small = problem.replace(label_dtype=fitting[problem.salt % len(fitting)])
    result = case.attempt(small)
    if isinstance(result, Failure) and result.kind == "raised":
        raise NotApplicable(f"the layer refuses {small.label_dtype} labels ({result.error})")
    yield from case.agree(small, problem, f"{small.label_dtype} labels have another loss than int64 labels.")


@law(
    "numerics/nan-stays-nan",
    level="numerics",
    precondition={**_SOME_VALID, "logits": within("lattice")},
    rests_on="NaN is no number: o_i > 0 and z_i NaN give L NaN, so that a diverged network is seen",
    remark="an exception: a diverged network is seen by it too",
)
def nan_stays_nan(case: Case) -> Iterator[Finding]:
    """NaN in a valid logit gives NaN, not a number."""
    problem = case.problem
    if case.contract.oracle is None and problem.classes == 1 and not problem.entrywise:
        # where there is no other class, the loss may be a constant
        return
    rows = problem.rows.copy()
    counted = problem.valid.reshape(-1)
    if problem.targets == "soft":
        # an element without any label has no loss at all
        counted = counted & problem.one_hot.any(axis=1)
    valid = np.flatnonzero(counted)
    # over a denominator of 0 the loss is 0, whatever stands above it
    if len(valid) == 0 or (problem.reduction == "mean" and case.contract.divisor(problem) == 0.0):
        return
    chosen = int(valid[problem.salt % len(valid)])
    rows[chosen, problem.salt % problem.classes] = np.nan
    poisoned = problem.with_rows(rows)
    try:
        observed = case.observe(poisoned)
    except LayerFailed as failed:
        if failed.failure.kind != "raised":
            raise
        words = f"For NaN in a valid logit the layer raises {failed.failure}"
        yield Finding(words, (poisoned,), "failure", failure=failed.failure, grade="remark")
        return
    if problem.reduction != "none":
        found = np.isnan(observed.value).all()
    elif observed.value.size == problem.size:
        found = np.isnan(observed.value.reshape(-1)[chosen])
    else:
        raise NotApplicable("`none` has not the labels' shape")
    if not found:
        message = "NaN in a valid logit gives a number."
        expected = np.full(observed.value.shape, np.nan) if problem.reduction != "none" else None
        yield Finding(message, (poisoned,), "value", expected, observed.value)


@law(
    "numerics/mean-of-a-large-sum",
    level="numerics",
    precondition={
        "dtype": within("float16"),
        "reduction": within("mean"),
        "weight": within("absent"),
        "ignored": within("none", "some"),
        "size": outside("empty"),
        "rank": outside(1),
        "targets": outside("soft"),
    },
    needs=("oracle",),
    rests_on="L = S / D fits where S does not: in float32, S <= 65504 n is far from the largest number",
)
def mean_of_a_large_sum(case: Case) -> Iterator[Finding]:
    """In float16 a mean that fits is right, though the sum that it divides does not fit."""
    problem = case.problem
    valid = np.flatnonzero(problem.valid.reshape(-1))
    if not len(valid):
        return
    crowd = problem.take(np.full(THREE, valid[problem.salt % len(valid)]))
    labels, rows = crowd.label_rows, np.zeros_like(crowd.rows)
    if problem.targets == "hard":
        rows[np.arange(THREE), labels] = -FAR
    elif problem.targets == "real":
        rows[:, 0] = FAR
    else:
        rows[:, 0] = np.where(labels > 0.5, -FAR, FAR)
    message = f"In float16 the mean of {THREE} losses, whose sum does not fit, is wrong."
    yield from case.matches(crowd.with_rows(rows), message=message)


COPIES = 65_536


@law(
    "numerics/many-elements",
    level="numerics",
    precondition={
        "size": within("one", "few"),
        "classes": lambda c: c <= 3,
        "rank": outside(1),
        "logits": within("normal", "lattice"),
        "dtype": within("float32", "float64"),
        "reduction": within("mean", "sum"),
        "layout": within("contiguous"),
    },
    needs=("oracle",),
    most=20,
    rests_on="the mean of n equal losses is that loss; summed in blocks it errs by sqrt(n) roundings, not by n",
)
def many_elements(case: Case) -> Iterator[Finding]:
    """A batch of 65,536 elements loses no digits that a small one keeps."""
    for _ in _repeated(case, COPIES):
        # the smallest batch that already does it is the better proof
        for copies in (64, 256, 1024, 4096, 16_384, COPIES):
            yield from _repeated(case, copies)


def _repeated(case: Case, copies: int) -> Iterator[Finding]:
    problem = case.problem
    if problem.size == 0 or not problem.valid.any():
        return
    crowd = crowd_of(problem, copies)
    answer = in_blocks(case.answer(crowd), copies)
    message = f"A batch of {copies:,} elements loses digits that a small one keeps."
    yield from case.matches(crowd, answer=answer, gradient=False, message=message)


def crowd_of(problem: Problem, copies: int) -> Problem:
    """The first valid element, so many times."""
    first = int(np.flatnonzero(problem.valid.reshape(-1))[0])
    return problem.take(np.full(copies, first))


def in_blocks(answer: Answer, copies: int) -> Answer:
    """The answer with room for the error of a sum in blocks: sqrt(n) roundings, where a running sum makes n."""
    return replace(
        answer,
        value_scale=answer.value_scale + np.sqrt(copies) * np.abs(answer.value),
        alternatives=tuple(in_blocks(other, copies) for other in answer.alternatives),
    )
