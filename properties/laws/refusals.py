"""Laws of refusal: what makes no sense raises a ValueError or TypeError that names it; it never gets a number."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from properties.case import Case
from properties.contract import Bad
from properties.domain import CLASSES, outside, within
from properties.law import Finding, Law, LayerFailed
from properties.observation import Failure
from properties.problem import Problem
from properties.rounding import agreement, largest

_SMALL = {
    "size": within("few", "one", "several"),
    "logits": within("lattice", "ties"),
    "ignored": within("none", "some"),
    "rank": lambda r: r > 1,
}


def refuses(
    case: Case, problem: Problem, what: str, named: tuple[str, ...], about: tuple[str, ...] = ()
) -> Iterator[Finding]:
    """The layer must raise ValueError or TypeError, with one of the words ``named`` in the message.

    In the dimensions that it is ``about`` the problem is wrong on purpose.
    """
    result = case.attempt(problem, "value", about)
    if not isinstance(result, Failure):
        yield Finding(f"{what} gets a number.", (problem,), "refusal", None, result.value, check=_raises(named))
    elif result.kind != "raised":
        raise LayerFailed(result, problem)
    elif not _is_refusal(result.error):
        message = f"{what} raises {result.error} where ValueError or TypeError is expected."
        yield Finding(message, (problem,), "refusal", failure=result)
    elif not any(_says(result.message, word) for word in named):
        message = f"{what} raises {result.error} without saying what was wrong ({' or '.join(named)})."
        yield Finding(message, (problem,), "refusal", failure=result)


def _says(message: str, word: str) -> bool:
    """Whether a message has a word as a whole: 12 does not say 2."""
    return re.search(rf"(?<![\w.]){re.escape(word)}(?![\w])", message) is not None


def _is_refusal(error: str) -> bool:
    return error in ("ValueError", "TypeError") or error.endswith(("(ValueError)", "(TypeError)"))


def _raises(named: tuple[str, ...]) -> tuple[str, ...]:
    return (f"raise SystemExit({f'no error, though one was due that says {named[0]}'!r})",)


def label_out_of_range(case: Case) -> Iterator[Finding]:
    """A label that is neither a class nor ignored; a target that is no probability."""
    problem = case.problem
    if problem.targets != "hard":
        yield from _bad_target(case)
        return
    candidates = [problem.classes, -1, problem.classes + 7, -2, 1_000_000]
    allowed = [c for c in candidates if c != problem.ignore_index]
    bad = allowed[problem.salt % len(allowed)]
    labels = problem.labels.copy()
    labels.reshape(-1)[problem.salt % labels.size] = bad
    what = f"The label {bad} of {problem.classes} classes"
    yield from refuses(case, problem.replace(labels=labels), what, (str(bad),), ("ignored",))


def _bad_target(case: Case) -> Iterator[Finding]:
    problem = case.problem
    bad = ((-1.0, np.nan) if problem.targets == "soft" else (1.5, -0.5, 2.0))[problem.salt % 2]
    where = np.flatnonzero(problem.valid.reshape(-1))
    if len(where) == 0:
        return
    rows = problem.label_rows.copy()
    rows[where[problem.salt % len(where)]] = bad
    yield from refuses(case, problem.with_labels(rows), f"The target {bad}", (str(bad), f"{bad:g}"), ("ignored",))


def label_shape(case: Case) -> Iterator[Finding]:
    """Labels of another shape than the logits', without the class axis."""
    problem = case.problem
    first = problem.labels.shape[0]
    longer = np.concatenate([problem.labels, problem.labels[:1]], axis=0)
    labels = longer if problem.salt % 2 == 0 or first < 3 else problem.labels[:2]
    what = f"Labels of shape {labels.shape} for logits of shape {problem.logits.shape}"
    named = (str(labels.shape[0]), str(list(labels.shape)), str(labels.shape))
    yield from refuses(case, problem.replace(labels=labels), what, named, ("size", "ignored", "weight"))


def weight_length(case: Case) -> Iterator[Finding]:
    """Class weights, one too many or too few."""
    problem = case.problem
    length = problem.classes + 1 if problem.salt % 2 == 0 else problem.classes - 1
    what = f"{length} class weights for {problem.classes} classes"
    yield from refuses(case, problem.replace(weight=np.ones(length)), what, (str(length),), ("weight",))


