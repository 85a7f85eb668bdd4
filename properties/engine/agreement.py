"""Agreement: on how many observed problems a contract's model with departures answers as a layer did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from properties.departures.conditions import CONDITIONS
from properties.departures.departure import WHERE, Departure, Fitted, Refused, active, combined
from properties.departures.model import modelled
from properties.departures.of_refusals import RAISES
from properties.departures.parts import Mask
from properties.engine.observed_problems import Observed
from properties.errors import ContractError
from properties.judging.contract import Contract
from properties.judging.observation import Failure
from properties.judging.tolerance import judge
from reference import Answer

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
    _applying: dict[tuple[str, str, int], bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._loss = replace(self.contract.loss, known=dict.fromkeys(one.problem for one in self.observed))

    def answer(self, fitted: Sequence[Fitted], one: Observed) -> Answer | None:
        """The answer of a model; None where it raises, or cannot say."""
        settings = combined(active(fitted, one.problem))
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
        applying = [f for f in fitted if self._applies(f, index)]
        key = (tuple(sorted((f.name, *_values_of(f)) for f in applying)), index)
        if key not in self._scores:
            self._scores[key] = self._score(applying, one)
        return self._scores[key]

    def _applies(self, fitted: Fitted, index: int) -> bool:
        key = (fitted.name, fitted.where, index)
        if key not in self._applying:
            self._applying[key] = fitted.applies(self.observed[index].problem)
        return self._applying[key]

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
        return True in raised if departure is RAISES else raised == {True}

    @cached_property
    def holding(self) -> dict[str, Mask]:
        """For each condition, on which of the observed problems it holds; those are left out that tell none apart."""
        asked = [one.problem for one in self.observed]
        masks = {name: np.array([test(p) for p in asked], dtype=bool) for name, (_, test) in CONDITIONS.items()}
        return {name: mask for name, mask in masks.items() if mask.any() and not mask.all()}

    @cached_property
    def raised(self) -> Mask:
        """On which of the observed problems the layer raised."""
        return np.array([isinstance(one.shown, Failure) for one in self.observed], dtype=bool)

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


def _values_of(fitted: Fitted) -> list[Any]:
    """The values of the parameters of a departure, without where it is one."""
    return [value for name, value in fitted.parameters.items() if name != WHERE]


def _parallel(one: Any, other: Any) -> bool:
    """Whether two gradients differ by a positive factor alone."""
    left, right = one.reshape(-1), other.reshape(-1)
    if not (np.isfinite(left).all() and np.isfinite(right).all()):
        return False
    sizes = float(np.sqrt((left * left).sum() * (right * right).sum()))
    return sizes > 0 and float((left * right).sum()) >= (1.0 - 1e-12) * sizes
