"""Numbers written down: as expressions of a script, as what a script expects, and for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from properties.judging.contract import Contract
from properties.judging.finding import Finding
from properties.subjects.script_text import comment

LARGEST_LITERAL = 64
"""Beyond so many numbers an array is written as what differs from its commonest number, where that is little."""


def expectation(finding: Finding, contract: Contract, names: Mapping[str, str]) -> list[str]:
    """The numbers that each call should have given: the oracle's where there is one, else the law's.

    ``names`` says by which expression a script gets at a quantity.
    """
    got = names.get(finding.quantity)
    if finding.expected is None or got is None or finding.expected.size > LARGEST_LITERAL:
        words = finding.message if finding.expected is None else f"expected {literal(finding.expected)}"
        return [comment(words)]
    expected = finding.expected
    problem = finding.calls[0]
    if len(finding.calls) > 1:
        answer = contract.known_answer(problem)
        if answer is not None and not answer.ambiguous:
            exact = answer.value if finding.quantity == "value" else answer.gradient
            # a layer that is wrong on the other call too would make its own number the expected one
            expected = exact if exact.shape == expected.shape else expected
    tolerance = {"float64": 1e-9, "float32": 1e-5, "float16": 4e-3, "bfloat16": 3e-2}[problem.dtype]
    if finding.got is not None and finding.got.shape == expected.shape:
        with np.errstate(invalid="ignore"):
            error = np.abs(finding.got - expected)
        if np.isfinite(error).all() and error.any():
            # an error smaller than that must show too
            tolerance = min(tolerance, float(f"{error.max() / (1.0 + np.abs(expected).max()) / 4:.1g}"))
    name = "other" if finding.mutual else "expected"
    return [
        *(["# the other call gives"] if finding.mutual else []),
        f"{name} = np.array({literal(expected)})",
        f"np.testing.assert_allclose({got}, {name}, rtol={tolerance:g}, atol={tolerance:g})",
    ]


def array_of(array: NDArray[Any]) -> str:
    """An expression that makes the array; a long one is written as what differs from its commonest number."""
    if array.size <= LARGEST_LITERAL:
        shape = "" if array.size else f".reshape({list(array.shape)})"
        return f"np.array({literal(array)}){shape}" if shape else literal(array)
    flat = array.reshape(-1)
    values, counts = np.unique(flat, return_counts=True)
    common = values[counts.argmax()]
    odd = np.flatnonzero(~((flat == common) | (np.isnan(flat) & np.isnan(common))))
    if len(odd) <= LARGEST_LITERAL:
        pairs = ", ".join(f"{i}: {_number(flat[i])}" for i in odd)
        numbers = f"{{{pairs}}}.get(i, {_number(common)}) for i in range({array.size})"
        return f"np.array([{numbers}]).reshape({list(array.shape)})"
    return literal(array)


def literal(array: NDArray[Any]) -> str:
    """Nested lists of the shortest numbers that read back the same."""
    if np.ndim(array) == 0:
        return _number(array[()])
    return "[" + ", ".join(literal(item) for item in array) + "]"


def _number(value: Any) -> str:
    if isinstance(value, (int, np.integer)):
        return str(int(value))
    text = repr(float(value))
    if text == "-0.0":
        # a list of whole numbers would lose the sign
        return text
    return text[:-1] if text.endswith(".0") else text


LONGEST_NUMBERS = 240
"""Characters of an array that people are shown."""


def short(array: NDArray[Any] | None, digits: int = 4) -> str:
    """Numbers for people: few significant digits, long arrays cut."""
    if array is None:
        return "-"
    text = people(np.asarray(array), digits)
    return text if len(text) <= LONGEST_NUMBERS else text[:LONGEST_NUMBERS] + " ..."


def people(array: NDArray[Any], digits: int) -> str:
    """Numbers for people: so many significant digits, all of a whole number."""
    numbers = np.asarray(array)
    if numbers.ndim == 0:
        return str(int(numbers)) if numbers.dtype.kind in "iu" else f"{float(numbers):.{digits}g}"
    return "[" + ", ".join(people(item, digits) for item in numbers) + "]"
