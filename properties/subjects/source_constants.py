"""Source constants: the thresholds, epsilons, clips and counts in a layer's source, near which losses go wrong."""

from __future__ import annotations

import ast
import math
import threading
from typing import Any

UBIQUITOUS = frozenset({0.0, 1.0, 2.0})
"""Sizes of numbers that are in every source (axes, signs, halves), and that are drawn anyway."""

MOST_CONSTANTS = 64
"""The most numbers that are taken from one source."""

LARGEST_POWER = 1024.0
"""The largest exponent of a power or shift that is computed."""
_parsing = threading.Lock()


def constants_of(source: str) -> tuple[float, ...]:
    """Return the numbers that Python source contains: literals, and simple arithmetic of literals, without sign.

    Those that occur most often come first. Return an empty tuple where the source cannot be parsed.
    """
    try:
        # CPython 3.11 counts the depth of a tree for all threads together, and fails where two of them parse at a time
        with _parsing:
            tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return ()
    found: dict[float, int] = {}
    for value in _numbers(tree):
        size = abs(value)
        if size not in UBIQUITOUS and math.isfinite(size):
            found[size] = found.get(size, 0) + 1
    # numbers of as many places stay in the order of the source
    return tuple(sorted(found, key=lambda size: -found[size]))[:MOST_CONSTANTS]


def _numbers(node: ast.AST) -> list[float]:
    """Return every number below a node: the value of an expression, and those of its parts."""
    found = [n for child in ast.iter_child_nodes(node) if not _is_place(node, child) for n in _numbers(child)]
    value = _value(node)
    return found if value is None else [value, *found]


def _is_place(node: ast.AST, child: ast.AST) -> bool:
    """Return whether a child is a position and not a quantity: an index, an axis, a shape."""
    if isinstance(node, ast.Subscript):
        return child is node.slice
    return isinstance(child, ast.keyword) and child.arg in ("axis", "dim", "ndim", "shape", "keepdim", "stacklevel")


def _value(node: ast.AST) -> float | None:
    """Return the value of a literal, or of arithmetic of literals; None for anything else."""
    if isinstance(node, ast.Constant):
        known = isinstance(node.value, (int, float)) and not isinstance(node.value, bool)
        return _float(node.value) if known else None
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
        value = _value(node.operand)
        return None if value is None else -value if isinstance(node.op, ast.USub) else value
    if isinstance(node, ast.BinOp):
        left, right = _value(node.left), _value(node.right)
        return None if left is None or right is None else _result(node.op, left, right)
    return None


def _result(operator: ast.operator, left: float, right: float) -> float | None:
    """Return the result of an operation; None where it fails or is not computed."""
    try:
        if isinstance(operator, ast.Add):
            return left + right
        if isinstance(operator, ast.Sub):
            return left - right
        if isinstance(operator, ast.Mult):
            return left * right
        if isinstance(operator, ast.Div):
            return left / right
        if isinstance(operator, ast.Pow) and abs(right) <= LARGEST_POWER:
            power = left**right
            return power if isinstance(power, float) else None
        if isinstance(operator, ast.LShift) and 0 <= right <= LARGEST_POWER:
            return math.ldexp(left, int(right))
    except (ArithmeticError, ValueError):
        return None
    return None


def _float(value: Any) -> float | None:
    try:
        return float(value)
    except OverflowError:
        return None
