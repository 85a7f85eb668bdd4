"""Texts: what may stand in a file."""

from __future__ import annotations

from typing import Any


def valid_text(text: str) -> str:
    r"""Return a text that every UTF-8 file can hold: a lone surrogate becomes ``\udcff``, written out."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def valid_texts(plain: Any) -> Any:
    """Return plain data with each text in it, keys too, as :func:`valid_text` has it."""
    if isinstance(plain, str):
        return valid_text(plain)
    if isinstance(plain, dict):
        return {valid_texts(key): valid_texts(value) for key, value in plain.items()}
    if isinstance(plain, (list, tuple)):
        return [valid_texts(item) for item in plain]
    return plain
