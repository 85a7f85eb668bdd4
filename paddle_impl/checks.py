"""Refusals, written once: each says which argument is wrong, what is expected, and the value it got."""

from __future__ import annotations

import math
import numbers
from collections.abc import Set
from typing import Any

import numpy as np
import paddle
from paddle import Tensor

from paddle_impl.programs import UNKNOWN, detached, is_tensor, sizes
from paddle_impl.programs import numbers as values

REDUCTIONS = ("none", "sum", "mean")
DENOMINATORS = ("weights", "count")
# sets: a dtype is found in one three times as fast as in a tuple
FLOATS = frozenset({paddle.float16, paddle.bfloat16, paddle.float32, paddle.float64})
INTEGERS = frozenset({paddle.int8, paddle.int16, paddle.int32, paddle.int64, paddle.uint8})
NUMBERS = FLOATS | INTEGERS | {paddle.bool}
TENSORS = (Tensor, paddle.base.framework.Variable, paddle.pir.Value)
"""Tensors, and what stands for one in a program."""
MASKS = (255, 65535, 2**31 - 1)
"""Labels that stand for "ignore this" in many data sets, as every negative number does."""


def check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    """Raise TypeError unless ``value`` is a str, ValueError unless it is one of ``choices``."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be one of {', '.join(choices)}, got {shown(value)}")
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}, got {value!r}")


def check_int(name: str, value: object) -> None:
    """Raise TypeError unless ``value`` is an integer and no bool, ValueError unless an int64 holds it."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name} must be an int, got {shown(value)}")
    if not -(2**63) <= value < 2**63:
        raise ValueError(f"{name} must be an int of 64 bits, got {value!r}")


