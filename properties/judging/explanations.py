"""Explanations: the other choice that would make a layer right, such as another denominator or a detached gradient."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from properties.errors import ContractError
from properties.judging.context import Case
from properties.judging.denominators import contradiction_in_words
from properties.judging.finite_differences import gradient_explanation
from properties.judging.law import Finding, OutsideDomain
from properties.judging.observation import Failure
from properties.judging.tolerance import judge
from properties.problems.problem import Problem
from reference import Answer

NORMALIZES = {"occupied": "the number of occupied regions", "paper": "the number of all regions"}


def explanation(case: Case, finding: Finding, answer_of: Callable[[Problem], Answer] | None = None) -> str:
    """Return the sentence why the layer's answer to the case's problem is not the oracle's (or that of ``answer_of``).

    It is empty where no other choice explains the difference.
    """
    if finding.calls[0] is not case.problem:
        return ""
    try:
        if finding.quantity == "gradient":
            return gradient_explanation(case)
        return choice_explanation(case, answer_of) if finding.quantity == "value" else ""
    except ContractError:
        # a contract need not have an answer for a choice that it does not make
        return ""


def choice_explanation(case: Case, answer_of: Callable[[Problem], Answer] | None = None) -> str:
    """Return the sentence which choice makes a layer's value differ from the oracle's (or ``answer_of``), or ''."""
    return _denominator_words(case, answer_of or case.contract.answer) or _normalize_words(case)


def _denominator_words(case: Case, answer_of: Callable[[Problem], Answer]) -> str:
    problem, observed = case.problem, case.observe()
    summed = problem.replace(reduction="sum", normalizer=None)
    if problem.reduction != "mean" or problem.normalizer is not None or observed.value.shape != ():
        return ""
    if not (np.isfinite(observed.value) and observed.value != 0 and {"reduction"} <= case.takes):
        return ""
    try:
        total = case.attempt(summed, "value")
    except OutsideDomain:
        return ""
    # only where the layer's own sum is right is it the denominator that is not
    if isinstance(total, Failure) or not judge(total, answer_of(summed), problem.dtype, gradient=False).holds:
        return ""
    return contradiction_in_words(problem, case.contract, float(total.value / observed.value))


def _normalize_words(case: Case) -> str:
    problem, due = case.problem, case.problem.config.get("normalize")
    if due is None or case.contract.oracle is None:
        return ""
    other = next(name for name in NORMALIZES if name != due)
    if not judge(case.observe(), case.contract.answer(problem.configure(normalize=other)), problem.dtype).holds:
        return ""
    return f"The weights are shared out over {NORMALIZES[other]}; the contract says over {NORMALIZES[due]}."
