"""Script text: how foreign text and values get into a script: as a literal, or as a comment on one line."""

from __future__ import annotations

import keyword
from typing import Any

import numpy as np

from properties.texts import one_line

LONGEST_COMMENT = 1_000
"""Characters of a comment: what an exception says may have megabytes."""

DEEPEST = 20
"""Lists in lists that a value is written with."""


def comment(text: object) -> str:
    """Return a text as a comment: one line without control characters, cut to a length."""
    return f"# {one_line(text, LONGEST_COMMENT)}"


def value_literal(value: Any) -> str:
    """Return an expression for a value that is made of plain ones; for anything else the text that shows it."""
    return _plain(value, DEEPEST) or repr(one_line(_shown(value), LONGEST_COMMENT))


def is_name(text: str) -> bool:
    """Return whether a text is a name that can stand in code."""
    return text.isidentifier() and not keyword.iskeyword(text)


def keyword_argument(name: str, expression: str) -> str:
    """Return an argument of a call by its name, whatever that is."""
    return f"{name}={expression}" if is_name(name) else f"**{{{name!r}: {expression}}}"


def _plain(value: Any, depth: int) -> str:
    """Return the literal of a value, '' where it has none: a class may show itself as any code."""
    if isinstance(value, np.generic):
        value = value.item()
    kind = type(value)
    if value is None or kind in (bool, int, float, complex, str, bytes):
        return repr(value)
    for base in (int, float, str):
        if isinstance(value, base):
            # of a class of its own, such as an enumeration
            return base.__repr__(value)
    if depth == 0 or kind not in (list, tuple, dict, set):
        return ""
    if kind is dict:
        pairs = [(_plain(key, depth - 1), _plain(item, depth - 1)) for key, item in value.items()]
        return "{" + ", ".join(f"{key}: {item}" for key, item in pairs) + "}" if all(map(all, pairs)) else ""
    items = [_plain(item, depth - 1) for item in value]
    if not all(items):
        return ""
    listed = ", ".join(items)
    if kind is tuple:
        return f"({listed}{',' * (len(items) == 1)})"
    return f"[{listed}]" if kind is list else f"{{{listed}}}" if items else "set()"


def _shown(value: Any) -> str:
    try:
        return repr(value)
    except Exception:
        return f"<{type(value).__name__}>"
