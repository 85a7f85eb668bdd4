"""Limits: at some setting a loss is another loss. Every reduction, with and without weights and ignored elements."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from scipy.special import expit

from properties.case import Case
from properties.domain import within
from properties.law import Finding, Law
from properties.problem import Problem
from reference import Answer, cross_entropy
from reference.elements import Losses, arrange


def limit(
    name: str,
    sentence: str,
    at: dict[str, tuple[Any, ...]],
    equals: Callable[[Problem], Answer],
    *,
    needs: tuple[str, ...] = (),
) -> Law:
    """The law that a loss, drawn with only the settings ``at``, has the answers of ``equals``."""

    def check(case: Case) -> Iterator[Finding]:
        yield from case.matches(answer=equals(case.problem), message=f"{sentence.rstrip('.')}: here it is not.")

    demand = {dimension: within(*values) for dimension, values in at.items()}
    return Law(f"limit/{name}", sentence, check, demand=demand, needs=needs)


def cross_entropy_of(problem: Problem) -> Answer:
    """The oracle's cross entropy of a problem, whatever other settings it has."""
    return cross_entropy(
        problem.logits,
        problem.labels,
        weight=problem.weight,
        ignore_index=problem.ignore_index,
        reduction=problem.reduction,
        axis=problem.axis,
        cotangent=problem.cotangent,
    )


def logistic_of(problem: Problem) -> Answer:
    """Cross entropy of two classes by the logistic loss of the difference d of label's and other's logit.

    l = log(1 + exp(-d)), dl/dd = -sigmoid(-d); no softmax anywhere.
    """
    elements = arrange(
        problem.logits, problem.labels, weight=problem.weight, ignore_index=problem.ignore_index, axis=problem.axis
    )
    index = np.arange(len(elements.rows))
    difference = elements.rows[index, elements.labels] - elements.rows[index, 1 - elements.labels]
    slope = np.empty_like(elements.rows)
    slope[index, elements.labels] = -expit(-difference)
    slope[index, 1 - elements.labels] = expit(-difference)
    scale = 1.0 + np.abs(difference) + np.log(2.0)
    losses = Losses(np.logaddexp(0.0, -difference), slope, scale, np.abs(slope) * scale[:, None] + 1.0)
    return elements.reduce(losses.times(elements.weight), reduction=problem.reduction, cotangent=problem.cotangent)


TWO_CLASSES = limit(
    "two-classes-is-logistic",
    "With two classes the loss is the logistic loss of the difference of the logits.",
    {"classes": (2,)},
    logistic_of,
)
