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
            other = costs(counts, gamma)
        other = np.where(np.isfinite(other) & (other >= 0), other, due)
        return _with_costs(problem, other)

    return rewrite


def _with_costs(problem: Problem, costs: Array) -> Problem:
    """The problem with other costs: those of equal counts are 1, so these stand in the weights alone."""
    weight = costs if problem.weight is None else problem.weight * costs
    return problem.replace(weight=weight).configure(num_class_list=np.ones(len(costs)), empty_class_weight=None)


def _relative(weights: Array, counts: Array) -> Array:
    """Weights of the classes that occur; what those that never occur have is another matter."""
    return np.asarray(np.where(counts > 0, weights, np.nan))


def _effective(beta: float, sum_to_classes: bool) -> Costs:
    """(1 - beta) / (1 - beta^N_c), the inverse of the effective number of samples."""

    def costs(counts: Array, gamma: float) -> Array:
        with np.errstate(divide="ignore"):
            weights = (1.0 - beta) / -np.expm1(counts * np.log(beta))
        if sum_to_classes:
            weights = weights / weights[counts > 0].sum() * len(counts)
        return _relative(weights, counts)

    return costs


def _rooted(counts: Array, gamma: float) -> Array:
    with np.errstate(divide="ignore"):
        return np.asarray(np.sqrt(counts[counts > 0].min(initial=np.inf) / counts))


def _of_logarithms(counts: Array, gamma: float) -> Array:
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(counts.sum() / counts))


def _inverse(counts: Array, gamma: float) -> Array:
    with np.errstate(divide="ignore"):
        return np.asarray((1.0 / counts) ** gamma)


def _over_largest(counts: Array, gamma: float) -> Array:
    with np.errstate(divide="ignore"):
        return np.asarray((counts.max() / counts) ** gamma)


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
    "costs-of-frequencies": ("(N_c / N_max)^gamma", _frequencies),
    "costs-of-total": ("(sum of N / N_c)^gamma", _of_total),
    "costs-of-total-and-classes": ("(sum of N / (C N_c))^gamma", _of_total_and_classes),
    "costs-without-gamma": ("N_min / N_c, whatever gamma is", lambda counts, gamma: counts.min() / counts),
    "costs-rooted": ("the root of N_min / N_c, whatever gamma is", _rooted),
    "costs-of-logarithms": ("log(sum of N / N_c)", _of_logarithms),
    "costs-of-one": ("1", lambda counts, gamma: np.ones_like(counts)),
}


def _times(change: Callable[[Array, Array], Array]) -> Callable[[Problem], Problem]:
    """The costs, changed by themselves and the counts."""

    def rewrite(problem: Problem) -> Problem:
        counts = np.asarray(problem.config["num_class_list"], dtype=np.float64)
        gamma = float(problem.config.get("gamma", 1.0))
        due = class_costs(counts, gamma, problem.config.get("empty_class_weight"))
        return _with_costs(problem, change(due, counts**gamma))

    return rewrite


def _over(total: Callable[[Array], float]) -> Callable[[Array, Array], Array]:
    def change(due: Array, powers: Array) -> Array:
        by = total(due)
        return due / by if by > 0 else due

    return change


SCALED: dict[str, tuple[str, Callable[[Array, Array], Array]]] = {
    "costs-over-sum": ("are divided by their sum", _over(lambda due: float(due.sum()))),
    "costs-over-mean": ("are divided by their mean", _over(lambda due: float(due.mean()))),
    "costs-over-smallest": (
        "are divided by the smallest, so that the commonest has 1",
        _over(lambda d: float(d.min())),
    ),
    "costs-not-relative": (
        "are not relative to the rarest: where all classes occur they are 1 / N_c^gamma",
        lambda due, powers: due / max(float(powers.min()), 1.0),
    ),
    "costs-squared": ("are squared", lambda due, powers: due * due),
    "costs-one-more": ("are 1 more", lambda due, powers: due + 1.0),
}


def _whole(costs: Costs) -> Callable[[], Settings]:
    return lambda: {"rewrite": (_instead(costs),)}


def _in_losses(costs: Costs) -> Callable[[], Settings]:
    return lambda: {"numerator": (_instead(costs),)}


def _some_empty(problem: Problem) -> bool:
    return bool((np.asarray(problem.config["num_class_list"]) == 0).any())


def _for_empty(weight: float) -> Costs:
    return lambda counts, gamma: np.asarray(np.where(counts > 0, class_costs(counts, gamma, 1.0), weight))


def _as_if_once(counts: Array, gamma: float) -> Array:
    return class_costs(np.maximum(counts, 1.0), gamma, None)


EMPTY: dict[str, tuple[str, Costs]] = {
    "empty-class-counts-once": ("A class that never occurs counts as if it occurred once", _as_if_once),
    "empty-class-weighs-one": ("A class that never occurs has weight 1, whatever is given", _for_empty(1.0)),
    "empty-class-weighs-nothing": ("A class that never occurs has weight 0, whatever is given", _for_empty(0.0)),
}


OF_COSTS = (
    *(
        Departure(
            name,
            f"The costs of the classes {words}.",
            lambda change=change: {"rewrite": (_times(change),)},
            needs=("num_class_list",),
            harm=8,
        )
        for name, (words, change) in SCALED.items()
    ),
    *(
        Departure(
            f"{name}-in-losses",
            f"In the losses the costs of the classes {words}; the mean divides by the others.",
            lambda change=change: {"numerator": (_times(change),)},
            needs=("num_class_list",),
            harm=8,
        )
        for name, (words, change) in SCALED.items()
    ),
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
    *(
        Departure(
            f"costs-of-effective-numbers{'-to-classes' * to_classes}",
            "The cost of a class is (1 - beta) / (1 - beta^N_c) for beta = {beta}"
            + (", divided so that they add up to the number of classes." if to_classes else "."),
            lambda beta, to_classes=to_classes: _whole(_effective(beta, to_classes))(),
            {"beta": (0.9999, 0.999, 0.99, 0.9)},
            needs=("num_class_list",),
            harm=8,
        )
        for to_classes in (False, True)
    ),
    *(
        Departure(
            name,
            f"{words}.",
            _whole(costs),
            needs=("num_class_list", "empty_class_weight"),
            harm=12,
            applies=_some_empty,
        )
        for name, (words, costs) in EMPTY.items()
    ),
)
