"""Losses of single entries over a sigmoid, made of parts that a departure may change.

Settings that these parts know: ``bce``, changes of the binary cross entropy of the entries; ``kernel``, one more, which
comes last; ``raw``: ignored targets count, as the numbers that they are; and what each factor knows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from properties.departures.departure import Settings
from properties.departures.parts import Parts, PartsOf, scaled, weight_of_elements
from properties.problems.precision import Array
from properties.problems.problem import Problem
from reference.elements import Elements, Losses
from reference.entries import arrange_entries, logistic_losses

INSIDE = frozenset({"bce", "kernel", "raw"})

Change = Callable[[Losses, Array, Array], Losses]
"""From binary cross entropies, logits and targets [n] to other losses."""

Factor = Callable[[Problem, Elements, Losses, Settings], list[Parts]]
"""From the binary cross entropies of the entries to the losses of the contract, unweighted."""


def entry_parts(factor: Factor) -> PartsOf:
    """Return the parts of a loss of single entries over a sigmoid: binary cross entropy, a factor, the weights."""

    def parts(problem: Problem, settings: Settings) -> list[Parts]:
        elements = entries_of(problem, raw=bool(settings.get("raw")))
        assert elements.targets is not None
        losses = changed(elements, settings)
        found = factor(problem, elements, losses, settings)
        weight = weight_of_elements(problem)
        return [Parts(scaled(one.losses, weight), one.decided) for one in found]

    return parts


def entries_of(problem: Problem, raw: bool = False) -> Elements:
    """Return the entries of a problem; ``raw`` takes any number for a target."""
    return arrange_entries(
        problem.logits,
        problem.labels,
        ignore_index=problem.ignore_index,
        axis=problem.axis,
        label_weight=problem.label_weight,
        probabilities=not raw,
    )


def changed(elements: Elements, settings: Settings) -> Losses:
    """Return the binary cross entropy of entries as settings have it."""
    assert elements.targets is not None
    x, t = elements.rows[:, 0], elements.targets
    losses = logistic_losses(x, t)
    if settings.get("raw"):
        losses = replace(losses, value_scale=losses.value_scale * (1.0 + np.abs(t)))
    with np.errstate(all="ignore"):
        for change in (*settings.get("bce", ()), *settings.get("kernel", ())):
            losses = change(losses, x, t)
    return losses
