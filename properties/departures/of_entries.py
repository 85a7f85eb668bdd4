"""Departures of losses of single entries: the logarithm of a sigmoid, a sigmoid too many, slopes at a logit of 0."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from properties.departures.departure import Departure, Settings
from properties.departures.parts import mapped
from properties.problems.precision import Array
from reference.elements import Losses
from reference.entries import logistic_losses

INSIDE = frozenset({"bce"})

BCE = "paddle.nn.functional.binary_cross_entropy_with_logits"

Change = Callable[[Losses, Array, Array], Losses]


def _sigmoid(x: Array) -> Array:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(x, -700.0, 700.0))))


def _log_of(epsilon: float) -> Settings:
    def change(losses: Losses, x: Array, t: Array) -> Losses:
        p, rest = _sigmoid(x), _sigmoid(-x)
        value = -t * np.log(p + epsilon) - (1.0 - t) * np.log(rest + epsilon)
        slope = p * rest * (-t / (p + epsilon) + (1.0 - t) / (rest + epsilon))
        return _made(losses, value, slope)

    return {"bce": (change,)}


def _clip_of(epsilon: float) -> Settings:
    def change(losses: Losses, x: Array, t: Array) -> Losses:
        p, rest = _sigmoid(x), _sigmoid(-x)
        low, high = np.clip(p, epsilon, 1.0 - epsilon), np.clip(rest, epsilon, 1.0 - epsilon)
        inside = (p >= epsilon) & (rest >= epsilon)
        value = -t * np.log(low) - (1.0 - t) * np.log(high)
        return _made(losses, value, np.where(inside, losses.slope[:, 0], 0.0))

    return {"bce": (change,)}


def _made(losses: Losses, value: Array, slope: Array) -> Losses:
    return Losses(value, slope[:, None], losses.value_scale + 8.0 + np.abs(value), losses.slope_scale + 8.0)


def _twice(losses: Losses, x: Array, t: Array) -> Losses:
    p = _sigmoid(x)
    again = logistic_losses(p, t)
    return _made(losses, again.value, again.slope[:, 0] * p * (1.0 - p))


def _positives(losses: Losses, x: Array, t: Array) -> Losses:
    return mapped(losses, losses.value * (t > 0), np.asarray((t > 0) * 1.0))


SIGMOIDS = (
    Departure(
        "epsilon-in-logarithm",
        "Logarithms are taken of p + {epsilon} and 1 - p + {epsilon}.",
        _log_of,
        {"epsilon": (1e-6, 1e-8, 1e-7, 1e-5, 1e-10, 1e-12, 1e-4, 1e-3)},
        harm=55,
    ),
    Departure(
        "probability-clipped",
        "Probabilities are clipped to [{epsilon}, 1 - {epsilon}] before the logarithm.",
        _clip_of,
        {"epsilon": (1e-6, 1e-8, 1e-7, 1e-5, 1e-10, 1e-12, 1e-4, 1e-3)},
        harm=45,
    ),
    Departure(
        "sigmoid-twice",
        "Probabilities are taken for logits: the sigmoid is taken twice.",
        lambda: {"bce": (_twice,)},
        harm=8,
    ),
    Departure(
        "positives-alone", "Only entries with a target above 0 have a loss.", lambda: {"bce": (_positives,)}, harm=8
    ),
)


def _at_zero(by: Callable[[Array], Array]) -> Change:
    def change(losses: Losses, x: Array, t: Array) -> Losses:
        slope = np.where(x == 0, by(t), losses.slope[:, 0])
        return replace(losses, slope=slope[:, None])

    return change


KERNELS = (
    Departure(
        "slope-at-zero",
        "At a logit of 0 the slope is -t, where 1/2 - t is due.",
        lambda: {"bce": (_at_zero(lambda t: -t),)},
        inherited=BCE,
        harm=80,
    ),
    Departure(
        "slope-at-zero-of-one",
        "At a logit of 0 the slope is 1 - t, where 1/2 - t is due.",
        lambda: {"bce": (_at_zero(lambda t: 1.0 - t),)},
        inherited=BCE,
        harm=80,
    ),
)

OF_ENTRIES = (*SIGMOIDS, *KERNELS)
