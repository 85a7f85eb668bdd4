"""Restated answers: what a layer of other conventions would answer if it had the contract's, so that any law can judge.

A layer whose mean divides by another number is the same loss in another unit. Its answers are brought into the unit of
the contract before a law sees them, and what the law finds is told in the layer's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from properties.errors import ContractError
from properties.judging.contract import Contract
from properties.judging.denominators import divided_by
from properties.judging.finding import Finding
from properties.judging.observation import Failure, Observation, Observer
from properties.problems.batches import batches_of
from properties.problems.precision import Array
from properties.problems.problem import Problem

SCALED = ("value", "gradient", "slope")
"""Words in the name of a quantity that changes with the unit of a loss."""

PROGRAM = "program"
"""The entry of a problem's ``config`` by which a layer takes several steps, whose answers are not those of one mean."""


def restated(observer: Observer, contract: Contract) -> Observer:
    """Return an observer whose answers have the contract's own conventions; the same where they are the layer's too."""
    return Restated(observer, contract) if contract.conventions.differ else observer


@dataclass(frozen=True)
class Restated:
    """Asks through another observer, and restates what it answers."""

    asked: Observer
    contract: Contract

    def observe(self, problem: Problem, probe: str = "plain") -> Observation | Failure:
        """What the layer would answer if it had the contract's conventions."""
        found = self.asked.observe(problem, probe)
        return found if isinstance(found, Failure) else self._restated(found, problem)

    def _restated(self, found: Observation, problem: Problem) -> Observation:
        if not _is_mean(problem):
            return found
        unit = Unit.of(problem, self.contract)
        gradient = None if found.gradient is None else unit.slope(found.gradient)
        facts = {name: self._fact(name, fact, unit, problem) for name, fact in found.facts.items()}
        return replace(found, value=unit.value(found.value), gradient=gradient, facts=facts)

    def _fact(self, name: str, fact: Any, unit: Unit, problem: Problem) -> Any:
        """A fact of a probe: a gradient, an answer of a copy, or answers of a program to several batches."""
        if name == "second" and isinstance(fact, np.ndarray):
            return unit.slope(fact)
        if isinstance(fact, Observation):
            return self._restated(fact, problem)
        if name == "answers":
            answers = zip(fact, batches_of(problem), strict=True)
            return [one if isinstance(one, Failure) else self._restated(one, batch) for one, batch in answers]
        return fact


def _is_mean(problem: Problem) -> bool:
    return problem.reduction == "mean" and problem.normalizer is None and PROGRAM not in problem.config


@dataclass(frozen=True)
class Unit:
    """The number by which a layer's mean is to be multiplied; ``empty`` where both divide by 0 and it is NaN."""

    factor: float
    empty: bool = False
    lenient: bool = False

    @classmethod
    def of(cls, problem: Problem, contract: Contract) -> Unit:
        """The unit of a mean of a problem."""
        try:
            divisor, due = divided_by(problem, contract), contract.divisor(problem)
        except ContractError:
            # what a law made wrong on purpose has no denominator
            return cls(1.0)
        if divisor and due:
            return cls(divisor / due)
        nan = contract.conventions.nothing == "nan" and not divisor
        return cls(1.0, nan, nan and problem.size == 0)

    def value(self, value: Array) -> Array:
        """A mean in the contract's unit: that of nothing is 0 where it is NaN, and NaN where it should be."""
        if not self.empty or value.shape != ():
            return np.asarray(value * self.factor)
        # of an empty batch either will do: kernels differ
        return np.zeros(()) if np.isnan(value) or (self.lenient and value == 0) else np.asarray(np.nan)

    def slope(self, gradient: Array) -> Array:
        """A gradient in the contract's unit: over 0 it is 0 or NaN, as the arithmetic has it."""
        return np.where(np.isnan(gradient), 0.0, gradient) if self.empty else gradient * self.factor

    def back(self, number: Array | None, quantity: str) -> Array | None:
        """A number of a finding in the layer's own unit."""
        if number is None or number.dtype.kind != "f" or not any(word in quantity for word in SCALED):
            return number
        if self.empty:
            return np.where(np.isnan(number), 0.0, np.nan) if quantity == "value" and number.shape == () else number
        return np.asarray(number / self.factor)


def in_own_unit(finding: Finding, contract: Contract) -> Finding:
    """Return what a law found of restated answers in the unit of the layer, as a script that asks it has them."""
    if not contract.conventions.differ or not finding.calls or not _is_mean(finding.calls[0]):
        return finding
    unit = Unit.of(finding.calls[0], contract)
    numbers: Mapping[str, Any] = {
        "expected": unit.back(finding.expected, finding.quantity),
        "got": unit.back(finding.got, finding.quantity),
    }
    return replace(finding, **numbers)
