"""Departures of means: what they divide by, what is added to that, what the mean of nothing is, and means of means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from properties.departures.departure import Departure, Settings, in_means, with_normalizer
from properties.departures.of_chunks import CHUNKS
from properties.departures.parts import weight_of_elements
from properties.problems.problem import Problem
from reference import Answer
from reference.elements import Losses

Divisor = Callable[[Problem, Losses], float]


def _by(divisor: Divisor) -> Callable[[], Settings]:
    return lambda: {"divisor": divisor}


def _count(problem: Problem, losses: Losses) -> float:
    return float(problem.valid.sum())


def _weights(problem: Problem, losses: Losses) -> float:
    return float(weight_of_elements(problem).sum())


def _batch(problem: Problem, losses: Losses) -> float:
    return float(problem.shape[0]) if problem.shape else 1.0


def _nonzero_weights(problem: Problem, losses: Losses) -> float:
    return float((weight_of_elements(problem) > 0).sum())


def _nonzero_losses(problem: Problem, losses: Losses) -> float:
    return float((np.where(problem.valid.reshape(-1), losses.value, 0.0) > 0).sum())


def _largest(problem: Problem) -> float:
    """The largest weight of an element; 1 where elements are counted."""
    if problem.config.get("denominator") == "count":
        return 1.0
    return float(weight_of_elements(problem).max(initial=0.0))


def _positives(problem: Problem, losses: Losses) -> float:
    if problem.targets == "soft":
        return float(problem.size)
    return float((problem.labels[problem.valid] > 0).sum())


def _present_classes(problem: Problem, losses: Losses) -> float:
    if problem.targets != "hard":
        return float(problem.valid.sum())
    return float(len(np.unique(problem.labels[problem.valid])))


DIVISORS: dict[str, tuple[str, Divisor]] = {
    "count": ("the number of valid elements", _count),
    "weights": ("the sum of the weights of the valid elements", _weights),
    "elements": ("the number of all elements, ignored ones too", lambda p, losses: float(p.size)),
    "batch": ("the length of the first axis", _batch),
    "entries": ("the number of valid elements times that of classes", lambda p, o: float(p.valid.sum() * p.classes)),
    "all-entries": ("the number of all entries of the logits", lambda p, losses: float(p.logits.size)),
    "positives": ("the number of positive labels", _positives),
    "positives-or-one": ("the number of positive labels, at least 1", lambda p, o: max(_positives(p, o), 1.0)),
    "one": ("1, so that it is the sum", lambda p, losses: 1.0),
    "nonzero-weights": ("the number of elements whose weight is above 0", _nonzero_weights),
    "nonzero-losses": ("the number of elements whose loss is above 0", _nonzero_losses),
    "largest-weight": (
        "the number of valid elements times the largest of their weights",
        lambda p, losses: _largest(p) * float(p.valid.sum()),
    ),
    "largest-weight-of-all": (
        "the number of all elements, ignored ones too, times the largest weight",
        lambda p, losses: _largest(p) * float(p.size),
    ),
    "one-less": ("the number of valid elements less one", lambda p, losses: float(p.valid.sum()) - 1.0),
    "ignored": ("the number of ignored elements", lambda p, losses: float((~p.valid).sum())),
    "classes": ("the number of classes", lambda p, losses: float(p.classes)),
    "present-classes": ("the number of classes that occur", _present_classes),
    "columns": ("the length of the last axis", lambda p, losses: float(p.shape[-1]) if p.shape else 1.0),
}

MEANS = tuple(
    Departure(f"mean-over-{name}", f"The mean divides by {words}.", _by(divisor), harm=20, applies=in_means)
    for name, (words, divisor) in DIVISORS.items()
)


def _all_weights(problem: Problem, losses: Losses) -> float:
    """The weights of all elements, an ignored one's that of the class its label is taken for."""
    if problem.weight is None:
        return float(problem.size)
    if problem.targets != "hard":
        return _weights(problem, losses)
    return float(problem.weight[np.clip(problem.labels, 0, problem.classes - 1)].sum())


def _unweighted_elements(problem: Problem, losses: Losses) -> float:
    return float(problem.size) if problem.weight is None else _weights(problem, losses)


def _only_with(divisor: Divisor, wanted: Callable[[Problem], bool], other: Divisor = _weights) -> Divisor:
    return lambda problem, losses: divisor(problem, losses) if wanted(problem) else other(problem, losses)


def _elements(problem: Problem, losses: Losses) -> float:
    return float(problem.size)


