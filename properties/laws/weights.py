"""Laws of weights, of classes and of single elements: what they multiply, and where they cancel or vanish.

They rest on weights being factors: of the elements' losses, and those of classes of the mean's denominator too.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from properties.judging.context import Case
from properties.judging.finding import Finding, NotApplicable
from properties.judging.law import law
from properties.laws.ignore import nothing, told
from properties.problems.domain import CLASSES, outside, within
from properties.problems.problem import Problem

_NEEDS = ("weight",)
_WEIGHTED = {**CLASSES, "weight": within("small", "ones", "with-zero")}

TINY = (1e-6, 1e-6, 1e-18)
FACTORS = (2.0, 0.5, 4.0, 3.0, 10.0)
NUMBERS = (0.0, 0.25, 0.5, 1.0, 2.0, 3.0)


@law(
    "weights/none-is-ones",
    precondition={**CLASSES, "weight": within("absent"), "size": outside("empty")},
    needs=_NEEDS,
    rests_on="w = None means w_c = 1 for all c",
)
def none_is_ones(case: Case) -> Iterator[Finding]:
    """No class weights and class weights of 1 are the same."""
    problem = case.problem
    ones = problem.replace(weight=np.ones(problem.classes))
    yield from case.agree(ones, problem, "Weights of 1 change the answer.")


@law(
    "weights/scaling",
    precondition=_WEIGHTED,
    needs=(*_NEEDS, "weighted-mean"),
    rests_on="o_i = v_i w[y_i]: a factor on w stays in sum o_i l_i, and cancels in sum o_i l_i / sum o_i",
)
def scaling(case: Case) -> Iterator[Finding]:
    """A factor on all class weights cancels in the mean, and multiplies the sum and each element."""
    yield from _scaled(case, FACTORS[case.problem.salt % len(FACTORS)])


@law(
    "weights/tiny",
    precondition=_WEIGHTED,
    needs=(*_NEEDS, "weighted-mean"),
    rests_on="a l / a = l for every a > 0: no number is added to the denominator",
)
def tiny(case: Case) -> Iterator[Finding]:
    """Class weights of 1e-6 or 1e-18 act like any others.

    No epsilon stands in a denominator, and nothing that small passes for 0.
    """
    yield from _scaled(case, TINY[case.problem.salt % len(TINY)])


def _scaled(case: Case, factor: float) -> Iterator[Finding]:
    problem = case.problem
    assert problem.weight is not None
    scaled = problem.replace(weight=problem.weight * factor)
    divisors = [case.contract.divisor(p) for p in (problem, scaled)]
    cancels = problem.reduction == "mean" and (divisors[0] != divisors[1] or divisors[0] == 0)
    expected = 1.0 if cancels else factor
    words = "changes the mean" if cancels else "does not multiply the loss"
    yield from case.agree(
        scaled,
        problem,
        f"A factor of {factor:g} on all class weights {words}.",
        value=lambda v: v * expected,
        gradient=lambda g: g * expected,
    )


@law(
    "weights/zero-weight",
    precondition={**CLASSES, "weight": within("with-zero")},
    needs=_NEEDS,
    rests_on="w[y_i] = 0 gives o_i = 0, hence o_i l_i = 0 and dL/dz_i = 0",
)
def zero_weight(case: Case) -> Iterator[Finding]:
    """Elements of a class with weight 0 have loss 0 and gradient 0."""
    problem = case.problem
    assert problem.weight is not None
    observed = case.observe()
    kept = ((problem.one_hot * problem.weight).sum(axis=1) > 0) | ~problem.valid.reshape(-1)
    if problem.config.get("label_smoothing"):
        # a smoothed label has a part of every class
        kept = kept | bool(problem.weight.any())
    wrong = {}
    if observed.gradient is not None:
        expected = problem.unflatten(np.where(kept[:, None], problem.flatten(observed.gradient), 0.0))
        if not np.array_equal(expected, observed.gradient, equal_nan=True):
            wrong["gradient"] = ("The gradient is not 0 where the class weight is.", expected, observed.gradient)
    if problem.reduction == "none" and observed.value.shape == problem.shape:
        wanted = np.where(kept.reshape(problem.shape), observed.value, 0.0)
        if not np.array_equal(wanted, observed.value, equal_nan=True):
            wrong["value"] = ("`none` is not 0 where the class weight is.", wanted, observed.value)
    yield from told(problem, wrong)


@law(
    "weights/zero-total",
    declinable=True,
    precondition={**CLASSES, "weight": within("zero-total")},
    needs=(*_NEEDS, "weighted-mean"),
    gate=3,
    rests_on="W = 0, and a loss over 0 is defined as 0: L = 0, dL/dz = 0",
)
def zero_total(case: Case) -> Iterator[Finding]:
    """With weight 0 on every class present, loss and gradient are 0."""
    problem = case.problem
    assert problem.weight is not None
    if (problem.one_hot * problem.weight).any() or problem.config.get("label_smoothing"):
        return
    yield from nothing(case, "With weight 0 on every class present the loss is not 0.")


@law(
    "weights/relabelling",
    precondition={**CLASSES, "classes": outside(1)},
    rests_on="L(z P, P y, w P) = L(z, y, w) for every permutation P of the classes",
)
def relabelling(case: Case) -> Iterator[Finding]:
    """Renaming the classes, with their logits and weights, renames the gradient and nothing else."""
    problem = case.problem
    # an ignored class keeps its number, which the layer was told
    free = np.array([c for c in range(problem.classes) if c != problem.ignore_index])
    order = np.arange(problem.classes)
    if problem.targets == "soft":
        free = order.copy()
    shuffled = problem.rng().permutation(free)
    order[free] = free[::-1] if problem.salt == 0 or (shuffled == free).all() else shuffled
    # class c of the renamed problem is class order[c] of the original one
    renamed = problem
    if problem.targets == "hard":
        labels = problem.labels.copy()
        labels[problem.valid] = np.argsort(order)[labels[problem.valid]]
        renamed = problem.replace(labels=labels)
    renamed = renamed.take_classes(order)
    if case.contract.oracle is None and not _alike(case, renamed, problem, order):
        raise NotApplicable("the layer treats its classes differently, class weights apart")
    yield from case.agree(
        renamed,
        problem,
        "Renaming the classes changes more than their names.",
        gradient=lambda g: problem.unflatten(problem.flatten(g)[:, order]),
    )


def _alike(case: Case, renamed: Problem, problem: Problem, order: NDArray[np.int_]) -> bool:
    """Whether a loss that nobody knows treats all classes alike where they have no weights."""
    if problem.weight is None:
        return False
    return not any(
        case.agree(
            renamed.replace(weight=None),
            problem.replace(weight=None),
            "",
            gradient=lambda g: problem.unflatten(problem.flatten(g)[:, order]),
        )
    )


@law(
    "weights/of-elements",
    precondition={"size": outside("empty")},
    needs=("oracle", "element_weight"),
    rests_on="L = sum_i e_i o_i l_i / D, with D = W or N as without the weights e: D does not depend on e",
    opt_in=True,
)
def element_weights(case: Case) -> Iterator[Finding]:
    """A weight of a single element multiplies its loss, and no denominator."""
    rng = case.problem.rng()
    given = rng.choice(NUMBERS, size=case.problem.shape)
    if case.problem.salt == 0:
        # the simplest of all: one element counts twice
        given = np.where(np.arange(given.size).reshape(given.shape) == 0, 2.0, 1.0)
    problem = case.problem.replace(element_weight=given)
    message = "The weights of single elements do not multiply the losses, or do not multiply them alone."
    if problem.reduction == "none":
        # an upstream gradient shows each element's own
        problem = problem.replace(cotangent=rng.integers(-4, 5, problem.shape) / 4.0)
    yield from case.matches(problem, message=message)


@law(
    "weights/entries-of-a-class",
    precondition={"rank": outside(1)},
    needs=("oracle", "entry-weight"),
    rests_on="L = sum_ic w_c l_ic / sum_ic w_c",
    opt_in=True,
)
def entry_weights(case: Case) -> Iterator[Finding]:
    """A class weight multiplies the entries of its class, and counts in the mean."""
    problem = case.problem
    axis = problem.salt % len(problem.shape) if "axis" in case.takes else 1
    if axis >= len(problem.shape) or problem.shape[axis] == 0:
        return
    weight = np.resize([2.0, 1.0, 0.5, 3.0, 0.0], problem.shape[axis])
    weighted = problem.replace(weight=weight, axis=axis)
    yield from case.matches(weighted, message="Class weights do not multiply the entries of their class.")
