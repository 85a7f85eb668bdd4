"""Departures of focal losses over a softmax: the power, the probability in it, and what has no slope."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from properties.departures.departure import Departure, Settings
from properties.departures.parts import weight_of_elements
from properties.problems.precision import Array
from properties.problems.problem import Problem
from reference import Answer
from reference.elements import Elements

INSIDE = frozenset({"power", "probability", "detached"})


def _gamma(change: Callable[[float], float]) -> Callable[[], Settings]:
    return lambda: {"power": lambda problem: max(change(float(problem.config["gamma"])), 0.0)}


POWERS = (
    Departure(
        "gamma-unread", "gamma is not read: it is 2.", lambda: {"power": lambda p: 2.0}, needs=("gamma",), harm=8
    ),
    Departure(
        "gamma-is-zero",
        "gamma is not read: nothing is focused.",
        lambda: {"power": lambda p: 0.0},
        needs=("gamma",),
        harm=8,
    ),
    Departure(
        "gamma-is-one", "gamma is not read: it is 1.", lambda: {"power": lambda p: 1.0}, needs=("gamma",), harm=8
    ),
    Departure("gamma-one-more", "The power is gamma + 1.", _gamma(lambda g: g + 1.0), needs=("gamma",), harm=8),
    Departure("gamma-one-less", "The power is gamma - 1.", _gamma(lambda g: g - 1.0), needs=("gamma",), harm=8),
    Departure("gamma-doubled", "The power is 2 gamma.", _gamma(lambda g: 2.0 * g), needs=("gamma",), harm=8),
    Departure("gamma-halved", "The power is gamma / 2.", _gamma(lambda g: g / 2.0), needs=("gamma",), harm=8),
    Departure("gamma-rooted", "The power is the root of gamma.", _gamma(lambda g: g**0.5), needs=("gamma",), harm=8),
    Departure(
        "gamma-truncated", "The power is gamma rounded down.", _gamma(lambda g: float(int(g))), needs=("gamma",), harm=8
    ),
)

Probability = Callable[[Array, Problem, Elements], tuple[Array, Array]]


def _weighted_exponent(entropy: Array, problem: Problem, elements: Elements) -> tuple[Array, Array]:
    weight = weight_of_elements(problem)
    p = np.exp(-entropy * weight)
    return p, -weight * p


def _log_probability(entropy: Array, problem: Problem, elements: Elements) -> tuple[Array, Array]:
    return -entropy, -np.ones_like(entropy)


def _plus(epsilon: float) -> Settings:
    def probability(entropy: Array, problem: Problem, elements: Elements) -> tuple[Array, Array]:
        p = np.exp(-entropy)
        return p + epsilon, -p

    return {"probability": probability}


def _rest_of(entropy: Array, problem: Problem, elements: Elements) -> tuple[Array, Array]:
    p = np.exp(-entropy)
    return 1.0 - p, p


def _logarithm_again(entropy: Array, problem: Problem) -> tuple[Array, Array]:
    return -np.log(-entropy), 1.0 / -entropy


def _focused_late(problem: Problem, answer: Answer) -> Answer:
    """(1 - exp(-L))^gamma L of what is left after the reduction."""
    gamma = float(problem.config["gamma"])
    total = answer.value
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        rest = -np.expm1(-total)
        bend = np.where(rest > 0, gamma * rest ** (gamma - 1.0), 0.0) if gamma else 0.0
        value, slope = rest**gamma * total, rest**gamma + bend * np.exp(-total) * total
        value, slope = np.where(np.isinf(total), total, value), np.where(np.isinf(total), 1.0, slope)
        column = np.expand_dims(slope, problem.axis) if total.ndim == problem.logits.ndim - 1 else slope
        column = slope if not total.ndim else column
        gradient = answer.gradient * column
        scale = answer.gradient_scale * np.abs(column) + 32.0 * (1.0 + gamma) * np.abs(
            gradient
        ) * answer.value_scale.max(initial=1.0)
    # 1 - exp(-L) may err by a roundoff of 1
    value_scale = answer.value_scale * (1.0 + np.abs(slope)) + 8.0 * (1.0 + gamma) * np.abs(value)
    value_scale = value_scale + np.nan_to_num(8.0 * np.abs(bend * total), posinf=0.0)
    return replace(answer, value=value, gradient=gradient, value_scale=value_scale, gradient_scale=scale)


def _focused_after(problem: Problem) -> bool:
    return problem.reduction != "none" or problem.weight is not None


FOCUSED = (
    Departure(
        "focused-after-the-reduction",
        "Cross entropy is reduced first, and the number that is left is focused.",
        lambda: {"rewrite": (lambda problem: problem.configure(gamma=0.0),), "finish": (_focused_late,)},
        needs=("gamma",),
        harm=8,
        applies=_focused_after,
    ),
    Departure(
        "logarithm-taken-twice",
        "The log-probability passes for the probability, and its logarithm is taken again.",
        lambda: {"entropy": (_logarithm_again,), "probability": _log_probability},
        needs=("gamma",),
        harm=8,
    ),
    Departure(
        "weight-in-the-exponent",
        "p is read off the weighted loss, so that the class weight stands in its exponent.",
        lambda: {"probability": _weighted_exponent},
        needs=("gamma", "weight"),
        harm=8,
    ),
    Departure(
        "log-probability-for-probability",
        "The log-probability stands in the place of p.",
        lambda: {"probability": _log_probability},
        needs=("gamma",),
        harm=8,
    ),
    Departure(
        "focus-on-the-right",
        "The factor is p^gamma: what is right already is turned up.",
        lambda: {"probability": _rest_of},
        needs=("gamma",),
        harm=8,
    ),
    Departure(
        "factor-detached",
        "There is no gradient through the factor (1 - p)^gamma.",
        lambda: {"detached": "factor"},
        needs=("gamma",),
        harm=14,
    ),
    Departure(
        "entropy-detached",
        "There is no gradient through cross entropy, only through its factor.",
        lambda: {"detached": "entropy"},
        needs=("gamma",),
        harm=14,
    ),
    Departure(
        "slope-of-factor-turned",
        "The gradient through the factor (1 - p)^gamma has the opposite sign.",
        lambda: {"detached": "turned"},
        needs=("gamma",),
        harm=14,
    ),
    Departure(
        "epsilon-in-factor",
        "{epsilon} is added to p in the factor.",
        _plus,
        {"epsilon": (1e-6, 1e-8, 1e-5, 1e-4, 1e-10)},
        needs=("gamma",),
        harm=55,
    ),
)


OF_FOCAL = (*POWERS, *FOCUSED)
