"""Weights by the density of gradient norms, made of parts that a departure may change.

Settings that these parts know: ``width`` (from the contract's to another), ``regions`` (how many there are),
``counted`` (which elements the populations count), ``outside`` (the gradient norm that ignored elements are counted
with), ``last`` (``open``: what lies at g = 1 has no weight), ``shared`` (by how many regions it is divided), ``total``
(the number that is shared out), ``images`` (populations of each image),
``beyond`` (``raises``: what lies past the last region has no answer), ``nudge`` (what is added to every norm).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from properties.departures.departure import Refused, Settings
from properties.departures.parts import Mask, Parts, PartsOf, scaled, weight_of_elements
from properties.problems.precision import Array
from properties.problems.problem import Problem
from reference import UNIT_ROUNDOFF
from reference.cross_entropy import Softmax
from reference.elements import Elements, Losses
from reference.entries import arrange_entries, logistic_losses
from reference.ghm_regression import smooth_losses
from reference.regions import Regions

INSIDE = frozenset({"width", "regions", "counted", "outside", "last", "shared", "total", "images", "beyond", "nudge"})

Places = NDArray[np.int64]
"""Indices of elements, or of the regions that they lie in."""

NEAR = 2.0**-44
"""How near an edge of a region the side is a matter of rounding, in float64."""


def harmonized(
    problem: Problem, elements: Elements, softmax: Softmax, losses: Losses, settings: Settings
) -> list[Parts]:
    """Return the losses times the density weights of the gradient norms 1 - p."""
    weights, decided = density_weights(softmax.p_rest, elements.valid, problem, settings)
    return [Parts(scaled(losses, weights), decided)]


def density_weights(norms: Array, valid: Mask, problem: Problem, settings: Settings) -> tuple[Array, bool]:
    """Return the weight of each element, and whether no norm lies too near an edge to tell its region."""
    regions = Regions.of(problem.config["bins"])
    width = settings["width"](regions.width) if "width" in settings else regions.width
    count = settings["regions"](problem.config["bins"]) if "regions" in settings else regions.count
    norms = np.where(valid, norms + settings.get("nudge", 0.0) * (norms > 0), settings.get("outside", 0.0))
    counted = valid if settings.get("counted", "valid") == "valid" else np.ones_like(valid)
    exact = Regions(regions.count, width) if "width" not in settings and count == regions.count else None
    steps = norms / width
    places = exact.index(norms) if exact is not None else np.clip(np.floor(steps), 0, count - 1).astype(np.int64)
    unsure = False
    if settings.get("beyond") == "raises" and np.isnan(norms[counted]).any():
        raise Refused("what is no number lies in no region")
    if settings.get("beyond") == "raises" and count < regions.count:
        # where nobody said by how much regions are wider, the last hair before the edge says nothing
        slack = 0.0 if "width" in settings else 0.02
        if bool((steps[counted] >= count + slack).any()):
            raise Refused("an element lies beyond the last region")
        unsure = bool((steps[counted] >= count).any())
    left = settings.get("last") == "open"
    inside = ~(norms >= 1.0) if left else np.ones_like(valid)
    near = NEAR if problem.dtype == "float64" else 64.0 * UNIT_ROUNDOFF[problem.dtype]
    inner = (np.round(steps) >= 1) & (np.round(steps) <= count - (0 if left else 1))
    doubtful = counted & inner & (np.abs(steps - np.round(steps)) <= near * max(count, 1))
    weights = np.zeros(len(norms))
    for image in _images(problem, settings):
        here = np.zeros(len(norms), bool)
        here[image] = True
        weights[image] = _of_population(places, here & counted & inside, here & counted, count, problem, settings)[
            image
        ]
    return np.where(valid & inside, weights, 0.0), not unsure and not bool((doubtful & (norms != 0)).any())


def _images(problem: Problem, settings: Settings) -> list[Places]:
    every = np.arange(problem.size)
    if not settings.get("images") or not problem.shape:
        return [every]
    return [rows.reshape(-1) for rows in every.reshape(problem.shape)]


def _of_population(
    places: Places, members: Mask, counted: Mask, count: int, problem: Problem, settings: Settings
) -> Array:
    population = np.bincount(places[members], minlength=count).astype(np.float64)
    occupied = float(np.count_nonzero(population))
    shared = settings.get("shared", problem.config.get("normalize", "occupied"))
    divisor = {"occupied": occupied, "paper": float(count), "none": 1.0}[shared]
    total = settings["total"](problem) if "total" in settings else float(counted.sum())
    shares = population * divisor
    return np.asarray((total / np.where(shares > 0, shares, 1.0))[places])


def entry_parts(factor: Callable[[Problem, Elements, Losses, Settings], list[Parts]]) -> PartsOf:
    """Return the parts of a loss of single entries over a sigmoid: binary cross entropy, a factor, the weights."""

    def parts(problem: Problem, settings: Settings) -> list[Parts]:
        elements = arrange_entries(
            problem.logits,
            problem.labels,
            ignore_index=problem.ignore_index,
            axis=problem.axis,
            label_weight=problem.label_weight,
        )
        assert elements.targets is not None
        losses = logistic_losses(elements.rows[:, 0], elements.targets)
        for change in settings.get("bce", ()):
            losses = change(losses, elements.rows[:, 0], elements.targets)
        found = factor(problem, elements, losses, settings)
        weight = weight_of_elements(problem)
        return [Parts(scaled(one.losses, weight), one.decided) for one in found]

    return parts


def harmonized_entries(problem: Problem, elements: Elements, losses: Losses, settings: Settings) -> list[Parts]:
    """Return binary cross entropies times the density weights of |sigmoid(x) - t|."""
    weights, decided = density_weights(np.abs(losses.slope[:, 0]), elements.valid, problem, settings)
    return [Parts(scaled(losses, weights), decided)]


def regression_parts(problem: Problem, settings: Settings) -> list[Parts]:
    """Return smooth losses of the differences times the density weights of their slopes."""
    elements = arrange_entries(
        problem.logits, problem.labels, ignore_index=None, label_weight=problem.label_weight, probabilities=False
    )
    assert elements.targets is not None
    mu = settings["mu"](problem.config["mu"]) if "mu" in settings else problem.config["mu"]
    losses, norms = smooth_losses(elements.rows[:, 0] - elements.targets, mu)
    weights, decided = density_weights(norms, elements.valid, problem, settings)
    return [Parts(scaled(losses, weights), decided)]
