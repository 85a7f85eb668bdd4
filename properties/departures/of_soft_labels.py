"""Departures of labels that are rows of shares: how they are smoothed, and what soft labels are taken for."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from properties.departures.departure import Departure, Settings, in_means, with_smoothing, with_soft_labels
from properties.departures.of_class_weights import OF_TERMS
from properties.departures.softmax_parts import rows_of, softmax_rows
from properties.problems.precision import Array
from properties.problems.problem import Problem

Masses = Callable[[Problem], Array]


def _e(problem: Problem) -> float:
    return float(problem.config.get("label_smoothing", 0.0))


def _masked(rows: Array, problem: Problem) -> Array:
    # a share below 0, which rows that do not sum to 1 may lead to, is none
    return np.maximum(rows, 0.0) * problem.valid.reshape(-1, 1)


def _others_only(problem: Problem) -> Array:
    e, c = _e(problem), problem.classes
    return _masked((1.0 - e) * problem.one_hot + (1.0 - problem.one_hot) * e / max(c - 1, 1), problem)


def _others_of_c(problem: Problem) -> Array:
    e, c = _e(problem), problem.classes
    return _masked((1.0 - e) * problem.one_hot + (1.0 - problem.one_hot) * e / c, problem)


def _one_over_c(problem: Problem) -> Array:
    e, c = _e(problem), problem.classes
    return _masked((1.0 - e) * problem.one_hot + (e > 0) / c, problem)


def _half(problem: Problem) -> Array:
    e = _e(problem)
    return _masked((problem.one_hot + e) / 2.0 if e else problem.one_hot, problem)


def _none(problem: Problem) -> Array:
    return _masked(problem.one_hot, problem)


def _only_uniform(problem: Problem) -> Array:
    e, c = _e(problem), problem.classes
    return _masked(problem.one_hot + e / c, problem)


def _half_of_classes(problem: Problem) -> Array:
    e, c = _e(problem), problem.classes
    half = (c + 1) // 2
    return _masked((1.0 - e) * problem.one_hot + e / half * (np.arange(c) < half), problem)


def _softmax_of_labels(problem: Problem) -> Array:
    e = _e(problem)
    return _masked((1.0 - e) * softmax_rows(problem.one_hot) + e / problem.classes, problem)


def _normalized(problem: Problem) -> Array:
    rows = rows_of(problem)
    total = rows.sum(axis=1, keepdims=True)
    return np.asarray(np.where(total > 0, rows / np.where(total > 0, total, 1.0), 0.0))


def _hardened(problem: Problem) -> Array:
    rows = rows_of(problem)
    return np.asarray(np.eye(problem.classes)[rows.argmax(axis=1)] * (rows.sum(axis=1, keepdims=True) > 0))


def _complement(problem: Problem) -> Array:
    e, c = _e(problem), problem.classes
    return _masked((1.0 - e) * problem.one_hot + (1.0 - problem.one_hot) * (1.0 - e) / c, problem)


def _complement_of_others(problem: Problem) -> Array:
    e, c = _e(problem), problem.classes
    return _masked((1.0 - e) * problem.one_hot + (1.0 - problem.one_hot) * (1.0 - e) / max(c - 1, 1), problem)


def _turned(problem: Problem) -> Array:
    e, c = _e(problem), problem.classes
    return _masked(e * problem.one_hot + (1.0 - e) / c, problem)


def _halved(problem: Problem) -> Array:
    return _masked((problem.one_hot + _e(problem)) / 2.0, problem)


def _ignored_too(problem: Problem) -> Array:
    """Smoothed rows, of which ignored elements have the even part."""
    e = _e(problem)
    return np.asarray((1.0 - e) * problem.one_hot + e / problem.classes)


def _ignored_in_a_mean_of_their_own(problem: Problem) -> Array:
    """The same with the even part in a mean over all elements, beside a mean over the valid ones."""
    e = _e(problem)
    count = float(problem.valid.sum()) / max(problem.size, 1) if problem.reduction == "mean" else 1.0
    return np.asarray((1.0 - e) * problem.one_hot + count * e / problem.classes)


MASSES: dict[str, tuple[str, Masses]] = {
    "smoothing-of-others": (
        "Smoothing gives e / (C - 1) to each of the other classes, and none to the label's",
        _others_only,
    ),
    "smoothing-lost-at-label": (
        "Smoothing gives e / C to each of the other classes, and none to the label's",
        _others_of_c,
    ),
    "smoothing-of-one": ("Smoothing adds 1 / C to every class, whatever e is", _one_over_c),
    "smoothing-by-halves": ("Smoothed labels are (t + e) / 2", _half),
    "smoothing-of-the-complement": ("Smoothing gives (1 - e) / C to each of the other classes", _complement),
    "smoothing-of-the-complement-of-others": (
        "Smoothing gives (1 - e) / (C - 1) to each of the other classes",
        _complement_of_others,
    ),
    "smoothing-turned": ("Smoothing leaves the label e and shares 1 - e, the other way round", _turned),
    "smoothing-unread": ("label_smoothing is not read", _none),
    "smoothing-added": ("Smoothing adds e / C to every class, and takes nothing from the label's", _only_uniform),
    "smoothing-of-half-the-classes": ("Smoothing falls to the first half of the classes alone", _half_of_classes),
}


def _counted(masses: Masses) -> Callable[[Problem], Problem]:
    """For the mean's denominator, the problem with these rows as soft labels: the weights of elements are theirs."""

    def rewrite(problem: Problem) -> Problem:
        if problem.config.get("denominator") == "count" or problem.config.get("soft_weight") == "torch":
            return problem
        soft = problem.replace(targets="soft", labels=problem.unflatten(masses(problem)))
        return soft.configure(label_smoothing=0.0) if "label_smoothing" in problem.config else soft

    return rewrite


