"""What all layers share: arguments, masks, class weights, reductions, and an exact cross entropy of each element.

A layer is a subclass of :class:`ElementLoss` that says what one element costs; axes, ranks, ignored elements, weights,
precision, reductions and the refusal of bad input are written here, once.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import paddle
from paddle import Tensor, nn

REDUCTIONS = ("none", "sum", "mean")
DENOMINATORS = ("weights", "count")
FLOATS = (paddle.float16, paddle.bfloat16, paddle.float32, paddle.float64)
INTEGERS = (paddle.int8, paddle.int16, paddle.int32, paddle.int64, paddle.uint8)


class Elements:
    """Logits [..., C, ...] in the working precision, and one entry for each element (the shape of the labels).

    ``labels`` are 0 where ignored, ``valid`` is 1.0 or 0.0 (None: all are valid), ``weight`` is the class weight of the
    label, 0 where ignored (None: ones). Ignored elements have logits 0.
    """

    # no dataclass: the tracer of paddle.jit.to_static (3.3) does not see their methods
    def __init__(self, logits: Tensor, labels: Tensor, valid: Tensor | None, weight: Tensor | None, axis: int) -> None:
        self.logits = logits
        self.labels = labels
        self.valid = valid
        self.weight = weight
        self.axis = axis

    def cross_entropy(self) -> Tensor:
        """logsumexp(z) - z_y of each element, shifted by the maximum first, without a clip at any size of logits."""
        largest = self.logits.detach().max(axis=self.axis, keepdim=True)
        shifted = self.logits - largest
        total = shifted.exp().sum(axis=self.axis)
        picked = paddle.take_along_axis(shifted, self.labels.unsqueeze(self.axis), self.axis, broadcast=False)
        return total.log() - picked.squeeze(self.axis)

    def counted(self) -> Tensor:
        """[valid] of each element, as floats of the labels' shape."""
        if self.valid is None:
            return paddle.ones(self.labels.shape, dtype=self.logits.dtype)
        return self.valid


class ElementLoss(nn.Layer):
    """Base of the layers: the loss of each element, weighted, masked and reduced.

    Args:
        weight: [C] class weights >= 0 (list, array or Tensor); None means ones.
        ignore_index: the label of elements that count for nothing; None: every element counts.
        reduction: ``none`` (the labels' shape), ``sum`` or ``mean``.
        axis: the class axis of the logits; rank-1 logits have no other.
        denominator: of the mean: ``weights`` (sum of the valid elements' class weights) or ``count`` (their number).
        check_labels: raise for labels out of range. It reads one flag back from the device; switch it off where that
            costs too much and the labels are known to be right. Static programs never check.
    """

    def __init__(
        self,
        *,
        weight: Sequence[float] | np.ndarray | Tensor | None = None,
        ignore_index: int | None = -100,
        reduction: str = "mean",
        axis: int = 1,
        denominator: str = "weights",
        check_labels: bool = True,
    ) -> None:
        super().__init__()
        check_choice("reduction", reduction, REDUCTIONS)
        check_choice("denominator", denominator, DENOMINATORS)
        if ignore_index is not None:
            _check_int("ignore_index", ignore_index)
        _check_int("axis", axis)
        self.ignore_index = ignore_index
        self.reduction = reduction
        self.axis = axis
        self.denominator = denominator
        self.check_labels = bool(check_labels)
        self.classes, self._constant_weight = None, None
        self._set_weight(weight)

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss of ``labels`` (integers, [...]) under ``logits`` ([..., C, ...]), in the dtype of the logits.

        Raises ValueError or TypeError for shapes, dtypes and labels that do not fit.
        """
        elements = self._arrange(logits, labels)
        losses = self.element_losses(elements)
        if elements.weight is not None:
            losses = losses * elements.weight
        if elements.valid is not None:
            losses = paddle.where(elements.valid > 0, losses, paddle.zeros_like(losses))
        return _narrow(self._reduce(losses, elements), logits)

    def element_losses(self, elements: Elements) -> Tensor:
        """The loss of each element before class weights, of the labels' shape. Subclasses say it."""
        raise TypeError(f"{type(self).__name__} must define element_losses(elements)")

    def extra_repr(self) -> str:
        """The arguments, as ``print(layer)`` shows them."""
        return f"reduction={self.reduction!r}, ignore_index={self.ignore_index}, axis={self.axis}"

    def _set_weight(self, weight: Sequence[float] | np.ndarray | Tensor | None) -> None:
        if weight is None:
            self.register_buffer("weight", None, persistable=False)
            return
        if not isinstance(weight, Tensor):
            array = np.asarray(weight, dtype=np.float64)
            _check_weight(array)
            # a static program has no values yet: the numbers become a constant of each program that uses them
            if not paddle.in_dynamic_mode():
                self._constant_weight = array
                self.register_buffer("weight", None, persistable=False)
                self.classes = array.shape[0]
                return
            weight = paddle.to_tensor(array)
        elif paddle.in_dynamic_mode():
            _check_weight(weight.numpy() if weight.dtype != paddle.bfloat16 else weight.astype("float32").numpy())
        if weight.ndim != 1:
            raise ValueError(f"weight must have shape [C], got shape {list(weight.shape)}")
        self.classes = weight.shape[0]
        self.register_buffer("weight", weight, persistable=False)

    def _arrange(self, logits: Tensor, labels: Tensor) -> Elements:
        axis = _check_logits(logits, self.axis)
        classes = logits.shape[axis]
        if self.classes is not None and self.classes != classes:
            raise ValueError(
                f"weight must have {classes} numbers, one for each class of the logits, got {self.classes}"
            )
        labels = _check_labels(labels, logits, axis)
        valid = None
        if self.ignore_index is not None:
            kept = labels != self.ignore_index
            valid = kept.astype(_working(logits.dtype))
        if self.check_labels and paddle.in_dynamic_mode():
            self._check_range(labels, valid, classes)
        scores = _widen(logits)
        if valid is not None:
            labels = paddle.where(kept, labels, paddle.zeros_like(labels))
            # times 0 would keep NaN and inf of what is ignored; a selection forgets them, in the gradient too
            scores = paddle.where(kept.unsqueeze(axis), scores, paddle.zeros([], dtype=scores.dtype))
        return Elements(scores, labels, valid, self._weight_of(labels, valid, scores.dtype), axis)

    def _check_range(self, labels: Tensor, valid: Tensor | None, classes: int) -> None:
        outside = (labels < 0) | (labels >= classes)
        if valid is not None:
            outside = outside & (valid > 0)
        if bool(outside.any()):
            bad = int(labels[outside].flatten()[0])
            raise ValueError(f"labels must lie in [0, {classes}) or equal ignore_index={self.ignore_index}, got {bad}")

    def _weight_of(self, labels: Tensor, valid: Tensor | None, dtype: paddle.dtype) -> Tensor | None:
        table = self.weight if self._constant_weight is None else paddle.assign(self._constant_weight)
        if table is None:
            return None
        weight = paddle.gather(table.astype(dtype), labels.flatten()).reshape(labels.shape)
        return weight if valid is None else weight * valid

    def _reduce(self, losses: Tensor, elements: Elements) -> Tensor:
        if self.reduction == "none":
            return losses
        total = losses.sum()
        if self.reduction == "sum":
            return total
        by_weight = elements.weight is not None and self.denominator == "weights"
        divisor = (elements.weight if by_weight else elements.counted()).sum()
        # a denominator of 0 has a total of 0 above it: 0 / 1 is the loss 0, with gradient 0
        return total / paddle.where(divisor > 0, divisor, paddle.ones_like(divisor))


