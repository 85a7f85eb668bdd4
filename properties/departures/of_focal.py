"""Departures of focal losses: the power, the probability in it, what has no slope, and which side alpha is on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from properties.departures.departure import Departure, Settings
from properties.departures.parts import Parts, weight_of_elements
from properties.problems.precision import Array
from properties.problems.problem import Problem
from reference import UNIT_ROUNDOFF, Answer
from reference.elements import Elements, Losses
from reference.sigmoid_focal import entry_focal_losses

INSIDE = frozenset({"power", "probability", "detached"})
INSIDE_ENTRIES = frozenset({"power", "balance", "focus", "detached"})


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


def focused_entries(problem: Problem, elements: Elements, losses: Losses, settings: Settings) -> list[Parts]:
    """Return alpha_t (1 - p_t)^gamma times the binary cross entropy of the entries, or what departs from it."""
    assert elements.targets is not None
    x, t = elements.rows[:, 0], elements.targets
    gamma = float(settings["power"](problem) if "power" in settings else problem.config["gamma"])
    unit = UNIT_ROUNDOFF[problem.dtype]
    if "focus" in settings or "detached" in settings or "bce" in settings:
        found = _by_hand(x, t, gamma, losses, settings)
    else:
        found = entry_focal_losses(x, t, gamma, unit)
    alpha = problem.config.get("alpha")
    balance = settings.get("balance", balanced)(alpha, t)
    return [Parts(found.times(np.maximum(balance, 0.0)))]


def balanced(alpha: float | None, t: Array) -> Array:
    """Return alpha for targets of 1, 1 - alpha for those of 0."""
    return np.ones_like(t) if alpha is None else alpha * t + (1.0 - alpha) * (1.0 - t)


def _by_hand(x: Array, t: Array, gamma: float, losses: Losses, settings: Settings) -> Losses:
    p = 1.0 / (1.0 + np.exp(-np.clip(x, -700.0, 700.0)))
    q, turn = settings.get("focus", _away)(p, t)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        factor = q**gamma
        bend = np.where(q > 0, gamma * q ** (gamma - 1.0), 0.0) * turn * p * (1.0 - p)
    detached = settings.get("detached", "")
    by_factor = 0.0 if detached == "factor" else bend * losses.value
    by_loss = 0.0 if detached == "entropy" else factor * losses.slope[:, 0]
    value = factor * losses.value
    size = (losses.value_scale + np.abs(losses.value)) * (4.0 + gamma)
    return Losses(value, np.asarray(by_factor + by_loss)[:, None], size, (size * (4.0 + gamma))[:, None])


def _away(p: Array, t: Array) -> tuple[Array, Array]:
    return p * (1.0 - t) + (1.0 - p) * t, 1.0 - 2.0 * t


def _rest_on_both_sides(p: Array, t: Array) -> tuple[Array, Array]:
    return 1.0 - p, -np.ones_like(p)


def _distance(p: Array, t: Array) -> tuple[Array, Array]:
    return np.abs(t - p), np.sign(p - t)


def _toward(p: Array, t: Array) -> tuple[Array, Array]:
    return p * t + (1.0 - p) * (1.0 - t), 2.0 * t - 1.0


Balance = Callable[[Any, Array], Array]


def _balance(balance: Balance) -> Callable[[], Settings]:
    return lambda: {"balance": balance}


BALANCES: dict[str, tuple[str, Balance]] = {
    "alpha-swapped": (
        "alpha goes to the negatives, 1 - alpha to the positives",
        lambda a, t: balanced(None if a is None else 1.0 - a, t),
    ),
    "alpha-on-both-sides": (
        "alpha multiplies positives and negatives alike",
        lambda a, t: np.full_like(t, 1.0 if a is None else a),
    ),
    "alpha-on-positives-alone": (
        "alpha multiplies the positives, and nothing the negatives",
        lambda a, t: np.ones_like(t) if a is None else a * t + (1.0 - t),
    ),
    "alpha-on-negatives-alone": (
        "1 - alpha multiplies the negatives, and nothing the positives",
        lambda a, t: np.ones_like(t) if a is None else t + (1.0 - a) * (1.0 - t),
    ),
    "alpha-unread": ("alpha is taken and not used", lambda a, t: np.ones_like(t)),
    "alpha-doubled": ("positives have 2 alpha, negatives 2 (1 - alpha)", lambda a, t: 2.0 * balanced(a, t)),
    "alpha-a-quarter": ("alpha is not read: it is 0.25", lambda a, t: balanced(0.25, t)),
    "alpha-where-positive": (
        "entries with a target above 0 have alpha, all others 1 - alpha",
        lambda a, t: np.ones_like(t) if a is None else np.where(t > 0, a, 1.0 - a),
    ),
    "alpha-where-one": (
        "entries with a target of 1 have alpha, all others 1 - alpha",
        lambda a, t: np.ones_like(t) if a is None else np.where(t == 1, a, 1.0 - a),
    ),
    "alpha-at-one-half": (
        "there is a factor of 1/2 where alpha is None",
        lambda a, t: np.full_like(t, 0.5) if a is None else balanced(a, t),
    ),
    "alpha-only-below-one": ("alpha of 0 counts as None", lambda a, t: np.ones_like(t) if not a else balanced(a, t)),
}


OF_BALANCE = (
    *(
        Departure(name, f"{words[0].upper()}{words[1:]}.", _balance(balance), needs=("alpha",), harm=8)
        for name, (words, balance) in BALANCES.items()
    ),
    Departure(
        "rest-on-both-sides",
        "(1 - p)^gamma focuses negatives too, where p^gamma should.",
        lambda: {"focus": _rest_on_both_sides},
        needs=("gamma",),
        harm=8,
    ),
    Departure(
        "focus-by-distance", "The factor is |t - p|^gamma.", lambda: {"focus": _distance}, needs=("gamma",), harm=8
    ),
    Departure(
        "focus-on-the-right",
        "The factor is p_t^gamma: what is right already is turned up.",
        lambda: {"focus": _toward},
        needs=("gamma",),
        harm=8,
    ),
    Departure(
        "factor-detached",
        "There is no gradient through the factor (1 - p_t)^gamma.",
        lambda: {"detached": "factor"},
        needs=("gamma",),
        harm=14,
    ),
    Departure(
        "entropy-detached",
        "There is no gradient through the binary cross entropy.",
        lambda: {"detached": "entropy"},
        needs=("gamma",),
        harm=14,
    ),
)


OF_FOCAL = (*POWERS, *FOCUSED)
OF_SIGMOID_FOCAL = (*POWERS, *OF_BALANCE)
