"""Departures of losses of single entries that have rows: their means and sums, and masks that multiply."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from properties.departures.departure import Departure, Settings, in_means
from properties.problems.precision import Array
from properties.problems.problem import Problem
from reference import Answer


def _length(problem: Problem, axis: int) -> int:
    return int(problem.logits.shape[axis])


def _has_axis(axis: int) -> Callable[[Problem], bool]:
    return lambda problem: problem.logits.ndim > (1 if axis > 0 else 0)


def _by_rows(axis: int, mean: bool, keep: bool, asked: tuple[str, ...]) -> Callable[[], Settings]:
    """Rows along an axis are averaged, or added, before any reduction but that of these names."""

    def finish(problem: Problem, answer: Answer) -> Answer:
        if problem.reduction not in asked or not _has_axis(axis)(problem):
            return answer
        share = 1.0 / (_length(problem, axis) or np.nan) if mean else 1.0
        if problem.reduction == "none":
            value = answer.value.sum(axis=axis, keepdims=keep) * share
            scale = answer.value_scale.sum(axis=axis, keepdims=keep) * share + 8.0 * np.abs(value)
        else:
            value, scale = answer.value * share, answer.value_scale * share
        gradient, gradient_scale = answer.gradient * share, answer.gradient_scale * share
        return replace(
            answer, value=value, value_scale=scale, gradient=gradient, gradient_scale=gradient_scale, alternatives=()
        )

    return lambda: {"finish": (finish,)}


UNREDUCED = ("none",)


def _rows(name: str, words: str, axis: int, keep: bool) -> tuple[Departure, ...]:
    """The means and the sums along an axis, in the place of unreduced losses and of a sum."""
    kept = "kept, with length 1" if keep else "gone"
    has_axis = _has_axis(axis)
    return (
        Departure(
            f"{name}-averaged{'-and-kept' * keep}",
            f"Losses are averaged along {words} before they are reduced: unreduced ones have that axis {kept}.",
            _by_rows(axis, True, keep, ("none", "sum")),
            harm=18,
            applies=lambda p: p.reduction in ("none", "sum") and has_axis(p),
        ),
        Departure(
            f"{name}-added{'-and-kept' * keep}",
            f"Unreduced losses are added along {words}, which is {kept}.",
            _by_rows(axis, False, keep, UNREDUCED),
            harm=18,
            applies=lambda p: p.reduction == "none" and has_axis(p),
        ),
    )


def _divided(axis: int, asked: tuple[str, ...]) -> Callable[[], Settings]:
    return _by_rows(axis, True, False, asked)


def _asked(axis: int, asked: tuple[str, ...]) -> Callable[[Problem], bool]:
    has_axis = _has_axis(axis)
    return lambda problem: problem.reduction in asked and has_axis(problem)


REDUCED = tuple(
    Departure(
        f"{'-and-'.join(asked)}-of-means-along-{name}",
        f"{words} made of means along the {name.replace('-', ' ')}.",
        _divided(axis, asked),
        harm=18,
        applies=_asked(axis, asked),
    )
    for asked, words in ((("sum",), "A sum is"), (("sum", "mean"), "A sum and a mean are"), (("mean",), "A mean is"))
    for name, axis in (("second-axis", 1), ("last-axis", -1))
)


def _mask(problem: Problem) -> Array:
    assert problem.label_weight is not None
    return np.where(problem.valid, problem.label_weight, 0.0)


def _weighed(asked: tuple[str, ...]) -> Callable[[], Settings]:
    """The numbers of label_weight multiply the losses, in these reductions."""

    def numbers(problem: Problem) -> Array:
        return _mask(problem) if problem.reduction in asked else np.ones(problem.shape)

    return lambda: {"element-weights": numbers}


def _with_mask(problem: Problem) -> bool:
    return problem.label_weight is not None


def _unmasked(problem: Problem) -> Problem:
    if problem.label_weight is None:
        return problem
    return problem.replace(label_weight=np.ones_like(problem.label_weight))


def _numbers(problem: Problem) -> Array:
    return np.ones(problem.shape) if problem.label_weight is None else _mask(problem)


AS_WEIGHT = Departure(
    "label-weight-is-a-weight",
    "label_weight is no mask: its numbers multiply the losses, and NaN times 0 is NaN.",
    lambda: {"numerator": (_unmasked,), "element-weights": _numbers},
    needs=("label_weight",),
    harm=9,
    applies=_with_mask,
)

MASKS = tuple(
    Departure(
        f"label-weight-multiplies{'' if len(asked) > 1 else f'-in-a-{asked[0]}'}",
        f"The numbers of label_weight multiply the losses it leaves{'' if len(asked) > 1 else f', in a {asked[0]}'}.",
        _weighed(asked),
        needs=("label_weight",),
        harm=18,
        applies=lambda p, asked=asked: p.label_weight is not None and p.reduction in asked,  # type: ignore[misc]
    )
    for asked in (("none", "sum", "mean"), ("sum",), ("mean",), ("none",))
)


def _rows_in_means(problem: Problem) -> bool:
    return in_means(problem) and problem.logits.ndim > 1


ROWS = (
    Departure(
        "mean-over-rows",
        "The mean divides by the length of the first axis, where there are others.",
        lambda: {"divisor": lambda problem, losses: float(problem.shape[0])},
        harm=20,
        applies=_rows_in_means,
    ),
)

OF_ROWS = (
    *ROWS,
    *_rows("last-axis", "the last axis", -1, True),
    *_rows("last-axis", "the last axis", -1, False),
    *_rows("second-axis", "the second axis", 1, False),
    *_rows("first-axis", "the first axis", 0, False),
    *REDUCED,
    AS_WEIGHT,
    *MASKS,
)
