"""What all layers share: the common arguments, class weights and reductions."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import paddle
from paddle import Tensor, nn

from paddle_impl.checks import (
    DENOMINATORS,
    REDUCTIONS,
    as_numbers,
    check_bool,
    check_choice,
    check_int,
    check_normalizer,
    check_weight,
    outside,
    shown,
)
from paddle_impl.options import expand, options_of
from paddle_impl.programs import UNKNOWN, is_variable, numbers

NO_KERNELS = (paddle.float16, paddle.bfloat16, paddle.int8, paddle.int16, paddle.uint8)
"""Dtypes without a minimum on the CPU; a float32 holds all their numbers."""

ADVICE = {
    "alpha": "alpha of each class is weight=[...]; one alpha for positive entries is SigmoidFocalLoss(alpha=...)",
    "avg_factor": "the call takes it: layer(logits, labels, normalizer=...)",
    "class_weight": "class weights are weight=[...]",
    "cls_num_list": "the counts of the classes are CostSensitiveLoss(num_class_list=[...])",
    "label_weight": "losses of entries take it in the call: layer(logits, labels, label_weight=...)",
    "loss_weight": "multiply the loss by it",
    "num_classes": "the logits say how many classes there are",
    "sample_weight": "the focal losses take weights of elements in the call: layer(logits, labels, element_weight=...)",
    "size_average": "reduction='mean', 'sum' or 'none' says it",
    "soft_label": "soft labels are told by their dtype: floats of the logits' shape",
    "use_sigmoid": "SigmoidFocalLoss and SigmoidGHMLoss are of sigmoids, FocalLoss and GHMLoss of a softmax",
    "use_softmax": "the layers take logits; the logarithms of probabilities are logits too",
}
"""What other libraries call their arguments, and what to write here."""


class LossLayer(nn.Layer):
    """Base of all layers.

    Args:
        weight: [C] class weights >= 0: a list, an array, a Tensor, or a variable of the static program that calls the
            layer, whose numbers are not checked. None means ones.
        ignore_index: elements with this label count for nothing; None: every element counts.
        reduction: ``none``, ``sum`` or ``mean``. A denominator of 0 gives loss 0 and gradient 0.
        axis: the class axis of the logits: 1 by default, where ``paddle.nn.CrossEntropyLoss`` has -1.
        denominator: what ``mean`` divides by: ``weights``, the sum of the valid elements' class weights, or ``count``,
            their number. A ``normalizer`` in the call replaces either.
        check_labels: raise ValueError for labels out of range before anything is computed from them. The check reads
            two numbers back from the device; switch it off where that costs too much and the labels are known to be
            right. Static programs never check.
        twice_differentiable: compute by operations that have second derivatives, at about twice the cost. Otherwise
            ``create_graph=True`` raises RuntimeError.
        as_dict: return ``{key: loss}``, as toolboxes expect that add up several losses: the key itself, or True for the
            name of the class. In either case the logits may come in a dict, under the key "logits".

    The ``repr`` of a layer is the call that builds it again.
    """

    weights_from = "weight"
    """The argument that says how many classes there are, as messages call it."""
    inputs = ("logits", "labels")
    """What is called with, as messages call it."""
    stored_as: ClassVar[Mapping[str, str]] = {}
    """The attribute that holds an argument, where it has another name."""

    def __new__(cls, *given: Any, **named: Any) -> LossLayer:
        """Refuse arguments that go by another name here, and say by which."""
        shown = cls.__init__.__signature__.parameters if options_of(cls.__init__) else None
        for name in named:
            if name in ADVICE and name not in inspect.signature(cls.__init__).parameters:
                raise TypeError(f"{cls.__name__} has no argument {name!r}: {ADVICE[name]}")
            # **options would take it, and the base class would refuse it in its own name
            if shown is not None and name not in shown:
                raise TypeError(f"{cls.__init__.__qualname__}() got an unexpected keyword argument {name!r}")
        return super().__new__(cls)

    def __init_subclass__(cls, **named: Any) -> None:
        """Let the signature and the docstring of a subclass show the options that it takes as ``**options``."""
        super().__init_subclass__(**named)
        expand(cls, LossLayer)

    def __init__(
        self,
        weight: Sequence[float] | np.ndarray | Tensor | None = None,
        ignore_index: int | None = -100,
        reduction: str = "mean",
        axis: int = 1,
        *,
        denominator: str = "weights",
        check_labels: bool = True,
        twice_differentiable: bool = False,
        as_dict: bool | str = False,
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
        self.check_labels = check_bool("check_labels", check_labels)
        self.twice_differentiable = check_bool("twice_differentiable", twice_differentiable)
        self.as_dict = as_dict
        self.key = _key_of(as_dict, type(self).__name__)
        self.classes, self._of_program = None, None
        self._set_weight(weight)

    def __call__(self, *given: Any, **named: Any) -> Any:
        """``forward``: the logits may come in a dict, and the loss goes in one where ``as_dict`` says so."""
        if given and isinstance(given[0], Mapping):
            given = (_logits_in(given[0]), *given[1:])
        elif isinstance(named.get(self.inputs[0]), Mapping):
            named = {**named, self.inputs[0]: _logits_in(named[self.inputs[0]])}
        loss = super().__call__(*given, **named)
        return loss if self.key is None else {self.key: loss}

    def extra_repr(self) -> str:
        """The arguments that would build this layer again: those by position, and of the others what is no default."""
        said = []
        for name, parameter in inspect.signature(type(self).__init__).parameters.items():
            attribute = self.stored_as.get(name, name)
            if name == "self" or not hasattr(self, attribute):
                continue
            value = getattr(self, attribute)
            if attribute == "weight" and self._of_program is not None:
                value = self._of_program
            value = _plain(value)
            if parameter.kind is not parameter.KEYWORD_ONLY or value != parameter.default:
                said.append(f"{name}={getattr(value, '__qualname__', repr(value))}")
        return ", ".join(said)

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
            return not_ignored(labels, ignored)
        low, high = label_range(labels)
        inside = low >= 0 and high < classes
        if inside and (ignored is None or not low <= ignored <= high):
            return None
        kept = not_ignored(labels, ignored)
        if not inside:
            for label in label_range(labels if kept is None else paddle.where(kept, labels, paddle.zeros_like(labels))):
                if not 0 <= label < classes:
                    raise ValueError(outside(label, f"[0, {classes})", ignored))
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
            array = as_numbers("weight", weight)
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


def layers_of(package: str, base: type[LossLayer] = LossLayer) -> list[type[LossLayer]]:
    """The subclasses of ``base`` in the modules of a package that have been imported."""
    found = [layer for child in base.__subclasses__() for layer in (child, *layers_of(package, child))]
    return [layer for layer in found if layer.__module__.startswith(f"{package}.")]


def not_ignored(labels: Tensor, ignored: int | None) -> Tensor | None:
    """Which integer labels are not ``ignored`` (None: all)."""
    # beside an int32 Paddle (3.3) wraps an int that needs more bits: 2^32 would be class 0
    if ignored is None or (labels.dtype == paddle.int32 and not -(2**31) <= ignored < 2**31):
        return None
    return labels != ignored


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


def _key_of(as_dict: Any, name: str) -> str | None:
    """The key of a dict of losses, None where none is asked for."""
    if isinstance(as_dict, str) and as_dict:
        return as_dict
    if isinstance(as_dict, bool):
        return name if as_dict else None
    raise TypeError(f"as_dict must be True, False or the key of the dict, got {shown(as_dict)}")


def _logits_in(outputs: Mapping[str, Any]) -> Any:
    if "logits" not in outputs:
        raise ValueError(f'logits in a dict must have the key "logits", got {sorted(map(str, outputs))}')
    return outputs["logits"]


def _plain(value: Any) -> Any:
    """An argument as Python's own numbers and lists, as far as it has values by now."""
    if isinstance(value, Tensor):
        return numbers(value).astype("float64").tolist()
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value
