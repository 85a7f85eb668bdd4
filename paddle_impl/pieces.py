"""The entries of a call, and the pieces of them that stay in the cache."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import paddle
from paddle import Tensor

from paddle_impl.elements import zero_unless

PIECE = 1 << 17
"""Entries in a piece: a dozen arrays of this length fit into the cache of one core."""


class Entries:
    """Logits and targets of one shape in the working precision, as they came in.

    ``kept`` tells the valid entries (bool; None: all are), ``weight`` is each entry's class weight, 0 where ignored
    (None: ones), ``plain`` asks for operations that Paddle differentiates itself. What stands at an ignored entry may
    be anything; :meth:`whole` and :meth:`pieces` hide it. ``factors`` multiply the losses, and no denominator (None:
    ones; 0 where ignored).
    """

    def __init__(
        self, logits: Tensor, targets: Tensor, kept: Tensor | None, weight: Tensor | None, plain: bool
    ) -> None:
        self.logits = logits
        self.targets = targets
        self.kept = kept
        self.weight = weight
        self.plain = plain
        self.factors: Tensor | None = None

    def count(self) -> Any:
        """How many entries are valid: a number where it is known, else a 0-d Tensor."""
        if self.kept is not None:
            return self.kept.astype("int64").sum()
        return math.prod(self.logits.shape) if paddle.in_dynamic_mode() else paddle.numel(self.logits)

    def whole(self) -> tuple[Tensor, Tensor]:
        """All logits, with their graph, and all targets; 0 where ignored."""
        return zero_unless(self.logits, self.kept), zero_unless(self.targets, self.kept)

    def single(self) -> bool:
        """Whether there is one piece; they are for the cache of a CPU, and a GPU would rather be called once."""
        return math.prod(self.logits.shape) <= PIECE or paddle.get_device() != "cpu"

    def pieces(self) -> Iterator[Piece]:
        """The entries, PIECE by PIECE, without a graph and 0 where ignored."""
        arrays = [self.logits.detach(), self.targets, self.kept, self.weight, self.factors]
        flat = [None if array is None else array.flatten() for array in arrays]
        if self.single():
            yield Piece(*flat)
            return
        for start in range(0, flat[0].shape[0], PIECE):
            yield Piece(*(None if array is None else array[start : start + PIECE] for array in flat))


class Piece:
    """Logits x and targets t, [n], 0 where ignored, with their part of ``kept``, ``weight`` and ``factors``."""

    def __init__(
        self, x: Tensor, t: Tensor, kept: Tensor | None, weight: Tensor | None, factors: Tensor | None
    ) -> None:
        self.x, self.t = zero_unless(x, kept), zero_unless(t, kept)
        self.kept = kept
        self.weight = weight
        self.factors = factors

    def shown(self, array: Tensor) -> Tensor:
        """An array multiplied in place by the weights, or by 1 and 0 where there are none."""
        if self.factors is not None:
            array = array.multiply_(self.factors)
        if self.weight is not None:
            return array.multiply_(self.weight)
        return array if self.kept is None else array.multiply_(self.kept.astype(array.dtype))
