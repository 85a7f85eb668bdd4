"""The law of arguments: each one that a layer takes changes its loss somewhere.

It rests on the contract's oracle, which says where it must; without an oracle, on what holds for any loss.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from properties.judging.context import Case
from properties.judging.contract import COMMON_ARGUMENTS
from properties.judging.finding import Finding, NotApplicable
from properties.judging.law import law
from properties.judging.observation import Observation
from properties.judging.tolerance import judge
from properties.problems.domain import Dimension, outside
from properties.problems.precision import Array
from properties.problems.problem import Problem
from reference import BUDGET, UNIT_ROUNDOFF, Answer

CLEARLY = 4.0
"""Two answers of the oracle differ where they lie so many error budgets apart."""


@law(
    "arguments/has-effect",
    precondition={"size": outside("empty", "many")},
    rests_on="L(z, y; a) != L(z, y; a') by the contract's formula: a layer that gives one answer for both is wrong",
    over_run=True,
)
def has_effect(case: Case) -> Iterator[Finding]:
    """Every argument that the layer takes changes the loss somewhere.

    Where another value of an argument changes the loss of the contract, it must change the layer's.
    """
    names = sorted(case.takes & set(case.contract.argument_names))
    first = case.problem.salt % max(len(names), 1)
    shown, dead = False, list[tuple[str, Finding]]()
    # what no example has shown an effect of comes first
    for name in sorted(names[first:] + names[:first], key=case.effective.__contains__):
        if dead and name in case.effective:
            break
        pairs = list(_by_oracle(case, name) if case.contract.oracle else _by_any_loss(case, name))
        # one argument for each example is enough, until one is dead: then all that are shall be told
        if pairs and (dead or not shown):
            shown = True
            alike = [_equal_everywhere(case, *pair) for pair in pairs]
            equal = [pair for pair, same in zip(pairs, alike, strict=True) if same]
            if _shows_effect(case, name, [pair for pair, same in zip(pairs, alike, strict=True) if not same]):
                case.effective.add(name)
            if equal and name not in case.effective:
                dead.append((name, _dead(case, name, *equal[0])))
        if shown and not dead:
            return
    if not shown:
        raise NotApplicable("no argument that the layer takes changes the loss here, in any sound layer")
    if dead:
        message = " ".join(finding.message for _, finding in dead)
        yield replace(dead[0][1], message=message, items=frozenset(name for name, _ in dead))


def _shows_effect(case: Case, name: str, unequal: list[tuple[Problem, Problem]]) -> bool:
    """Whether answers that differ show an effect of an argument's value, not only of whether it has one."""
    if not _has_room(case.problem):
        return False
    several = sum(value is not None for value in dict.fromkeys(case.domain.dimensions[name].values)) > 1
    if name in case.problem.config and several:
        unequal = [pair for pair in unequal if all(problem.config[name] is not None for problem in pair)]
    return bool(unequal)


def _equal_everywhere(case: Case, one: Problem, other: Problem) -> bool:
    """Whether the two have the same answer here, under every reduction, and with more elements, logits and labels.

    An answer that is the same here alone (a mean of one element, in which a weight cancels) is for other laws.
    """
    if not _has_room(one):
        return False
    variants = [one, *(_shaken(one, other, seed) for seed in range(3))]
    if one.reduction == other.reduction:
        variants += [v.replace(reduction=r) for r in dict.fromkeys(case.domain["reduction"]) for v in variants[:4]]
    arguments = {
        name: getattr(other, name) for name in COMMON_ARGUMENTS if getattr(one, name) is not getattr(other, name)
    }
    return all(
        _equal(case.observe(variant), case.observe(variant.replace(**arguments, config=other.config)))
        for variant in variants
    )


def _has_room(problem: Problem) -> bool:
    """Whether there is room for another element: else two answers that are the same prove nothing, either way."""
    return problem.logits.ndim > 1 or problem.entrywise


