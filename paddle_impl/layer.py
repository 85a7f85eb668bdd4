"""What all layers share: the common arguments, class weights and reductions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import paddle
from paddle import Tensor, nn

from paddle_impl.checks import DENOMINATORS, REDUCTIONS, check_choice, check_int, check_normalizer, check_weight
from paddle_impl.programs import UNKNOWN, is_variable, numbers

NO_KERNELS = (paddle.float16, paddle.bfloat16, paddle.int8, paddle.int16, paddle.uint8)
"""Dtypes without a minimum on the CPU; a float32 holds all their numbers."""


class LossLayer(nn.Layer):
    """Base of all layers.

    Args:
        weight: [C] class weights >= 0 (list, array, Tensor, or a variable of the static program that the layer is
            called in, whose numbers nobody checks); None means ones.
        ignore_index: the label of elements that count for nothing; None: every element counts.
        reduction: ``none``, ``sum`` or ``mean``. A denominator of 0 gives loss 0 and gradient 0.
        axis: the class axis of the logits; rank-1 logits have no other.
        denominator: of the mean: ``weights`` (sum of the valid elements' class weights) or ``count`` (their number).
            A ``normalizer`` in the call replaces either.
        check_labels: raise for labels out of range, before anything is computed with them. It reads their range back
            from the device; switch it off where that costs too much and the labels are known to be right. Static
            programs never check.
        twice_differentiable: compute by operations that have second derivatives, at about twice the cost. Otherwise
            ``create_graph=True`` is an error.
    """

    weights_from = "weight"
    """The argument that says how many classes there are, as messages call it."""

    def __init__(
        self,
        *,
        weight: Sequence[float] | np.ndarray | Tensor | None = None,
        ignore_index: int | None = -100,
        reduction: str = "mean",
        axis: int = 1,
        denominator: str = "weights",
        check_labels: bool = True,
        twice_differentiable: bool = False,
    ) -> None:
        super().__init__()
        check_choice("reduction", reduction, REDUCTIONS)
        check_choice("denominator", denominator, DENOMINATORS)
        if ignore_index is not None:
            check_int("ignore_index", ignore_index)
        check_int("axis", axis)
        self.ignore_index = ignore_index
        self.reduction = reduction
        self.axis = axis
        self.denominator = denominator
        self.check_labels = bool(check_labels)
        self.twice_differentiable = bool(twice_differentiable)
        self.classes, self._of_program = None, None
        self._set_weight(weight)

    def extra_repr(self) -> str:
        """The arguments, as ``print(layer)`` shows them."""
        return f"reduction={self.reduction!r}, ignore_index={self.ignore_index}, axis={self.axis}"

    def plain(self) -> bool:
        """Whether to compute in plain operations that Paddle derives itself: programs, and for second derivatives."""
        return self.twice_differentiable or not paddle.in_dynamic_mode()

    def looks(self) -> bool:
        """Whether labels are looked at before they are used."""
        return self.check_labels and paddle.in_dynamic_mode()

    def table(self, classes: int, dtype: paddle.dtype) -> Tensor | None:
        """[C] class weights in ``dtype``, or None. Raises ValueError for another number of classes."""
        if self.classes not in (None, classes, UNKNOWN) and classes != UNKNOWN:
            raise ValueError(
                f"{self.weights_from} must have {classes} numbers, one for each class of the logits, got {self.classes}"
            )
        table = self.weight if self._of_program is None else self._of_program
        if table is not None and not paddle.in_dynamic_mode() and not is_variable(table):
            # what has numbers becomes a constant of each static program that uses it
            table = paddle.assign(table if isinstance(table, np.ndarray) else numbers(table))
        return table if table is None or table.dtype == dtype else table.astype(dtype)

    def kept(self, labels: Tensor, classes: int) -> Tensor | None:
        """Which labels are not ignored (None: all). Raises ValueError for a label that is no class."""
        ignored = self.ignore_index
        if not self.looks():
            return None if ignored is None else labels != ignored
        low, high = label_range(labels)
        inside = low >= 0 and high < classes
        if inside and (ignored is None or not low <= ignored <= high):
            return None
        kept = None if ignored is None else labels != ignored
        if not inside:
            for label in label_range(labels if kept is None else paddle.where(kept, labels, paddle.zeros_like(labels))):
                if not 0 <= label < classes:
                    raise ValueError(f"labels must lie in [0, {classes}) or equal ignore_index={ignored}, got {label}")
        return kept

    def normalizer(self, given: Any) -> Any:
        """The call's normalizer, checked."""
        return check_normalizer(given, self.reduction, self.looks())

    def reduce(self, losses: Tensor, weight: Tensor | None, count: Any, normalizer: Any) -> Tensor:
        """Losses by the reduction; ``weight`` of each (None: ones), ``count`` says how many are valid."""
        if self.reduction == "none":
            return losses
        total = losses.sum()
        if self.reduction == "sum":
            return total
        return divided(total, self.divisor(weight, count, normalizer))

    def divisor(self, weight: Tensor | None, count: Any, normalizer: Any) -> Any:
        """What the mean divides by."""
        if normalizer is not None:
            return normalizer
        if weight is not None and self.denominator == "weights":
            return weight.sum()
        return count

    def _set_weight(self, weight: Sequence[float] | np.ndarray | Tensor | None) -> None:
        if weight is not None and not is_variable(weight):
            array = numbers(weight) if isinstance(weight, Tensor) else np.asarray(weight, dtype=np.float64)
            check_weight(array)
            if not paddle.in_dynamic_mode():
                # Tensors are made when the program is
                weight = array
            elif not isinstance(weight, Tensor):
                weight = paddle.to_tensor(array)
        if weight is not None:
            if len(weight.shape) != 1:
                raise ValueError(f"weight must have shape [C], got shape {list(weight.shape)}")
            self.classes = weight.shape[0]
        if weight is not None and not isinstance(weight, Tensor):
            self._of_program, weight = weight, None
        self.register_buffer("weight", weight, persistable=False)


def divided(total: Tensor, divisor: Any) -> Tensor:
    """total / divisor; 0, with gradient 0, where the divisor (a number or a 0-d Tensor) is 0."""
    if isinstance(divisor, (int, float)):
        if divisor and paddle.in_dynamic_mode():
            return total / divisor
        known = paddle.full([], divisor, dtype=total.dtype)
        return total / known if divisor else paddle.where(known > 0, total, paddle.zeros_like(total))
    divisor = divisor.astype(total.dtype)
    # Paddle (3.3, CPU) finds floats equal that differ by less than 1e-15
    zero = divisor <= 0
    quotient = total / paddle.where(zero, paddle.ones_like(divisor), divisor)
    return paddle.where(zero, paddle.zeros_like(quotient), quotient)


def label_range(labels: Tensor) -> tuple[float, float]:
    """Smallest and largest label, NaN if there is one; (0, 0) of none."""
    if 0 in labels.shape:
        return 0, 0
    if labels.dtype in NO_KERNELS:
        labels = labels.astype("float32")
    return labels.min().item(), labels.max().item()
