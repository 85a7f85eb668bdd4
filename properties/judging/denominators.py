"""What a mean may divide by: the usual numbers, and which of them a layer's mean shows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from properties.judging.contract import Contract, divisor
from properties.problems.problem import Problem

WORDS: Mapping[str, str] = {
    "count": "the number of valid elements",
    "weights": "the sum of the weights of the valid elements",
    "all": "the number of all elements, ignored ones too",
    "batch": "the length of the first axis",
    "entries": "the number of valid elements times that of classes",
    "all-entries": "the number of all entries of the logits",
    "one": "1, so that it is the sum",
}
"""The candidates, by name, those first that are named where several are the same number."""

DUE = {"weights": "by the sum of their weights", "count": "by their number"}
"""What a contract may say."""


def divisors(problem: Problem, contract: Contract) -> dict[str, float]:
    """The number that each candidate stands for in a problem."""
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
    # where every entry is an element, entries are what is counted anyway
    return {name: n for name, n in found.items() if not (problem.entrywise and name.endswith("entries"))}


def _by_contract(problem: Problem, contract: Contract, name: str) -> float:
    """What a mean of this contract divides by where its argument ``denominator`` has this value."""
    plain = problem.replace(weight=None) if problem.entrywise else problem
    # a contract without that argument may divide by anything: it does not say what the usual numbers are
    own = "denominator" in contract.argument_names
    return (contract.divisor if own else divisor)(plain.configure(denominator=name))


def _weights(problem: Problem) -> float:
    """The sum of the weights of valid entries; a class weight is that of its entries along the axis."""
    if problem.weight is None:
        return float(problem.valid.sum())
    along = np.moveaxis(problem.valid, problem.axis, -1)
    return float((along * problem.weight).sum())


def named(problem: Problem, contract: Contract, found: float, precision: float = 1e-6) -> str | None:
    """The first candidate that a number is, if any."""
    for name, number in divisors(problem, contract).items():
        if abs(found - number) <= precision * abs(number):
            return name
    return None


def in_words(problem: Problem, contract: Contract, found: float) -> str:
    """A divisor in words where it is a usual one, and in figures."""
    name = named(problem, contract, found)
    return f"{found:.4g}" if name is None else f"{WORDS[name]} ({found:.4g})"


def contradiction(problem: Problem, contract: Contract, found: float) -> str:
    """That a mean divides by another number than the contract's, in words."""
    denominator = problem.config.get("denominator", "weights")
    # a contract of one's own may have other values
    due = contract.divisor_words or DUE.get(denominator, f"by the denominator {denominator}")
    said = in_words(problem, contract, found)
    return f"The mean divides by {said}; the contract says {due} ({contract.divisor(problem):g})."