def bad_weight(case: Case) -> Iterator[Finding]:
    """A negative or NaN class weight."""
    problem = case.problem
    bad = (-1.0, np.nan, np.inf)[problem.salt % 3]
    weight = np.ones(problem.classes)
    weight[problem.salt % problem.classes] = bad
    what = f"A class weight of {bad}"
    yield from refuses(case, problem.replace(weight=weight), what, (str(bad), f"{bad:g}"), ("weight",))


def bad_reduction(case: Case) -> Iterator[Finding]:
    """A reduction that does not exist."""
    bad = ("average", "", "batchmean")[case.problem.salt % 3]
    named = (repr(bad), bad or "reduction")
    yield from refuses(case, case.problem.replace(reduction=bad), f"reduction={bad!r}", named, ("reduction",))


def bad_arguments(case: Case) -> Iterator[Finding]:
    """Constructor values out of range."""
    choices: list[tuple[str, Any]] = [
        (name, value)
        for name, values in sorted(case.contract.bad_arguments.items())
        for value in values
        if name in case.takes
    ]
    if not choices:
        return
    name, value = choices[case.problem.salt % len(choices)]
    if isinstance(value, Bad):
        arguments = dict(value.make(case.problem.classes))
        given = {k: v for k, v in arguments.items() if k in case.takes}
        yield from refuses(case, case.problem.configure(**arguments), f"{given}", value.words, tuple(arguments))
        return
    wrong = case.problem.configure(**{name: value})
    yield from refuses(case, wrong, f"{name}={value!r}", (repr(value), str(value)), (name,))


def broadcasting(case: Case) -> Iterator[Finding]:
    """Labels with an axis of length 1 too many, too few or elsewhere are refused, or have the loss of fitting ones."""
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
    match = agreement(got, due.value, largest(case.error_scale("value", fitting, due)), fitting.dtype)
    if not match.holds:
        words = f"Labels of shape {shape} for logits of shape {fitting.logits.shape} are broadcast to another loss."
        yield Finding(words, (asked,), "value", due.value, result.value)


def _law(name: str, sentence: str, check: Any, needs: tuple[str, ...] = (), rests_on: str = "", **demand: Any) -> Law:
    return Law(
        f"refusals/{name}",
        sentence,
        check,
        level="conduct",
        demand={**_SMALL, **demand},
        needs=needs,
        rests_on=rests_on,
    )


LAWS = (
    _law(
        "label-out-of-range",
        "A label outside [0, C) that is not ignored is refused.",
        label_out_of_range,
        targets=outside("real"),
        rests_on="w[y_i] and z_i[y_i] exist for y_i in [0, C) alone; t lies in [0, 1]",
    ),
    _law(
        "label-shape",
        "Labels that do not fit the logits are refused.",
        label_shape,
        rests_on="one label for each element: shape(y) = shape(z) without the class axis",
    ),
    Law(
        "refusals/broadcasting",
        "Labels with an axis of length 1 too many or too few are refused, or have the loss of labels that fit.",
        broadcasting,
        level="conduct",
        demand={
            "size": within("few", "several"),
            "logits": within("lattice", "normal"),
            "ignored": within("none"),
            "layout": within("contiguous"),
            "targets": outside("soft"),
        },
        needs=("rank=2",),
        rests_on="broadcasting (N,) against (N, 1) makes N^2 pairs: sum_ij l(x_i, t_j) is not sum_i l(x_i, t_i)",
    ),
    _law(
        "weight-length",
        "Class weights that are not one for each class are refused.",
        weight_length,
        ("weight",),
        classes=outside(1),
        **CLASSES,
        rests_on="one weight for each class: w in R^C",
    ),
    _law(
        "bad-weight",
        "A negative or non-finite class weight is refused.",
        bad_weight,
        ("weight",),
        **CLASSES,
        rests_on="w_c is a finite number >= 0; a negative one rewards mistakes, and NaN is none",
    ),
    _law(
        "bad-reduction",
        "A reduction that does not exist is refused.",
        bad_reduction,
        ("reduction",),
        rests_on="reduction is none, sum or mean",
    ),
    _law(
        "bad-arguments",
        "Constructor values out of range are refused.",
        bad_arguments,
        ("bad-arguments",),
        rests_on="each argument has a domain (gamma >= 0, bins >= 1, ...), and outside it the formula means nothing",
    ),
)
