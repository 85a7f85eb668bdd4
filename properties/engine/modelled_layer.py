"""A layer's model, asked in its place: what the contract with fitted departures answers to a problem."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from properties.departures.departure import Fitted, Refused, active, combined
from properties.departures.model import modelled
from properties.errors import ContractError
from properties.judging.contract import Contract
from properties.judging.observation import Failure, Observation
from properties.problems.problem import Problem

ANSWERED = ("plain", "value")
"""What a model can be asked: value and gradient, or the value alone."""


@dataclass(frozen=True)
class FittedLayer:
    """The departures of a layer, as they were fitted, and what it raises where they say that it does."""

    departures: tuple[Fitted, ...] = ()
    failures: Mapping[str, Failure] = field(default_factory=dict)

    def without(self, name: str) -> FittedLayer:
        """The same layer with one departure repaired."""
        return replace(self, departures=tuple(f for f in self.departures if f.name != name))

    def only(self, names: Sequence[str]) -> FittedLayer:
        """The same layer with these departures alone."""
        return replace(self, departures=tuple(f for f in self.departures if f.name in names))

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        failures = {name: _plain(failure) for name, failure in self.failures.items()}
        return {"departures": [fitted.to_dict() for fitted in self.departures], "failures": failures}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any], contract: Contract) -> FittedLayer:
        """The inverse of :meth:`to_dict`; departures that the contract does not know are left out."""
        known = contract.catalogue
        fitted = [
            known[each["name"]].fitted(**each["parameters"]) for each in plain["departures"] if each["name"] in known
        ]
        return cls(tuple(fitted), {name: Failure("raised", **said) for name, said in plain["failures"].items()})

    def failure(self, refusing: Fitted | None = None) -> Failure:
        """What the layer raises by this departure; by one that changes numbers, where none is given."""
        names = [refusing.name] if refusing else [f.name for f in self.departures if f.departure.change is not None]
        return next((self.failures[name] for name in names if name in self.failures), Failure("raised", "", ""))


def _plain(failure: Failure) -> dict[str, str]:
    return {"error": failure.error, "message": failure.message, "line": failure.line}


@dataclass(frozen=True)
class ModelObserver:
    """Asks the model of a fitted layer where a law asks the layer.

    ``nudge`` moves what lies exactly on a jump to one of its sides.
    """

    contract: Contract
    layer: FittedLayer
    nudge: float = 0.0

    def observe(self, problem: Problem, probe: str = "plain") -> Observation | Failure:
        """What the model answers; ``absent`` where a law asks for more than value and gradient."""
        if probe not in ANSWERED:
            return Failure("absent", "", "a model has a value and a gradient alone")
        fitted = self.layer.departures
        for one in fitted:
            if one.departure.refuses is not None and one.applies(problem) and one.departure.refuses(problem):
                return self.layer.failure(one)
        settings = combined(active(fitted, problem))
        if settings is None:
            return Failure("absent", "", "departures of the model exclude each other here")
        if self.nudge and settings:
            settings = {**settings, "nudge": self.nudge}
        try:
            with np.errstate(all="ignore"):
                answer = modelled(self.contract.loss, problem, settings)
        except Refused:
            return self.layer.failure()
        except (ContractError, ValueError, TypeError, IndexError, ArithmeticError) as error:
            return Failure("absent", "", f"the model has no answer: {error}")
        gradient = None if probe == "value" else answer.gradient
        return Observation(answer.value, gradient, answer.value.shape, problem.dtype, problem.dtype)
