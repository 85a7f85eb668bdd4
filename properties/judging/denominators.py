"""Denominators: the numbers that a mean may divide by, and which of them a layer divides by."""

from __future__ import annotations

import numpy as np

from properties.judging.context import ContractView
from properties.judging.contract import Contract, divisor
from properties.judging.conventions import DENOMINATORS
from properties.problems.problem import Problem

DIVISOR_WORDS = DENOMINATORS
"""The candidates by name. Where several are the same number, the first one is named."""

CONTRACT_WORDS = {"weights": "by the sum of their weights", "count": "by their number"}
"""What a contract may say that a mean divides by, in words."""


def divisors(problem: Problem, contract: ContractView) -> dict[str, float]:
    """Return the number that each candidate stands for in a problem."""
    found = {name: number_of(name, problem, contract) for name in DENOMINATORS}
    return {name: number for name, number in found.items() if number is not None}


def number_of(name: str, problem: Problem, contract: ContractView) -> float | None:
    """Return the number that a candidate stands for; None where it means nothing, or nothing new."""
    if name in ("count", "weights"):
        weighs = name == "weights" and problem.entrywise
        return _weights(problem) if weighs else _by_contract(problem, contract, name)
    if name.endswith("entries") and problem.entrywise:
        # every entry is an element: the number of entries is the number of elements
        return None
    if name == "positives":
        return None if problem.targets == "soft" else _positives(problem)
    share = _share_of_elements(problem, contract)
    size, classes = float(problem.size) * share, float(problem.classes)
    numbers = {
        "elements": size,
        "batch": float(problem.shape[0]) if problem.shape else 1.0,
        "entries": float(problem.valid.sum()) * classes * share,
        "all-entries": size * classes,
        "one": 1.0,
    }
    return numbers[name]


def _share_of_elements(problem: Problem, contract: ContractView) -> float:
    """Return by which part of their number the contract divides unweighted elements: k / N where k of N count."""
    valid = float(problem.valid.sum())
    if not valid or "denominator" not in contract.argument_names:
        return 1.0
    share = contract.divisor(problem.replace(weight=None).configure(denominator="count")) / valid
    return share if share > 0 else 1.0


def _positives(problem: Problem) -> float:
    return max(float((problem.labels[problem.valid] > 0).sum()), 1.0)


def divided_by(problem: Problem, contract: Contract) -> float:
    """Return what a mean divides by, as the conventions of a contract have it."""
    divisor = contract.conventions.divisor
    number = number_of(divisor.name, problem, contract) if divisor.name else None
    added = divisor.epsilon * (problem.size if divisor.each else 1.0)
    return (contract.divisor(problem) if number is None else number) + added


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