def _in_losses(masses: Masses) -> Callable[[], Settings]:
    return lambda: {"masses": masses}


def _in_means_too(masses: Masses) -> Callable[[], Settings]:
    return lambda: {"masses": masses, "denominator": (_counted(masses),)}


def _always(smoothing: float) -> Settings:
    def masses(problem: Problem) -> Array:
        return _masked((1.0 - smoothing) * rows_of(problem) + smoothing / problem.classes, problem)

    return {"masses": masses, "denominator": (_counted(masses),)}


def _in_ignored(problem: Problem) -> bool:
    return with_smoothing(problem) and not problem.valid.all()


SMOOTHING = (
    *(
        Departure(name, f"{said}.", _in_means_too(m), needs=("label_smoothing",), harm=12, applies=with_smoothing)
        for name, (said, m) in MASSES.items()
    ),
    *(
        Departure(
            f"{name}-in-losses",
            f"{said}; the mean divides as the contract says.",
            _in_losses(m),
            needs=("label_smoothing",),
            harm=12,
            applies=with_smoothing,
        )
        for name, (said, m) in MASSES.items()
    ),
    Departure(
        "always-smoothed",
        "Labels are smoothed by {smoothing}, whatever is asked.",
        _always,
        {"smoothing": (0.1, 0.01, 0.05, 0.001, 0.2)},
        harm=12,
    ),
    Departure(
        "ignored-keep-smoothing",
        "Ignored elements keep the part of their loss that smoothing gives them.",
        _in_losses(_ignored_too),
        needs=("label_smoothing", "ignore_index"),
        harm=12,
        applies=_in_ignored,
    ),
    Departure(
        "ignored-count-smoothed-in-the-mean",
        "In the mean's denominator each ignored element counts as much as smoothing gives it.",
        lambda: {"added": (lambda divisor, problem: divisor + _e(problem) * float((~problem.valid).sum()),)},
        needs=("label_smoothing", "ignore_index"),
        harm=20,
        applies=lambda problem: _in_ignored(problem) and in_means(problem),
    ),
    Departure(
        "smoothing-in-a-mean-of-its-own",
        "The part of a mean that smoothing gives is taken over all elements, ignored ones too.",
        _in_losses(_ignored_in_a_mean_of_their_own),
        needs=("label_smoothing", "ignore_index"),
        harm=12,
        applies=_in_ignored,
    ),
)


def _soft(name: str, sentence: str, masses: Masses, harm: int = 8) -> tuple[Departure, Departure]:
    """A departure of soft labels, in the mean's denominator too or in the losses alone."""
    return (
        Departure(name, f"{sentence}.", _in_means_too(masses), harm=harm, applies=with_soft_labels),
        Departure(
            f"{name}-in-losses",
            f"{sentence}; the mean divides as the contract says.",
            _in_losses(masses),
            harm=harm,
            applies=with_soft_labels,
        ),
    )


def _one_hot_told_by_length(problem: Problem) -> Problem:
    """Labels as many as classes are taken for soft ones: nothing of them is ignored."""
    if problem.targets != "hard" or problem.size != problem.classes or problem.classes < 2:
        return problem
    labels = np.eye(problem.classes)[np.clip(problem.labels.reshape(-1), 0, problem.classes - 1)]
    return problem.replace(targets="soft", labels=problem.unflatten(labels))


SOFT = (
    Departure(
        "soft-told-by-the-square",
        "Labels as many as there are classes become one-hot rows and pass for soft labels, of which none is ignored.",
        lambda: {"rewrite": (_one_hot_told_by_length,)},
        harm=9,
        applies=lambda problem: problem.targets == "hard" and problem.size == problem.classes > 1,
    ),
    *_soft(
        "softmax-of-labels", "Soft labels, which are probabilities already, go through a softmax", _softmax_of_labels
    ),
    *_soft("soft-labels-normalized", "Soft labels are made to sum to 1", _normalized, harm=30),
    *_soft("soft-labels-hardened", "Of soft labels the largest alone counts", _hardened),
    *_soft("soft-labels-halved", "Soft labels q become (q + e) / 2", _halved),
)

OF_SOFT_LABELS = (*SMOOTHING, *SOFT, *OF_TERMS)
