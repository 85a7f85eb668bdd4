"""Fitting: the fewest departures with which a contract's model answers as a layer does, number for number.

Greedy, with a look ahead of two: of all departures the one is taken with which the model agrees in most of the observed
problems; where none helps alone, a pair is looked for. A parameter is one of the values that a departure names, or is
solved for on a problem where the model with two of them lies on both sides of the layer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from scipy.optimize import brentq

from properties.departures.departure import Departure, Fitted, Refused, exclusive
from properties.departures.of_refusals import RAISES
from properties.engine.agreement import FULL, Model
from properties.engine.conditioning import EVIDENCE, narrowed, raising
from properties.engine.observed_problems import Observed
from properties.judging.observation import Failure

SCREENED, MORE = 8, 4
"""Problems that a departure must help on before it is put to all of them."""

TRIED = 4
"""Problems that tell which value of a parameter comes nearest."""

FINALISTS = 6
FEW = 4
PAIRED = 24
ESTIMATED, VERIFIED = 32, 4
"""Problems by which departures are compared (explained ones, and as many others); those that are then put to all."""
MOST_DEPARTURES = 8


def fit(model: Model, tick: Callable[[int], None] = lambda number: None) -> list[Fitted]:
    """Return the fewest departures found that explain most of what was observed; none where the contract does.

    That all is computed in a coarser precision is said last: it would cover up what is wrong by as little.
    """
    candidates = [d for d in model.contract.catalogue.values() if model.may_be(d)]
    coarser = [d for d in candidates if d.change is not None and "precision" in d.fitted().settings]
    others = [d for d in candidates if d not in coarser]
    found = _found(model, others, tick)
    number = model.explained(found)
    limited = _limited(model, found) if number < len(model.observed) else []
    if limited:
        # what they broke may have another cause, once they are limited to where they break nothing
        again = _found(model, others, tick, limited)
        if model.explained(again) > number:
            found, number = again, model.explained(again)
    for departure in coarser:
        if number == len(model.observed) or model.explained([departure.fitted()], model.explained([]) + EVIDENCE) < 0:
            continue
        other = _found(model, candidates, tick)
        if model.explained(other) >= number + EVIDENCE:
            found, number = other, model.explained(other)
    return found


def _limited(model: Model, found: Sequence[Fitted]) -> list[Fitted]:
    """The departures with conditions where they break what the others explain; empty where none does."""
    limited = []
    for number, fitted in enumerate(found):
        others = [*found[:number], *found[number + 1 :]]
        limited.append((narrowed(model, others, fitted, sampled=False) or [fitted])[0])
    return limited if any(f is not g for f, g in zip(limited, found, strict=True)) else []


def _found(
    model: Model, candidates: Sequence[Departure], tick: Callable[[int], None], begun: Sequence[Fitted] = ()
) -> list[Fitted]:
    """The departures of these that are found one after another, less what is superfluous.

    First without conditions: a departure that is taken for a like one is exchanged before it is limited to where the
    mistake does not show.
    """
    plain = _exchanged(model, _greedy(model, candidates, tick, begun, limiting=False), candidates, tick)
    if not model.unexplained(plain):
        return _pruned(model, plain)
    return _pruned(model, _refined(model, _greedy(model, candidates, tick, plain, limiting=True)))


def _greedy(
    model: Model,
    candidates: Sequence[Departure],
    tick: Callable[[int], None],
    begun: Sequence[Fitted],
    limiting: bool,
) -> list[Fitted]:
    """The departures that are taken one after another; ``limiting`` takes them on some problems alone, too."""
    found = list(begun)
    while len(found) < MOST_DEPARTURES:
        tick(len(found))
        left = model.unexplained(found)
        if not left:
            break
        ranked = _ranked(model, found, candidates, left)
        taken = _taken(model, found, ranked, limiting) or _pair(model, found, ranked, left)
        if not taken:
            break
        found = [*found, *taken]
    return found


def _exchanged(
    model: Model, found: list[Fitted], candidates: Sequence[Departure], tick: Callable[[int], None]
) -> list[Fitted]:
    """The departures with each exchanged for another one where that explains more, and what then helps beside them."""
    for fitted in list(found):
        tick(len(found))
        if not model.unexplained(found):
            break
        others = [other for other in found if other is not fitted]
        left = model.unexplained(others)
        if fitted not in found or not left:
            continue
        ranked = [f for f in _ranked(model, others, candidates, left) if f.name != fitted.name]
        other = _best(model, others, ranked[: 2 * FINALISTS])
        if other is not None and model.explained([*others, other]) > model.explained(found):
            found = _greedy(model, candidates, tick, [*others, other], limiting=False)
    return found


def _refined(model: Model, found: list[Fitted]) -> list[Fitted]:
    """The departures, each of which is limited to some problems where it would otherwise break what others explain."""
    for number, fitted in enumerate(found):
        others = [*found[:number], *found[number + 1 :]]
        total = model.explained(found)
        for narrower in [fitted.only(""), *narrowed(model, others, fitted.only(""), sampled=False)]:
            explained = model.explained([*others, narrower])
            if explained > total or (explained == total and fitted.where and not narrower.where):
                total, found = explained, [*found[:number], narrower, *found[number + 1 :]]
    return found


def _ranked(
    model: Model, found: Sequence[Fitted], candidates: Iterable[Departure], left: Sequence[int]
) -> list[Fitted]:
    """The departures that help on some of the problems that are left, those first that help most."""
    sample = _sample(model, left)
    before = {index: max(model.score(found, index), 0.0) for index in sample}
    ranked: list[tuple[float, bool, Fitted]] = []
    for departure in candidates:
        if any(departure.name == f.name for f in found):
            continue
        if not any(departure.applies(model.observed[index].problem) for index in sample):
            continue
        for fitted in _values(model, found, departure, sample):
            gains = [max(model.score([*found, fitted], index), 0.0) - before[index] for index in sample]
            if max(gains) > 1e-9:
                # what has a value to choose, or leaves room for rounding, agrees more easily
                easily = bool(fitted.parameters) or "precision" in fitted.settings
                ranked.append((round(sum(gains), 6), easily, fitted))
    ranked.sort(key=lambda each: (-each[0], each[1], each[2].departure.harm))
    return [fitted for *_, fitted in ranked]


def _taken(model: Model, found: Sequence[Fitted], ranked: Sequence[Fitted], limiting: bool) -> list[Fitted]:
    """The departure that explains most, and of the others those that explain more beside what is taken already.

    Where ``limiting``, one that breaks what is explained without it is tried on some problems alone, too.
    """
    taken: list[Fitted] = []
    finalists = ranked[: 2 * FINALISTS]
    # where little is left many help alike, and to find that they break something takes a moment
    left = list(ranked if len(model.unexplained(found)) <= FEW else finalists)
    if limiting:
        left += [narrower for fitted in finalists for narrower in narrowed(model, found, fitted)]
    while left:
        best = _best(model, [*found, *taken], left)
        if best is None:
            break
        taken.append(best)
        left = [f for f in left if f.name != best.name]
    return taken


def _best(model: Model, found: Sequence[Fitted], candidates: Sequence[Fitted]) -> Fitted | None:
    """The departure with which most is explained beside what is found; None where none explains more.

    All are put to some of the problems, and those that do best there to all.
    """
    some = _some(model, found)
    before = sum(model.agrees(found, index) for index in some)
    estimated = [
        (sum(model.agrees([*found, fitted], index) for index in some) - before, -number, fitted)
        for number, fitted in enumerate(candidates)
        if not exclusive([*found, fitted])
    ]
    promising = sorted((each for each in estimated if each[0] > 0), key=lambda each: each[:2], reverse=True)
    best, total = None, model.explained(found)
    for _, _, fitted in promising[:VERIFIED]:
        more = _evidence(fitted) - 1 if best is None else 0
        number = model.explained([*found, fitted], more_than=total + more)
        if number > total + more:
            best, total = fitted, number
    return best


def _evidence(fitted: Fitted) -> int:
    """How many problems a departure must explain, so that no condition, nor a number, is made up for one of them."""
    return EVIDENCE if fitted.where else 2 if fitted.parameters else 1


def _some(model: Model, found: Sequence[Fitted]) -> list[int]:
    """Some of the problems that are explained, and some of those that are not."""
    parts: tuple[list[int], list[int]] = ([], [])
    for index in range(len(model.observed)):
        parts[model.agrees(found, index)].append(index)
    return [index for part in parts for index in part[:: max(len(part) // ESTIMATED, 1)][:ESTIMATED]]


def _pair(model: Model, found: Sequence[Fitted], ranked: Sequence[Fitted], left: Sequence[int]) -> list[Fitted]:
    """The pair of departures that explains most, where none does alone."""
    sample = _sample(model, left)[:4]
    tried: list[tuple[int, list[Fitted]]] = []
    for one, other in combinations(ranked[:PAIRED], 2):
        pair = [*found, one, other]
        if one.name == other.name or exclusive(pair):
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
    if departure is RAISES:
        return raising(model)
    if not departure.parameters:
        fitted = departure.fitted()
        return [fitted]
    ((name, tried),) = departure.parameters.items()
    sample = [index for index in sample if departure.applies(model.observed[index].problem)]
    scored = [
        (
            sum(model.score([*found, departure.fitted(**{name: value})], index) == FULL for index in sample[:TRIED]),
            value,
        )
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
    """The departures without those that the others make superfluous; a number, or a condition, needs some evidence."""
    for fitted in list(found):
        fewer = [f for f in found if f is not fitted]
        lost = model.explained(found) - model.explained(fewer)
        if lost < (EVIDENCE if fitted.parameters else 1):
            found = fewer
    return found


def needed_by(model: Model, found: Sequence[Fitted]) -> Mapping[str, int]:
    """For each departure, on how many problems the model agrees with the layer only with it."""
    total = model.explained(found)
    return {f.name: total - model.explained([g for g in found if g is not f]) for f in found}
