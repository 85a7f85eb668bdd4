"""Gradients given by a formula instead of by differentiation."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

import paddle
from paddle import Tensor
from paddle.jit.sot.psdb import fallback

from paddle_impl.programs import detached


def eager(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that paddle.jit.to_static runs as it stands instead of making a program of it.

    In a program Python's numbers are rounded to float32, and operations in place are none.
    """

    @functools.wraps(function)
    def as_it_stands(*given: Any, **named: Any) -> Any:
        fallback(recursive=True)
        return function(*given, **named)

    return as_it_stands


def with_gradient(value: Tensor, carrier: Tensor) -> Tensor:
    """``value`` with the gradient of ``carrier``, a finite Tensor of the same shape."""
    return value + (carrier - detached(carrier))


@paddle.no_grad()
def written_over(carrier: Tensor, value: Tensor) -> Tensor:
    """The same without an operation for the graph to go back through: the numbers of ``value`` in place of those of
    ``carrier``, which no backward pass may need. Only for what is ``eager``.
    """
    return paddle.assign(value, carrier)


def with_slopes(value: Tensor, x: Tensor, rescale: Callable[[Tensor], None]) -> Tensor:
    """``value``, one number or one for each of x, with a gradient by x that ``rescale`` makes.

    ``rescale`` gets the gradient [n] by the values, one for each number of x, and multiplies it by the slopes in place:
    slopes that it computes piece by piece never exist all at once beside the gradient.
    """
    if x.stop_gradient or not paddle.is_grad_enabled():
        return value
    flat, version = x.flatten(), x.inplace_version

    def scaled(gradient: Tensor) -> Tensor:
        _refuse_create_graph(_arguments_of_backward())
        if x.inplace_version != version:
            raise RuntimeError("the logits were changed in place after the loss was computed from them")
        with paddle.no_grad():
            rescale(gradient)
        return gradient

    flat.register_hook(scaled)
    # either gives the hook a gradient of its own to write over
    carrier = (flat * 1.0).reshape(x.shape) if value.shape == x.shape else flat.sum()
    return written_over(carrier, value)


def once_differentiable(tensor: Tensor, held: list[Tensor]) -> None:
    """Let a backward pass through ``tensor`` refuse ``create_graph=True``, whose result would be wrong, not missing.

    ``held`` keeps Tensors alive as long as the graph: Paddle's kernels write gradients over what they saved when nobody
    else refers to it, and a second backward pass then reads them as if they were what was saved. A pass that does
    not retain the graph is the last one, so it releases them, which saves the memory and time of one more copy.
    """
    if tensor.stop_gradient:
        return

    def look(_: Tensor) -> None:
        how = _arguments_of_backward()
        _refuse_create_graph(how)
        if how.get("retain_graph") is False:
            held.clear()

    tensor.register_hook(look)


def _arguments_of_backward() -> dict[str, object]:
    """The arguments of the backward pass that called our caller, a hook; what is unknown is not there.

    The frame below the hook is the one that started the pass: Tensor.backward, paddle.grad or
    paddle.autograd.backward. Paddle shows a hook these arguments nowhere else.
    """
    return sys._getframe(2).f_locals


def _refuse_create_graph(how: dict[str, object]) -> None:
    if how.get("create_graph") is True:
        raise RuntimeError(
            "create_graph=True needs a second derivative: make the loss layer with twice_differentiable=True"
        )
