"""Refusals, written once: each says which argument is wrong, what is expected, and the value it got."""

from __future__ import annotations

import math
import numbers
from typing import Any

import numpy as np
import paddle
from paddle import Tensor

from paddle_impl.programs import UNKNOWN, detached, is_tensor, sizes

REDUCTIONS = ("none", "sum", "mean")
DENOMINATORS = ("weights", "count")
FLOATS = (paddle.float16, paddle.bfloat16, paddle.float32, paddle.float64)
INTEGERS = (paddle.int8, paddle.int16, paddle.int32, paddle.int64, paddle.uint8)


def check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    """Raise ValueError unless ``value`` is one of ``choices``."""
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}, got {value!r}")


def check_int(name: str, value: object) -> None:
    """Raise TypeError unless ``value`` is an integer and no bool."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name} must be an int, got {value!r}")


def is_number(value: object) -> bool:
    """Whether ``value`` is a real number and no bool."""
    return isinstance(value, numbers.Real) and not isinstance(value, (bool, np.bool_))


def check_number(name: str, value: Any, expected: str, low: float, high: float = math.inf) -> float:
    """``value`` as a finite float in [low, high]; ``expected`` says so in the message."""
    if not is_number(value):
        raise TypeError(f"{name} must be {expected}, got {value!r}")
    if not (math.isfinite(value) and low <= value <= high):
        raise ValueError(f"{name} must be {expected}, got {value!r}")
    return float(value)


def check_weight(weight: np.ndarray) -> None:
    """Raise ValueError unless ``weight`` is [C], finite and >= 0."""
    wrong = weight[~(np.isfinite(weight) & (weight >= 0))]
    if wrong.size:
        raise ValueError(f"weight must be finite and >= 0 for each class, got {wrong.flatten()[0]}")
    if weight.ndim != 1:
        raise ValueError(f"weight must have shape [C], got shape {list(weight.shape)}")


def check_normalizer(normalizer: Any, reduction: str, look: bool) -> Any:
    """A normalizer that fits the reduction: None, a float, or a 0-d Tensor (looked into where ``look``)."""
    if normalizer is None:
        return None
    if reduction != "mean":
        raise ValueError(
            f"normalizer replaces the denominator of reduction='mean'; it must be None with reduction={reduction!r}, "
            f"got {_shown(normalizer)}"
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
    if not isinstance(logits, Tensor | paddle.base.framework.Variable) and not hasattr(logits, "dtype"):
        raise TypeError(f"{name} must be a Tensor, got {type(logits).__name__}")
    if logits.dtype not in FLOATS:
        raise TypeError(f"{name} must be floats, got dtype {logits.dtype}")


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


def _shown(value: object) -> str:
    return f"a Tensor of shape {list(value.shape)}" if is_tensor(value) else repr(value)
