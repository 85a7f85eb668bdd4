"""Departures of means that are made of others: batches with means of their own, which are averaged or added."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from properties.departures.departure import Departure, Settings, in_means
from properties.problems.problem import Problem

Batches = list[NDArray[np.intp]]
"""The elements of each batch into which a problem falls."""


def _by_first_axis(problem: Problem) -> Batches:
    every = np.arange(problem.size)
    return list(every.reshape(problem.shape[0], -1)) if problem.shape and problem.size else [every]


def _equal_halves(problem: Problem) -> Batches:
    return _halves(problem) if problem.size % 2 == 0 else [np.arange(problem.size)]


def _every_second(problem: Problem) -> Batches:
    every = np.arange(problem.size)
    return [part for part in (every[::2], every[1::2]) if len(part)]


def _halves(problem: Problem) -> Batches:
    every = np.arange(problem.size)
    return [half for half in np.array_split(every, 2) if len(half)]


def _of_size(size: int) -> Callable[[Problem], Batches]:
    return lambda problem: [np.arange(a, min(a + size, problem.size)) for a in range(0, problem.size, size)]


def _by_class(problem: Problem) -> Batches:
    if problem.targets != "hard":
        return [np.arange(problem.size)]
    labels, valid = problem.labels.reshape(-1), problem.valid.reshape(-1)
    return [np.flatnonzero(valid & (labels == c)) for c in np.unique(labels[valid])] or [np.arange(problem.size)]


def _joined(batches: Callable[[Problem], Batches], joined: str) -> Callable[[], Settings]:
    return lambda: {"chunks": batches, "joined": joined}


KINDS: tuple[tuple[str, str, Callable[[Problem], Batches], str], ...] = (
    ("mean-of-images", "Each image has a mean of its own, and these are averaged.", _by_first_axis, "averaged"),
    ("sum-of-images", "Each image has a mean of its own, and these are added.", _by_first_axis, "added"),
    ("mean-of-halves", "The halves of a batch have means of their own, and these are averaged.", _halves, "averaged"),
    (
        "mean-of-equal-halves",
        "The halves of a batch, where it has equal ones, have means of their own, and these are averaged.",
        _equal_halves,
        "averaged",
    ),
    (
        "mean-of-two-ranks",
        "Every second element goes to another device, each of which has a mean of its own, and these are averaged.",
        _every_second,
        "averaged",
    ),
    (
        "mean-of-classes",
        "The elements of each class have a mean of their own, and these are averaged.",
        _by_class,
        "averaged",
    ),
)
"""Name, sentence, batches, and how their means are joined."""

CHUNKS = (
    *(
        Departure(name, words, _joined(batches, joined), harm=20, applies=in_means)
        for name, words, batches, joined in KINDS
    ),
    Departure(
        "mean-of-chunks",
        "Each {size} elements have a mean of their own, and these are averaged.",
        lambda size: {"chunks": _of_size(size), "joined": "averaged"},
        {"size": (2, 3, 4, 8, 16, 32, 64, 128)},
        harm=20,
        applies=in_means,
    ),
    Departure(
        "sum-of-chunks",
        "Each {size} elements have a mean of their own, and these are added.",
        lambda size: {"chunks": _of_size(size), "joined": "added"},
        {"size": (2, 3, 4, 8, 16, 32, 64, 128)},
        harm=20,
        applies=in_means,
    ),
)
