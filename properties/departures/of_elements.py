"""Departures of the losses of elements over a softmax: constants, thresholds, and penalties that are added to them."""

from __future__ import annotations

import numpy as np

from properties.departures.departure import Departure, Settings
from properties.departures.softmax_parts import softmax_rows
from properties.problems.precision import Array
from properties.problems.problem import Problem


def _plus(constant: float) -> Settings:
    return {"element": (lambda loss, p: (loss + constant, np.ones_like(loss)),)}


def _one_less(loss: Array, problem: Problem) -> tuple[Array, Array]:
    return 1.0 - loss, -np.ones_like(loss)


def _above(threshold: float) -> Settings:
    return {"element": (lambda loss, p: (loss * (loss > threshold), (loss > threshold) * 1.0),)}


def _by_squares(share: float) -> Settings:
    return {"penalty": (lambda rows: (share * (rows * rows).sum(axis=1), 2.0 * share * rows),)}


def _by_normalizer(share: float) -> Settings:
    def add(rows: Array) -> tuple[Array, Array]:
        total = np.logaddexp.reduce(rows, axis=1) if rows.size else np.zeros(len(rows))
        return share * total * total, 2.0 * share * total[:, None] * softmax_rows(rows)

    return {"penalty": (add,)}


def _by_confidence(share: float) -> Settings:
    def add(rows: Array) -> tuple[Array, Array]:
        p = softmax_rows(rows)
        surprise = np.logaddexp.reduce(rows, axis=1)[:, None] - rows
        entropy = np.where(p > 0, p * surprise, 0.0).sum(axis=1)
        return -share * entropy, -share * np.where(p > 0, p * (surprise - entropy[:, None]), 0.0)

    return {"penalty": (add,)}


SHARES = (1e-4, 1e-3, 1e-2, 0.1, 1.0)

ELEMENTS = (
    Departure(
        "element-plus-a-constant",
        "The loss of each element is {constant} more than it should be.",
        _plus,
        {"constant": (-1.0, -0.1, -0.01, 0.01, 0.1, 1.0)},
        harm=22,
    ),
    Departure(
        "one-less-the-loss",
        "1 minus the loss stands in its place: it grows as the prediction gets better.",
        lambda: {"element": (_one_less,)},
        harm=5,
    ),
    Departure(
        "small-losses-dropped",
        "Elements with a loss up to {threshold} have none.",
        _above,
        {"threshold": (0.1, 0.01, 0.5, 1.0, 0.693)},
        harm=20,
    ),
    Departure(
        "logits-penalised",
        "{share} times the squares of the logits are added to the loss.",
        _by_squares,
        {"share": SHARES},
        harm=22,
    ),
    Departure(
        "normalizer-penalised",
        "{share} times the square of log(sum of exp(z)) is added to the loss.",
        _by_normalizer,
        {"share": SHARES},
        harm=22,
    ),
    Departure(
        "confidence-penalised",
        "{share} times the entropy of the prediction is taken off the loss.",
        _by_confidence,
        {"share": (0.1, 0.01, 1.0, -0.1, -1.0)},
        harm=22,
    ),
)
