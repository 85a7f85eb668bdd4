"""Fitting: the fewest departures with which a contract's model answers as a layer does, number for number.

Greedy, with a look ahead of two: of all departures the one is taken with which the model agrees in most of the observed
problems; where none helps alone, a pair is looked for. A parameter is one of the values that a departure names, or is
solved for on a problem where the model with two of them lies on both sides of the layer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

import numpy as np
from scipy.optimize import brentq

from properties.departures.departure import Departure, Fitted, Refused, combined
from properties.departures.model import modelled
from properties.engine.observed_problems import Observed
from properties.errors import ContractError
from properties.judging.contract import Contract
from properties.judging.observation import Failure
from properties.judging.tolerance import judge
from reference import Answer

SCREENED, MORE = 8, 4
"""Problems that a departure must help on before it is put to all of them."""

FINALISTS = 6
PAIRED = 24
MOST_DEPARTURES = 8

FULL, VALUE, GRADIENT, DIRECTION = 1.0, 0.35, 0.35, 0.2
"""What it is worth that the model agrees, or its value does, its gradient, or the direction of that."""

WRONGLY_REFUSED = -2.0
"""What it costs that the model raises where the layer answers: a description of when it raises must be exact."""


@dataclass
class Model:
    """The models of a contract, and how they agree with what was observed of a layer."""

    contract: Contract
    observed: Sequence[Observed]
    _scores: dict[tuple[Any, int], float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._loss = replace(self.contract.loss, known=dict.fromkeys(one.problem for one in self.observed))

    def answer(self, fitted: Sequence[Fitted], one: Observed) -> Answer | None:
        """The answer of a model; None where it raises, or cannot say."""
        settings = combined([f for f in fitted if f.departure.change is not None])
        if settings is None:
            return None
        if not settings:
            return one.due
        try:
            with np.errstate(all="ignore"):
                return modelled(self._loss, one.problem, settings)
        except (ContractError, ValueError, TypeError, IndexError, ZeroDivisionError, OverflowError):
            return None

    def score(self, fitted: Sequence[Fitted], index: int) -> float:
        """How well a model agrees with the layer on one problem: 1 where it does; -1 where nobody can say."""
        one = self.observed[index]
        active = [f for f in fitted if f.departure.applies(one.problem)]
        key = (tuple(sorted((f.name, *f.parameters.values()) for f in active)), index)
        if key not in self._scores:
            self._scores[key] = self._score(active, one)
        return self._scores[key]

    def _score(self, fitted: Sequence[Fitted], one: Observed) -> float:
        refuses = [f for f in fitted if f.departure.refuses is not None]
        refused = any(f.departure.refuses is not None and f.departure.refuses(one.problem) for f in refuses)
        try:
            answer = self.answer(fitted, one)
        except Refused:
            refused, answer = True, None
        if isinstance(one.shown, Failure):
            return FULL if refused else 0.0
        if refused:
            return WRONGLY_REFUSED
        if answer is None:
            return 0.0
        shown, dtype = one.shown, one.problem.dtype
        if judge(shown, answer, dtype).holds:
            return FULL
        if not answer.decided:
            return -1.0
        found = VALUE * judge(shown, answer, dtype, gradient=False).holds
        if shown.gradient is None or shown.gradient.shape != answer.gradient.shape:
            return found
        found += GRADIENT * judge(shown, answer, dtype, value=False).holds
        return found + DIRECTION * _parallel(shown.gradient, answer.gradient)

    def agrees(self, fitted: Sequence[Fitted], index: int) -> bool:
        """Whether a model agrees with the layer on a problem, or nobody can say."""
        return self.score(fitted, index) in (FULL, -1.0)

    def may_be(self, departure: Departure) -> bool:
        """Whether a departure is worth trying: one that says where the layer raises must be wrong nowhere."""
        refuses = departure.refuses
        if refuses is None:
            return departure.change is not None
        raised = {isinstance(one.shown, Failure) for one in self.observed if refuses(one.problem)}
        return raised == {True}

    def explained(self, fitted: Sequence[Fitted], more_than: int = -1) -> int:
        """The number of observed problems on which a model agrees with the layer; -1 where it is not ``more_than``.

        A model that raises where the layer answers agrees with nothing.
        """
        number, left = 0, len(self.observed)
        for index in range(len(self.observed)):
            score = self.score(fitted, index)
            if score == WRONGLY_REFUSED:
                return -1
            left -= 1
            number += score in (FULL, -1.0)
            if number + left <= more_than:
                return -1
        return number

    def unexplained(self, fitted: Sequence[Fitted]) -> list[int]:
        """The problems on which a model does not agree with the layer, those with least to read first."""
        return [index for index in range(len(self.observed)) if not self.agrees(fitted, index)]


def _parallel(one: Any, other: Any) -> bool:
    """Whether two gradients differ by a positive factor alone."""
    left, right = one.reshape(-1), other.reshape(-1)
    if not (np.isfinite(left).all() and np.isfinite(right).all()):
        return False
    sizes = float(np.linalg.norm(left)) * float(np.linalg.norm(right))
    return sizes > 0 and float(left @ right) >= (1.0 - 1e-12) * sizes


def fit(model: Model, tick: Callable[[int], None] = lambda number: None) -> list[Fitted]:
    """Return the fewest departures found that explain most of what was observed; none where the contract does."""
    found: list[Fitted] = []
    candidates = [d for d in model.contract.catalogue.values() if model.may_be(d)]
    while len(found) < MOST_DEPARTURES:
        tick(len(found))
        left = model.unexplained(found)
        if not left:
            break
        ranked = _ranked(model, found, candidates, left)
        taken = _taken(model, found, ranked) or _pair(model, found, ranked, left)
        if not taken:
            break
        found = [*found, *taken]
    return _pruned(model, found)


def _ranked(
    model: Model, found: Sequence[Fitted], candidates: Iterable[Departure], left: Sequence[int]
) -> list[Fitted]:
    """The departures that help on some of the problems that are left, those first that help most."""
    sample = _sample(model, left)
    before = {index: max(model.score(found, index), 0.0) for index in sample}
    ranked: list[tuple[float, Fitted]] = []
    for departure in candidates:
        if any(departure.name == f.name for f in found):
            continue
        for fitted in _values(model, found, departure, sample):
            gains = [max(model.score([*found, fitted], index), 0.0) - before[index] for index in sample]
            if max(gains) > 1e-9:
                ranked.append((sum(gains), fitted))
    ranked.sort(key=lambda pair: (-pair[0], pair[1].departure.harm))
    return [fitted for _, fitted in ranked]


def _taken(model: Model, found: Sequence[Fitted], ranked: Sequence[Fitted]) -> list[Fitted]:
    """The departure that explains most, and of the others those that explain more beside what is taken already."""
    taken: list[Fitted] = []
    left = list(ranked[: 2 * FINALISTS])
    while left:
        total = model.explained([*found, *taken])
        best: Fitted | None = None
        for fitted in left:
            if combined([*found, *taken, fitted]) is None:
                continue
            number = model.explained([*found, *taken, fitted], more_than=total)
            if number > total:
                best, total = fitted, number
        if best is None:
            break
        taken.append(best)
        left = [f for f in left if f.name != best.name]
    return taken


def _pair(model: Model, found: Sequence[Fitted], ranked: Sequence[Fitted], left: Sequence[int]) -> list[Fitted]:
    """The pair of departures that explains most, where none does alone."""
    sample = _sample(model, left)[:4]
    tried: list[tuple[int, list[Fitted]]] = []
    for one, other in combinations(ranked[:PAIRED], 2):
        pair = [*found, one, other]
        if one.name == other.name or combined(pair) is None:
            continue
        full = sum(model.score(pair, index) == FULL for index in sample)
        if full:
            tried.append((full, [one, other]))
    tried.sort(key=lambda each: -each[0])
    best: list[Fitted] = []
    total = model.explained(found)
    for _, both in tried[:FINALISTS]:
        number = model.explained([*found, *both], more_than=total)
        if number > total:
            best, total = both, number
    return best


def _sample(model: Model, left: Sequence[int]) -> list[int]:
    """Problems among those that are left: the smallest of each kind, then more of them."""
    chosen: dict[Any, int] = {}
    for index in left:
        problem = model.observed[index].problem
        kind = (
            problem.reduction,
            problem.weight is not None,
            bool(problem.valid.all()),
            isinstance(model.observed[index].shown, Failure),
        )
        chosen.setdefault(kind, index)
    first = list(chosen.values())[:SCREENED]
    rest = [index for index in left if index not in first]
    step = max(len(rest) // MORE, 1)
    return [*first, *rest[::step][:MORE]]


def _values(model: Model, found: Sequence[Fitted], departure: Departure, sample: Sequence[int]) -> list[Fitted]:
    """A departure with the values of its parameters that come nearest to the layer."""
    if not departure.parameters:
        fitted = departure.fitted()
        return [fitted] if combined([*found, fitted]) is not None else []
    ((name, tried),) = departure.parameters.items()
    if combined([*found, departure.fitted()]) is None:
        return []
    scored = [
        (sum(model.score([*found, departure.fitted(**{name: value})], index) == FULL for index in sample[:6]), value)
        for value in tried
    ]
    best = max(score for score, _ in scored)
    chosen = [value for score, value in scored if score == best][:3] if best else []
    if not chosen and isinstance(tried[0], float):
        solved = _solved(model, found, departure, name, tried, sample)
        chosen = [solved] if solved is not None else []
    fallback = chosen or list(tried[:1])
    return [departure.fitted(**{name: value}) for value in fallback]


def _solved(
    model: Model,
    found: Sequence[Fitted],
    departure: Departure,
    name: str,
    tried: Sequence[float],
    sample: Sequence[int],
) -> float | None:
    """The value with which the model has the layer's number, on the first problems where two values enclose it."""
    for index in sample[:4]:
        one = model.observed[index]
        if isinstance(one.shown, Failure) or not np.isfinite(one.shown.value).all():
            continue
        aim = float(one.shown.value.sum())

        def miss(value: float, one: Observed = one, aim: float = aim) -> float:
            try:
                answer = model.answer([*found, departure.fitted(**{name: value})], one)
            except Refused:
                return float("nan")
            return float("nan") if answer is None else float(answer.value.sum()) - aim

        grid = sorted(tried)
        misses = [miss(value) for value in grid]
        for low, high, left, right in zip(grid, grid[1:], misses, misses[1:], strict=False):
            if np.isfinite(left) and np.isfinite(right) and left * right < 0:
                try:
                    root = float(brentq(miss, low, high, xtol=1e-15, rtol=1e-13))
                except (ValueError, RuntimeError):
                    continue
                return _rounded(model, found, departure, name, root, index)
    return None


def _rounded(
    model: Model, found: Sequence[Fitted], departure: Departure, name: str, root: float, index: int
) -> float | None:
    """The number with fewest digits near a root with which the model still agrees; None where the root itself fails."""
    for digits in range(1, 13):
        value = float(f"{root:.{digits}g}")
        if model.score([*found, departure.fitted(**{name: value})], index) == FULL:
            return value
    return root if model.score([*found, departure.fitted(**{name: root})], index) == FULL else None


def _pruned(model: Model, found: list[Fitted]) -> list[Fitted]:
    """The departures without those that the others make superfluous, the last ones first."""
    total = model.explained(found)
    for fitted in list(found):
        fewer = [f for f in found if f is not fitted]
        if model.explained(fewer) >= total:
            found = fewer
    return found


def needed_by(model: Model, found: Sequence[Fitted]) -> Mapping[str, int]:
    """For each departure, on how many problems the model agrees with the layer only with it."""
    total = model.explained(found)
    return {f.name: total - model.explained([g for g in found if g is not f]) for f in found}
