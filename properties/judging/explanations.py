"""Explanations: the other choice that would make a layer right, such as another denominator or a detached gradient."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from properties.errors import ContractError
from properties.judging.context import Case
from properties.judging.denominators import contradiction_in_words
from properties.judging.finding import Finding, OutsideDomain
from properties.judging.finite_differences import gradient_explanation
from properties.judging.observation import Failure
from properties.judging.tolerance import judge
from properties.problems.problem import Problem
from reference import Answer


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
    return _denominator_words(case, answer_of or case.contract.answer) or other_choice_words(case)


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


def other_choice_words(case: Case) -> str:
    """The value of an argument with a ``choice`` that the layer follows in place of the one that it was given."""
    problem, contract = case.problem, case.contract
    if contract.oracle is None:
        return ""
    for name, choice in contract.choices.items():
        due = str(problem.config.get(name))
        for other in [value for value in choice.words if value != due] if due in choice.words else []:
            if judge(case.observe(), contract.answer(problem.configure(**{name: other})), problem.dtype).holds:
                return f"{sentence(choice.says(other))}; the contract says {choice.words[due]}."
    return ""


def sentence(words: str) -> str:
    """Words that begin a sentence."""
    return words[:1].upper() + words[1:]
