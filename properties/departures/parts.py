"""Parts: the losses of the elements before the reduction, with their slopes, and what a mean of them divides by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from properties.departures.departure import Settings
from properties.problems.precision import Array
from properties.problems.problem import Problem
from reference import Answer
from reference.elements import Losses

Mask = NDArray[np.bool_]
"""Which elements are meant."""


@dataclass(frozen=True)
class Parts:
    """Losses [n] of the elements, weights applied, and their slopes [n, C]; with the error scale of each.

    ``decided`` is False where the losses may be others for the rounding of a number near a jump.
    """

    losses: Losses
    decided: bool = True

    def with_slopes(self, other: Parts) -> Parts:
        """Return these values with the slopes of others."""
        slopes = {"slope": other.losses.slope, "slope_scale": other.losses.slope_scale}
        return replace(self, losses=replace(self.losses, **slopes), decided=self.decided and other.decided)


PartsOf = Callable[[Problem, Settings], list[Parts]]
"""The losses of a problem's elements under settings: one for each admissible answer."""


@dataclass(frozen=True)
class Loss:
    """What a model needs to know of a contract: its oracle, what its mean divides by, and how it is made of parts.

    ``parts`` is None where nobody said how: then the oracle is asked for unreduced losses. Those of the ``known``
    problems are kept, since they are asked for again and again.
    """

    answer: Callable[[Problem], Answer]
    divisor: Callable[[Problem], float]
    parts: PartsOf | None = None
    inside: frozenset[str] = frozenset()
    known: dict[Problem, list[Parts] | None] = field(default_factory=dict, compare=False)

    def parts_of(self, problem: Problem, settings: Settings) -> list[Parts]:
        """Return the losses of the elements; what only the contract's own parts know is looked for there."""
        if self.parts is not None and any(name in settings for name in self.inside):
            return self.parts(problem, settings)
        if problem not in self.known:
            return unreduced(self.answer, problem)
        if self.known[problem] is None:
            self.known[problem] = unreduced(self.answer, problem)
        return self.known[problem] or []


def unreduced(answer: Callable[[Problem], Answer], problem: Problem) -> list[Parts]:
    """Return the oracle's losses of the elements, for each admissible answer."""
    known = answer(problem.replace(reduction="none", normalizer=None, cotangent=None))
    settled = known.decided and known.nearest is None
    return [Parts(_losses(problem, one), settled) for one in known.admissible]


def _losses(problem: Problem, answer: Answer) -> Losses:
    return Losses(
        answer.value.reshape(-1),
        problem.flatten(answer.gradient),
        answer.value_scale.reshape(-1),
        problem.flatten(answer.gradient_scale),
    )


def weight_of_elements(problem: Problem) -> Array:
    """Return the weight of each element by its label or its entry's class, [n]; 0 where it is ignored."""
    valid = problem.valid.reshape(-1)
    if problem.weight is None:
        return valid.astype(np.float64)
    if problem.entrywise:
        axis = problem.axis % problem.logits.ndim
        shape = [1] * problem.logits.ndim
        shape[axis] = -1
        return np.asarray(np.broadcast_to(problem.weight.reshape(shape), problem.shape).reshape(-1) * valid)
    return np.asarray((problem.one_hot * problem.weight).sum(axis=1) * valid)


def mapped(losses: Losses, value: Array, slope: Array) -> Losses:
    """Return losses that are a function of others: their values, and the derivative by the others', [n] each."""
    column = slope[:, None]
    with np.errstate(invalid="ignore", over="ignore"):
        return Losses(
            value,
            losses.slope * column,
            losses.value_scale * np.abs(slope) + 8.0 * np.abs(value) + 1.0,
            losses.slope_scale * np.abs(column) + 8.0 * np.abs(losses.slope * column),
        )


def scaled(losses: Losses, factor: Array) -> Losses:
    """Return losses times numbers [n] of any sign."""
    return mapped(losses, losses.value * factor, factor)
