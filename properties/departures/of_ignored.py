"""Departures of ignored elements: what they count as, and what is left of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from properties.departures.departure import Departure, Settings, in_means, with_ignored
from properties.departures.parts import Mask
from properties.problems.problem import ENTRIES, Problem
from reference import Answer


def _counted_as(
    label: Callable[[Problem], float], where: Callable[[Problem], bool] = lambda p: True
) -> Callable[[Problem], Problem]:
    """Ignored elements count, with this label, where the problem is such a one."""

    def rewrite(problem: Problem) -> Problem:
        if problem.targets in ("soft", "real") or not where(problem) or problem.ignore_index is None:
            return problem
        found = np.where(problem.labels == problem.ignore_index, label(problem), problem.labels)
        return problem.replace(labels=found.astype(problem.labels.dtype), ignore_index=None)

    return rewrite


def _clipped(problem: Problem) -> float:
    assert problem.ignore_index is not None
    return float(np.clip(problem.ignore_index, 0, problem.classes - 1))


def _wrapped(problem: Problem) -> float:
    assert problem.ignore_index is not None
    return float(problem.ignore_index % problem.classes)


def _inside(problem: Problem) -> bool:
    """Whether what is ignored is a class."""
    return problem.ignore_index is not None and 0 <= problem.ignore_index < problem.classes


def _of_target(problem: Problem) -> float:
    assert problem.ignore_index is not None
    return float(problem.ignore_index)


def _whole(change: Callable[[Problem], Problem]) -> Callable[[], Settings]:
    return lambda: {"rewrite": (change,)}


def _in_losses(change: Callable[[Problem], Problem]) -> Callable[[], Settings]:
    return lambda: {"numerator": (change,)}


def _at(stage: str, change: Callable[[Problem], Problem]) -> Callable[[], Settings]:
    return lambda: {stage: (change,)}


def _in_means(problem: Problem) -> bool:
    return in_means(problem) and with_ignored(problem)


def _default(problem: Problem) -> bool:
    return problem.ignore_index == -100


LABELS: dict[str, tuple[str, Callable[[Problem], Problem]]] = {
    "count-as-first": ("count as elements of class 0", _counted_as(lambda p: 0.0)),
    "count-as-last": ("count as elements of the last class", _counted_as(lambda p: p.classes - 1.0)),
    "count-as-nearest": ("count as elements of the nearest class", _counted_as(_clipped)),
    "count-wrapped": ("count as elements of the class that ignore_index is modulo their number", _counted_as(_wrapped)),
    "count-inside-classes": ("count where ignore_index is a class", _counted_as(_of_target, _inside)),
    "count-by-default": (
        "count, as elements of the nearest class, where ignore_index is -100",
        _counted_as(_clipped, _default),
    ),
    "count-unless-default": (
        "count, as elements of the nearest class, where ignore_index is not -100",
        _counted_as(_clipped, lambda p: not _default(p)),
    ),
    "count-as-last-at-minus-one": (
        "count as elements of the last class where ignore_index is -1",
        _counted_as(lambda p: p.classes - 1.0, lambda p: p.ignore_index == -1),
    ),
    "count-as-targets": ("count like any others", _counted_as(_of_target, lambda p: p.targets in ENTRIES)),
}


def _entries_ignored(problem: Problem) -> bool:
    return problem.targets in ENTRIES and with_ignored(problem)


def _where(name: str) -> Callable[[Problem], bool]:
    """Where it makes a difference what ignored elements count as: as numbers they can where labels are numbers."""
    return _entries_ignored if name == "count-as-targets" else with_ignored


LABELLED = (
    Departure(
        "ignored-count-in-the-mean",
        "The mean divides by the ignored elements too: each of them counts 1.",
        lambda: {"added": (lambda divisor, problem: divisor + float((~problem.valid).sum()),)},
        harm=20,
        applies=_in_means,
    ),
    *(
        Departure(
            f"ignored-{name}-in-the-mean",
            f"In the mean's denominator ignored elements {words}.",
            _at("denominator", change),
            needs=("ignore_index",),
            harm=20,
            applies=_in_means,
        )
        for name, (words, change) in LABELS.items()
    ),
    *(
        Departure(
            f"ignored-{name}",
            f"Ignored elements {words}.",
            _whole(change),
            needs=("ignore_index",),
            harm=10,
            applies=_where(name),
        )
        for name, (words, change) in LABELS.items()
    ),
    *(
        Departure(
            f"ignored-{name}-in-losses",
            f"Ignored elements {words}; in the mean's denominator they do not.",
            _in_losses(change),
            needs=("ignore_index",),
            harm=10,
            applies=_where(name),
        )
        for name, (words, change) in LABELS.items()
    ),
    *(
        Departure(
            f"ignored-{name}-in-gradient",
            f"In the gradient, ignored elements {words}.",
            _at("slopes", change),
            needs=("ignore_index",),
            harm=10,
            applies=_where(name),
        )
        for name, (words, change) in LABELS.items()
    ),
)


def _without_mask(problem: Problem) -> Problem:
    if problem.label_weight is None:
        return problem
    return problem.replace(label_weight=np.ones_like(problem.label_weight))


MASKS = (
    Departure(
        "label-weight-unread",
        "label_weight is not read: what it masks counts.",
        lambda: {"rewrite": (_without_mask,)},
        needs=("label_weight",),
        harm=10,
        applies=with_ignored,
    ),
    Departure(
        "label-weight-unread-in-losses",
        "What label_weight masks has a loss; in the mean's denominator it does not count.",
        lambda: {"numerator": (_without_mask,)},
        needs=("label_weight",),
        harm=10,
        applies=with_ignored,
    ),
)


def _poisoned(problem: Problem, mask: Mask) -> Mask:
    finite = np.isfinite(problem.rows).all(axis=1)
    return np.asarray(mask & ~finite)


def _multiplied(problem: Problem, answer: Answer) -> Answer:
    """NaN and inf at ignored elements are multiplied by 0."""
    ignored = ~problem.valid.reshape(-1)
    bad = _poisoned(problem, ignored)
    if not bad.any():
        return answer
    value = answer.value.copy()
    if problem.reduction == "none":
        flat = value.reshape(-1)
        flat[bad] = np.nan
        value = flat.reshape(answer.value.shape)
    else:
        value = np.full_like(value, np.nan)
    rows = problem.flatten(answer.gradient).copy()
    rows[bad] = np.nan
    return replace(answer, value=value, gradient=problem.unflatten(rows))


def _slopes_multiplied(problem: Problem, answer: Answer) -> Answer:
    """The same in the gradient alone: the value was read from elsewhere."""
    return replace(_multiplied(problem, answer), value=answer.value)


def _no_numbers(problem: Problem, answer: Answer) -> Answer:
    """The losses of ignored labels that are no class are NaN, and are multiplied by 0."""
    if problem.targets != "hard":
        return answer
    bad = ~problem.valid.reshape(-1) & (
        (problem.labels.reshape(-1) < 0) | (problem.labels.reshape(-1) >= problem.classes)
    )
    if not bad.any():
        return answer
    value = np.full_like(answer.value, np.nan)
    if problem.reduction == "none":
        value = np.where(bad, np.nan, answer.value.reshape(-1)).reshape(answer.value.shape)
    return replace(answer, value=value)


LEFT = (
    Departure(
        "ignored-slopes-multiplied-by-zero",
        "The slopes of ignored elements are multiplied by 0: NaN and inf that stand there reach the gradient.",
        lambda: {"finish": (_slopes_multiplied,)},
        harm=13,
        applies=with_ignored,
    ),
    Departure(
        "ignored-outside-are-nan",
        "The loss of an ignored label that is no class is NaN, and is multiplied by 0.",
        lambda: {"finish": (_no_numbers,)},
        needs=("ignore_index",),
        harm=12,
        applies=with_ignored,
    ),
    Departure(
        "ignored-multiplied-by-zero",
        "Ignored elements are multiplied by 0: NaN and inf that stand there reach the loss.",
        lambda: {"finish": (_multiplied,)},
        harm=12,
        applies=with_ignored,
    ),
)

OF_IGNORED = (*LABELLED, *MASKS, *LEFT)
