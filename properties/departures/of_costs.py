"""Departures of class costs: other weights than (N_min / N_c)^gamma."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from properties.departures.departure import Departure, Settings
from properties.problems.precision import Array
from properties.problems.problem import Problem
from reference.cost_sensitive import class_costs

Costs = Callable[[Array, float], Array]


def costs_of(problem: Problem) -> Array:
    """Return the class weights of a problem, its costs times the weights that are given."""
    config = problem.config
    empty = config.get("empty_class_weight")
    costs = class_costs(config["num_class_list"], config.get("gamma", 1.0), empty)
    return costs if problem.weight is None else costs * problem.weight


def _instead(costs: Costs) -> Callable[[Problem], Problem]:
    def rewrite(problem: Problem) -> Problem:
        counts = np.asarray(problem.config["num_class_list"], dtype=np.float64)
        gamma = float(problem.config.get("gamma", 1.0))
        due = class_costs(counts, gamma, problem.config.get("empty_class_weight"))
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where(due > 0, costs(counts, gamma) / np.where(due > 0, due, 1.0), 1.0)
        ratio = np.where(np.isfinite(ratio) & (ratio >= 0), ratio, 1.0)
        return problem.replace(weight=ratio if problem.weight is None else problem.weight * ratio)

    return rewrite


def _inverse(counts: Array, gamma: float) -> Array:
    with np.errstate(divide="ignore"):
        return np.asarray((1.0 / counts) ** gamma)


def _over_largest(counts: Array, gamma: float) -> Array:
    with np.errstate(divide="ignore"):
        return np.asarray((counts.max() / counts) ** gamma)


def _over_sum(counts: Array, gamma: float) -> Array:
    weights = _inverse(counts, gamma)
    return np.asarray(weights / weights.sum())


def _over_mean(counts: Array, gamma: float) -> Array:
    weights = _inverse(counts, gamma)
    return np.asarray(weights / weights.mean())


def _frequencies(counts: Array, gamma: float) -> Array:
    return np.asarray((counts / counts.max()) ** gamma)


def _of_total(counts: Array, gamma: float) -> Array:
    with np.errstate(divide="ignore"):
        return np.asarray((counts.sum() / counts) ** gamma)


def _of_total_and_classes(counts: Array, gamma: float) -> Array:
    with np.errstate(divide="ignore"):
        return np.asarray((counts.sum() / (len(counts) * counts)) ** gamma)


KINDS: dict[str, tuple[str, Costs]] = {
    "costs-inverse": ("(1 / N_c)^gamma", _inverse),
    "costs-over-largest": ("(N_max / N_c)^gamma", _over_largest),
    "costs-over-sum": ("(1 / N_c)^gamma, divided by their sum", _over_sum),
    "costs-over-mean": ("(1 / N_c)^gamma, divided by their mean", _over_mean),
    "costs-of-frequencies": ("(N_c / N_max)^gamma", _frequencies),
    "costs-of-total": ("(sum of N / N_c)^gamma", _of_total),
    "costs-of-total-and-classes": ("(sum of N / (C N_c))^gamma", _of_total_and_classes),
    "costs-without-gamma": ("N_min / N_c, whatever gamma is", lambda counts, gamma: counts.min() / counts),
    "costs-of-one": ("1", lambda counts, gamma: np.ones_like(counts)),
}


def _whole(costs: Costs) -> Callable[[], Settings]:
    return lambda: {"rewrite": (_instead(costs),)}


def _in_losses(costs: Costs) -> Callable[[], Settings]:
    return lambda: {"numerator": (_instead(costs),)}


OF_COSTS = (
    *(
        Departure(name, f"The cost of a class is {words}.", _whole(costs), needs=("num_class_list",), harm=8)
        for name, (words, costs) in KINDS.items()
    ),
    *(
        Departure(
            f"{name}-in-losses",
            f"The cost of a class in its losses is {words}; the mean divides by (N_min / N_c)^gamma.",
            _in_losses(costs),
            needs=("num_class_list",),
            harm=8,
        )
        for name, (words, costs) in KINDS.items()
    ),
)
