"""Departures of smooth losses of differences: what mu is, and what stands in the place of sqrt(d^2 + mu^2) - mu."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from properties.departures.departure import Departure, Settings
from properties.problems.precision import Array
from reference.elements import Losses

MU = (
    Departure(
        "mu-unread",
        "mu is not read: it is {mu}.",
        lambda mu: {"mu": lambda given: mu},
        {"mu": (0.02, 0.1, 1.0)},
        needs=("mu",),
        harm=8,
    ),
    Departure(
        "mu-squared", "mu is squared once more.", lambda: {"mu": lambda given: given * given}, needs=("mu",), harm=8
    ),
    Departure(
        "mu-rooted",
        "mu stands where mu squared should.",
        lambda: {"mu": lambda given: float(np.sqrt(given))},
        needs=("mu",),
        harm=8,
    ),
)

Smooth = Callable[[Array, float], tuple[Array, Array]]
"""From differences and mu to losses and their slopes."""


def _mu_inside(d: Array, mu: float) -> tuple[Array, Array]:
    root = np.sqrt(d * d + mu)
    return root - mu, d / root


def _mu_left(d: Array, mu: float) -> tuple[Array, Array]:
    root = np.hypot(d, mu)
    return root, d / root


def _unsigned(d: Array, mu: float) -> tuple[Array, Array]:
    root = np.hypot(d, mu)
    return root - mu, np.abs(d) / root


def _smooth_l1(d: Array, mu: float) -> tuple[Array, Array]:
    near = np.abs(d) < mu
    return np.where(near, 0.5 * d * d / mu, np.abs(d) - 0.5 * mu), np.where(near, d / mu, np.sign(d))


def _huber(d: Array, mu: float) -> tuple[Array, Array]:
    near = np.abs(d) < mu
    return np.where(near, 0.5 * d * d, mu * (np.abs(d) - 0.5 * mu)), np.clip(d, -mu, mu)


def _absolute(d: Array, mu: float) -> tuple[Array, Array]:
    return np.abs(d), np.sign(d)


def _squared(d: Array, mu: float) -> tuple[Array, Array]:
    return d * d, 2.0 * d


KINDS: dict[str, tuple[str, Smooth]] = {
    "mu-not-squared": ("is sqrt(d^2 + mu) - mu", _mu_inside),
    "mu-not-taken-off": ("is sqrt(d^2 + mu^2): mu is not taken off", _mu_left),
    "slope-without-sign": ("has the slope |d| / sqrt(d^2 + mu^2), without a sign", _unsigned),
    "smooth-l1": ("is d^2 / (2 mu) below mu, and |d| - mu / 2 beyond", _smooth_l1),
    "huber": ("is d^2 / 2 below mu, and mu (|d| - mu / 2) beyond", _huber),
    "absolute-error": ("is |d|", _absolute),
    "squared-error": ("is d^2", _squared),
}


def _instead(smooth: Smooth) -> Callable[[], Settings]:
    def change(losses: Losses, d: Array, mu: float) -> Losses:
        with np.errstate(all="ignore"):
            value, slope = smooth(d, mu)
        size = 8.0 * (1.0 + np.abs(value) + abs(mu))
        return Losses(value, slope[:, None], size, (8.0 + 8.0 * np.abs(slope))[:, None])

    return lambda: {"smooth": change}


OF_SMOOTH = (
    *MU,
    *(
        Departure(name, f"The loss of an error d {words}.", _instead(smooth), needs=("mu",), harm=8)
        for name, (words, smooth) in KINDS.items()
    ),
)
