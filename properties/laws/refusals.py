"""Laws of refusals: arguments that make no sense raise an error that names them, and never get a number.

They rest on what the formulas are defined for: class labels in [0, C), weights that are finite and at least 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from properties.judging.context import Case, zeros_inserted
from properties.judging.contract import Bad
from properties.judging.finding import Finding, LayerFailed
from properties.judging.law import law
from properties.judging.observation import Failure, Observation
from properties.judging.refusals import Offer, refuses
from properties.judging.rounding import agreement, largest_scale
from properties.judging.tolerance import compare
from properties.problems.domain import CLASSES, outside, within
from properties.problems.problem import NO_REDUCTIONS, Problem

STYLE = "an exception that is no ValueError or TypeError, or whose message says neither the rule nor the number"
"""What is a remark of everything that is offered as nonsense: it was refused all the same."""

_SMALL = {
    "size": within("few", "one", "several"),
    "logits": within("lattice", "ties"),
    "ignored": within("none", "some"),
    "rank": lambda r: r > 1,
}


@law(
    "refusals/label-out-of-range",
    level="refusals",
    remark=STYLE,
    precondition={**_SMALL, "targets": outside("real")},
    rests_on="w[y_i] and z_i[y_i] exist for y_i in [0, C) alone; t lies in [0, 1]",
)
def label_out_of_range(case: Case) -> Iterator[Finding]:
    """A label outside [0, C) that is not ignored is refused.

    So is a target that is no probability.
    """
    problem = case.problem
    if problem.targets != "hard":
        yield from _bad_target(case)
        return
    labels = {"C": problem.classes, "C + 7": problem.classes + 7}
    labels |= {str(label): label for label in (-1, -2, 1_000_000, *USUAL)}
    outside = {n: c for n, c in labels.items() if c != problem.ignore_index and not 0 <= c < problem.classes}
    yield from refuses(case, [_labelled(case, name, label) for name, label in outside.items()], ("ignored",))


USUAL = (-100, 255)
"""What kernels and data sets mark an ignored element with, whatever a layer was told."""


def _labelled(case: Case, name: str, label: int) -> Offer:
    problem = case.problem
    labels = problem.labels.copy()
    labels.reshape(-1)[problem.salt % labels.size] = label
    bad, what = problem.replace(labels=labels), f"The label {label} of {problem.classes} classes"
    if label not in USUAL or "ignore_index" in case.takes or problem.ignore_index is not None:
        return Offer(name, what, bad, (str(label),))
    # a layer that has no argument for it may have a number of its own that is ignored
    return Offer(
        name, f"{what}, neither refused nor ignored,", bad, (str(label),), lambda got: _deleted(case, bad, label, got)
    )


def _deleted(case: Case, problem: Problem, label: int, got: Observation) -> bool:
    """Whether an answer is the one without the elements that have this label."""
    mask = problem.replace(ignore_index=label).valid
    if not mask.any():
        return True
    due = case.observe(problem.take(mask.reshape(-1)))
    value = due.value
    if problem.reduction == "none":
        value = zeros_inserted(mask)(due.value.reshape(-1)).reshape(mask.shape)
    scale = np.max(case.error_scale("value", problem.take(mask.reshape(-1)), due), initial=0.0)
    return compare(got.value, value, np.broadcast_to(scale, value.shape), problem.dtype).holds


def _bad_target(case: Case) -> Iterator[Finding]:
    problem = case.problem
    where = np.flatnonzero(problem.valid.reshape(-1))
    if len(where) == 0:
        return
    offers = []
    for bad in (-1.0, np.nan) if problem.targets == "soft" else (1.5, -0.5, 2.0):
        rows = problem.label_rows.copy()
        rows[where[problem.salt % len(where)]] = bad
        offers.append(Offer(str(bad), f"The target {bad}", problem.with_labels(rows), (str(bad), f"{bad:g}")))
    yield from refuses(case, offers, ("ignored",))


@law(
    "refusals/label-shape",
    level="refusals",
    remark=STYLE,
    precondition=_SMALL,
    rests_on="one label for each element: shape(y) = shape(z) without the class axis",
)
def label_shape(case: Case) -> Iterator[Finding]:
    """Labels that do not fit the logits are refused."""
    problem = case.problem
    shapes = {"longer": np.concatenate([problem.labels, problem.labels[:1]], axis=0)}
    if problem.labels.shape[0] >= 3:
        shapes["shorter"] = problem.labels[:2]
    offers = []
    for item, labels in shapes.items():
        what = f"Labels of shape {labels.shape} for logits of shape {problem.logits.shape}"
        named = (str(labels.shape[0]), str(list(labels.shape)), str(labels.shape))
        offers.append(Offer(item, what, problem.replace(labels=labels), named))
    yield from refuses(case, offers, ("size", "ignored", "weight"))


@law(
    "refusals/broadcasting",
    level="refusals",
    precondition={
        "size": within("few", "several"),
        "logits": within("lattice", "normal"),
        "ignored": within("none"),
        "layout": within("contiguous"),
        "targets": outside("soft"),
    },
    needs=("rank=2",),
    rests_on="broadcasting (N,) against (N, 1) makes N^2 pairs: sum_ij l(x_i, t_j) is not sum_i l(x_i, t_i)",
)
def broadcasting(case: Case) -> Iterator[Finding]:
    """Labels with an axis of length 1 too many or too few are refused, or have the loss of labels that fit."""
    problem = case.problem
    n = problem.size
    if n < 2 or problem.targets == "soft":
        return
    fitting = problem.replace(label_weight=None)
    if problem.entrywise and problem.logits.ndim > 1:
        fitting = fitting.flat()
        shape: tuple[int, ...] = (n,)
    elif problem.entrywise:
        shape = (n, 1)
    else:
        fitting = fitting.flat()
        shape = ((1, n), (n, 1, 1))[problem.salt % 2]
    asked = fitting.replace(labels=fitting.labels.reshape(shape))
    result = case.attempt(asked)
    if isinstance(result, Failure):
        if result.kind != "raised":
            raise LayerFailed(result, asked)
        return
    due = case.observe(fitting)
    got = result.value.reshape(due.value.shape) if result.value.size == due.value.size else result.value
    match = agreement(got, due.value, largest_scale(case.error_scale("value", fitting, due)), fitting.dtype)
    if not match.holds:
        words = f"Labels of shape {shape} for logits of shape {fitting.logits.shape} are broadcast to another loss."
        yield Finding(words, (asked,), "value", due.value, result.value)


@law(
    "refusals/weight-length",
    level="refusals",
    remark=STYLE,
    precondition={**_SMALL, "classes": outside(1), **CLASSES},
    needs=("weight",),
    rests_on="one weight for each class: w in R^C",
)
def weight_length(case: Case) -> Iterator[Finding]:
    """Class weights that are not one for each class are refused."""
    classes = case.problem.classes
    offers = []
    for item, length in (("more", classes + 1), ("fewer", classes - 1)):
        what = f"A weight of {length} numbers for {classes} classes"
        offers.append(Offer(item, what, case.problem.replace(weight=np.ones(length)), (str(length),)))
    yield from refuses(case, offers, ("weight",))


@law(
    "refusals/bad-weight",
    level="refusals",
    remark=STYLE,
    precondition={**_SMALL, **CLASSES},
    needs=("weight",),
    rests_on="w_c is a finite number >= 0; a negative one rewards mistakes, and NaN is none",
)
def bad_weight(case: Case) -> Iterator[Finding]:
    """A negative or non-finite class weight is refused."""
    problem = case.problem
    offers = []
    for bad in (-1.0, np.nan, np.inf):
        weight = np.ones(problem.classes)
        weight[problem.salt % problem.classes] = bad
        named = (str(bad), f"{bad:g}")
        offers.append(Offer(str(bad), f"A class weight of {bad}", problem.replace(weight=weight), named))
    yield from refuses(case, offers, ("weight",))


@law(
    "refusals/bad-reduction",
    level="refusals",
    remark=STYLE,
    precondition=_SMALL,
    needs=("reduction",),
    rests_on="reduction is none, sum or mean",
)
def bad_reduction(case: Case) -> Iterator[Finding]:
    """A reduction that does not exist is refused."""
    offers = [
        Offer(b, f"reduction={b!r}", case.problem.replace(reduction=b), (repr(b), b or "reduction"))
        for b in NO_REDUCTIONS
    ]
    yield from refuses(case, offers, ("reduction",))


@law(
    "refusals/bad-arguments",
    level="refusals",
    remark=STYLE,
    precondition=_SMALL,
    needs=("bad-arguments",),
    rests_on="each argument has a domain (gamma >= 0, bins >= 1, ...), and outside it the formula means nothing",
)
def bad_arguments(case: Case) -> Iterator[Finding]:
    """Constructor values out of range are refused."""
    known = sorted((name, values) for name, values in case.contract.bad_arguments.items() if name in case.takes)
    offers = [_argument(case, name, value) for name, values in known for value in values]
    yield from refuses(case, offers, tuple(case.contract.bad_arguments))


def _argument(case: Case, name: str, value: Any) -> Offer:
    if not isinstance(value, Bad):
        what = f"{name}={value!r}"
        return Offer(what, what, case.problem.configure(**{name: value}), (repr(value), str(value)))
    arguments = dict(value.make(case.problem.classes))
    given = {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in arguments.items() if k in case.takes}
    what = ", ".join(f"{k}={v!r}" for k, v in given.items())
    return Offer(
        f"{name} {' or '.join(dict.fromkeys(value.words))}", what, case.problem.configure(**arguments), value.words
    )
