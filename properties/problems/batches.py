"""Batches: parts of a problem's elements that one compiled program is given, one after the other."""

from __future__ import annotations

from collections.abc import Sequence

from properties.problems.problem import Problem

CONFIG_NAME = "batches"
"""The entry of a problem's ``config`` that holds its batches, written in one line."""


def with_batches(problem: Problem, batches: Sequence[Sequence[int]]) -> Problem:
    """Return the problem with batches, each of them the indices of its elements."""
    return problem.configure(**{CONFIG_NAME: "; ".join(" ".join(map(str, batch)) for batch in batches)})


def batches_of(problem: Problem) -> list[Problem]:
    """Return a problem for each batch, or the problem itself where it has none.

    They differ in the length of the first axis of elements.
    """
    if CONFIG_NAME not in problem.config:
        return [problem]
    plain = problem.replace(config={name: value for name, value in problem.config.items() if name != CONFIG_NAME})
    chosen = [[int(i) for i in words.split()] for words in str(problem.config[CONFIG_NAME]).split("; ")]
    return [plain.take(elements) for elements in chosen]


def shapes_of_any_batch(problem: Problem) -> tuple[list[int | None], list[int | None]]:
    """Return the shapes of logits and labels with None for the length of the first axis of elements."""
    logits: list[int | None] = list(problem.logits.shape)
    labels: list[int | None] = list(problem.labels.shape)
    axis = int(not problem.entrywise and problem.axis % problem.logits.ndim == 0)
    logits[axis] = None
    labels[axis if len(labels) == len(logits) else 0] = None
    return logits, labels
