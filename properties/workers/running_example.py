"""Running example: the record of the example that a worker is about to run, for when the worker does not come back.

The record is JSON with a checksum, and is read as data that anybody may have written: what is odd in any way is none.
"""

from __future__ import annotations

import contextlib
import math
import os
import stat
import zlib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np

from properties.errors import MachineTrouble, is_machines
from properties.problems.problem import TARGETS, Problem
from properties.storage.files import NO_LINK
from properties.workers.processes import withhold

LARGEST = 1 << 28
"""Bytes beyond which a record is none: 256 MiB."""

_HEAD = 12


@dataclass(frozen=True)
class RunningExample:
    """An example that is about to run, and the number of valid examples before it."""

    examples: int
    problem: Problem

    def same(self, other: RunningExample | None) -> bool:
        """Return whether ``other`` is the same example."""
        return other is not None and _encoded(self) == _encoded(other)


class _Array(msgspec.Struct, forbid_unknown_fields=True, tag="array"):
    """An array: its bytes, of which JSON holds the base64."""

    dtype: Literal["<f8", "<i8", "<i4", "|b1"]
    shape: tuple[int, ...]
    data: bytes


class _Infinite(msgspec.Struct, forbid_unknown_fields=True, tag="float"):
    """A number that JSON has no word for."""

    value: Literal["nan", "inf", "-inf"]


class _Tuple(msgspec.Struct, forbid_unknown_fields=True, tag="tuple"):
    """A tuple of a contract's own arguments."""

    values: list[bool | int | float | str | None]


_Plain = bool | int | float | str | _Array | _Infinite | _Tuple | None


class _Record(msgspec.Struct, forbid_unknown_fields=True):
    """What a record says: the fields of a problem by their names."""

    examples: int
    fields: dict[str, _Plain]
    config: dict[str, _Plain]


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(_Record, strict=True)
_FIELDS = tuple(field.name for field in fields(Problem) if field.name != "config")
_TEXTS = {
    "targets": TARGETS,
    "reduction": ("none", "mean", "sum"),
    "dtype": ("float16", "bfloat16", "float32", "float64"),
}


def open_record(path: str) -> int | None:
    """Open the file of a record for writing; None where a link or no file is in its place.

    Raises MachineTrouble where the machine cannot open one.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NONBLOCK | NO_LINK, 0o600)
    except OSError as error:
        if is_machines(error):
            raise MachineTrouble(f"the running example cannot be recorded: {error.strerror}") from error
        return None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        return None
    return withhold(descriptor)


def write_running(file: int, running: RunningExample) -> None:
    """Overwrite the record with an example and its checksum, since the process may end while it writes.

    What JSON cannot hold leaves an empty record. Raises OSError where the machine cannot write.
    """
    content = _encoded(running)
    whole = len(content).to_bytes(8, "big") + zlib.crc32(content).to_bytes(4, "big") + content
    written = os.pwrite(file, whole, 0)
    while written < len(whole):
        written += os.pwrite(file, whole[written:], written)


def read_running(path: str | Path) -> RunningExample | None:
    """Return the recorded example; None where there is no complete and sound one, or the path is a link."""
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | NO_LINK)
        with open(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return None
            head = file.read(_HEAD)
            length = int.from_bytes(head[:8], "big")
            if len(head) < _HEAD or not 0 < length <= LARGEST:
                return None
            content = file.read(length)
        if len(content) == length and zlib.crc32(content).to_bytes(4, "big") == head[8:]:
            return _decoded(content)
    return None


def _encoded(running: RunningExample) -> bytes:
    problem = running.problem
    try:
        plain = {name: _plain(getattr(problem, name)) for name in _FIELDS}
        config = {name: _plain(value) for name, value in problem.config.items()}
        return _ENCODER.encode(_Record(running.examples, plain, config))
    except (TypeError, ValueError, OverflowError, msgspec.MsgspecError):
        return b""


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else _Infinite(repr(float(value)))  # type: ignore[arg-type]
    if isinstance(value, np.ndarray):
        array = np.ascontiguousarray(value)
        # ascontiguousarray makes an axis where there is none
        return _Array(array.dtype.str, value.shape, array.tobytes())  # type: ignore[arg-type]
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, (tuple, list)):
        return _Tuple([_plain(each) for each in value])
    raise TypeError(f"no record can hold {type(value).__name__}")


def _decoded(content: bytes) -> RunningExample | None:
    """Return the example that a record says; None where it is none."""
    try:
        record = _DECODER.decode(content)
        if record.examples < 0 or set(record.fields) != set(_FIELDS):
            return None
        values = {name: _value(value) for name, value in record.fields.items()}
        config = {name: _value(value) for name, value in record.config.items()}
        if any(values[name] not in known for name, known in _TEXTS.items()):
            return None
        problem = Problem(config=config, **values)
        return RunningExample(record.examples, problem) if _is_sound(problem) else None
    except (TypeError, ValueError, KeyError, IndexError, AttributeError, RecursionError, msgspec.MsgspecError):
        return None


def _value(value: Any) -> Any:
    if isinstance(value, _Infinite):
        return float(value.value)
    if isinstance(value, _Tuple):
        return tuple(value.values)
    if isinstance(value, _Array):
        if any(length < 0 for length in value.shape):
            raise ValueError("an axis has no negative length")
        return np.frombuffer(value.data, dtype=value.dtype).reshape(value.shape).copy()
    return value


def _is_sound(problem: Problem) -> bool:
    """Whether the arrays of a problem are arrays, and of shapes that belong together."""
    # what a file says is not what the types say
    said: dict[str, Any] = {name: getattr(problem, name) for name in _FIELDS}
    optional = [said[name] for name in ("weight", "cotangent", "label_weight", "element_weight")]
    if not all(isinstance(array, np.ndarray) for array in (said["logits"], said["labels"])):
        return False
    if not all(array is None or isinstance(array, np.ndarray) for array in optional):
        return False
    ignored = said["ignore_index"]
    integers = (said["axis"], said["salt"], 0 if ignored is None else ignored)
    if not all(type(number) is int for number in integers) or problem.logits.dtype != np.float64:
        return False
    if type(said["normalizer"]) not in (float, int, type(None)):
        return False
    if not all(isinstance(said[name], str) for name in ("label_dtype", "layout")):
        return False
    # both raise where logits and labels do not fit together
    rows, labels = problem.rows, problem.label_rows
    fits = len(rows) == len(labels) == problem.size
    of_elements = (problem.label_weight, problem.element_weight)
    return fits and all(array is None or array.shape == problem.shape for array in of_elements)
