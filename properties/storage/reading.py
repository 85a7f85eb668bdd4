"""Reading: JSON as data of a declared shape; what is malformed is told with its place and value."""

from __future__ import annotations

import re
from typing import Annotated, Any, NamedTuple, TypeVar

import msgspec

from properties.errors import UsageError

LARGEST_JSON = 1 << 26
"""Bytes of a JSON text beyond which it is not read: 64 MiB."""

DEEPEST = 64
"""Levels of lists and objects in each other beyond which a text is not read."""

LONGEST_VALUE = 60
"""Characters of a wrong value that a message shows."""

Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
"""A number of things."""

Amount = Annotated[float, msgspec.Meta(ge=0.0, le=1e300)]
"""A size, a time or a share."""

Name = Annotated[str, msgspec.Meta(max_length=500)]
"""A name of a law, a class or a file."""

Text = Annotated[str, msgspec.Meta(max_length=1_000_000)]
"""A sentence, a message or a script."""

Scalar = int | float | str | bool | None
"""A plain value: NaN and infinities are strings, since JSON has none."""

Shaped = TypeVar("Shaped")


class MalformedError(UsageError):
    """What was read is not what it should be; the message names the place, the value and what was expected."""


def plain_json(text: bytes | str, what: str) -> Any:
    """Return what a JSON text says; MalformedError where it is none, too large, too deep, or has NaN in it."""
    if len(text) > LARGEST_JSON:
        raise MalformedError(f"{what} has more than {LARGEST_JSON:,} bytes")
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedError(f"{what} is no JSON: {error}") from None
    return found


class Misfit(NamedTuple):
    """Where plain data have another shape than they must have: the place, what was expected, and what was found.

    ``place`` is such as ``$.laws[3].examples``; ``found`` is empty where the place cannot be looked at.
    """

    place: str
    expected: str
    found: tuple[Any, ...]


def misfit(plain: Any, error: msgspec.ValidationError) -> Misfit:
    """Return what an error of msgspec says of plain data."""
    expected, _, path = str(error).partition(" - at ")
    place = path.strip("`") or "$"
    found = plain
    for key, index in re.findall(r"\.([^.\[\]]+)|\[(\d+|\.\.\.)\]", place):
        try:
            found = found[int(index)] if index else found[key]
        except (KeyError, IndexError, TypeError, ValueError):
            return Misfit(place, expected, ())
    return Misfit(place, expected, (found,))


def shaped(plain: Any, shape: type[Shaped], what: str) -> Shaped:
    """Return plain data as the type that it should have; MalformedError with place and value where it has another."""
    _require_shallow(plain, what)
    try:
        return msgspec.convert(plain, shape, strict=True)
    except msgspec.ValidationError as error:
        wrong = misfit(plain, error)
        raise MalformedError(f"{what}: at {wrong.place}{''.join(map(_shown, wrong.found))}: {wrong.expected}") from None
    except RecursionError:
        raise MalformedError(f"{what} is nested too deeply") from None


def _shown(found: Any) -> str:
    """Return a value in words; of one that is large its type."""
    text = repr(found) if isinstance(found, (str, int, float, bool)) or found is None else type(found).__name__
    return f" ({text if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE] + ' ...'})"


def _require_shallow(plain: Any, what: str) -> None:
    """Raise MalformedError for what is nested so deeply that reading it on would end in a RecursionError."""
    level = [plain]
    for _ in range(DEEPEST):
        level = [
            item
            for each in level
            if isinstance(each, (dict, list))
            for item in (each.values() if isinstance(each, dict) else each)
            if isinstance(item, (dict, list))
        ]
        if not level:
            return
    raise MalformedError(f"{what} is nested in more than {DEEPEST} levels")