def _working(dtype: paddle.dtype) -> paddle.dtype:
    """The precision to compute in: half precisions have no kernels on the CPU and no digits to spare."""
    return paddle.float64 if dtype == paddle.float64 else paddle.float32


HALF_OF_SMALLEST = 2.0**-25
"""Half of the smallest float16: what is smaller rounds to 0."""


def _flushed(tensor: Tensor) -> Tensor:
    """What rounds to 0 in float16 set to 0, before Paddle casts it.

    Paddle 3.3's cast from float32 to float16 on the CPU makes up to 1.2e-4 of numbers between 2^-87 and 2^-77.
    """
    return paddle.where(tensor.abs() < HALF_OF_SMALLEST, paddle.zeros_like(tensor), tensor)


def _cast_is_broken(logits: Tensor) -> bool:
    return logits.dtype == paddle.float16 and paddle.in_dynamic_mode() and paddle.get_device() == "cpu"


def _widen(logits: Tensor) -> Tensor:
    """The logits in the precision to compute in."""
    scores = logits.astype(_working(logits.dtype))
    if _cast_is_broken(logits) and not scores.stop_gradient:
        scores.register_hook(_flushed)
    return scores


def _narrow(loss: Tensor, logits: Tensor) -> Tensor:
    """The loss in the dtype of the logits."""
    return (_flushed(loss) if _cast_is_broken(logits) else loss).astype(logits.dtype)


def check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}, got {value!r}")


def _check_int(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name} must be an int, got {value!r}")


def _check_weight(weight: np.ndarray) -> None:
    wrong = weight[~(np.isfinite(weight) & (weight >= 0))]
    if wrong.size:
        raise ValueError(f"weight must be finite and >= 0 for each class, got {wrong.flatten()[0]}")
    if weight.ndim != 1:
        raise ValueError(f"weight must have shape [C], got shape {list(weight.shape)}")


def _check_logits(logits: Tensor, axis: int) -> int:
    """The class axis counted from 0, of logits that have one."""
    if logits.dtype not in FLOATS:
        raise TypeError(f"logits must be floats, got dtype {logits.dtype}")
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


def _check_labels(labels: Tensor, logits: Tensor, axis: int) -> Tensor:
    """Labels of the logits' shape without the class axis, as int64."""
    if labels.dtype not in INTEGERS:
        raise TypeError(f"labels must be integers, got dtype {labels.dtype}")
    shape = list(logits.shape)
    expected = shape[:axis] + shape[axis + 1 :]
    if labels.ndim == logits.ndim and labels.shape[axis] == 1:
        labels = labels.squeeze(axis)
    if not _fits(list(labels.shape), expected):
        raise ValueError(
            f"labels must have the logits' shape without the class axis, {expected}, got {list(labels.shape)}"
        )
    return labels.astype("int64")


def _fits(shape: list[int], expected: list[int]) -> bool:
    """Whether two shapes agree; -1 is a size that a static program learns when it runs."""
    if len(shape) != len(expected):
        return False
    return all(-1 in (shape[k], expected[k]) or shape[k] == expected[k] for k in range(len(shape)))
