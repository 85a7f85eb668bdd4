"""Gradients given by a formula instead of by differentiation."""

from __future__ import annotations

import sys

from paddle import Tensor


def with_gradient(value: Tensor, carrier: Tensor) -> Tensor:
    """``value`` with the gradient of ``carrier``, a finite Tensor of the same shape."""
    return value + (carrier - carrier.detach())


def once_differentiable(tensor: Tensor, held: list[Tensor] | None = None) -> None:
    """Let a backward pass through ``tensor`` refuse ``create_graph=True``, whose result would be wrong, not missing.

    ``held`` keeps Tensors alive as long as the graph: Paddle's kernels write gradients over what they saved when nobody
    else refers to it, and a second backward pass then reads them as if they were what was saved. A pass that does
    not retain the graph is the last one, so it releases them, which saves the memory and time of one more copy.
    """
    if tensor.stop_gradient:
        return

    def look(_: Tensor) -> None:
        # The frame that called us is the one that started the pass: Tensor.backward, paddle.grad or
        # paddle.autograd.backward. Paddle shows a hook these arguments nowhere else; what is unknown is kept.
        how = sys._getframe(1).f_locals
        if how.get("create_graph") is True:
            raise RuntimeError(
                "create_graph=True needs a second derivative: make the loss layer with twice_differentiable=True"
            )
        if held is not None and how.get("retain_graph") is False:
            held.clear()

    tensor.register_hook(look)
