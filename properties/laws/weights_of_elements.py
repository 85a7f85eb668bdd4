"""The law of weights of single elements, which come with the call."""

from __future__ import annotations

from collections.abc import Iterator

from properties.judging.context import Case
from properties.judging.law import Finding, Law
from properties.problems.domain import outside

NUMBERS = (0.0, 0.25, 0.5, 1.0, 2.0, 3.0)


def element_weights(case: Case) -> Iterator[Finding]:
    """Each element's loss and gradient is multiplied by its own weight, and no denominator by any."""
    rng = case.problem.rng()
    problem = case.problem.replace(element_weight=rng.choice(NUMBERS, size=case.problem.shape))
    message = "The weights of single elements do not multiply the losses, or do not multiply them alone."
    if problem.reduction == "none":
        # an upstream gradient shows each element's own
        problem = problem.replace(cotangent=rng.integers(-4, 5, problem.shape) / 4.0)
    yield from case.matches(problem, message=message)


ELEMENT_WEIGHTS = Law(
    "weights/of-elements",
    "A weight of a single element multiplies its loss, and no denominator.",
    element_weights,
    precondition={"size": outside("empty")},
    needs=("oracle", "element_weight"),
    rests_on="L = sum_i e_i o_i l_i / D, with D = W or N as without the weights e: D does not depend on e",
)
