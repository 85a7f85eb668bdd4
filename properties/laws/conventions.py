"""Laws of conventions: where sound losses differ, a layer does what its contract says, or what it claims.

A layer that does something else is found to do so before the other laws run; these run with what was found, so that a
convention is one finding.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from properties.judging.context import Case
from properties.judging.conventions import DENOMINATORS
from properties.judging.denominators import contradiction_in_words, divisor_name, number_of
from properties.judging.explanations import other_choice_words
from properties.judging.finding import Finding, NotApplicable, OutsideDomain
from properties.judging.finite_differences import gradient_explanation
from properties.judging.law import law
from properties.judging.observation import Failure
from properties.judging.tolerance import judge
from properties.problems.domain import outside, within
from properties.problems.problem import Problem
from reference import BUDGET, UNIT_ROUNDOFF

EXAMPLES = 60
"""Examples of these laws at most: what was found beforehand shows in the first few."""

APART = 1e-6
"""Two denominators that differ by less of themselves are one, and a number added to it."""


def sum_of(case: Case, problem: Problem) -> float | None:
    """The sum whose mean a layer gives: its own, where that is right, or the oracle's; None where nobody knows it."""
    summed = problem.replace(reduction="sum", normalizer=None)
    if "reduction" not in case.takes or "sum" not in case.domain["reduction"]:
        answer = case.known(summed)
        return None if answer is None or answer.ambiguous else float(answer.value)
    try:
        own = case.attempt(summed, "value")
    except OutsideDomain:
        return None
    if isinstance(own, Failure) or own.value.shape != ():
        return None
    answer = case.known(summed)
    right = answer is None or judge(own, answer, problem.dtype, gradient=False).holds
    return float(own.value) if right else None


@law(
    "conventions/denominator",
    precondition={"reduction": within("mean"), "size": outside("empty")},
    most=EXAMPLES,
    rests_on="mean = sum / D: D = sum_i v_i w[y_i], or another number that the contract or a claim names",
)
def denominator(case: Case) -> Iterator[Finding]:
    """A mean divides by the number that the contract says, and by no other of the usual ones."""
    problem, contract = case.problem, case.contract
    divisor, mean = contract.divisor(problem), case.observe().value
    total = sum_of(case, problem)
    if not total or not divisor or mean.shape != () or not np.isfinite(total) or not mean or not np.isfinite(mean):
        return
    found, apart = total / float(mean), _apart(case, problem, total)
    known = divisor_name(problem, contract, found, apart) is not None
    if not known or abs(found - divisor) <= apart * divisor:
        return
    yield Finding(_in_words(case, found), (problem,), "value", np.asarray(total / divisor), mean)


def _apart(case: Case, problem: Problem, total: float) -> float:
    """By how much of themselves two denominators differ that are told apart at the precision of a problem."""
    answer = case.known(problem.replace(reduction="sum", normalizer=None))
    scale = abs(total) if answer is None or answer.value_scale is None else max(float(answer.value_scale), abs(total))
    return APART + 2 * BUDGET * UNIT_ROUNDOFF[problem.dtype] * scale / abs(total)


def _in_words(case: Case, found: float) -> str:
    """What a mean divides by, by the name that was found for it; and the limit that does not hold for it."""
    problem, contract = case.problem, case.contract
    name = contract.conventions.found.name
    number = number_of(name, problem, contract) if name else None
    words = contradiction_in_words(problem, contract, found)
    if number is not None and abs(found - number) <= APART * found:
        due = words.partition("; ")[2]
        words = f"The mean divides by {DENOMINATORS[name]} ({found:.4g}); {due}"
    return " ".join(filter(None, (contract.limit_at(problem), words)))


@law(
    "conventions/nothing",
    precondition={"reduction": within("mean"), "size": outside("empty")},
    most=EXAMPLES // 2,
    rests_on="a loss over 0 is defined as 0: D = 0 gives L = 0",
)
def nothing(case: Case) -> Iterator[Finding]:
    """The mean of no element is what the contract says: 0."""
    if set(case.domain["ignored"]) == {"none"} and set(case.domain["weight"]) == {"absent"}:
        raise NotApplicable("an element can neither be ignored nor weigh 0")
    for problem in _of_nothing(case):
        value = case.observe(problem).value
        if value.shape == () and np.isnan(value):
            yield Finding(
                "The mean of no element is NaN; the contract says 0.", (problem,), "value", np.zeros(()), value
            )
        return


def _of_nothing(case: Case) -> Iterator[Problem]:
    """The problem with everything ignored, or with weights of 0, as far as the layer takes such."""
    problem = case.problem
    candidates = [problem.ignoring(np.ones(problem.size, dtype=bool))] if may_ignore(problem) else []
    if problem.weight is not None:
        candidates.append(problem.replace(weight=np.zeros_like(problem.weight)))
    for candidate in candidates:
        try:
            case.require(candidate)
        except OutsideDomain:
            continue
        if case.contract.divisor(candidate) == 0.0:
            yield candidate


def may_ignore(problem: Problem) -> bool:
    """Whether elements of a problem can be ignored: by a mask, or by a label that means so."""
    by_label = problem.ignore_index is not None and problem.targets not in ("soft", "real")
    return problem.label_weight is not None or by_label


@law(
    "conventions/gradient",
    needs=("oracle", "frozen"),
    most=EXAMPLES // 2,
    rests_on="V = sum_i c_i l_i with c_i of the logits: dV/dz has the terms l_i dc_i/dz, unless c_i is held fixed",
)
def gradient(case: Case) -> Iterator[Finding]:
    """The gradient goes through the weights of the elements where the contract says so, and nowhere else."""
    for finding in case.matches(value=False):
        words = gradient_explanation(case)
        if words:
            yield replace(finding, message=words)


@law(
    "conventions/choices",
    needs=("oracle", "choices"),
    most=EXAMPLES // 2,
    rests_on="the contract's formula, with the values of its arguments that the contract says or the layer was given",
)
def choices(case: Case) -> Iterator[Finding]:
    """Where an argument of the contract stands for a choice, the layer follows the value that it says."""
    for finding in case.matches(gradient=False):
        words = other_choice_words(case)
        if words:
            yield replace(finding, message=words)
