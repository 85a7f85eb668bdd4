"""Losses of single elements, which the average of the largest ones may be taken of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reference.answer import BUDGET, Array
from reference.elements import Losses
from reference.entries import logistic_losses

INDIVIDUALS = ("cross_entropy", "logistic", "hinge", "squared", "absolute")
REAL = ("squared", "absolute")


@dataclass(frozen=True)
class Individual:
    """Losses of single elements; ``low`` and ``high`` [n] bound the slopes on a kink (None: there are no kinks)."""

    losses: Losses
    low: Array | None = None
    high: Array | None = None

    @property
    def kinks(self) -> NDArray[np.bool_]:
        """Where more than one slope is right."""
        if self.low is None or self.high is None:
            return np.zeros(len(self.losses.value), bool)
        return np.asarray(self.low < self.high)


def _logistic(x: Array, t: Array, unit_roundoff: float) -> Individual:
    return Individual(logistic_losses(x, t))


def _hinge(x: Array, t: Array, unit_roundoff: float) -> Individual:
    sign = 2.0 * t - 1.0
    margin = 1.0 - sign * x
    scale = 1.0 + np.abs(sign * x)
    slope = np.where(margin > 0, -sign, 0.0)
    kink = np.abs(margin) <= BUDGET * unit_roundoff * scale
    losses = Losses(
        np.where(np.isnan(margin), margin, np.maximum(margin, 0.0)), slope[:, None], scale, np.abs(slope)[:, None]
    )
    return Individual(
        losses, np.where(kink, np.minimum(-sign, 0.0), slope), np.where(kink, np.maximum(-sign, 0.0), slope)
    )


def _squared(x: Array, t: Array, unit_roundoff: float) -> Individual:
    d = x - t
    return Individual(Losses(d * d, 2.0 * d[:, None], 3.0 * d * d, 2.0 * np.abs(d)[:, None]))


def _absolute(x: Array, t: Array, unit_roundoff: float) -> Individual:
    d = x - t
    slope = np.where(np.isnan(d), np.nan, np.sign(d))
    losses = Losses(np.abs(d), slope[:, None], np.abs(d), np.abs(slope)[:, None])
    return Individual(losses, np.where(d == 0, -1.0, slope), np.where(d == 0, 1.0, slope))


ENTRY_LOSSES: dict[str, Callable[[Array, Array, float], Individual]] = {
    "logistic": _logistic,
    "hinge": _hinge,
    "squared": _squared,
    "absolute": _absolute,
}
