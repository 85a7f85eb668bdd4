"""Denominators: the numbers that a mean may divide by, and which of them a layer divides by."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from properties.judging.context import ContractView
from properties.judging.contract import divisor
from properties.problems.problem import Problem

DIVISOR_WORDS: Mapping[str, str] = {
    "count": "the number of valid elements",
    "weights": "the sum of the weights of the valid elements",
    "all": "the number of all elements, ignored ones too",
    "batch": "the length of the first axis",
    "entries": "the number of valid elements times that of classes",
    "all-entries": "the number of all entries of the logits",
    "one": "1, so that it is the sum",
}
"""The candidates by name. Where several are the same number, the first one is named."""

CONTRACT_WORDS = {"weights": "by the sum of their weights", "count": "by their number"}
"""What a contract may say that a mean divides by, in words."""


def divisors(problem: Problem, contract: ContractView) -> dict[str, float]:
    """Return the number that each candidate stands for in a problem."""
    size, classes = float(problem.size), float(problem.classes)
    found = {
        "count": _by_contract(problem, contract, "count"),
        "weights": _weights(problem) if problem.entrywise else _by_contract(problem, contract, "weights"),
        "all": size,
        "batch": float(problem.shape[0]) if problem.shape else 1.0,
        "entries": float(problem.valid.sum()) * classes,
        "all-entries": size * classes,
        "one": 1.0,
    }
    # where every entry is an element, the number of entries is the number of elements
    return {name: n for name, n in found.items() if not (problem.entrywise and name.endswith("entries"))}


def _by_contract(problem: Problem, contract: ContractView, name: str) -> float:
    """Return the contract's divisor for a value of its argument ``denominator``."""
    plain = problem.replace(weight=None) if problem.entrywise else problem
    # a contract without that argument may divide by anything: it does not say what the usual numbers are
    own = "denominator" in contract.argument_names
    return (contract.divisor if own else divisor)(plain.configure(denominator=name))


def _weights(problem: Problem) -> float:
    """Return the sum of the weights of valid entries; each has the weight of its index along the axis."""
    if problem.weight is None:
        return float(problem.valid.sum())
    along = np.moveaxis(problem.valid, problem.axis, -1)
    return float((along * problem.weight).sum())


def divisor_name(problem: Problem, contract: ContractView, found: float, precision: float = 1e-6) -> str | None:
    """Return the name of the first candidate that a number equals; None if it equals none."""
    for name, number in divisors(problem, contract).items():
        if abs(found - number) <= precision * abs(number):
            return name
    return None


def divisor_in_words(problem: Problem, contract: ContractView, found: float) -> str:
    """Return a divisor in figures, and in words if it is one of the candidates."""
    name = divisor_name(problem, contract, found)
    return f"{found:.4g}" if name is None else f"{DIVISOR_WORDS[name]} ({found:.4g})"


def contradiction_in_words(problem: Problem, contract: ContractView, found: float) -> str:
    """Return the sentence that a mean divides by another number than the contract's."""
    denominator = str(problem.config.get("denominator", "weights"))
    due = contract.divisor_words or CONTRACT_WORDS.get(denominator, f"by the denominator {denominator}")
    said = divisor_in_words(problem, contract, found)
    return f"The mean divides by {said}; the contract says {due} ({contract.divisor(problem):g})."
