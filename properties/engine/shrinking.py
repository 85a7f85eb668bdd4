"""Makes a contradiction smaller where Hypothesis stops: on the arrays themselves, with the law as the judge.

Bytes shrink towards small bytes; a person wants few elements, few classes, no option that is not needed, and small
round numbers. Each step keeps what the law itself asks for, and is kept only if the law is still refuted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations
from typing import Any

import numpy as np

from properties.engine.trial import Trial
from properties.judging.finding import Finding
from properties.problems.domain import Domain
from properties.problems.membership import reason_outside
from properties.problems.problem import Problem

MOST_EVALUATIONS = 250
SLOW_EVALUATIONS = 60
"""The same, for a law that takes long over each."""

CROWD = 24
"""Elements beyond which a problem must lose many at once, and before anything else."""

FEW = 8
"""Elements of which each two are tried without."""

ROUND = (0.0, 1.0, -1.0, 2.0, -2.0, 3.0, 4.0, 8.0, -8.0, 0.5, 65.0, -65.0, 100.0, -100.0)
"""The simplest numbers, simplest first."""

Judge = Callable[[Problem], Finding | None]
Pass = Callable[[Problem, frozenset[str], Domain], Iterator[Problem]]


def shrink(problem: Problem, trial: Trial, judge: Judge) -> Problem:
    """The smallest problem found from this one for which ``judge`` still has a finding."""
    return _Shrinker(problem, trial, judge).run()


def effort(problem: Problem) -> int:
    """How many evaluations of small problems one of this problem is worth."""
    return 1 + problem.size // 16_384


class _Shrinker:
    def __init__(self, problem: Problem, trial: Trial, judge: Judge) -> None:
        self.problem, self._domain, self._judge = problem, trial.askable, judge
        law = trial.law
        self._fixed = frozenset(law.precondition)
        self._left = MOST_EVALUATIONS if law.most is None else SLOW_EVALUATIONS
        self._smaller = law.smaller

    def run(self) -> Problem:
        """Repeat all passes until none of them makes progress."""
        passes: tuple[Pass, ...] = (
            _plain_options,
            _fewer_elements,
            _fewer_classes,
            _simpler_weights,
            _simpler_numbers,
        )
        if self._smaller is not None:
            own = self._smaller
            passes = (lambda problem, fixed, domain: own(problem), *passes)
        if self.problem.size > CROWD:
            passes = (_alike, _fewer_elements, *passes)
        progress = True
        while progress and self._left > 0:
            progress = False
            for step in passes:
                while self._left > 0 and self._first(step):
                    progress = True
        return self.problem

    def _first(self, step: Pass) -> bool:
        """Take the first smaller problem of a pass that is still refuted."""
        for candidate in step(self.problem, self._fixed, self._domain):
            if self._left <= 0:
                return False
            if reason_outside(candidate, self._domain):
                continue
            self._left -= effort(candidate)
            if self._judge(candidate) is not None:
                self.problem = candidate
                return True
        return False


def _plain_options(problem: Problem, fixed: frozenset[str], domain: Domain) -> Iterator[Problem]:
    """Options at their simplest values, one at a time."""
    if problem.logits.ndim > 2 and "rank" not in fixed and "axis" not in fixed and 2 in domain["rank"]:
        yield problem.flat()
    for name, simplest in (("layout", "contiguous"), ("label_dtype", "int64"), ("dtype", domain["dtype"][0])):
        if name not in fixed and getattr(problem, name) != simplest:
            yield problem.replace(**{name: simplest})
    if problem.axis != 1 and "axis" not in fixed and problem.logits.ndim > 1 and 1 in domain["axis"]:
        yield problem.with_axis(1)
    if problem.weight is not None and "weight" not in fixed:
        yield problem.replace(weight=None)
    if "reduction" not in fixed:
        order = list(dict.fromkeys(domain["reduction"]))
        for reduction in order[: order.index(problem.reduction)] if problem.reduction in order else ():
            yield problem.replace(reduction=reduction)
    if not problem.valid.all() and "ignored" not in fixed:
        label = next((c for c in range(max(problem.classes, 2)) if c != problem.ignore_index), 0)
        if label < problem.classes or problem.entrywise:
            yield problem.with_nothing_ignored(label)
    if problem.normalizer is not None and "normalizer" not in fixed:
        yield problem.replace(normalizer=None)
    if problem.valid.all() and problem.ignore_index != domain["ignore_index"][0] and "ignore_index" not in fixed:
        yield problem.replace(ignore_index=domain["ignore_index"][0])
    for name, value in problem.config.items():
        if name not in fixed and name in domain.dimensions and domain.dimensions[name].kind is None:
            for simpler in _simpler(domain, name, value, problem.classes):
                yield problem.replace(config=domain.settle({**problem.config, name: simpler}))
    if problem.salt:
        yield problem.replace(salt=0)


def _simpler(domain: Domain, name: str, value: Any, classes: int) -> list[Any]:
    """The values of an argument that are drawn before this one."""
    dimension, choices = domain.dimensions[name], list(dict.fromkeys(domain[name]))
    if dimension.expand is None:
        return _before(choices, value)
    expanded = [dimension.expand(choice, classes) for choice in choices]
    same = [np.array_equal(other, value) for other in expanded]
    return [] if any(same[:1]) else [other for other in expanded[:1] if np.size(other) == np.size(value)]


def _before(order: list[Any], value: Any) -> list[Any]:
    places = [i for i, v in enumerate(order) if v == value and type(v) is type(value)]
    return order[: places[0]] if places else []


def _fewer_elements(problem: Problem, fixed: frozenset[str], domain: Domain) -> Iterator[Problem]:
    """Halves and single slices dropped along each axis; where the rank is free, single elements too."""
    for smaller in _dropped(problem, fixed):
        # nothing valid is another problem altogether; nothing ignored is one where the law asks for ignored elements
        lost = smaller.valid.any() != problem.valid.any()
        if not lost and not ("ignored" in fixed and smaller.valid.all() != problem.valid.all()):
            yield smaller


def _alike(problem: Problem, fixed: frozenset[str], domain: Domain) -> Iterator[Problem]:
    """A crowd of zeros; a crowd of one element."""
    if problem.size > CROWD:
        rows = problem.rows
        first = int(np.argmax(problem.valid.reshape(-1)))
        crowd = problem.reordered(np.full(problem.size, first))
        for alike in (crowd.with_rows(np.zeros_like(rows)), crowd, problem.with_rows(np.zeros_like(rows))):
            changed = not np.array_equal(alike.rows, rows) or not np.array_equal(alike.labels, problem.labels)
            if changed and not ("ignored" in fixed and alike.valid.all() != problem.valid.all()):
                yield alike


def _dropped(problem: Problem, fixed: frozenset[str]) -> Iterator[Problem]:
    for axis, length in enumerate(problem.shape):
        for chunk in _chunks(length):
            yield problem.drop(axis, chunk)
    n = problem.size
    if len(problem.shape) > 1 and not fixed & {"rank", "axis"}:
        for chunk in _chunks(n):
            yield problem.take(np.setdiff1d(np.arange(n), chunk))


def _chunks(length: int) -> list[list[int]]:
    """What to try to drop of so many: either half, then each one from the end, then each two of a few."""
    halves = [list(range(length // 2)), list(range(length // 2, length))] if length > 3 else []
    if length > CROWD:
        # the last quarter, eighth, ... one: so that the smallest crowd is found exactly
        halves += [list(range(length - length // 2**k, length)) for k in range(2, length.bit_length())]
    ones = [[i] for i in range(length - 1, -1, -1) if 1 < length <= CROWD]
    # without one of three equal elements a share may be hidden that shows without two
    return halves + ones + [list(two) for two in combinations(range(length), 2) if 3 < length <= FEW]


def _fewer_classes(problem: Problem, fixed: frozenset[str], domain: Domain) -> Iterator[Problem]:
    """Classes dropped that are no valid element's label; half of them, then one at a time."""
    classes = problem.classes
    if problem.entrywise:
        return
    if "size" in fixed and problem.size == classes > 2:
        yield from (_smaller_square(problem, i, c) for i, c in np.ndindex(classes, classes))
    least = 2 if "classes" in fixed or problem.ignore_index in range(classes) else 1
    used = set(np.flatnonzero(problem.one_hot.any(axis=0)).tolist())
    if problem.ignore_index is not None:
        used.add(problem.ignore_index)
    free = [c for c in range(classes - 1, -1, -1) if c not in used]
    allowed = set(domain["classes"])
    for size in dict.fromkeys((len(free), len(free) // 2, 1)):
        for start in range(0, len(free), size) if size else ():
            drop = free[start : start + size][: classes - max(least, 2 if classes > 1 else 1)]
            # any number of classes between two that may be drawn is as good as they are, unless somebody chose
            if drop and min(allowed) <= classes - len(drop) <= max(allowed) and len(allowed) > 1:
                yield _without_classes(problem, drop)


def _smaller_square(problem: Problem, element: int, dropped: int) -> Problem:
    """One element and one class less; a label of that class becomes another."""
    others = problem.take(np.setdiff1d(np.arange(problem.size), [element]))
    if problem.targets == "soft":
        return _without_classes(others, [dropped])
    labels = np.where(others.labels == dropped, (dropped + 1) % problem.classes, others.labels)
    return _without_classes(others.replace(labels=labels), [dropped])


def _without_classes(problem: Problem, drop: list[int]) -> Problem:
    kept = np.setdiff1d(np.arange(problem.classes), drop)
    place = np.full(problem.classes, -1)
    place[kept] = np.arange(len(kept))
    smaller = problem
    if problem.targets == "hard":
        labels = problem.labels.copy()
        known = (labels >= 0) & (labels < problem.classes)
        labels[known] = place[labels[known]]
        smaller = problem.replace(labels=labels)
    ignore_index = problem.ignore_index
    if ignore_index is not None and 0 <= ignore_index < problem.classes:
        smaller = smaller.replace(ignore_index=int(place[ignore_index]))
    return smaller.take_classes(kept)


def _simpler_weights(problem: Problem, fixed: frozenset[str], domain: Domain) -> Iterator[Problem]:
    """Class weights to 1, then to 2 or 0."""
    if problem.weight is None:
        return
    for c, weight in enumerate(problem.weight[:12]):
        for simpler in _before([1.0, 2.0, 3.0, 0.0], float(weight)) or ([1.0] if weight not in (0, 1, 2, 3) else []):
            changed = problem.weight.copy()
            changed[c] = simpler
            if changed.any() or not problem.weight.any():
                yield problem.replace(weight=changed)


def _simpler_numbers(problem: Problem, fixed: frozenset[str], domain: Domain) -> Iterator[Problem]:
    """Logits to the simplest numbers, whole rows first; numbers of more than one digit rounded."""
    rows = problem.rows
    if rows.size > 60:
        return
    # no larger than they are: a law of moderate logits is not refuted by huge ones
    largest = np.abs(rows[np.isfinite(rows)]).max(initial=0.0)
    for i, row in enumerate(rows):
        if np.count_nonzero(row) > 1:
            yield _changed(problem, rows, (i, slice(None)), 0.0)
    for i, j in np.ndindex(*rows.shape):
        value = float(rows[i, j])
        if not np.isfinite(value):
            continue
        simpler = (
            _before(list(ROUND), value) if value in ROUND else [*ROUND, float(np.round(value)), float(f"{value:.3g}")]
        )
        for number in simpler:
            if number != value and abs(number) <= largest:
                yield _changed(problem, rows, (i, j), number)
    yield from _simpler_labels(problem)


def _simpler_labels(problem: Problem) -> Iterator[Problem]:
    """Labels to 0; soft ones to one-hot."""
    labels = problem.label_rows
    if problem.targets == "soft":
        for i, row in enumerate(labels):
            if np.count_nonzero(row) != 1 or row.max() != 1.0:
                simpler = labels.copy()
                simpler[i] = np.eye(problem.classes)[row.argmax()]
                yield problem.with_labels(simpler)
        return
    for i in np.flatnonzero(problem.valid.reshape(-1)):
        if labels[i] != 0 and (problem.ignore_index != 0 or problem.targets == "real"):
            lower = labels.copy()
            lower[i] = 0
            yield problem.with_labels(lower)


def _changed(problem: Problem, rows: Any, where: Any, number: float) -> Problem:
    simpler = rows.copy()
    simpler[where] = number
    return problem.with_rows(simpler)
