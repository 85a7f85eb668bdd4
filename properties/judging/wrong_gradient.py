"""Wrong gradient: a contradiction of the gradient alone, told as one: the value is right; which entries are wrong."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from properties.judging.context import Case
from properties.judging.finding import Finding, LayerFailed, NotApplicable, Undecided
from properties.judging.tolerance import closest_answer
from properties.problems.precision import SMALLEST_NORMAL, Array
from properties.problems.problem import Problem
from reference import BUDGET, UNIT_ROUNDOFF

NOT_THE_CONTRACTS = "The gradient is not the contract's."
"""What a law says of a gradient of which it knows no more than that it is wrong."""


def told(case: Case, finding: Finding) -> Finding:
    """The finding in words that are about the gradient, where that is what is wrong; any other one as it is."""
    if finding.quantity != "gradient" or finding.failure is not None or not finding.calls:
        return finding
    message, entries = _of_gradient(finding.message), _wrong_entries(case, finding.calls[0])
    if entries is None:
        return replace(finding, message=message)
    if finding.message.startswith("The gradient ") and finding.message != NOT_THE_CONTRACTS:
        return replace(finding, message=f"{message} The value is right.")
    where = f"the gradient{entries} is wrong"
    law_says = "" if finding.message == NOT_THE_CONTRACTS else f" {message}"
    return replace(finding, message=f"The value is right; {where}.{law_says}")


def _of_gradient(message: str) -> str:
    """Words about the loss as words about its gradient; as they are where they speak of it already."""
    if "gradient" in message:
        return message
    return re.sub(r"\b([Tt]he|[Aa]nother|[Ii]ts) loss\b(?! of )", r"\1 gradient", message)


def _wrong_entries(case: Case, problem: Problem) -> str | None:
    """The entries that are wrong, in words; '' for no kind of them; None where the value is wrong too."""
    answer = case.known(problem)
    if answer is None or not answer.decided:
        return None
    try:
        observed = case.observe(problem)
    except (LayerFailed, NotApplicable, Undecided):
        return None
    match, due = closest_answer(observed, answer, problem.dtype, gradient=False)
    if not match.holds or observed.gradient is None or observed.gradient.shape != due.gradient.shape:
        return None
    room = BUDGET * UNIT_ROUNDOFF[problem.dtype] * due.gradient_scale + SMALLEST_NORMAL[problem.dtype]
    differ = _differ(problem.flatten(observed.gradient), problem.flatten(due.gradient), problem.flatten(room))
    return kind_of_entries(problem, differ) if differ.any() else None


def _differ(got: Array, expected: Array, room: Array) -> NDArray[np.bool_]:
    with np.errstate(invalid="ignore"):
        same = (got == expected) | (np.isnan(got) & np.isnan(expected))
        return np.asarray(~(same | (np.abs(got - expected) <= room)))


def kind_of_entries(problem: Problem, wrong: NDArray[np.bool_]) -> str:
    """The one kind that entries [n, C] are of, in words after "the gradient"; '' where there are several."""
    kinds = [words for words, there in _kinds(problem).items() if not (wrong & ~there).any() and not there.all()]
    return kinds[0] if kinds else ""


def _kinds(problem: Problem) -> dict[str, NDArray[np.bool_]]:
    """Kinds of entries of the gradient, and which of [n, C] are of each."""
    valid = problem.valid.reshape(-1, 1)
    if problem.entrywise:
        targets = np.asarray(problem.labels, dtype=np.float64).reshape(-1, 1)
        return {
            " of ignored elements": ~valid,
            " of entries whose target is 1": valid & (targets == 1),
            " of entries whose target is 0": valid & (targets == 0),
        }
    own = problem.one_hot > 0
    return {
        " of ignored elements": np.broadcast_to(~valid, own.shape),
        " of the label's class": valid & own,
        " of the other classes": valid & ~own,
    }
