"""Durations as people write them: 8h, 90m, 45s, 1h30m, 2d, or a number of seconds."""

from __future__ import annotations

import math
import re

UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}

_NUMBER = r"[0-9]+(?:\.[0-9]+)?"
_PARTS = re.compile(r"\s*".join(rf"(?:(?P<{unit}>{_NUMBER})\s*{unit})?" for unit in UNITS))


def parse_duration(text: str) -> float:
    """Return the seconds of a duration; ValueError where the text is none, or it is 0."""
    plain = text.strip().lower()
    if re.fullmatch(_NUMBER, plain):
        plain += "s"
    match = _PARTS.fullmatch(plain)
    seconds = sum(float(number) * UNITS[unit] for unit, number in match.groupdict("0").items()) if match else 0.0
    if not 0 < seconds < math.inf:
        raise ValueError(f"a duration above 0, such as 8h, 90m, 45s, 1h30m, 2d or a number of seconds, got {text!r}")
    return seconds


def words_of(seconds: float) -> str:
    """Write seconds as a duration: to whole seconds, below ten to tenths."""
    if seconds < 9.95:
        return f"{max(seconds, 0.0):.1f}".removesuffix(".0") + "s"
    left, words = round(seconds), ""
    for unit, size in UNITS.items():
        number, left = divmod(left, size)
        words += f"{number}{unit}" if number else ""
    return words