def _shaken(problem: Problem, companion: Problem, seed: int) -> Problem:
    """The problem with more elements, other logits and, among those that both problems count, other labels."""
    rng = np.random.default_rng((problem.salt, seed))
    # along another axis the same numbers fit a square alone
    more = 0 if problem.axis != companion.axis else 2 + seed
    grown = problem.take(np.arange(problem.size + more) % problem.size)
    changed = grown.with_rows(rng.integers(-3, 4, size=grown.rows.shape).astype(np.float64))
    if problem.targets != "hard":
        return changed
    spared = [label for label in (problem.ignore_index, companion.ignore_index) if label is not None]
    free = [label for label in range(problem.classes) if label not in spared] or [0]
    drawn = np.where(np.isin(grown.labels, spared), grown.labels, rng.choice(free, size=grown.labels.shape))
    return changed.replace(labels=drawn)


def _by_oracle(case: Case, name: str) -> Iterator[tuple[Problem, Problem]]:
    """Problems whose answers the oracle knows to be far apart."""
    return (pair for pair in _pairs(case, name) if _clearly_apart(case, *pair))


def _dead(case: Case, name: str, one: Problem, other: Problem) -> Finding:
    """The finding against the one of two equal answers that the oracle contradicts, where there is an oracle."""
    message, got = _message(name, one, other), case.observe(one)
    if case.contract.oracle is None:
        return Finding(message, (other, one), "answer")
    sound = judge(got, case.answer(one), one.dtype).holds
    accused, witness = (other, one) if sound else (one, other)
    answer = case.answer(accused)
    if _apart(case.answer(witness), answer, "value", one.dtype):
        return Finding(message, (accused, witness), "value", answer.value, got.value)
    return Finding(message, (accused, witness), "gradient", answer.gradient, got.gradient)


def _message(name: str, one: Problem, other: Problem) -> str:
    values = [_written(problem.arguments()[name]) for problem in (one, other)]
    return f"The argument {name} has no effect: {values[0]} and {values[1]} have the same answer, bit for bit."


def _written(value: Any) -> str:
    return str(value.tolist()) if isinstance(value, np.ndarray) else repr(value)


def _pairs(case: Case, name: str) -> Iterator[tuple[Problem, Problem]]:
    """The problem with one value of an argument, and with each other value that may be drawn."""
    problem, dimension = case.problem, case.domain.dimensions[name]
    if name == "weight":
        yield from ((problem, other) for other in _weighted(problem, dimension))
    elif name == "ignore_index":
        yield from ((problem, other) for other in _ignoring(problem, dimension))
    elif name == "axis":
        yield from _turned(problem, dimension)
    elif name == "reduction":
        yield from ((problem, problem.replace(reduction=r)) for r in _others(dimension, problem.reduction))
    elif dimension.expand is not None or not isinstance(problem.config.get(name), np.ndarray):
        yield from ((problem, other) for other in _configured(case, name, dimension))


def _others(dimension: Dimension, value: Any) -> list[Any]:
    return [other for other in dict.fromkeys(dimension.values) if other != value]


def _configured(case: Case, name: str, dimension: Dimension) -> Iterator[Problem]:
    problem = case.problem
    for value in dict.fromkeys(dimension.values):
        if dimension.kind is not None and dimension.kind(value) != problem.targets:
            continue
        given = value if dimension.expand is None else dimension.expand(value, problem.classes)
        config = {**problem.config, name: given}
        # what excludes this value would have to change with it, and then proves nothing about it
        if not _same_config(config, case.domain.settle(dict(config))) or _same_config(config, problem.config):
            continue
        yield problem.replace(config=config)


def _same_config(left: Any, right: Any) -> bool:
    return all(np.array_equal(left[name], right[name]) for name in left)


def _weighted(problem: Problem, dimension: Dimension) -> Iterator[Problem]:
    """None, and weights that are others for every class."""
    values = set(dimension.values)
    if "absent" in values and problem.weight is not None:
        yield problem.replace(weight=None)
    if "small" in values and not problem.entrywise and problem.classes > 1:
        rising = np.resize([2.0, 1.0, 0.5, 3.0, 4.0], problem.classes)
        yield from (problem.replace(weight=weight) for weight in (rising, rising[::-1].copy()))


