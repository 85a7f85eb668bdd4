"""Explanation: whether the fitted model of a layer shows a contradiction too, and which departures that needs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from properties.engine.attribution import same
from properties.engine.deviation import relative_size
from properties.engine.modelled_layer import FittedLayer, ModelObserver
from properties.engine.trial import Trial
from properties.errors import Broken, ContractError
from properties.judging.finding import Finding
from properties.judging.restated import restated
from properties.problems.problem import Problem
from reference import UNIT_ROUNDOFF

ROUNDINGS = 64.0
"""Roundoffs of a coarser precision, relative to the largest number, up to which a contradiction is one of rounding."""

SIDES = (0.0, -1e-9, 1e-9)
"""Where what lies exactly on a jump is moved to, since a layer rounds it to one of the sides."""


@dataclass(frozen=True)
class Explanation:
    """Tells which contradictions of a trial follow from the departures of the layer, number for number."""

    trial: Trial
    layer: FittedLayer
    claimed: bool = False

    def shows(self, layer: FittedLayer, problem: Problem, finding: Finding) -> bool:
        """Whether a model shows the same contradiction on a problem."""
        return any(self._shows(ModelObserver(self.trial.contract, layer, nudge), problem, finding) for nudge in SIDES)

    def _shows(self, model: ModelObserver, problem: Problem, finding: Finding) -> bool:
        contract = self.trial.contract
        trial = self.trial.on(model if self.claimed else restated(model, contract))
        try:
            shown = trial.finding(problem)
        except (Broken, ContractError):
            return False
        return shown is not None and same(finding, shown, contract, self.precision)

    @cached_property
    def precision(self) -> str:
        """The precision that the layer computes in whatever it is given; '' where that is the problem's."""
        found = [fitted.settings.get("precision", "") for fitted in self.layer.departures]
        return next(filter(None, found), "")

    def _is_rounding(self, finding: Finding) -> bool:
        """Whether a contradiction is no larger than the rounding of the precision that the layer computes in."""
        expected, got = finding.expected, finding.got
        if not self.precision or expected is None or got is None or expected.shape != got.shape:
            return False
        both = np.isfinite(expected) & np.isfinite(got)
        if not (both | (expected == got) | (np.isnan(expected) & np.isnan(got))).all():
            return False
        return relative_size(expected, got) <= ROUNDINGS * UNIT_ROUNDOFF[self.precision]

    def explains(self, problem: Problem, finding: Finding) -> bool:
        """Whether the model with all departures shows a contradiction."""
        return self._is_rounding(finding) or self.shows(self.layer, problem, finding)

    def departures(self, problem: Problem, finding: Finding) -> tuple[str, ...]:
        """The departures that a contradiction needs; empty where the model does not show it.

        One is needed where the model without it shows something else. Where each can be spared, since another one does
        the same, those that show it alone are named, or all.
        """
        if self._is_rounding(finding):
            return tuple(f.name for f in self.layer.departures if "precision" in f.settings)
        if not self.explains(problem, finding):
            return ()
        names = [fitted.name for fitted in self.layer.departures]
        needed = [name for name in names if not self.shows(self.layer.without(name), problem, finding)]
        if needed:
            return tuple(needed)
        alone = [name for name in names if self.shows(self.layer.only([name]), problem, finding)]
        return tuple(alone[:1] or names)

    def inherited(self, names: tuple[str, ...]) -> str:
        """The kernel that departures are those of; '' where one of them is the layer's own."""
        kernels = [fitted.departure.inherited for fitted in self.layer.departures if fitted.name in names]
        return kernels[0] if kernels and all(kernels) else ""
