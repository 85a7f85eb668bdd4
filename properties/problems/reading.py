"""Reading: numbers and arrays out of plain data that anybody may have written, checked before anything is allocated.

Each reader is told the place of a value in words, and raises ValueError with that place and the value where it is not
what it must be.
"""

from __future__ import annotations

import math
import reprlib
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST_NUMBERS = 1 << 24
"""Numbers of an array beyond which it is not read: 128 MiB of them, and sixteen times the largest problem drawn."""

MOST_AXES = 16
"""Axes of an array beyond which it is not read."""

LONGEST_TEXT = 1 << 20
"""Characters of a text beyond which it is not read."""

LONGEST_NAME = 200

NOT_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
"""How plain data says the numbers that JSON has not."""


def whole(value: Any, place: str, least: int = -(2**63), most: int = 2**63 - 1) -> int:
    """Return a whole number between two others, which is no boolean."""
    if type(value) is not int or not least <= value <= most:
        raise ValueError(f"{place} must be a whole number from {least} to {most}, got {shown(value)}")
    return value


def number(value: Any, place: str) -> float:
    """Return a number, of which NaN and infinities may be given as text."""
    if type(value) is str and value in NOT_FINITE:
        return NOT_FINITE[value]
    if type(value) in (int, float):
        try:
            return float(value)
        except OverflowError:
            pass
    raise ValueError(f"{place} must be a number, got {shown(value)}")


def text(value: Any, place: str, known: Sequence[str] = ()) -> str:
    """Return a text, with ``known`` one of those."""
    if type(value) is not str or len(value) > LONGEST_TEXT:
        raise ValueError(f"{place} must be a text, got {shown(value)}")
    if known and value not in known:
        raise ValueError(f"{place} must be one of {', '.join(map(repr, known))}, got {shown(value)}")
    return value


def name(value: str, place: str) -> str:
    """Return a text that may be the name of an argument."""
    if not value.isidentifier() or len(value) > LONGEST_NAME:
        raise ValueError(f"a name in {place} must be one that an argument may have, got {shown(value)}")
    return value


def mapping(value: Any, place: str, known: Sequence[str] = (), needed: Sequence[str] = ()) -> Mapping[str, Any]:
    """Return a mapping of texts to values: of the names that are ``known``, if any, with all that are ``needed``."""
    if not isinstance(value, Mapping):
        raise ValueError(f"{place} must be a mapping, got {shown(value)}")
    for key in value:
        text(key, f"a name in {place}", known)
    for key in needed:
        if key not in value:
            raise ValueError(f"{place} must have {key!r}, got {shown(sorted(value))}")
    return value


def axes(value: Any, place: str) -> tuple[int, ...]:
    """Return the lengths of an array's axes, which are not too many, nor the numbers in it."""
    if not isinstance(value, list | tuple) or len(value) > MOST_AXES:
        raise ValueError(f"{place} must be a list of at most {MOST_AXES} lengths, got {shown(value)}")
    found = tuple(whole(length, f"{place}[{i}]", 0, MOST_NUMBERS) for i, length in enumerate(value))
    _few(math.prod(found), place, value)
    return found


def array(value: Any, place: str, *, integers: bool = False) -> NDArray[Any]:
    """Return nested lists of equal lengths as an array of int64 or float64, also where equal slices are written once.

    That is ``{"each": slice, "times": n}``.
    """
    if not isinstance(value, Mapping):
        return _nested(value, place, integers)
    mapping(value, place, ("each", "times"), ("each", "times"))
    times = whole(value["times"], f"{place}.times", 0, MOST_NUMBERS)
    each = _nested(value["each"], f"{place}.each", integers)
    _few(times * each.size, place, value)
    return np.broadcast_to(each, (times, *each.shape)).copy()


def shaped(value: NDArray[Any], shape: tuple[int, ...], place: str) -> NDArray[Any]:
    """Return an array in another shape, which must have as many numbers."""
    if math.prod(shape) != value.size:
        raise ValueError(
            f"{place} must have shape {list(shape)}, got {value.size} numbers of shape {list(value.shape)}"
        )
    return value.reshape(shape)


def shown(value: Any) -> str:
    """Return a value as a message shows it: short, and without signs that a terminal obeys."""
    try:
        return _SHORT.repr(value)
    except (ValueError, RecursionError):
        # an integer of thousands of digits
        return f"one of type {type(value).__name__}"


_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 80


def _few(count: int, place: str, value: Any) -> None:
    if count > MOST_NUMBERS:
        raise ValueError(f"{place} must have at most {MOST_NUMBERS:,} numbers, got {shown(value)}")


def _nested(value: Any, place: str, integers: bool) -> NDArray[Any]:
    shape: list[int] = []
    level: list[Any] = [value]
    while level and isinstance(level[0], list | tuple):
        length = len(level[0])
        for index, each in enumerate(level):
            if not isinstance(each, list | tuple) or len(each) != length:
                where = _at(place, index, shape)
                raise ValueError(f"{where} must be a list of {length}, as those beside it, got {shown(each)}")
        shape.append(length)
        if len(shape) > MOST_AXES:
            raise ValueError(f"{place} must have at most {MOST_AXES} axes, got {shown(value)}")
        _few(len(level) * length, place, value)
        level = list(chain.from_iterable(level))
    return np.asarray(_flat(level, place, shape, integers)).reshape(shape)


def _flat(level: list[Any], place: str, shape: list[int], integers: bool) -> NDArray[Any]:
    dtype: Any = np.int64 if integers else np.float64
    kinds = set(map(type, level))
    if kinds <= ({int} if integers else {int, float}):
        try:
            return np.array(level, dtype=dtype)
        except OverflowError:
            pass
    # slowly, to say which one is none
    read = whole if integers else number
    return np.array([read(each, _at(place, index, shape)) for index, each in enumerate(level)], dtype=dtype)


def _at(place: str, index: int, shape: list[int]) -> str:
    """Return the place of an element, given its index among all of them."""
    return place + "".join(f"[{i}]" for i in np.unravel_index(index, shape)) if shape else place
