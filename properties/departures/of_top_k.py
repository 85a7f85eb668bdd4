"""Departures of average top-k: which number of elements, out of which, what ties do, and what the mean divides by."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from properties.departures.departure import Departure, Settings, in_means
from properties.departures.parts import Mask, mapped, weight_of_elements
from properties.departures.top_k_parts import chosen
from properties.problems.precision import Array
from properties.problems.problem import Problem
from reference.elements import Losses
from reference.top_k import count_of

Count = Callable[[float, int], float]


def _of_fraction(rule: Count, of: str = "valid") -> Callable[[], Settings]:
    """Another number of elements for a fraction, of the valid ones or of all; a number that is given stays."""

    def count(problem: Problem) -> int:
        k, fraction = problem.config.get("k"), problem.config.get("top_k")
        n = int(problem.valid.sum()) if of == "valid" else problem.size
        if k is not None:
            return min(int(k), n)
        return int(rule(0.7 if fraction is None else float(fraction), n))

    return lambda: {"k": count, "divisor": lambda problem, losses: _divisor(problem, count(problem))}


def _with_fraction(problem: Problem) -> bool:
    return problem.config.get("k") is None


RULES: dict[str, tuple[str, Count]] = {
    "k-rounded-down": ("int(fraction * n) in float64, at least 1", lambda r, n: max(int(r * n), 1) if n else 0),
    "k-rounded-down-to-zero": ("int(fraction * n), which may be 0", lambda r, n: int(r * n)),
    "k-rounded": (
        "fraction * n rounded to the nearest number, at least 1",
        lambda r, n: max(round(r * n), 1) if n else 0,
    ),
    "k-rounded-up": ("fraction * n rounded up", lambda r, n: np.ceil(r * n)),
    "k-in-float32": (
        "int(fraction * n) in float32, at least 1",
        lambda r, n: max(int(np.float32(r) * np.float32(n)), 1) if n else 0,
    ),
}
"""How a fraction of n elements becomes a number."""


def _weights(problem: Problem) -> Array:
    """What each element counts in the denominator: its weight, or 1."""
    if problem.config.get("denominator") == "count":
        return problem.valid.reshape(-1).astype(np.float64)
    return weight_of_elements(problem)


def _divisor(problem: Problem, k: int) -> float:
    valid = float(problem.valid.sum())
    return float(_weights(problem).sum()) * k / valid if valid else 0.0


def _of_everything(problem: Problem, losses: Losses) -> float:
    return float(_weights(problem).sum())


def _chosen_weights(problem: Problem, losses: Losses) -> float:
    return float((_weights(problem) * chosen(problem)).sum())


def _spread_over_64(problem: Problem) -> bool:
    """Whether a logit lies further than that from the largest of its row."""
    if problem.entrywise or not problem.size:
        return False
    rows = problem.rows
    with np.errstate(invalid="ignore"):
        return bool((rows.max(axis=1) - rows.min(axis=1) > 63.0).any())


def _zero_of_all(problem: Problem) -> bool:
    fraction = problem.config.get("top_k")
    return _with_fraction(problem) and int((0.7 if fraction is None else fraction) * problem.size) < 1


def _turned(losses: Array, among: Mask) -> Array:
    return -losses


def _without_largest(losses: Array, among: Mask) -> Array:
    largest = losses[among].max(initial=-np.inf)
    return np.where(losses == largest, -losses, losses)


def _individual_is(name: str) -> Callable[[Problem], bool]:
    return lambda problem: problem.config.get("individual") == name


def _squared(losses: Losses) -> Losses:
    return mapped(losses, losses.value**2, 2.0 * losses.value)


def _rooted(losses: Losses) -> Losses:
    root = np.sqrt(losses.value)
    return mapped(losses, root, np.where(root > 0, 0.5 / np.where(root > 0, root, 1.0), 0.0))


def _largest_below(fraction: float, n: int) -> int:
    """The largest j with j / n < fraction, at least 1."""
    return max((j for j in range(min(1, n), n + 1) if j <= 1 or j / n < fraction), default=0)


def _k_of(problem: Problem) -> int:
    return count_of(problem.config.get("top_k"), problem.config.get("k"), int(problem.valid.sum()))


def _of_all(problem: Problem) -> int:
    return count_of(problem.config.get("top_k"), problem.config.get("k"), problem.size)


def _number(problem: Problem, losses: Losses) -> float:
    return float(_k_of(problem))


def _of_kept(problem: Problem, losses: Losses) -> float:
    return float((losses.value > 0).sum())


OF_TOP_K = (
    *(
        Departure(
            f"{name}{'-of-all-elements' * (of == 'all')}",
            f"k is {words}{', of all elements, ignored ones too' * (of == 'all')}.",
            _of_fraction(rule, of),
            needs=("top_k",),
            harm=30,
            applies=_with_fraction,
        )
        for of in ("valid", "all")
        for name, (words, rule) in RULES.items()
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
        "gradient-of-the-foremost",
        "The gradient goes to the first k elements, ignored ones among them, not to the largest.",
        lambda: {"descent": "foremost"},
        harm=10,
    ),
    Departure(
        "mean-over-chosen-weights",
        "The mean divides by the weights of the chosen elements.",
        lambda: {"divisor": _chosen_weights},
        harm=20,
        applies=in_means,
    ),
    Departure(
        "mean-over-k",
        "The mean divides by k, not by k times the mean weight.",
        lambda: {"divisor": _number},
        harm=20,
        applies=in_means,
    ),
    Departure(
        "mean-over-chosen",
        "The mean divides by the number of chosen elements whose loss is above 0.",
        lambda: {"divisor": _of_kept},
        harm=20,
        applies=in_means,
    ),
    Departure(
        "mean-over-everything",
        "The mean divides by what all valid elements count, chosen or not.",
        lambda: {"divisor": _of_everything},
        harm=19,
        applies=in_means,
    ),
    Departure(
        "losses-capped-at-64",
        "Losses are capped at 64, and chosen by that.",
        lambda: {"floored": -64.0},
        inherited="paddle.nn.functional.log_softmax",
        harm=80,
        applies=_spread_over_64,
    ),
    Departure(
        "raises-where-k-is-zero",
        "It raises where int(fraction * n) is 0, n the number of all elements, ignored ones too.",
        refuses=_zero_of_all,
        needs=("top_k",),
        harm=25,
    ),
    Departure("smallest-chosen", "The k smallest losses are chosen.", lambda: {"ranked": _turned}, harm=5),
    Departure(
        "largest-dropped",
        "The largest loss of all is left out, and the k next to it are chosen.",
        lambda: {"ranked": _without_largest},
        harm=10,
    ),
    Departure(
        "k-below-the-fraction",
        "k is the largest number with k / n below the fraction, where it may be equal.",
        _of_fraction(_largest_below),
        needs=("top_k",),
        harm=30,
    ),
    Departure(
        "hinge-squared",
        "The hinge losses are squared.",
        lambda: {"individual": _squared},
        needs=("individual",),
        harm=12,
        applies=_individual_is("hinge"),
    ),
    Departure(
        "squares-halved",
        "Squared errors are halved.",
        lambda: {"individual": lambda losses: mapped(losses, losses.value / 2.0, np.full(len(losses.value), 0.5))},
        needs=("individual",),
        harm=12,
        applies=_individual_is("squared"),
    ),
    Departure(
        "squares-rooted",
        "Squared errors are not squared.",
        lambda: {"individual": _rooted},
        needs=("individual",),
        harm=12,
        applies=_individual_is("squared"),
    ),
)
