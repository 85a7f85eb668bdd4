"""Departures of focal losses over a sigmoid: which side alpha is on, what the power is of, and what has no slope."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import expit

from properties.departures.departure import Departure, Settings
from properties.departures.of_focal import POWERS
from properties.departures.parts import Mask, Parts, scaled
from properties.problems.precision import Array, round_to
from properties.problems.problem import Problem
from reference import UNIT_ROUNDOFF
from reference.elements import Elements, Losses
from reference.sigmoid_focal import entry_focal_losses

INSIDE_ENTRIES = frozenset({"power", "balance", "focus", "detached", "saturated"})
BY_HAND = frozenset({"focus", "detached", "saturated", "bce", "kernel", "raw"})


def focused_entries(problem: Problem, elements: Elements, losses: Losses, settings: Settings) -> list[Parts]:
    """Return alpha_t (1 - p_t)^gamma times the binary cross entropy of the entries, or what departs from it."""
    assert elements.targets is not None
    x, t = elements.rows[:, 0], elements.targets
    gamma = float(settings["power"](problem) if "power" in settings else problem.config["gamma"])
    unit = UNIT_ROUNDOFF[problem.dtype]
    alpha = problem.config.get("alpha")
    balance = settings.get("balance", balanced)(alpha, t)
    if settings.get("focus") == "mean":
        detached = settings.get("detached") == "factor"
        return [Parts(_of_the_mean(gamma, losses, balance, elements.valid, detached))]
    if BY_HAND.isdisjoint(settings):
        found = [entry_focal_losses(x, t, gamma, unit)]
    else:
        # where a base of the power is 0 or less, or the loss is no number, a floor under it makes a difference
        bases = (True, False) if settings.get("raw") or not np.isfinite(losses.value).all() else (False,)
        dtype = problem.dtype
        found = [_by_hand(elements, gamma, losses, settings, dtype, floored) for floored in bases]
    return [Parts(scaled(one, balance)) for one in found]


def balanced(alpha: float | None, t: Array) -> Array:
    """Return alpha for targets of 1, 1 - alpha for those of 0."""
    return np.ones_like(t) if alpha is None else alpha * t + (1.0 - alpha) * (1.0 - t)


def _by_hand(
    elements: Elements, gamma: float, losses: Losses, settings: Settings, dtype: str, floored: bool = False
) -> Losses:
    """The product and its slope; ``floored``: a base of the power below 0 counts as 0, and has no slope."""
    assert elements.targets is not None
    x, t = elements.rows[:, 0], elements.targets
    p, rest = expit(x), expit(-x)
    if settings.get("saturated"):
        # where 1 - p rounds to 0 depends on the precision
        p = round_to(p, dtype)
    q, turn = settings.get("focus", _away)(p, rest, t)
    if floored:
        q, turn = np.maximum(q, np.finfo(np.float64).tiny), np.where(q > 0, turn, 0.0)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        factor = q**gamma
        at_zero = np.nan if settings.get("saturated") and gamma < 1.0 and gamma != 0.0 else 0.0
        steepness = np.where(q == 0, at_zero, gamma * q ** (gamma - 1.0)) if gamma else np.zeros_like(q)
        bend = steepness * turn * p * rest
        detached = settings.get("detached", "")
        value = factor * losses.value
        by_factor = 0.0 if detached == "factor" else bend * losses.value
        by_loss = 0.0 if detached == "entropy" else factor * losses.slope[:, 0]
    wide = 4.0 + gamma
    size = (losses.value_scale + np.abs(losses.value)) * wide
    step = factor * losses.slope_scale[:, 0] + np.abs(bend) * losses.value_scale
    return Losses(
        value,
        np.asarray(by_factor + by_loss)[:, None],
        size * np.maximum(np.nan_to_num(np.abs(factor)), 2.0**-60),
        (wide * (step + np.abs(by_factor) + np.abs(by_loss)) + 2.0**-40)[:, None],
    )


def _of_the_mean(gamma: float, losses: Losses, balance: Array, valid: Mask, detached: bool) -> Losses:
    """One factor for all entries, (1 - exp(-L))^gamma of their mean loss L; each has a balance of its own."""
    losses = losses.keep(valid)
    n = max(int(valid.sum()), 1)
    mean = float(losses.value.sum()) / n
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        q = -np.expm1(-mean)
        factor = q**gamma
        bend = gamma * q ** (gamma - 1.0) * np.exp(-mean) if gamma and q > 0 and not detached else 0.0
    slope = balance * factor + float((balance * losses.value).sum()) / n * bend
    size = (4.0 + gamma) * (1.0 + np.abs(slope))
    return Losses(
        losses.value * balance * factor,
        losses.slope * slope[:, None],
        size * (losses.value_scale + losses.value_scale.sum() / n),
        (size * n)[:, None] * (losses.slope_scale + np.abs(losses.slope)),
    )


def _positives_alone(p: Array, rest: Array, t: Array) -> tuple[Array, Array]:
    return np.where(t > 0, rest, 1.0), np.where(t > 0, -1.0, 0.0)


def _negatives_alone(p: Array, rest: Array, t: Array) -> tuple[Array, Array]:
    return np.where(t > 0, 1.0, p), np.where(t > 0, 0.0, 1.0)


def _away(p: Array, rest: Array, t: Array) -> tuple[Array, Array]:
    return p * (1.0 - t) + rest * t, 1.0 - 2.0 * t


def _rounded_rest(p: Array, rest: Array, t: Array) -> tuple[Array, Array]:
    """1 - p_t as float64 has it: below 2^-53 it is 0."""
    return 1.0 - (p * t + (1.0 - p) * (1.0 - t)), 1.0 - 2.0 * t


def _rounded_miss(p: Array, rest: Array, t: Array) -> tuple[Array, Array]:
    """The same without the second difference: 0 alone where the target is 1."""
    return p * (1.0 - t) + (1.0 - p) * t, 1.0 - 2.0 * t


def _rest_on_both_sides(p: Array, rest: Array, t: Array) -> tuple[Array, Array]:
    return rest, -np.ones_like(p)


def _distance(p: Array, rest: Array, t: Array) -> tuple[Array, Array]:
    signed = p * (1.0 - t) - rest * t
    return np.abs(signed), np.sign(signed)


def _toward(p: Array, rest: Array, t: Array) -> tuple[Array, Array]:
    return p * t + rest * (1.0 - t), 2.0 * t - 1.0


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
    Departure(
        "alpha-a-quarter-for-none",
        "alpha of None counts as 0.25.",
        _balance(lambda a, t: balanced(0.25 if a is None else a, t)),
        needs=("alpha",),
        harm=7,
        applies=lambda problem: problem.config.get("alpha") is None,
    ),
    *(
        Departure(name, f"{words[0].upper()}{words[1:]}.", _balance(balance), needs=("alpha",), harm=8)
        for name, (words, balance) in BALANCES.items()
    ),
    Departure(
        "factor-of-the-mean",
        "All entries have one factor, that of their mean loss: (1 - exp(-L))^gamma.",
        lambda: {"focus": "mean"},
        needs=("gamma",),
        harm=8,
    ),
    Departure(
        "focus-on-positives-alone",
        "The factor is (1 - p)^gamma for targets above 0, and 1 for all others.",
        lambda: {"focus": _positives_alone},
        needs=("gamma",),
        harm=8,
    ),
    Departure(
        "focus-on-negatives-alone",
        "The factor is 1 for targets above 0, and p^gamma for all others.",
        lambda: {"focus": _negatives_alone},
        needs=("gamma",),
        harm=8,
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


def _gamma_below_one(problem: Problem) -> bool:
    return 0.0 < float(problem.config["gamma"]) < 1.0 and bool((np.abs(problem.logits) > 30.0).any())


KERNEL = "paddle.nn.functional.sigmoid_focal_loss"

SATURATED = (
    Departure(
        "power-of-nothing",
        "Where 1 - p_t has rounded to 0, its power has a slope of NaN for gamma below 1.",
        lambda: {"focus": _rounded_miss, "saturated": True},
        needs=("gamma",),
        harm=40,
        applies=_gamma_below_one,
    ),
    Departure(
        "power-of-nothing-of-a-kernel",
        "Where 1 - p_t has rounded to 0, on either side, its power has a slope of NaN for gamma below 1.",
        lambda: {"focus": _rounded_rest, "saturated": True},
        needs=("gamma",),
        inherited=KERNEL,
        harm=80,
        applies=_gamma_below_one,
    ),
)

OF_SIGMOID_FOCAL = (*POWERS, *OF_BALANCE, *SATURATED)