def _ignoring(problem: Problem, dimension: Dimension) -> Iterator[Problem]:
    """Labels of a class that counts under one ignore_index, and not under another."""
    if problem.targets != "hard" or not problem.valid.all():
        return
    inside = [v for v in _others(dimension, problem.ignore_index) if v is not None and 0 <= v < problem.classes]
    yield from (problem.replace(ignore_index=value) for value in inside)


def _turned(problem: Problem, dimension: Dimension) -> Iterator[tuple[Problem, Problem]]:
    """As many elements as classes, along either of two axes."""
    if problem.entrywise or problem.logits.ndim < 2 or problem.size == 0 or problem.axis not in (0, 1):
        return
    if not {0, 1} <= set(dimension.values):
        return
    square = problem.take(np.resize(np.arange(problem.size), problem.classes))
    if square.targets == "hard":
        yield square, square.replace(axis=1 - square.axis)


def _clearly_apart(case: Case, one: Problem, other: Problem) -> bool:
    left, right = case.answer(one), case.answer(other)
    if left.ambiguous or right.ambiguous:
        return False
    return any(_apart(left, right, quantity, one.dtype) for quantity in ("value", "gradient"))


def _apart(left: Answer, right: Answer, quantity: str, dtype: str) -> bool:
    """Whether two answers of the oracle are too far apart for rounding."""
    found: list[tuple[Array, Array]] = [
        (getattr(answer, quantity), getattr(answer, f"{quantity}_scale")) for answer in (left, right)
    ]
    (a, a_scale), (b, b_scale) = found
    if a.shape != b.shape:
        return True
    return bool((np.abs(a - b) > CLEARLY * BUDGET * UNIT_ROUNDOFF[dtype] * (1.0 + a_scale + b_scale)).any())


def _equal(left: Observation, right: Observation) -> bool:
    if left.gradient is None or right.gradient is None:
        return False
    return np.array_equal(left.value, right.value, equal_nan=True) and np.array_equal(
        left.gradient, right.gradient, equal_nan=True
    )


def _by_any_loss(case: Case, name: str) -> Iterator[tuple[Problem, Problem]]:
    """Problems whose answers differ in any loss at all: `none`, weights that count, an ignored element with a slope."""
    problem = case.problem
    if name not in COMMON_ARGUMENTS or problem.size < 2:
        return
    dimension, observed = case.domain.dimensions[name], case.observe()
    if name == "reduction" and problem.reduction != "none" and "none" in dimension.values:
        yield problem, problem.replace(reduction="none")
    elif name == "ignore_index":
        others = _ignoring(problem, dimension)
        yield from ((problem, other) for other in others if _sloped(problem, observed, ~other.valid))
    elif name == "weight" and _all_count(problem, observed):
        rising = 2.0 ** (1.0 + np.arange(problem.classes) % 8)
        for weight in (rising, rising[::-1].copy()) if "small" in dimension.values else ():
            yield problem, problem.replace(weight=weight)


def _all_count(problem: Problem, observed: Observation) -> bool:
    """Whether every element has a slope, none has a weight yet, and no mean lets weights cancel."""
    plain = problem.weight is None and not problem.entrywise and problem.reduction != "mean"
    classes = np.unique(problem.label_rows) if problem.targets == "hard" and problem.valid.all() else np.zeros(0)
    return plain and len(classes) > 1 and all(_sloped(problem, observed, row) for row in np.eye(problem.size) > 0)


def _sloped(problem: Problem, observed: Observation, mask: NDArray[np.bool_]) -> bool:
    """Whether some element of a mask has a gradient that is not 0."""
    return observed.gradient is not None and bool(problem.flatten(observed.gradient)[mask.reshape(-1)].any())
