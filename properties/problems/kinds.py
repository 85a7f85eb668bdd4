"""Kinds of problems that some layers do not take, beyond what one dimension says, each with the law that is its gate.

Where a layer raises on all problems of one kind, the law of that kind tells of it, and all other laws leave it out.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np

from properties.problems.problem import Problem

MOST_FOR_SIGMOID, MOST_FOR_SOFTMAX = 3.0, 8.0
"""Logits beyond which a probability in their place has lost digits that a loss of them needs."""


@dataclass(frozen=True)
class Kind:
    """A kind of problems: what it is in words, its gate, and how it is told."""

    words: str
    gate: str
    holds: Callable[[Problem], bool]


def _one_element(problem: Problem) -> bool:
    return problem.size == 1


def _as_long_as_classes(problem: Problem) -> bool:
    """Labels whose last axis is as long as there are classes look like rows of probabilities."""
    return problem.targets == "hard" and problem.labels.ndim > 0 and problem.labels.shape[-1] == problem.classes


def _ignored_and_weighted(problem: Problem) -> bool:
    return problem.weight is not None and not problem.entrywise and not problem.valid.all()


def _axis_of_one(problem: Problem) -> bool:
    # where every entry has its own loss, axis 1 is that of classes: another dimension says how many there are
    axes = problem.shape[:1] + problem.shape[2:] if problem.entrywise else problem.shape
    return len(axes) > 1 and 1 in axes


def _not_finite(problem: Problem) -> bool:
    return not np.isfinite(problem.logits).all()


def _lost_in_sigmoid(problem: Problem) -> bool:
    """Entries near 1, of whose distance from 1 the rounding of a sigmoid has taken digits."""
    return problem.entrywise and bool((np.abs(problem.logits) > MOST_FOR_SIGMOID).any())


def _lost_in_softmax(problem: Problem) -> bool:
    """Rows whose softmax is 1 at one class, or has lost digits of its distance from 1."""
    if problem.entrywise or not problem.logits.size or not np.isfinite(problem.logits).all():
        return False
    if problem.classes == 1:
        return True
    return bool((np.ptp(problem.rows, axis=1) > MOST_FOR_SOFTMAX).any())


def _several_positives(problem: Problem) -> bool:
    """Targets of entries that no single class id can stand for."""
    if not problem.entrywise or problem.labels.ndim < 2:
        return problem.entrywise
    return bool((problem.labels.sum(axis=1) > 1).any()) or not np.isin(problem.labels, (0.0, 1.0)).all()


ONE_ELEMENT = Kind("one element", "conduct/takes-one-element", _one_element)
SQUARE = Kind("labels whose last axis is as long as there are classes", "conduct/takes-square", _as_long_as_classes)
IGNORED_AND_WEIGHTED = Kind(
    "ignored elements and class weights together", "conduct/takes-ignored-and-weighted", _ignored_and_weighted
)

AXIS_OF_ONE = Kind("an axis of length 1", "conduct/takes-axis-of-one", _axis_of_one)
NOT_FINITE = Kind("logits that are NaN or infinite", "call/finite-logits", _not_finite)
SEVERAL_POSITIVES = Kind("several positive targets in one row", "call/one-positive-in-a-row", _several_positives)

LOST_IN_SIGMOID = Kind(f"logits beyond {MOST_FOR_SIGMOID:g}", "call/digits-of-a-sigmoid", _lost_in_sigmoid)
LOST_IN_SOFTMAX = Kind(f"logits more than {MOST_FOR_SOFTMAX:g} apart", "call/digits-of-a-softmax", _lost_in_softmax)

KINDS = (
    *(ONE_ELEMENT, AXIS_OF_ONE, SQUARE, IGNORED_AND_WEIGHTED, SEVERAL_POSITIVES, NOT_FINITE),
    *(LOST_IN_SIGMOID, LOST_IN_SOFTMAX),
)


def kinds_behind(gates: AbstractSet[str]) -> list[str]:
    """Return the kinds behind these gates, in words."""
    return [kind.words for kind in KINDS if kind.gate in gates]


def kind_set_aside(problem: Problem, shut: AbstractSet[str]) -> str:
    """Return the kind of a problem that stands behind one of these gates, in words; '' where none does."""
    return next((kind.words for kind in KINDS if kind.gate in shut and kind.holds(problem)), "")
