"""The numbers in a layer's source: thresholds, epsilons, clips, counts. At such numbers losses go wrong."""

from __future__ import annotations

import ast
import inspect
import math
import sys
import textwrap
import threading
from typing import Any

from properties.subjects.subject import Subject

NOISE = frozenset({0.0, 1.0, 2.0})
"""Axes, signs, halves: in every source, and drawn anyway. Their negatives are, too."""

MOST = 64
"""Numbers of one source; the ones in most places come first."""

LARGEST_POWER = 1024.0

MOST_PARTS = 16
"""Classes and functions that are looked at."""

LIBRARIES = ("properties", "reference", "paddle", "numpy", "scipy", "torch", "hypothesis")


_parsing = threading.Lock()


def harvest(source: str) -> tuple[float, ...]:
    """The numbers that a piece of Python names: literals, signed, and simple arithmetic of them.

    Those in most places come first. Nothing where the source cannot be read.
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
        if size not in NOISE and math.isfinite(size):
            found[size] = found.get(size, 0) + 1
    # numbers of as many places stay in the order of the source
    return tuple(sorted(found, key=lambda size: -found[size]))[:MOST]


def _numbers(node: ast.AST) -> list[float]:
    """Every number below a node: of an expression its value, and those that it is made of."""
    found = [n for child in ast.iter_child_nodes(node) if not _is_place(node, child) for n in _numbers(child)]
    value = _value(node)
    return found if value is None else [value, *found]


def _is_place(node: ast.AST, child: ast.AST) -> bool:
    """Whether a child says where something stands, and not how large it is: an index, an axis, a shape."""
    if isinstance(node, ast.Subscript):
        return child is node.slice
    return isinstance(child, ast.keyword) and child.arg in ("axis", "dim", "ndim", "shape", "keepdim", "stacklevel")


def _value(node: ast.AST) -> float | None:
    """The value of a literal, or of arithmetic of literals; None for anything else."""
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


def source_of(subject: Subject) -> str:
    """The source of a subject's layer, then its modules'; empty where there is none to be found."""
    try:
        return "\n".join(dict.fromkeys(_texts(subject)))
    except Exception:
        # whatever somebody's objects do when they are looked at: a search without constants is still a search
        return ""


def _texts(subject: Subject) -> list[str]:
    parts = [part for part in _parts(subject) if _is_own(part)]
    modules = [sys.modules[part.__module__] for part in parts]
    return [text for part in (*parts, *modules) if (text := _text(part))]


def _text(part: Any) -> str:
    try:
        return textwrap.dedent(inspect.getsource(part))
    except (OSError, TypeError):
        return ""


def _parts(subject: Subject) -> list[Any]:
    """The classes and functions that build and call a layer: those of the subject, and what they name or close over."""
    found: list[Any] = []
    queue: list[Any] = [subject.build, subject.call]
    while queue and len(found) < MOST_PARTS:
        part = inspect.unwrap(queue.pop(0))
        part = getattr(part, "func", part)
        if part in found or not callable(part):
            continue
        if inspect.isclass(part):
            found += [base for base in part.__mro__ if base not in found]
            continue
        found.append(part)
        code = getattr(part, "__code__", None)
        known = getattr(part, "__globals__", {})
        queue += [known[name] for name in getattr(code, "co_names", ()) if name in known]
        queue += [cell.cell_contents for cell in getattr(part, "__closure__", None) or ()]
    # the layer before what builds it
    return sorted(found, key=lambda part: not inspect.isclass(part))


def _is_own(part: Any) -> bool:
    """Whether somebody wrote this, and no library did."""
    name = getattr(part, "__module__", None) or ""
    return name in sys.modules and name.split(".")[0] not in (*LIBRARIES, *sys.stdlib_module_names)