def check_bool(name: str, value: object) -> bool:
    """``value`` as a bool. Raises TypeError for anything else."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be True or False, got {shown(value)}")
    return bool(value)


def is_number(value: object) -> bool:
    """Whether ``value`` is a real number and no bool."""
    return isinstance(value, numbers.Real) and not isinstance(value, (bool, np.bool_))


def check_number(name: str, value: Any, expected: str, low: float, high: float = math.inf) -> float:
    """``value`` as a finite float in [low, high]; ``expected`` says so in the message."""
    if not is_number(value):
        raise TypeError(f"{name} must be {expected}, got {shown(value)}")
    if not (_is_finite(value) and low <= value <= high):
        raise ValueError(f"{name} must be {expected}, got {value!r}")
    return float(value)


def as_numbers(name: str, value: Any) -> np.ndarray:
    """A list, an array or a Tensor as an array of float64. Raises TypeError for what is none, or holds no numbers."""
    expected = "a list, an array or a Tensor of numbers"
    if isinstance(value, Tensor):
        if value.dtype not in FLOATS | INTEGERS:
            raise TypeError(f"{name} must be {expected}, got dtype {value.dtype}")
        return values(value).astype(np.float64)
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise TypeError(f"{name} must be {expected}, got {value!r}") from error
    # an empty list is one of floats; of None, NumPy makes an object
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name} must be {expected}, got {shown(value)}")
    return array.astype(np.float64)


def check_weight(weight: np.ndarray) -> None:
    """Raise ValueError unless ``weight`` is [C], finite and >= 0."""
    if weight.ndim != 1:
        raise ValueError(f"weight must have shape [C], got shape {list(weight.shape)}")
    wrong = weight[~(np.isfinite(weight) & (weight >= 0))]
    if wrong.size:
        raise ValueError(f"weight must be finite and >= 0 for each class, got {wrong.flatten()[0]}")


def check_normalizer(normalizer: Any, reduction: str, look: bool) -> Any:
    """A normalizer that fits the reduction: None, a float, or a 0-d Tensor (looked into where ``look``)."""
    if normalizer is None:
        return None
    if reduction != "mean":
        raise ValueError(
            f"normalizer replaces the denominator of reduction='mean'; it must be None with reduction={reduction!r}, "
            f"got {shown(normalizer)}"
        )
    expected = "a finite number >= 0 or a Tensor of one"
    if not is_tensor(normalizer):
        return check_number("normalizer", normalizer, expected, 0.0)
    if list(normalizer.shape) not in ([], [1], [UNKNOWN]):
        raise ValueError(f"normalizer must be {expected}, got shape {list(normalizer.shape)}")
    normalizer = detached(normalizer).reshape([])
    if look:
        check_number("normalizer", normalizer.item(), expected, 0.0)
    return normalizer


def check_logits(logits: Tensor, name: str = "logits") -> None:
    """Raise TypeError unless ``logits`` is a Tensor of floats."""
    check_tensor(name, logits)
    if logits.dtype not in FLOATS:
        raise TypeError(f"{name} must be floats, got dtype {logits.dtype}")


def check_tensor(name: str, value: object) -> None:
    """Raise TypeError unless ``value`` is a Tensor, or stands for one in a program."""
    if not isinstance(value, TENSORS):
        found = type(value)
        module = "" if found.__module__ == "builtins" else f"{found.__module__}."
        raise TypeError(f"{name} must be a paddle Tensor, got {'None' if value is None else module + found.__name__}")


def check_dtype(name: str, value: Tensor, dtypes: Set[paddle.dtype], expected: str) -> None:
    """Raise TypeError unless ``value`` is a Tensor of one of these dtypes."""
    check_tensor(name, value)
    if value.dtype not in dtypes:
        raise TypeError(f"{name} must be {expected}, got dtype {value.dtype}")


def outside(label: float, allowed: str, ignored: int | None) -> str:
    """What is wrong with a label, and what to do where it looks like one that marks what to ignore."""
    whole = math.isfinite(label) and label == int(label)
    label = int(label) if whole else label
    advice = f"; ignore_index={label}?" if whole and (label < 0 or label in MASKS) else ""
    return f"labels must lie in {allowed} or equal ignore_index={ignored}, got {label}{advice}"


def class_axis(logits: Tensor, axis: int) -> int:
    """The class axis counted from 0, of logits that have one."""
    rank = logits.ndim
    if rank == 0:
        raise ValueError("logits must have a class axis, got a scalar")
    # rank-1 logits have one axis, which the default axis=1 then means
    axis = 0 if rank == 1 and axis == 1 else axis
    if not -rank <= axis < rank:
        raise ValueError(f"axis must lie in [{-rank}, {rank}) for logits of rank {rank}, got {axis}")
    if logits.shape[axis] == 0:
        raise ValueError(f"logits must have at least one class along axis {axis}, got shape {list(logits.shape)}")
    return axis % rank


def without_class_axis(labels: Tensor, logits: Tensor, axis: int) -> Tensor:
    """Integer labels of the logits' shape without the class axis; a class axis of length 1 is taken away."""
    expected, found = list(logits.shape), list(labels.shape)
    del expected[axis]
    if labels.ndim == logits.ndim and found[axis] in (1, UNKNOWN):
        del found[axis]
    if not fits(found, expected):
        raise ValueError(
            f"labels must have the logits' shape without the class axis, {expected}, got {list(labels.shape)}"
        )
    if not paddle.in_dynamic_mode() and UNKNOWN in (*expected, *labels.shape):
        # a program compares what it does not know yet when it runs
        rows = sizes(logits)
        del rows[axis]
        labels = labels.reshape(rows)
    elif labels.ndim == logits.ndim:
        labels = labels.squeeze(axis)
    # the narrow integers overflow beside an ignore_index of -100
    return labels if labels.dtype in (paddle.int32, paddle.int64) else labels.astype("int64")


def fits(shape: list[int], expected: list[int]) -> bool:
    """Whether two shapes agree; -1 is a size that a program learns when it runs."""
    if len(shape) != len(expected):
        return False
    return all(UNKNOWN in (shape[k], expected[k]) or shape[k] == expected[k] for k in range(len(shape)))


def shown(value: object) -> str:
    """A value in a message: a Tensor by its shape, all else as Python writes it."""
    return f"a Tensor of shape {list(value.shape)}" if isinstance(value, TENSORS) else repr(value)


def _is_finite(value: Any) -> bool:
    """Whether a real number is finite as a float."""
    try:
        return math.isfinite(value)
    except OverflowError:
        return False
