"""Departures of reductions and of gradients as a whole: another reduction or shape, a factor, a cotangent unread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from properties.departures.departure import Departure, Settings, unreduced_only
from properties.problems.problem import Problem
from reference import Answer


def _with(problem: Problem, reduction: str) -> Problem:
    """The problem with another reduction; an upstream gradient stays where its shape does."""
    normalizer = problem.normalizer if reduction == "mean" else None
    cotangent = problem.cotangent if problem.cotangent is None or problem.cotangent.ndim == 0 else None
    return problem.replace(reduction=reduction, cotangent=cotangent, normalizer=normalizer)


def _one_alone(problem: Problem, answer: Answer) -> Answer:
    """One loss along one axis passes for a number where one was asked for."""
    if problem.reduction == "none" or answer.value.shape != (1,):
        return answer
    return replace(answer, value=answer.value.reshape(()), value_scale=answer.value_scale.reshape(()))


def _always(reduction: str) -> Callable[[], Settings]:
    def rewrite(problem: Problem) -> Problem:
        return problem if problem.reduction == reduction else _with(problem, reduction)

    return lambda: {"rewrite": (rewrite,), "finish": (_one_alone,)}


def _instead(asked: str, given: str) -> Callable[[], Settings]:
    def rewrite(problem: Problem) -> Problem:
        return _with(problem, given) if problem.reduction == asked else problem

    return lambda: {"rewrite": (rewrite,), "finish": (_one_alone,)}


OTHER_REDUCTIONS = tuple(
    Departure(f"{asked}-is-{given}", f"reduction={asked} gives what {given} should.", _instead(asked, given), harm=18)
    for asked in ("mean", "sum", "none")
    for given in ("mean", "sum", "none")
    if asked != given
)

ALWAYS = tuple(
    Departure(f"always-{r}", f"Whatever the reduction, {r} is given.", _always(r), harm=18)
    for r in ("mean", "sum", "none")
)


def _none_divided(problem: Problem, answer: Answer) -> Answer:
    if problem.reduction != "none" or not problem.size:
        return answer
    return replace(answer, value=answer.value / problem.size, gradient=answer.gradient / problem.size)


def _gradient_divided(problem: Problem, answer: Answer) -> Answer:
    """The gradient of a mean, for unreduced losses."""
    if problem.reduction != "none" or not problem.size:
        return answer
    return replace(answer, gradient=answer.gradient / problem.size)


def _all_their_mean(problem: Problem, answer: Answer) -> Answer:
    if problem.reduction != "none" or not problem.size:
        return answer
    rows = problem.flatten(answer.gradient)
    if problem.cotangent is not None:
        flat = np.asarray(problem.cotangent, dtype=np.float64).reshape(-1)
        with np.errstate(invalid="ignore", divide="ignore"):
            rows = np.where(flat[:, None] != 0, rows / flat[:, None], 0.0) * flat.mean()
    return replace(answer, value=np.full_like(answer.value, answer.value.mean()), gradient=problem.unflatten(rows))


def _dropped(problem: Problem, answer: Answer) -> Answer:
    if problem.reduction != "none":
        return answer
    keep = problem.valid.reshape(-1)
    return replace(answer, value=answer.value.reshape(-1)[keep], value_scale=answer.value_scale.reshape(-1)[keep])


def _dropped_where_any(problem: Problem, answer: Answer) -> Answer:
    return answer if problem.valid.all() else _dropped(problem, answer)


def _dropped_where_asked(problem: Problem, answer: Answer) -> Answer:
    return answer if problem.ignore_index is None else _dropped(problem, answer)


def _flat(problem: Problem, answer: Answer) -> Answer:
    if problem.reduction != "none":
        return answer
    return replace(answer, value=answer.value.reshape(-1), value_scale=answer.value_scale.reshape(-1))


def _column(problem: Problem, answer: Answer) -> Answer:
    if problem.reduction != "none":
        return answer
    place = problem.axis % (answer.value.ndim + 1) if answer.value.ndim or problem.axis in (0, -1) else 0
    value = np.expand_dims(answer.value, place)
    return replace(answer, value=value, value_scale=np.expand_dims(answer.value_scale, place))


def _finish(*changes: Callable[[Problem, Answer], Answer]) -> Callable[[], Settings]:
    return lambda: {"finish": changes}


SHAPES = (
    Departure(
        "none-drops-ignored",
        "Unreduced losses lack the ignored elements, and have one axis.",
        _finish(_dropped),
        harm=40,
        applies=unreduced_only,
    ),
    Departure(
        "none-drops-ignored-where-there-are-some",
        "Unreduced losses lack the ignored elements where there are some, and then have one axis.",
        _finish(_dropped_where_any),
        harm=40,
        applies=unreduced_only,
    ),
    Departure(
        "none-drops-ignored-where-ignore-index-is-given",
        "Where an ignore_index is given, unreduced losses lack the ignored elements, and have one axis.",
        _finish(_dropped_where_asked),
        harm=40,
        applies=unreduced_only,
    ),
    Departure(
        "none-is-flat",
        "Unreduced losses have one axis, whatever the labels' shape.",
        _finish(_flat),
        harm=40,
        applies=unreduced_only,
    ),
    Departure(
        "none-keeps-class-axis",
        "Unreduced losses keep the class axis, of length 1.",
        _finish(_column),
        harm=40,
        applies=unreduced_only,
    ),
    Departure(
        "none-is-divided",
        "Unreduced losses are divided by their number.",
        _finish(_none_divided),
        harm=18,
        applies=unreduced_only,
    ),
    Departure(
        "none-has-the-gradient-of-a-mean",
        "The gradient of unreduced losses is divided by their number.",
        _finish(_gradient_divided),
        harm=18,
        applies=unreduced_only,
    ),
    Departure(
        "losses-replaced-by-their-mean",
        "Every unreduced loss is the mean of all of them.",
        _finish(_all_their_mean),
        harm=18,
        applies=unreduced_only,
    ),
)


def _times(factor: float) -> Settings:
    return {"finish": (lambda p, a: replace(a, value=a.value * factor, gradient=a.gradient * factor),)}


def _gradient_times(factor: float) -> Settings:
    return {"finish": (lambda p, a: replace(a, gradient=a.gradient * factor),)}


def _value_times(factor: float) -> Settings:
    return {"finish": (lambda p, a: replace(a, value=a.value * factor),)}


def _more(constant: float) -> Settings:
    return {"finish": (lambda p, a: replace(a, value=a.value + constant),)}


def _no_gradient(problem: Problem, answer: Answer) -> Answer:
    """Slopes of 0, or what is left of slopes that cancel."""
    size = 1.0 if problem.cotangent is None else float(np.abs(problem.cotangent).max(initial=1.0))
    return replace(answer, gradient=np.zeros_like(answer.gradient), gradient_scale=answer.gradient_scale + 8.0 * size)


def _of_ones(problem: Problem) -> Problem:
    return problem.replace(cotangent=None)


FACTORS = (0.5, 2.0, -1.0, 0.1, 10.0, 0.25, 4.0, 3.0, 1.5, 1.0 + 1e-5, 1.0 - 1e-5, 1.001, 0.9)

OF_GRADIENTS = (
    Departure(
        "loss-times-a-factor", "The loss is {factor} times what it should be.", _times, {"factor": FACTORS}, harm=22
    ),
    Departure(
        "gradient-times-a-factor",
        "The gradient is {factor} times what it should be.",
        _gradient_times,
        {"factor": FACTORS},
        harm=16,
    ),
    Departure(
        "value-times-a-factor",
        "The value is {factor} times what it should be, the gradient is not.",
        _value_times,
        {"factor": FACTORS},
        harm=22,
    ),
    Departure(
        "loss-plus-a-constant",
        "The loss is {constant} more than it should be.",
        _more,
        {"constant": (1.0, -1.0, 0.1)},
        harm=22,
    ),
    Departure("no-gradient", "There is no gradient.", _finish(_no_gradient), harm=5),
    Departure(
        "cotangent-unread",
        "The backward pass does not look at the upstream gradient.",
        lambda: {"rewrite": (_of_ones,)},
        harm=30,
    ),
    Departure("float32-inside", "It computes in float32.", lambda: {"precision": "float32"}, harm=70),
)


OF_REDUCTIONS = (*OTHER_REDUCTIONS, *ALWAYS, *SHAPES, *OF_GRADIENTS)
