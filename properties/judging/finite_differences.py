"""Finite differences: derivatives of the value, to tell whether a gradient is live, detached, or neither."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from properties.judging.context import Case
from properties.judging.detached_gradient import base_problem, is_detached
from properties.judging.finding import Undecided
from properties.problems.precision import SMALLEST_NORMAL, Array
from properties.problems.problem import Problem
from reference import BUDGET, UNIT_ROUNDOFF

STEPS = (2.0**-9, 2.0**-11, 2.0**-13)
"""Steps of the difference quotients, for logits up to 4."""


@dataclass(frozen=True)
class Derivative:
    """The derivative of the value along a direction, by differences and by the gradient that the layer returned."""

    by_differences: float
    by_gradient: float
    tolerance: float

    @property
    def agrees(self) -> bool:
        """Whether the two are equal within the error of the differences."""
        return abs(self.by_differences - self.by_gradient) <= self.tolerance


def random_signs(problem: Problem) -> Array:
    """Return a direction: 1 or -1 for each logit."""
    return np.where(problem.rng().integers(0, 2, problem.logits.shape) == 0, 1.0, -1.0)


def ascent(case: Case, problem: Problem) -> Array:
    """Return the direction in which every element's base loss rises, so that the weights' derivatives do not cancel."""
    if not case.contract.bases:
        return random_signs(problem)
    return np.where(case.contract.bases[0](base_problem(problem)).gradient >= 0, 1.0, -1.0)


def derivative_along(
    case: Case, problem: Problem, direction: Array, *, stretch: float = 1.0, one_side: bool = True
) -> Derivative:
    """Return the derivative along a direction by central differences.

    Raises Undecided where the value is not smooth within the steps. ``stretch`` makes the steps longer: less noise,
    more remainder. ``one_side`` keeps the steps from crossing the contract's jumps, which a layer of another loss need
    not have.
    """
    observed = case.observe(problem)
    assert observed.gradient is not None
    size = stretch * _size(problem)
    apart = _steps_on_one_side(case, problem, direction * size) if one_side else STEPS
    steps = [step * size for step in apart]
    quotients, noises = [], []
    for step in steps:
        ahead, behind = (_total(case, problem, sign * step * direction) for sign in (1.0, -1.0))
        quotients.append((ahead[0] - behind[0]) / (2.0 * step))
        noises.append((ahead[1] + behind[1]) / (2.0 * step))
    by_gradient = float((observed.gradient * direction).sum())
    # central differences err by c h^2: each step is a quarter of the one before, so each error a sixteenth
    best = quotients[2] + (quotients[2] - quotients[1]) / 15.0
    drift = [abs(quotients[0] - quotients[1]), abs(quotients[1] - quotients[2])]
    noise = BUDGET * UNIT_ROUNDOFF[problem.dtype] * (2.0 * noises[2] + noises[1])
    if drift[1] > 4.0 * noise and drift[1] > drift[0] / 4.0:
        # no quadratic remainder at these steps: a kink or a jump lies within reach, and there is no derivative
        raise Undecided("the value is not smooth within the steps of the difference quotient")
    # the gradient that it is compared with is rounded too
    own = BUDGET * UNIT_ROUNDOFF[problem.dtype] * float(case.error_scale("gradient", problem, observed).sum())
    return Derivative(best, by_gradient, drift[1] + noise + own)


def has_kink(case: Case, problem: Problem, direction: Array) -> bool:
    """Return whether the one-sided derivatives differ: of a smooth value, their difference shrinks with the step."""
    middle = float(case.observe(problem).value.sum())
    size = _size(problem)
    gaps, noise = [], 0.0
    for step in (STEPS[0] * size, STEPS[2] * size):
        ahead, behind = (_total(case, problem, sign * step * direction) for sign in (1.0, -1.0))
        gaps.append(abs(ahead[0] + behind[0] - 2.0 * middle) / step)
        noise = 2.0 * BUDGET * UNIT_ROUNDOFF[problem.dtype] * (ahead[1] + behind[1]) / step
    return bool(gaps[1] > noise and gaps[1] > gaps[0] / 4.0)


def detaches(case: Case, problem: Problem | None = None) -> bool:
    """Return whether a layer's gradient is detached."""
    asked = case.problem if problem is None else problem
    observed = case.observe(asked)
    # no number is rounded by less than the spacing of numbers below the smallest normal one
    spacing = SMALLEST_NORMAL[asked.dtype]
    scales = (case.error_scale(quantity, asked, observed) + spacing for quantity in ("value", "gradient"))
    return is_detached(asked, observed, case.contract.bases, *scales)


DETACHED = "The gradient is that of a loss with frozen weights; {who} differentiates through them."
LIVE = "The gradient differentiates through the weights; {who} holds them fixed."
NEITHER = "The gradient is not the slope of the value (along one direction of signs), nor that of frozen weights."


def cause_in_words(case: Case, live: bool, detached: bool) -> str:
    """Return the sentence why a gradient is not the contract's: it is live, it is detached, or it is neither."""
    who = "the claim" if case.contract.claims_detached else "the contract"
    if detached and not live:
        return DETACHED.format(who=who)
    return LIVE.format(who=who) if live and not detached else NEITHER


def _size(problem: Problem) -> float:
    """Return the factor of the steps: a power of two that grows with the logits."""
    return float(2.0 ** np.round(np.log2(max(1.0, np.abs(problem.logits).max(initial=0.0) / 4))))


def _total(case: Case, problem: Problem, move: np.ndarray) -> tuple[float, float]:
    """Return the summed value at moved logits, and its error scale."""
    moved = problem.replace(logits=problem.logits + move)
    observation = case.observe(moved, "value")
    scale = case.error_scale("value", moved, observation)
    return float(observation.value.sum()), float(scale.sum()) * max(1.0, np.log2(max(scale.size, 1)))


def _steps_on_one_side(case: Case, problem: Problem, direction: np.ndarray) -> tuple[float, ...]:
    """Return steps so short that no element crosses a jump of the loss, where weights that are detached do change."""
    jumps = case.contract.jumps
    for shrink in (1.0, 2.0**-3, 2.0**-6):
        move = direction * STEPS[0] * shrink
        if jumps is None or not jumps(
            problem.replace(logits=problem.logits + move), problem.replace(logits=problem.logits - move)
        ):
            return tuple(step * shrink for step in STEPS)
    raise Undecided("an element lies on a jump of the loss, where it has no slope")


def gradient_explanation(case: Case) -> str:
    """Return the sentence why a gradient is not the contract's; empty where it is neither live nor detached."""
    problem, observed = case.problem, case.observe()
    if observed.gradient is None or problem.cotangent is not None or not case.contract.gradient:
        return ""
    detached = detaches(case)
    if detached and case.contract.gradient == "detached":
        return ""
    try:
        live = derivative_along(case, problem, ascent(case, problem), one_side=False).agrees
    except Undecided:
        return ""
    if live and case.contract.gradient != "detached":
        return ""
    words = cause_in_words(case, live, detached)
    return "" if words == NEITHER else words
