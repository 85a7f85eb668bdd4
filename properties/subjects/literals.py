"""Literals: the value of an argument as a user writes it on a command line."""

from __future__ import annotations

import ast
import warnings
from typing import Any

from properties.errors import UsageError
from properties.texts import cut

LONGEST_VALUE = 10_000
"""Characters of a value as it is written: more are no argument of a loss, and could take all memory to read."""


def parse_value(text: str) -> Any:
    """Return the value of a Python literal, or the text itself where it is none; UsageError where it is too long."""
    try:
        return _literal(text)
    except UsageError:
        raise
    except (ValueError, SyntaxError):
        return text


def parse_values(text: str) -> tuple[Any, ...]:
    """Return the values between commas, each read by :func:`parse_value`; a list in brackets is one value."""
    try:
        return tuple(_literal(f"({text},)"))
    except UsageError:
        raise
    except (ValueError, SyntaxError, TypeError):
        return tuple(parse_value(part) for part in text.split(","))


def _literal(text: str) -> Any:
    """Return the value of a Python literal; UsageError where reading it takes more than a value is worth."""
    if len(text) > LONGEST_VALUE:
        raise UsageError(f"a value has at most {LONGEST_VALUE:,} characters, got {len(text):,}")
    try:
        with warnings.catch_warnings(action="ignore"):
            return ast.literal_eval(text)
    except (RecursionError, MemoryError):
        raise UsageError(f"a value must not be nested that deeply, got {cut(repr(text), 100)}") from None
