"""Kernel formula: how a loss is computed from a kernel's loss of each element, in terms that any backend can evaluate.

The checker puts a contradiction to the kernels as well, each in the layer's place: the contract's formula over what the
kernel gives. Where that shows the same, the kernel is to blame, and not the layer. Without a formula there is one other
way to find that out: to replace the kernel under the layer by an exact one, which only some kernels have.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from properties.problems.precision import Array

Arguments = Mapping[str, Any]
"""The arguments of the contract by name: ``reduction``, ``ignore_index``, its own, and those that go with the call."""


class Operations(Protocol):
    """What a formula may do with the backend's tensors beside arithmetic, so that gradients go through."""

    def expm1(self, x: Any) -> Any:
        """exp(x) - 1, exact for small x."""
        ...

    def sigmoid(self, x: Any) -> Any:
        """1 / (1 + exp(-x))."""
        ...

    def power(self, base: Any, exponent: float) -> Any:
        """base^exponent for a base of at least 0, without the infinite slope at 0, where a loss of 0 is multiplied."""
        ...

    def numbers(self, x: Any) -> Array:
        """The numbers alone, in double precision: no gradient goes through."""
        ...

    def constant(self, numbers: Array, like: Any) -> Any:
        """A tensor of numbers, of the dtype of another one."""
        ...


@dataclass(frozen=True)
class KernelLosses:
    """What a formula computes from.

    Args:
        losses: the kernel's loss of each element: cross entropy of classes, binary cross entropy of single entries.
        weighted: the same times ``weight``, as the kernel has it where it is told of class weights.
        weight: the weight of each element: that of its class, or 1; 0 where it is ignored.
        valid: 1 for each element that counts, 0 where it is ignored.
        arguments: values by name.
        operations: on tensors such as these.
        logits: those of single entries; None under a contract of classes.
        targets: those of single entries; None under a contract of classes.
    """

    losses: Any
    weighted: Any
    weight: Any
    valid: Any
    arguments: Arguments
    operations: Operations
    logits: Any = None
    targets: Any = None

    @property
    def divisor(self) -> float:
        """What a mean usually divides by: the sum of the weights, or the number of what counts."""
        divides = self.valid if self.arguments.get("denominator") == "count" else self.weight
        return float(self.operations.numbers(divides).sum())


def _weighted(of: KernelLosses) -> Any:
    return of.weighted


def _divisor(of: KernelLosses) -> float:
    return of.divisor


ArgumentsOfKernel = Callable[[Arguments, bool], Mapping[str, Any] | None]
"""For the arguments of a contract, and whether labels are soft: what a kernel is given by keyword beside logits and
labels; None where it cannot be told of them."""


@dataclass(frozen=True)
class KernelFormula:
    """How a loss is computed from a kernel's loss of each element; without arguments it is that loss itself.

    Args:
        element: ``element(of)`` returns the weighted loss of each element, in the shape of ``of.losses``, computed from
            the :class:`KernelLosses` that it is told.
        also: further such functions, whose result is as right where rounding decides which of them a layer agrees with;
            empty: there is one formula.
        divisor: ``divisor(of)``, what a mean divides by; by default the sum of the weights, or the number of elements
            that count where an argument ``denominator`` is ``count``.
        applies: ``applies(arguments)``, whether the loss is computed in this way at all; None: it always is.
        class_weights: ``class_weights(arguments)`` returns the weights [C] that the arguments make for the classes,
            which multiply those that the layer is given; None: arguments make no weights.
        smoothing: the name of the argument by which labels are smoothed; empty: they are not.
        by_class: ``by_class(arguments)``, whether a class weight multiplies its class's part of an element's loss in
            place of the whole; None: it never does.
        whole: the kernels that compute the whole loss, by their public names (``paddle.nn.functional.cross_entropy``).
            For each, ``arguments(given, soft)`` returns what it is given by keyword beside logits and labels, for the
            arguments of the contract and for labels that are ``soft`` or not; None where it cannot be told of them.
            Empty: no kernel does.
    """

    element: Callable[[KernelLosses], Any] = _weighted
    also: tuple[Callable[[KernelLosses], Any], ...] = ()
    divisor: Callable[[KernelLosses], float] = _divisor
    applies: Callable[[Arguments], bool] | None = None
    class_weights: Callable[[Arguments], Array] | None = None
    smoothing: str = ""
    by_class: Callable[[Arguments], bool] | None = None
    whole: Mapping[str, ArgumentsOfKernel] = field(default_factory=dict)
