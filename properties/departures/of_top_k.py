"""Departures of average top-k: which number of elements, out of which, what ties do, and what the mean divides by."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from properties.departures.departure import Departure, Settings
from properties.departures.parts import weight_of_elements
from properties.problems.problem import Problem
from reference.elements import Losses
from reference.top_k import count_of

Count = Callable[[float, int], float]


def _of_fraction(rule: Count, of: str = "valid") -> Callable[[], Settings]:
    """Another number of elements for a fraction; a number that is given stays."""

    def count(problem: Problem) -> int:
        k, fraction = problem.config.get("k"), problem.config.get("top_k")
        valid = int(problem.valid.sum()) if of == "valid" else problem.size
        if k is not None:
            return min(int(k), valid)
        return int(rule(0.7 if fraction is None else float(fraction), valid))

    return lambda: {"k": count, "divisor": lambda problem, losses: _divisor(problem, count(problem))}


def _divisor(problem: Problem, k: int) -> float:
    valid = float(problem.valid.sum())
    return float(weight_of_elements(problem).sum()) * k / valid if valid else 0.0


def _chosen_weights(problem: Problem, losses: Losses) -> float:
    return float(weight_of_elements(problem)[losses.value > 0].sum())


def _k_of(problem: Problem) -> int:
    return count_of(problem.config.get("top_k"), problem.config.get("k"), int(problem.valid.sum()))


def _of_all(problem: Problem) -> int:
    return count_of(problem.config.get("top_k"), problem.config.get("k"), problem.size)


def _number(problem: Problem, losses: Losses) -> float:
    return float(_k_of(problem))


def _of_kept(problem: Problem, losses: Losses) -> float:
    return float((losses.value > 0).sum())


OF_TOP_K = (
    Departure(
        "k-rounded-down",
        "k is int(fraction * n) in float64, at least 1.",
        _of_fraction(lambda r, n: max(int(r * n), 1) if n else 0),
        needs=("top_k",),
        harm=30,
    ),
    Departure(
        "k-rounded-down-to-zero",
        "k is int(fraction * n), which may be 0.",
        _of_fraction(lambda r, n: int(r * n)),
        needs=("top_k",),
        harm=30,
    ),
    Departure(
        "k-rounded",
        "k is fraction * n rounded to the nearest number, at least 1.",
        _of_fraction(lambda r, n: max(round(r * n), 1) if n else 0),
        needs=("top_k",),
        harm=30,
    ),
    Departure(
        "k-rounded-up",
        "k is fraction * n rounded up.",
        _of_fraction(lambda r, n: np.ceil(r * n)),
        needs=("top_k",),
        harm=30,
    ),
    Departure(
        "k-in-float32",
        "k is int(fraction * n) in float32, at least 1.",
        _of_fraction(lambda r, n: max(int(np.float32(r) * np.float32(n)), 1) if n else 0),
        needs=("top_k",),
        harm=30,
    ),
    Departure(
        "k-of-all-elements",
        "k is the fraction of all elements, ignored ones too.",
        lambda: {"k": _of_all, "divisor": lambda p, o: _divisor(p, min(_of_all(p), int(p.valid.sum())))},
        needs=("top_k",),
        harm=10,
    ),
    Departure(
        "k-of-all-elements-in-the-mean",
        "k is the fraction of all elements, ignored ones too, and the mean divides by it.",
        lambda: {"k": _of_all, "divisor": lambda p, o: float(_of_all(p))},
        needs=("top_k",),
        harm=10,
    ),
    Departure(
        "chosen-by-unweighted-losses",
        "The largest losses are chosen before they are weighted.",
        lambda: {"unranked": True},
        needs=("weight",),
        harm=15,
    ),
    Departure("ties-kept", "All elements that equal the k-th largest are kept.", lambda: {"ties": "kept"}, harm=30),
    Departure(
        "ties-dropped", "Elements that equal the k-th largest are dropped.", lambda: {"ties": "dropped"}, harm=30
    ),
    Departure(
        "gradient-of-the-first",
        "The gradient goes to the first k elements, not to the largest.",
        lambda: {"descent": "first"},
        harm=10,
    ),
    Departure(
        "mean-over-chosen-weights",
        "The mean divides by the weights of the chosen elements.",
        lambda: {"divisor": _chosen_weights},
        harm=20,
    ),
    Departure(
        "mean-over-k", "The mean divides by k, not by k times the mean weight.", lambda: {"divisor": _number}, harm=20
    ),
    Departure(
        "mean-over-chosen",
        "The mean divides by the number of chosen elements whose loss is above 0.",
        lambda: {"divisor": _of_kept},
        harm=20,
    ),
)
