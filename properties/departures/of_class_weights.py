"""Departures of class weights over a softmax: inside its logarithm, on its probabilities, on terms of a label."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from properties.departures.departure import Departure, Settings, with_shares, with_soft_labels, with_weights
from properties.departures.parts import mapped, scaled, weight_of_elements
from properties.problems.precision import Array
from properties.problems.problem import Problem
from reference.cross_entropy import Softmax, soft_losses
from reference.elements import Losses


def _weight(problem: Problem) -> Array:
    return np.ones(problem.classes) if problem.weight is None else problem.weight


def _log_weight(problem: Problem) -> Array:
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(_weight(problem)))


def _inside_logarithm(problem: Problem, softmax: Softmax, losses: Losses) -> Losses:
    """-log(w p)."""
    weight = weight_of_elements(problem)
    with np.errstate(divide="ignore", invalid="ignore"):
        return mapped(losses, np.where(weight > 0, losses.value - np.log(weight), np.inf), np.ones_like(weight))


def _rows_inside_logarithm(problem: Problem, logits: Array, rows: Array) -> Losses:
    """-sum of q log(w p)."""
    losses = soft_losses(logits, rows)
    with np.errstate(invalid="ignore"):
        more = np.where(rows > 0, rows * _log_weight(problem), 0.0).sum(axis=1)
    return replace(losses, value=losses.value - more, value_scale=losses.value_scale + 8.0 * (1.0 + np.abs(more)))


def _on_probabilities(problem: Problem, softmax: Softmax, losses: Losses) -> Losses:
    """-log of a softmax that class weights multiply before it is made to sum to 1 again."""
    weight = np.ones(problem.classes) if problem.weight is None else problem.weight
    shares = softmax.p * weight
    total = shares.sum(axis=1)
    labels = np.where(problem.valid.reshape(-1), problem.labels.reshape(-1), 0)
    own = weight[labels]
    with np.errstate(divide="ignore", invalid="ignore"):
        value = losses.value + np.log(total) - np.log(own)
        slope = losses.slope + shares / total[:, None] - softmax.p
    return Losses(value, slope, losses.value_scale + 8.0 + np.abs(value), losses.slope_scale + 8.0)


def _rows_on_probabilities(problem: Problem, logits: Array, rows: Array) -> Losses:
    """The same of rows: their cross entropy with the logarithms of the weights added to the logits."""
    with np.errstate(invalid="ignore"):
        return soft_losses(logits + _log_weight(problem), rows)


def _there_too(problem: Problem, softmax: Softmax, losses: Losses) -> Losses:
    """-w log(w p)."""
    weight = weight_of_elements(problem)
    return scaled(_inside_logarithm(problem, softmax, losses), weight).keep(weight > 0)


def _rows_there_too(problem: Problem, logits: Array, rows: Array) -> Losses:
    """-sum of w q log(w p), or (q . w) times -sum of q log(w p)."""
    if problem.config.get("soft_weight") == "torch":
        return _rows_inside_logarithm(problem, logits, rows * _weight(problem))
    return scaled(_rows_inside_logarithm(problem, logits, rows), (rows * _weight(problem)).sum(axis=1))


def _of_winner(problem: Problem, softmax: Softmax, losses: Losses) -> Losses:
    """Losses times the weight of the class that is predicted."""
    weight = _weight(problem)[softmax.p.argmax(axis=1)] if losses.value.size else losses.value
    return scaled(losses, weight * problem.valid.reshape(-1))


def _rows_of_winner(problem: Problem, logits: Array, rows: Array) -> Losses:
    """The same of smoothed labels; soft ones have the weights of their own classes."""
    if problem.targets == "soft" or not rows.size:
        return _by_label(problem, logits, rows)
    valid = problem.valid.reshape(-1)
    return scaled(soft_losses(logits, rows), _weight(problem)[logits.argmax(axis=1)] * valid)


def _by_label(problem: Problem, logits: Array, rows: Array) -> Losses:
    """Cross entropy of rows, times the weight of the class that is the label."""
    if problem.targets == "soft":
        weight = rows * _weight(problem) if problem.config.get("soft_weight") == "torch" else rows
        losses = soft_losses(logits, weight)
        return losses if weight is not rows else scaled(losses, (rows * _weight(problem)).sum(axis=1))
    return scaled(soft_losses(logits, rows), weight_of_elements(problem))


OF_PROBABILITIES = (
    Departure(
        "weights-in-logarithm",
        "Class weights multiply the probabilities, inside the logarithm.",
        lambda: {"weigh": _inside_logarithm, "weigh-rows": _rows_inside_logarithm},
        needs=("weight",),
        harm=15,
        applies=with_weights,
    ),
    Departure(
        "weights-in-logarithm-too",
        "Class weights multiply the losses, and the probabilities inside the logarithm too.",
        lambda: {"weigh": _there_too, "weigh-rows": _rows_there_too},
        needs=("weight",),
        harm=15,
        applies=with_weights,
    ),
    Departure(
        "weights-of-the-winner",
        "The weight of an element is that of the class that is predicted, not that of its label.",
        lambda: {"weigh": _of_winner, "weigh-rows": _rows_of_winner},
        needs=("weight",),
        harm=15,
        applies=with_weights,
    ),
    Departure(
        "weights-on-probabilities",
        "Class weights multiply the probabilities, which are then made to sum to 1 again.",
        lambda: {"weigh": _on_probabilities, "weigh-rows": _rows_on_probabilities},
        needs=("weight",),
        harm=15,
        applies=with_weights,
    ),
)


def _weighed(how: str, stage: str) -> Callable[[], Settings]:
    return lambda: {stage: (lambda problem: problem.configure(soft_weight=how),)}


def _with_weighed_shares(problem: Problem) -> bool:
    # rows that do not sum to 1 have a weight of their own
    return with_shares(problem) and (with_weights(problem) or with_soft_labels(problem))


def _of_terms(name: str, sentence: str, change: Callable[[], Settings]) -> Departure:
    needs = ("weight", "soft_weight")
    return Departure(name, sentence, change, needs=needs, harm=15, applies=_with_weighed_shares)


OF_TERMS = (
    _of_terms(
        "weights-of-elements",
        "The weights of the classes are mixed into one factor of the element, where each belongs to its term.",
        _weighed("paddle", "rewrite"),
    ),
    _of_terms(
        "weights-of-elements-in-losses",
        "In the losses the weights of the classes are mixed into one factor of the element, where each belongs to its"
        " term.",
        _weighed("paddle", "numerator"),
    ),
    _of_terms(
        "weights-of-terms",
        "Each class's term has the weight of its class, where one factor of the element was meant.",
        _weighed("torch", "rewrite"),
    ),
    _of_terms(
        "weights-of-terms-in-losses",
        "In the losses each class's term has the weight of its class, where one factor of the element was meant.",
        _weighed("torch", "numerator"),
    ),
    _of_terms(
        "weights-of-elements-in-the-mean",
        "The mean divides by one factor of each element, into which the weights of its classes are mixed.",
        _weighed("paddle", "denominator"),
    ),
    _of_terms(
        "weights-of-terms-in-the-mean",
        "The mean divides as where each class's term has the weight of its class.",
        _weighed("torch", "denominator"),
    ),
    _of_terms(
        "weights-of-the-label",
        "The weight of the label's class multiplies all terms of a smoothed label.",
        lambda: {"weigh-rows": _by_label},
    ),
)
