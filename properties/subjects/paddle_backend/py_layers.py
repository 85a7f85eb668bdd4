"""PyLayers: whether a layer stands on one, and what a second backward of the simplest one of them does."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import paddle
from paddle.autograd import PyLayer


class Doubled(PyLayer):  # type: ignore[misc]
    """Twice its argument: the simplest PyLayer that there is."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        """Twice x; what backward needs is saved, as in any that is of use."""
        ctx.save_for_backward(x)
        return 2.0 * x

    @staticmethod
    def backward(ctx: Any, upstream: Any) -> Any:
        """Twice what comes from above."""
        ctx.saved_tensor()
        return 2.0 * upstream


@contextlib.contextmanager
def applications() -> Iterator[list[type]]:
    """The PyLayers that are applied meanwhile."""
    applied: list[type] = []

    def apply(kind: type, *given: Any, **named: Any) -> Any:
        applied.append(kind)
        return super(PyLayer, kind).apply(*given, **named)

    PyLayer.apply = classmethod(apply)
    try:
        yield applied
    finally:
        del PyLayer.apply


def second_backward_of_the_simplest() -> None:
    """Go back twice through the simplest PyLayer and a graph that was retained."""
    leaf = paddle.ones([2])
    leaf.stop_gradient = False
    total = Doubled.apply(leaf).sum()
    total.backward(retain_graph=True)
    leaf.clear_grad()
    total.backward()
