"""Serialization: problems as plain data that JSON can hold, and back."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from properties.problems.problem import Problem

_OF_ELEMENTS = ("label_weight", "element_weight")
"""Fields of a problem that have one number for each element."""

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


def problem_from_dict(plain: Mapping[str, Any]) -> Problem:
    """Return the problem that :func:`problem_to_dict` wrote."""
    values = {name: _unfold(value) for name, value in plain.items()}
    shape = values.pop("shape")
    values["logits"] = np.asarray(_floats(values["logits"]), dtype=np.float64).reshape(shape["logits"])
    hard = values["targets"] == "hard"
    labels = values["labels"] if hard else _floats(values["labels"])
    values["labels"] = np.asarray(labels, dtype=np.int64 if hard else np.float64).reshape(shape["labels"])
    for name in ("weight", "cotangent", *_OF_ELEMENTS):
        # a problem that was written before there was such a field has none
        if values.get(name) is not None:
            values[name] = np.asarray(_floats(values[name]), dtype=np.float64)
            values[name] = values[name].reshape(shape.get(name, values[name].shape))
    values["config"] = {k: np.asarray(_floats(v)) if isinstance(v, list) else v for k, v in values["config"].items()}
    return Problem(**values)


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


def _unfold(value: Any) -> Any:
    """Undo :func:`_fold`."""
    folded = isinstance(value, dict) and set(value) == {"each", "times"}
    return [value["each"]] * value["times"] if folded else value


def _floats(value: Any) -> Any:
    """Return nested lists of numbers, or of strings that stand for numbers, as nested lists of floats."""
    if isinstance(value, list):
        return [_floats(item) for item in value]
    return float(value)
