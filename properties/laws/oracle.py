"""Laws that hold a layer against the float64 oracle, and the one that holds it against itself by finite differences."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from properties.case import Case
from properties.domain import within
from properties.law import Finding, Law, Undecided
from properties.problem import Problem
from reference import BUDGET, UNIT_ROUNDOFF

COTANGENTS = np.array([2.0, -1.0, 0.5, 3.0, 0.0, -0.25, 1.0])
STEPS = (2.0**-9, 2.0**-11, 2.0**-13)


def value(case: Case) -> Iterator[Finding]:
    """The value is one of the oracle's admissible values."""
    yield from case.matches(gradient=False, message="The value is not the contract's.")


def gradient(case: Case) -> Iterator[Finding]:
    """The gradient is one of the oracle's admissible gradients."""
    yield from case.matches(value=False, message="The gradient is not the contract's.")


def vjp(case: Case) -> Iterator[Finding]:
    """The upstream gradient multiplies the layer's own."""
    problem = case.problem
    shape = problem.shape if problem.reduction == "none" else ()
    index = (problem.salt + np.arange(int(np.prod(shape)))) % len(COTANGENTS)
    asked = problem.replace(cotangent=COTANGENTS[index].reshape(shape))
    yield from case.matches(
        asked, value=False, message="With an upstream gradient other than 1 the gradient is not the contract's."
    )


def accuracy(case: Case) -> Iterator[Finding]:
    """Value and gradient stay within the error budget at every size of logits, in every precision."""
    yield from case.matches(message=f"Inexact beyond {BUDGET:g} units of the error scale in {case.problem.dtype}.")


def finite_difference(case: Case) -> Iterator[Finding]:
    """The gradient is the slope of the value: the Taylor remainder shrinks as the square of the step."""
    problem = case.problem
    observed = case.observe()
    if observed.gradient is None:
        return
    direction = np.where(case.problem.rng().integers(0, 2, problem.logits.shape) == 0, 1.0, -1.0)
    size = 2.0 ** np.round(np.log2(max(1.0, np.abs(problem.logits).max(initial=0.0) / 4)))
    steps = [step * size for step in _steps_on_one_side(case, problem, direction * size)]
    quotients, noises = [], []
    for step in steps:
        ahead, behind = (_total(case, problem, sign * step * direction) for sign in (1.0, -1.0))
        quotients.append((ahead[0] - behind[0]) / (2.0 * step))
        noises.append((ahead[1] + behind[1]) / (2.0 * step))
    slope = float((observed.gradient * direction).sum())
    # central differences err by c h^2: each step is a quarter of the one before, so each error a sixteenth
    best = quotients[2] + (quotients[2] - quotients[1]) / 15.0
    drift = [abs(quotients[0] - quotients[1]), abs(quotients[1] - quotients[2])]
    noise = BUDGET * UNIT_ROUNDOFF[problem.dtype] * (2.0 * noises[2] + noises[1])
    if drift[1] > 4.0 * noise and drift[1] > drift[0] / 4.0:
        # no quadratic remainder at these steps: a kink or a jump lies within reach, and the slope is no number
        raise Undecided("the value is not smooth within the steps of the difference quotient")
    tolerance = drift[1] + noise
    if not abs(best - slope) <= tolerance:
        yield Finding(
            "The gradient is not the slope of the value (along one direction of signs, weights frozen).",
            (problem,),
            "slope",
            np.asarray(best),
            np.asarray(slope),
        )


def _total(case: Case, problem: Problem, move: np.ndarray) -> tuple[float, float]:
    """The summed value at moved logits, and the scale of its error."""
    moved = problem.replace(logits=problem.logits + move)
    observation = case.observe(moved, "value")
    scale = case.error_scale("value", moved, observation)
    return float(observation.value.sum()), float(scale.sum()) * max(1.0, np.log2(max(scale.size, 1)))


def _steps_on_one_side(case: Case, problem: Problem, direction: np.ndarray) -> tuple[float, ...]:
    """Steps so short that no element crosses a jump of the loss: only there are detached weights frozen."""
    jumps = case.contract.jumps
    for shrink in (1.0, 2.0**-3, 2.0**-6):
        move = direction * STEPS[0] * shrink
        if jumps is None or not jumps(
            problem.replace(logits=problem.logits + move), problem.replace(logits=problem.logits - move)
        ):
            return tuple(step * shrink for step in STEPS)
    raise Undecided("an element lies on a jump of the loss, where it has no slope")


LAWS = (
    Law(
        "oracle/value",
        "The value is the oracle's.",
        value,
        needs=("oracle",),
        rests_on="L = sum_i o_i l_i / D by the contract's formula, computed in float64",
    ),
    Law(
        "oracle/gradient",
        "The gradient is the oracle's.",
        gradient,
        needs=("oracle",),
        rests_on="dL/dz by the contract's formula, analytic, computed in float64; cross entropy: o_i (p_i - e_y) / D",
    ),
    Law(
        "oracle/vjp",
        "An upstream gradient multiplies the layer's own.",
        vjp,
        needs=("oracle",),
        rests_on="chain rule: d<c, L>/dz = c dL/dz for every upstream gradient c",
    ),
    Law(
        "oracle/accuracy",
        "Value and gradient stay within the error budget at every size of logits and in every precision.",
        accuracy,
        level="numerics",
        needs=("oracle",),
        demand={"logits": within("normal", "spread", "lattice", "saturated", "huge", "offset", "near-ties", "edges")},
        rests_on="|got - exact| <= K u s: u the roundoff, s the scale of the error of a sound computation, K = 8",
    ),
    Law(
        "oracle/finite-difference",
        "The gradient is the slope of the value.",
        finite_difference,
        demand={"logits": within("normal", "lattice"), "size": within("few", "one", "square")},
        rests_on="(L(z + h d) - L(z - h d)) / 2h = <dL/dz, d> + O(h^2)",
    ),
)
