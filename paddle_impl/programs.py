"""What is different in a program: sizes that it learns when it runs, and tensors that have no numbers yet.

The layers compute there by operations alone, so ``paddle.jit.to_static`` has nothing to translate in them: what they
share is marked ``not_to_static``, and sees a size that is not known yet as -1, as in a static program.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import paddle
from paddle import Tensor

UNKNOWN = -1
"""The size along an axis of which a program learns the length when it runs."""


def is_tensor(value: object) -> bool:
    """Whether ``value`` is a Tensor, or a variable of a program."""
    return isinstance(value, Tensor) or is_variable(value)


def is_variable(value: object) -> bool:
    """Whether ``value`` is a variable of a program, which has no numbers until that runs."""
    # outside of programs Paddle calls every Tensor a Variable
    return isinstance(value, (paddle.pir.Value, paddle.static.Variable)) and not isinstance(value, Tensor)


def sizes(x: Tensor) -> list[Any]:
    """The shape of x as operations take it: numbers, and 0-d Tensors where a program learns them when it runs."""
    shape = list(x.shape)
    if UNKNOWN not in shape:
        return shape
    learned = paddle.shape(x)
    return [learned[i] if size == UNKNOWN else size for i, size in enumerate(shape)]


def aligned(array: Tensor, like: Tensor) -> Tensor:
    """An array that must have the other's shape: a program raises when it runs and there are more or fewer numbers.

    Where all sizes are known they were compared before, and nothing is done.
    """
    if paddle.in_dynamic_mode() or (UNKNOWN not in array.shape and UNKNOWN not in like.shape):
        return array
    return array.reshape(sizes(like))


def detached(x: Tensor) -> Tensor:
    """The same numbers, into which no gradient flows.

    In a program a copy: what ``detach`` gives shares its memory with x there, and Paddle (3.3) writes results over it.
    """
    if x.stop_gradient:
        return x
    if paddle.in_dynamic_mode():
        return x.detach()
    copy = paddle.assign(x)
    copy.stop_gradient = True
    return copy


def numbers(tensor: Tensor) -> np.ndarray:
    """The numbers of a Tensor, also while a static program is built."""
    if paddle.in_dynamic_mode():
        return (tensor.astype("float32") if tensor.dtype == paddle.bfloat16 else tensor).numpy()
    with paddle.base.dygraph.guard():
        return numbers(tensor)
