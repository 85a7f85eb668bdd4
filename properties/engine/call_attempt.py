"""Attempt: what came of asking a layer in one style of call, and how near its losses are to the oracle's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from properties.errors import ContractError
from properties.judging.observation import Failure, Observation
from properties.problems.problem import Problem
from properties.subjects.call_style import CallStyle
from properties.subjects.subject import Subject

ALIKE = 1e-3
"""How far losses, or their proportions, may differ that are alike: an epsilon or float32 inside tells of no call."""


@dataclass(frozen=True)
class Attempt:
    """What came of a style.

    The ranks at which the layer is ``right``, at which it ``answered`` and at which it did with ``finite`` numbers, and
    how it fails at others.
    """

    style: CallStyle
    right: frozenset[int] = frozenset()
    answered: frozenset[int] = frozenset()
    finite: frozenset[int] = frozenset()
    failures: Mapping[int, Failure] = field(default_factory=dict)
    spread: float = np.inf
    """How far its losses are from being in proportion to the oracle's, at the rank at which they are nearest to it."""

    @property
    def deepest(self) -> tuple[int, Failure] | None:
        """The rank at which the layer's code got furthest before it failed, and the failure."""
        return max(self.failures.items(), key=lambda item: (progress(item[1]), -item[0]), default=None)

    @property
    def progress(self) -> tuple[int, ...]:
        """How far the layer's code got before the deepest failure."""
        return () if self.deepest is None else progress(self.deepest[1])


def progress(failure: Failure) -> tuple[int, ...]:
    """How far a layer's code got before it raised: the numbers of the lines that the exception came through."""
    return tuple(int(number) for line in failure.trace if (number := line.split(":")[1]).isdigit())


def ratio(subject: Subject, problem: Problem, result: Observation) -> float:
    """A layer's loss over the oracle's; NaN where there is none."""
    if subject.resolved.oracle is None:
        return float("nan")
    try:
        due = float(subject.resolved.answer(problem).value.sum())
    except ContractError:
        return float("nan")
    return float(result.value.sum()) / due if due else float("nan")


def alike(ratios: list[float]) -> bool:
    """Whether losses are in proportion to the oracle's."""
    return spread_of(ratios) <= ALIKE


def spread_of(ratios: list[float]) -> float:
    """How far losses are from being in proportion to the oracle's, relative to the largest ratio."""
    known = np.asarray(ratios)
    if not known.size or not np.isfinite(known).all() or not (known > 0).all():
        return np.inf
    return float(np.ptp(known) / known.max())
