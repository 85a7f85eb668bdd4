"""Serialization: problems as plain data that JSON can hold, and back."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from properties.problems import reading
from properties.problems.precision import LARGEST
from properties.problems.problem import LABEL_DTYPES, LAYOUTS, NO_REDUCTIONS, REDUCTIONS, TARGETS, Problem

_OF_ELEMENTS = ("label_weight", "element_weight")
"""Fields of a problem that have one number for each element."""

_SHAPED = ("logits", "labels", *_OF_ELEMENTS)
"""Fields whose shape is written beside them."""

_FIELDS = tuple(field.name for field in dataclasses.fields(Problem))

_WORDS = {
    "reduction": (*REDUCTIONS, *NO_REDUCTIONS),
    "targets": TARGETS,
    "dtype": tuple(LARGEST),
    "label_dtype": LABEL_DTYPES,
    "layout": LAYOUTS,
}
"""Fields that are one of a few words. A reduction that is none may be what a layer was to refuse."""

MOST_SLICES = 64
"""Slices of an array beyond which it is written once if all of them are equal."""


def problem_to_dict(problem: Problem) -> dict[str, Any]:
    """Return the problem as lists, numbers and strings; numbers that are not finite become strings.

    An array of many equal slices is written once: ``{"each": slice, "times": n}``.
    """
    plain = {f.name: _fold(getattr(problem, f.name)) for f in dataclasses.fields(problem)}
    plain["config"] = dict(problem.config)
    # an empty list has lost its shape
    plain["shape"] = {
        name: list(array.shape)
        for name, array in ((n, getattr(problem, n)) for n in ("logits", "labels", *_OF_ELEMENTS))
        if array is not None
    }
    return {name: plain_numbers(value) for name, value in plain.items()}


def problem_from_dict(plain: Any, place: str = "the problem") -> Problem:
    """Return the problem that :func:`problem_to_dict` wrote.

    Raises ValueError with the place (inside ``place``) and the value of what no problem has, whoever wrote it, before
    anything large is made of it.
    """
    said = reading.mapping(plain, place, (*_FIELDS, "shape"), ("logits", "labels", "targets", "shape"))
    targets = reading.text(said["targets"], f"{place}'s targets", TARGETS)
    shapes = reading.mapping(said["shape"], f"{place}'s shape", _SHAPED, ("logits", "labels"))
    values: dict[str, Any] = {"targets": targets}
    for name, value in said.items():
        where = f"{place}'s {name}"
        if name in _SHAPED and (value is not None or name in ("logits", "labels")):
            found = reading.array(value, where, integers=name == "labels" and targets == "hard")
            shape = shapes.get(name)
            told = f"{place}'s shape.{name}"
            values[name] = found if shape is None else reading.shaped(found, reading.axes(shape, told), where)
        elif name in ("weight", "cotangent", *_SHAPED):
            # a problem that was written before there was such a field has none
            values[name] = None if value is None else reading.array(value, where)
        elif name != "shape":
            values[name] = _option(name, value, where)
    problem = Problem(**values)
    if not problem.entrywise:
        reading.whole(problem.axis, f"{place}'s axis", -problem.logits.ndim, problem.logits.ndim - 1)
    return problem


def _option(name: str, value: Any, place: str) -> Any:
    """Return the value of a field that is no array."""
    if name in _WORDS:
        return reading.text(value, place, _WORDS[name])
    if name == "config":
        said = reading.mapping(value, place)
        return {key: _argument(item, f"{place}.{reading.name(key, place)}") for key, item in said.items()}
    if name in ("normalizer", "ignore_index") and value is None:
        return None
    if name == "normalizer":
        return reading.number(value, place)
    return reading.whole(value, place, 0 if name == "salt" else -(2**63))


def _argument(value: Any, place: str) -> Any:
    """Return an argument that only some contracts know: an array, a number, a text, a truth value, or none."""
    if isinstance(value, list | dict):
        return reading.array(value, place)
    if value is None or type(value) is bool:
        return value
    if type(value) is int:
        return reading.whole(value, place)
    if type(value) is float or (type(value) is str and value in reading.NOT_FINITE):
        return reading.number(value, place)
    return reading.text(value, place)


def plain_numbers(value: Any) -> Any:
    """Return the value with arrays as nested lists, and with NaN and infinities as the strings that JSON can hold."""
    if isinstance(value, np.ndarray):
        return plain_numbers(value.tolist())
    if isinstance(value, np.generic):
        return plain_numbers(value.item())
    if isinstance(value, dict):
        return {key: plain_numbers(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain_numbers(item) for item in value]
    if isinstance(value, float) and not np.isfinite(value):
        return str(value)
    return value


def _fold(value: Any) -> Any:
    """Return an array of many equal slices as one slice and their number; return anything else as it is."""
    if not isinstance(value, np.ndarray) or value.ndim == 0 or len(value) <= MOST_SLICES:
        return value
    equal = np.array_equal(value, np.broadcast_to(value[:1], value.shape), equal_nan=value.dtype.kind == "f")
    return {"each": value[0], "times": len(value)} if equal else value
