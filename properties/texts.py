"""Foreign text: what a layer, a file or a command line says is shown on one line and in bounds, and never obeyed."""

from __future__ import annotations

from typing import Any

LONGEST = 4_000
"""Characters of foreign text that one message shows."""


def visible(text: str) -> str:
    r"""Return text with escapes in place of what moves, hides or recolors: ``\x1b``, ``\u202e``, ``\n``, ``\udcff``.

    Only characters that Python calls printable stay: no control, format or bidirectional one, no surrogate.
    """
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in text)


def visible_lines(text: str) -> str:
    """Return text as :func:`visible` does, but with its line feeds, for what we wrote in several lines ourselves."""
    return text if text.isprintable() else "\n".join(map(visible, text.split("\n")))


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


def cut(text: str, longest: int = LONGEST) -> str:
    """Return text, cut to a length with a mark where something is missing."""
    return text if len(text) <= longest else text[:longest] + " ..."


def one_line(text: object, longest: int = LONGEST) -> str:
    """Return anything as one visible line of bounded length; what has no text of its own, by its type."""
    try:
        plain = str(text)
    except Exception:
        plain = f"<{type(text).__name__}>"
    # cut first: of 50 MB nothing but the beginning is looked at
    return cut(visible(cut(plain, longest)), 2 * longest)