IGNORED_IN_MEANS = (
    Departure(
        "ignored-weigh-in-the-mean",
        "The mean divides by the weights of all elements, those of ignored ones too.",
        _by(_all_weights),
        harm=20,
        applies=in_means,
    ),
    Departure(
        "unweighted-mean-over-elements",
        "Without class weights the mean divides by all elements, ignored ones too.",
        _by(_unweighted_elements),
        harm=20,
        applies=in_means,
    ),
    Departure(
        "negative-ignore-index-in-the-mean",
        "With an ignore_index below 0 the mean divides by all elements, ignored ones too.",
        _by(_only_with(_elements, lambda p: p.ignore_index is not None and p.ignore_index < 0)),
        harm=20,
        applies=in_means,
    ),
    Departure(
        "default-ignore-index-in-the-mean",
        "With an ignore_index of -100 the mean divides by all elements, ignored ones too.",
        _by(_only_with(_elements, lambda p: p.ignore_index == -100)),
        harm=20,
        applies=in_means,
    ),
    Departure(
        "other-ignore-index-in-the-mean",
        "With an ignore_index other than -100 the mean divides by all elements, ignored ones too.",
        _by(_only_with(_elements, lambda p: p.ignore_index != -100)),
        harm=20,
        applies=in_means,
    ),
    Departure(
        "ignore-index-of-minus-one-in-the-mean",
        "With an ignore_index of -1 the mean divides by all elements, ignored ones too.",
        _by(_only_with(_elements, lambda p: p.ignore_index == -1)),
        harm=20,
        applies=in_means,
    ),
)


def _plus(epsilon: float) -> Settings:
    return {"added": (lambda divisor, problem: divisor + epsilon,)}


def _plus_each(epsilon: float) -> Settings:
    return {"added": (lambda divisor, problem: divisor + epsilon * problem.size,)}


EPSILONS = (1e-5, 1e-6, 1e-8, 1e-10, 1e-12, 1e-4, 1e-3, 1e-7, 1.0, 0.1, 0.01)

ADDED = (
    Departure(
        "denominator-at-least-one",
        "The mean divides by at least 1.",
        lambda: {"added": (lambda divisor, problem: max(divisor, 1.0),)},
        harm=25,
        applies=in_means,
    ),
    Departure(
        "epsilon-in-denominator",
        "The mean divides by its denominator and {epsilon}.",
        _plus,
        {"epsilon": EPSILONS},
        harm=60,
        applies=in_means,
    ),
    Departure(
        "epsilon-of-each-in-denominator",
        "The mean divides by its denominator and {epsilon} for each of the elements.",
        _plus_each,
        {"epsilon": EPSILONS},
        harm=60,
        applies=in_means,
    ),
    Departure(
        "epsilon-beside-the-quotient",
        "The sum is multiplied by n / N + {epsilon} and divided by n, where n / (N + {epsilon}) was meant.",
        lambda epsilon: {
            "added": (lambda divisor, problem: divisor / (1.0 + epsilon * divisor / max(problem.size, 1)),)
        },
        {"epsilon": EPSILONS},
        harm=60,
        applies=in_means,
    ),
    Departure(
        "normalizer-unread",
        "The normalizer is not read.",
        lambda: {"normalizer-unread": True},
        harm=20,
        applies=with_normalizer,
    ),
    Departure(
        "normalizer-is-the-batch",
        "The length of the first axis stands in the place of the normalizer.",
        lambda: {"normalizer-unread": True, "divisor": _batch},
        harm=20,
        applies=with_normalizer,
    ),
    Departure(
        "mean-of-nothing-is-nan", "The mean of nothing is NaN.", lambda: {"nothing": "nan"}, harm=30, applies=in_means
    ),
)


def _with_normalizer(problem: Problem) -> bool:
    return problem.reduction == "mean" and problem.normalizer is not None


def _weights_above(least: float) -> Settings:
    def divisor(problem: Problem, losses: Losses) -> float:
        kept = problem.valid.reshape(-1) & (losses.value > least)
        return float((weight_of_elements(problem) * kept).sum())

    return {"divisor": divisor}


def _empty_mean(problem: Problem) -> bool:
    return problem.reduction == "mean" and not problem.size


def _weighs_nothing(problem: Problem) -> bool:
    """Whether a mean is asked for of elements whose weights are all 0."""
    return in_means(problem) and bool(problem.size) and not weight_of_elements(problem).any()


def _nan_slopes(problem: Problem, answer: Answer) -> Answer:
    rows = problem.flatten(answer.gradient)
    return replace(answer, gradient=problem.unflatten(np.where(problem.one_hot > 0, np.nan, rows)))


OTHERS = (
    Departure(
        "slopes-of-nothing-are-nan",
        "Where the weights of all elements are 0 the slope by the label's logit is NaN, the mean itself is 0.",
        lambda: {"finish": (_nan_slopes,)},
        inherited="paddle.nn.functional.nll_loss",
        harm=80,
        applies=_weighs_nothing,
    ),
    Departure(
        "mean-of-an-empty-batch-is-nan",
        "The mean of an empty batch is NaN.",
        lambda: {"nothing": "nan"},
        harm=29,
        applies=_empty_mean,
    ),
    Departure(
        "epsilon-beside-normalizer",
        "A normalizer has {epsilon} added to it.",
        lambda epsilon: {"beside-normalizer": epsilon},
        {"epsilon": (float(np.finfo(np.float32).eps), float(np.finfo(np.float64).eps), *EPSILONS)},
        harm=60,
        applies=_with_normalizer,
    ),
    Departure(
        "mean-over-weights-of-large-losses",
        "The mean divides by the weights of the elements whose loss is above {least}.",
        _weights_above,
        {"least": (0.0, 1e-16, 1e-8, 1e-6, 1e-3, 0.01, 0.1, 0.5)},
        harm=20,
        applies=in_means,
    ),
)

OF_MEANS = (*MEANS, *IGNORED_IN_MEANS, *ADDED, *CHUNKS, *OTHERS)
