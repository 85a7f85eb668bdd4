"""Laws of the oracle: value and gradient are those of the contract's formula in float64.

They rest on the oracle; the last rests on finite differences of the layer's own value, and needs none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from properties.judging.context import Case
from properties.judging.explanations import explanation
from properties.judging.finding import Finding, Undecided
from properties.judging.finite_differences import cause_in_words, derivative_along, detaches, has_kink, random_signs
from properties.judging.law import law
from properties.judging.wrong_gradient import NOT_THE_CONTRACTS
from properties.problems.domain import within
from reference import BUDGET

COTANGENTS = np.array([2.0, -1.0, 0.5, 3.0, 0.0, -0.25, 1.0])


@law(
    "oracle/value",
    needs=("oracle",),
    rests_on="L = sum_i o_i l_i / D by the contract's formula, computed in float64",
    first=True,
)
def value(case: Case) -> Iterator[Finding]:
    """The value is the oracle's.

    Where the oracle admits several values, any of them will do.
    """
    for finding in case.matches(gradient=False):
        yield replace(finding, message=explanation(case, finding) or "The value is not the contract's.")


@law(
    "oracle/gradient",
    needs=("oracle",),
    rests_on="dL/dz by the contract's formula, analytic, computed in float64; cross entropy: o_i (p_i - e_y) / D",
    first=True,
)
def gradient(case: Case) -> Iterator[Finding]:
    """The gradient is the oracle's.

    Where the oracle admits several gradients, any of them will do.
    """
    for finding in case.matches(value=False):
        yield replace(finding, message=explanation(case, finding) or NOT_THE_CONTRACTS)


@law(
    "oracle/vjp",
    needs=("oracle",),
    rests_on="chain rule: d<c, L>/dz = c dL/dz for every upstream gradient c",
)
def vjp(case: Case) -> Iterator[Finding]:
    """An upstream gradient multiplies the layer's own."""
    problem = case.problem
    shape = problem.shape if problem.reduction == "none" else ()
    index = (problem.salt + np.arange(int(np.prod(shape)))) % len(COTANGENTS)
    asked = problem.replace(cotangent=COTANGENTS[index].reshape(shape))
    yield from case.matches(
        asked, value=False, message="With an upstream gradient other than 1 the gradient is not the contract's."
    )


@law(
    "oracle/accuracy",
    level="numerics",
    needs=("oracle",),
    precondition={"logits": within("normal", "spread", "lattice", "saturated", "huge", "offset", "near-ties", "edges")},
    rests_on="|got - exact| <= K u s: u the roundoff, s the scale of the error of a sound computation, K = 8",
    first=True,
)
def accuracy(case: Case) -> Iterator[Finding]:
    """Value and gradient stay within the error budget at every size of logits and in every precision."""
    yield from case.matches(message=f"Inexact beyond {BUDGET:g} units of the error scale in {case.problem.dtype}.")


@law(
    "oracle/finite-difference",
    precondition={"logits": within("normal", "lattice"), "size": within("few", "one", "square")},
    rests_on="(L(z + h d) - L(z - h d)) / 2h = <dL/dz, d> + O(h^2)",
    slow=True,
)
def finite_difference(case: Case) -> Iterator[Finding]:
    """The gradient is the slope of the value.

    The Taylor remainder must shrink as the square of the step. Where the contract leaves it open, or a claim says so,
    the gradient may be the slope at frozen weights instead.
    """
    problem = case.problem
    observed = case.observe()
    if observed.gradient is None:
        return
    wanted, frozen = case.contract.gradient, detaches(case)
    if frozen and (not wanted or case.contract.claims_detached):
        return
    direction = random_signs(problem)
    found = derivative_along(case, problem, direction)
    if found.agrees and (frozen or wanted != "detached"):
        return
    if case.contract.jumps is None and has_kink(case, problem, direction):
        raise Undecided("the value has a kink here, and the gradient may be that of either side")
    yield Finding(
        cause_in_words(case, live=found.agrees, detached=frozen),
        (problem,),
        "slope",
        np.asarray(found.by_differences),
        np.asarray(found.by_gradient),
    )
