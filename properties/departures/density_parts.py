"""Weights by the density of gradient norms, made of parts that a departure may change.

Settings that these parts know:

- ``norm`` (from the Norms to others), ``nudge`` (how much they are more), ``live`` (the weights have a slope);
- ``width`` (from the contract's to another), ``regions`` (how many there are), ``beyond`` (``raises``: an element past
  the last region has no answer), ``last`` (``open``: what lies at g = 1 has no weight; ``absent``: nor is it
  in the total; ``weightless``: it is counted all the same);
- ``counted`` (which elements the populations count), ``outside`` (the norm that ignored elements are counted
  with; None: that of a logit and a label of 0),
  ``images`` (populations of each image), ``more`` (what is added to a population), ``average`` (``uncorrected``: a
  running average is not corrected for its start at 0; ``corrected``: it is, or there is none);
- ``shared`` (by how many regions it is divided), ``total`` (the number that is shared out), ``limit`` (of a weight).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from properties.departures.departure import Refused, Settings
from properties.departures.parts import Mask, Parts, scaled
from properties.problems.precision import Array
from properties.problems.problem import Problem
from reference import UNIT_ROUNDOFF
from reference.cross_entropy import Softmax
from reference.elements import Elements, Losses
from reference.entries import arrange_entries, signed_distance
from reference.ghm_regression import smooth_losses
from reference.regions import Regions

OF_REGIONS = frozenset({"width", "regions", "beyond", "last", "counted", "outside", "images", "more", "average"})
INSIDE = OF_REGIONS | {"norm", "nudge", "live", "shared", "total", "limit"}

Places = NDArray[np.int64]
"""Indices of elements, or of the regions that they lie in."""

NEAR = 2.0**-44
"""How near an edge of a region the side is a matter of rounding, in float64."""

CERTAIN = 2.0**-55
"""A number that 1 swallows."""


@dataclass(frozen=True)
class Norms:
    """The gradient norms [n] of elements, and what they may be mistaken for: with their sign, p, the error itself.

    ``slope`` [n, C] is their own derivative by the logits; ``rest`` [n] what they lack of 1; ``doubtful`` says where
    rounding decides what they are.
    """

    norm: Array
    signed: Array
    p: Array
    error: Array
    slope: Array
    rest: Array
    doubtful: Mask | None = None

    def instead(self, norm: Array, doubtful: Mask | None = None) -> Norms:
        """Return others in their place."""
        clipped = np.clip(norm, 0.0, 1.0)
        return replace(self, norm=clipped, rest=1.0 - clipped, doubtful=doubtful)


def harmonized(
    problem: Problem, elements: Elements, softmax: Softmax, losses: Losses, settings: Settings
) -> list[Parts]:
    """Return the losses times the density weights of the gradient norms 1 - p."""
    rest = softmax.p_rest
    p = np.exp(-softmax.losses.value)
    norms = Norms(rest, rest, p, softmax.losses.value, softmax.losses.slope * p[:, None], p)
    return weighed_by_density(norms, losses, elements.valid, problem, settings)


def weighed_by_density(norms: Norms, losses: Losses, valid: Mask, problem: Problem, settings: Settings) -> list[Parts]:
    """Return losses times the density weights of their gradient norms."""
    weights, decided = density_weights(norms, valid, problem, settings)
    found = scaled(losses, weights)
    if settings.get("live"):
        by_weights = norms.slope * (weights * losses.value)[:, None]
        found = replace(
            found, slope=found.slope + by_weights, slope_scale=found.slope_scale + 16.0 * (1.0 + np.abs(by_weights))
        )
    return [Parts(found, decided)]


def density_weights(found: Norms, valid: Mask, problem: Problem, settings: Settings) -> tuple[Array, bool]:
    """Return the weight of each element, and whether no norm lies too near an edge to tell its region."""
    regions = Regions.of(problem.config["bins"])
    width = settings["width"](regions.width) if "width" in settings else regions.width
    count = settings["regions"](problem.config["bins"]) if "regions" in settings else regions.count
    if "norm" in settings:
        found = settings["norm"](found, regions)
    outside = settings.get("outside", 0.0)
    norms = found.norm + settings.get("nudge", 0.0) * (found.norm > 0)
    norms = norms if outside is None else np.where(valid, norms, outside)
    counted = valid if settings.get("counted", "valid") == "valid" else np.ones_like(valid)
    exact = Regions(regions.count, width) if "width" not in settings and count == regions.count else None
    steps = norms / width
    places = exact.index(norms) if exact is not None else np.clip(np.floor(steps), 0, count - 1).astype(np.int64)
    unsure = found.doubtful is not None and bool((found.doubtful & counted).any())
    if settings.get("beyond") == "raises" and np.isnan(norms[counted]).any():
        raise Refused("what is no number lies in no region")
    if settings.get("beyond") == "raises" and count < regions.count:
        # where nobody said by how much regions are wider, the last hair before the edge says nothing
        slack = 0.0 if "width" in settings else 0.02
        if bool((steps[counted] >= count + slack).any()):
            raise Refused("an element lies beyond the last region")
        unsure = unsure or bool((steps[counted] >= count).any())
    last = settings.get("last")
    inside = ~(norms >= 1.0) if last else np.ones_like(valid)
    near = NEAR if problem.dtype == "float64" else 64.0 * UNIT_ROUNDOFF[problem.dtype]
    inner = (np.round(steps) >= 1) & (np.round(steps) <= count - (0 if last else 1))
    doubtful = counted & inner & (np.abs(steps - np.round(steps)) <= near * max(count, 1))
    # what lacks less of 1 than half a unit there is 1 to everybody
    certain = (norms >= 1.0) & (found.rest < CERTAIN)
    doubtful &= ~certain if found.doubtful is None else found.doubtful
    members = counted & inside if last in ("open", "absent") else counted
    counted = members if last == "absent" else counted
    weights = np.zeros(len(norms))
    for image in _images(problem, settings):
        here = np.zeros(len(norms), bool)
        here[image] = True
        weights[image] = _of_population(places, here & members, here & counted, count, problem, settings)[image]
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
    shares = (population + settings.get("more", 0.0) * (population > 0)) * divisor
    weights = total / np.where(shares > 0, shares, 1.0)
    momentum = float(problem.config.get("momentum") or 0.0)
    average = settings.get("average", "uncorrected" if problem.config.get("ema") == "mmdet" else "corrected")
    if momentum and average == "uncorrected":
        # the first batch of an average that starts at 0
        weights = weights / (1.0 - momentum)
    return np.asarray(np.minimum(weights, settings.get("limit", np.inf))[places])


def harmonized_entries(problem: Problem, elements: Elements, losses: Losses, settings: Settings) -> list[Parts]:
    """Return binary cross entropies times the density weights of |sigmoid(x) - t|."""
    assert elements.targets is not None
    x, t = elements.rows[:, 0], elements.targets
    signed = signed_distance(x, t)
    p = signed_distance(x, np.zeros_like(x))
    steepness = np.sign(signed) * p * -signed_distance(x, np.ones_like(x))
    norms = Norms(
        np.abs(signed), signed, p, x - t, steepness[:, None], p * t + -signed_distance(x, np.ones_like(x)) * (1.0 - t)
    )
    return weighed_by_density(norms, losses, elements.valid, problem, settings)


def regression_parts(problem: Problem, settings: Settings) -> list[Parts]:
    """Return smooth losses of the differences times the density weights of their slopes."""
    elements = arrange_entries(
        problem.logits, problem.labels, ignore_index=None, label_weight=problem.label_weight, probabilities=False
    )
    assert elements.targets is not None
    mu = settings["mu"](problem.config["mu"]) if "mu" in settings else problem.config["mu"]
    d = elements.rows[:, 0] - elements.targets
    losses, norm = smooth_losses(d, mu)
    root = np.hypot(d, mu)
    norms = Norms(
        norm,
        losses.slope[:, 0],
        norm,
        d,
        (np.sign(d) * mu * mu / root**3)[:, None],
        (mu / root) * (mu / (root + np.abs(d))),
    )
    if "smooth" in settings:
        losses = settings["smooth"](losses, d, mu)
    return weighed_by_density(norms, losses, elements.valid, problem, settings)
