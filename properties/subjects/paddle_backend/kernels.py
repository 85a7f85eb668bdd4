"""Paddle's kernels, each wrapped as the simplest implementation of a contract that stands on it.

Per-element losses come from a kernel or, for comparison, from elementary operations in double precision; the contract's
``kernel_formula`` makes its loss of them. Kernels that compute the whole loss are called as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial, reduce
from typing import Any

import paddle
import paddle.nn.functional as F

from properties.drawing.decoding import simplest_problem
from properties.errors import words_of
from properties.judging.authored import author_mistake
from properties.judging.contract import Contract
from properties.judging.kernel_formula import Arguments, ArgumentsOfKernel, KernelFormula, KernelLosses
from properties.judging.observation import Failure, Observation
from properties.problems.problem import Problem
from properties.subjects.kernels import Kernel, KernelSet
from properties.subjects.paddle_backend.exact_kernels import REPLACEABLE, Replaced, log_softmax
from properties.subjects.paddle_backend.formulas import OPERATIONS, CannotSayError, reduced
from properties.subjects.paddle_backend.kernel_calls import StandsOn
from properties.subjects.paddle_backend.observer import PaddleObserver
from properties.subjects.subject import Subject

Rows = Callable[..., Any]

PLAIN = {"weight": None, "ignore_index": None, "reduction": "mean", "axis": 1}
"""What a contract may lack."""


def kernels_of(subject: Subject, contract: Contract) -> KernelSet:
    """Return the kernels that losses of a contract may stand on, and the layer itself on exact ones."""
    known = formulas_of(contract) or KernelSet(_refusing(contract))
    return replace(
        known,
        stands_on=StandsOn(subject, tuple(dict.fromkeys(kernel.name for kernel in known.kernels))),
        replaceable=REPLACEABLE,
        replaced=lambda kernels: Replaced(subject, kernels),
    )


def _refusing(contract: Contract) -> tuple[Kernel, ...]:
    """Return the kernels whose refusals a layer may pass on; none for losses of single entries."""
    if contract.of_entries:
        return ()
    return tuple(
        Kernel(name, _OnKernel(contract, partial(_of_classes, KernelFormula(), losses)), told=True, refuses=True)
        for name, losses in CLASS_KERNELS.items()
        if losses in WEIGHING
    )


def formulas_of(contract: Contract) -> KernelSet | None:
    """Return the contract's formula over each kernel, and over exact losses; None for a contract without a formula.

    ContractError where the formula cannot be computed.
    """
    formula = contract.kernel_formula
    if formula is None:
        return None
    ways = [replace(formula, element=element) for element in (formula.element, *formula.also)]
    over, primitives, exact = _of_classes, CLASS_KERNELS, EXACT
    if contract.of_entries:
        over, primitives, exact = _of_entries, ENTRY_KERNELS, _exact_entries
    whole = [
        Kernel(name, _OnKernel(contract, partial(_whole, name, told)), True) for name, told in formula.whole.items()
    ]
    built = [
        Kernel(name, _OnKernel(contract, partial(over, way, losses)), losses in WEIGHING)
        for name, losses in primitives.items()
        for way in ways
    ]
    if not contract.of_entries:
        built += [Kernel(CROSS_ENTROPY, _OnKernel(contract, partial(over, way, _behind)), False) for way in ways]
    on_exact = _OnKernel(contract, partial(over, formula, exact))
    on_exact.try_formula(simplest_problem(contract.domain))
    return KernelSet((*built, *whole), on_exact)


class _OnKernel:
    """An observer that asks a function of logits, labels and all arguments of the contract."""

    def __init__(self, contract: Contract, loss: Callable[..., Any]) -> None:
        self._contract, self._loss = contract, loss
        named = (*contract.argument_names, *contract.call_arguments)
        self._observer = PaddleObserver(Subject(contract, dict, self._call, arguments=named))
        self._mistake = ""

    def observe(self, problem: Problem, probe: str = "plain") -> Observation | Failure:
        """Ask the kernel; where a formula has no answer, as for labels of another kind, that is a failure."""
        return self._observer.observe(problem, probe)

    def try_formula(self, problem: Problem) -> None:
        """ContractError for a formula that cannot be computed of a plain problem: its author is to know."""
        self.observe(problem)
        if self._mistake:
            expected = "a tensor with the weighted loss of each element"
            raise author_mistake(self._contract.name, "kernel_formula", self._mistake, expected, problem)

    def _call(self, layer: Any, logits: Any, labels: Any, **given: Any) -> Any:
        if "element_weight" in given:
            raise CannotSayError
        try:
            return self._loss(logits, labels, {**PLAIN, **layer, **given})
        except _FormulaError as error:
            self._mistake = str(error)
            raise


class _FormulaError(Exception):
    """What a contract's formula did in place of giving losses, in words."""


def _by_author(function: Callable[..., Any], *given: Any) -> Any:
    """What a function of a formula returns."""
    try:
        return function(*given)
    except Exception as error:
        raise _FormulaError(f"raised {words_of(error)}") from error


def _by_formula(formula: KernelFormula, of: KernelLosses) -> Any:
    """The weighted losses that a formula gives."""
    element = _by_author(formula.element, of)
    if not isinstance(element, paddle.Tensor) or element.shape != of.losses.shape:
        shape = f" of shape {list(element.shape)}" if isinstance(element, paddle.Tensor) else ""
        raise _FormulaError(f"returned a {type(element).__name__}{shape}")
    return element


# Losses of classes: from logits and labels to one number for each element.


def _cross_entropy(logits: Any, labels: Any, ignore_index: int, axis: int, weight: Any = None) -> Any:
    if _is_soft(labels):
        return F.cross_entropy(logits, labels, soft_label=True, reduction="none", axis=axis).squeeze(axis)
    losses = F.cross_entropy(
        logits, labels, weight=weight, ignore_index=ignore_index, reduction="none", axis=axis, soft_label=False
    )
    return losses.reshape(labels.shape)


def _behind(logits: Any, labels: Any, ignore_index: int, axis: int) -> Any:
    """Cross entropy of logits that another operation made: what its second backward reads is then not cleared."""
    return _cross_entropy(logits * paddle.ones_like(logits), labels, ignore_index, axis)


def _over_log_p(log_p: Callable[[Any, int], Any], logits: Any, labels: Any, ignore_index: int, axis: int) -> Any:
    """Minus the label's logarithm, of rows that count; what stands in others is kept out."""
    axis = 0 if logits.ndim == 1 else axis
    if _is_soft(labels):
        rows = log_p(logits, axis)
        return -paddle.where(labels > 0, labels * rows, paddle.zeros_like(rows)).sum(axis)
    kept = (labels != ignore_index).unsqueeze(axis)
    rows = log_p(paddle.where(kept, logits, paddle.zeros_like(logits)), axis)
    chosen = paddle.where(kept, labels.unsqueeze(axis), paddle.zeros_like(labels.unsqueeze(axis)))
    return -paddle.take_along_axis(rows, chosen.astype("int64"), axis).squeeze(axis)


def _nll(logits: Any, labels: Any, ignore_index: int, axis: int, weight: Any = None) -> Any:
    if _is_soft(labels) or logits.ndim < 2:
        raise CannotSayError
    rows = F.log_softmax(logits, axis=axis).moveaxis(axis, 1)
    losses = F.nll_loss(rows, labels, weight=weight, ignore_index=ignore_index, reduction="none")
    return losses.reshape(labels.shape)


EXACT: Rows = partial(_over_log_p, log_softmax)

CROSS_ENTROPY = "paddle.nn.functional.cross_entropy"

CLASS_KERNELS: Mapping[str, Rows] = {
    CROSS_ENTROPY: _cross_entropy,
    "paddle.nn.functional.log_softmax": partial(_over_log_p, lambda z, axis: F.log_softmax(z, axis=axis)),
    "paddle.nn.functional.nll_loss": _nll,
    "paddle.nn.functional.softmax": partial(_over_log_p, lambda z, axis: F.softmax(z, axis=axis).log()),
}

WEIGHING = (_cross_entropy, _nll)
"""Kernels that are told labels and class weights, and might refuse them."""


def _of_classes(formula: KernelFormula, losses: Rows, logits: Any, labels: Any, given: Arguments) -> Any:
    """A contract's loss over per-element cross entropies."""
    if formula.applies is not None and not _by_author(formula.applies, given):
        raise CannotSayError
    soft = _is_soft(labels)
    if not soft and labels.ndim == logits.ndim:
        found = _of_classes(formula, losses, logits, labels.squeeze(given["axis"]), given)
        return found.unsqueeze(given["axis"]) if given["reduction"] == "none" else found
    if soft or given.get(formula.smoothing):
        return _of_soft_labels(formula, losses, logits, labels, given)
    ignore_index, axis = _ignored(given), given["axis"]
    plain = losses(logits, labels, ignore_index, axis)
    counted = labels != ignore_index
    valid = counted.astype(plain.dtype)
    costs = _class_weights(formula, given, logits)
    weighted, weight = plain, valid
    if costs is not None:
        weighing = losses in WEIGHING
        weighted = losses(logits, labels, ignore_index, axis, costs) if weighing else plain
        index = paddle.where(counted, labels, paddle.zeros_like(labels)).astype("int64")
        weight = costs[index.flatten()].reshape(index.shape) * valid
        weighted = weighted if weighing else weighted * weight
    of = KernelLosses(plain, weighted, weight, valid, given, OPERATIONS)
    return reduced(_by_formula(formula, of) * valid, of, partial(_by_author, formula.divisor, of))


def _of_soft_labels(formula: KernelFormula, losses: Rows, logits: Any, labels: Any, given: Arguments) -> Any:
    """The same over rows of probabilities, which smoothed classes are too."""
    axis = 0 if logits.ndim == 1 else given["axis"]
    costs = _class_weights(formula, given, logits)
    costs = paddle.ones([logits.shape[axis]], dtype=logits.dtype) if costs is None else costs
    rows = labels
    if _is_soft(labels):
        own = valid = paddle.ones_like(labels.sum(axis))
    else:
        counted = labels != _ignored(given)
        valid = counted.astype(logits.dtype)
        index = paddle.where(counted, labels, paddle.zeros_like(labels)).astype("int64")
        rows = F.one_hot(index, logits.shape[axis]).astype(logits.dtype).moveaxis(-1, axis)
        own = costs[index.flatten()].reshape(index.shape)
    smoothing = given.get(formula.smoothing, 0.0)
    rows = (1.0 - smoothing) * rows + smoothing / logits.shape[axis]
    last = rows.moveaxis(axis, -1)
    if formula.by_class is not None and _by_author(formula.by_class, given):
        plain = losses(logits, (last * costs).moveaxis(-1, axis), -100, axis)
        weighted, weight = plain * valid, own * valid
    else:
        plain = losses(logits, rows, -100, axis)
        weight = (last * costs).sum(-1) * valid
        weighted = plain * weight
    of = KernelLosses(plain, weighted, weight, valid, given, OPERATIONS)
    return reduced(_by_formula(formula, of), of, partial(_by_author, formula.divisor, of))


def _ignored(given: Arguments) -> int:
    return -100 if given["ignore_index"] is None else int(given["ignore_index"])


def _class_weights(formula: KernelFormula, given: Arguments, logits: Any) -> Any:
    weight = given["weight"]
    if formula.class_weights is None:
        return weight
    tensor = paddle.to_tensor(_by_author(formula.class_weights, given), dtype=logits.dtype)
    return tensor if weight is None else tensor * weight


def _is_soft(labels: Any) -> bool:
    return bool(paddle.is_floating_point(labels))


# Losses of single entries, from logits and targets of one shape.


def _exact_entries(logits: Any, targets: Any) -> Any:
    zero = paddle.zeros_like(logits)
    right, left = paddle.where(logits >= 0, logits, zero), paddle.where(logits >= 0, zero, logits)
    # the branch that is not taken must have a slope as well, and no NaN in it
    above = logits * (1.0 - targets) + paddle.log1p(paddle.exp(-right))
    below = -logits * targets + paddle.log1p(paddle.exp(left))
    return paddle.where(logits >= 0, above, below)


ENTRY_KERNELS: Mapping[str, Rows] = {
    "paddle.nn.functional.binary_cross_entropy_with_logits": lambda x, t: F.binary_cross_entropy_with_logits(
        x, t, reduction="none"
    ),
    "paddle.nn.functional.binary_cross_entropy": lambda x, t: F.binary_cross_entropy(F.sigmoid(x), t, reduction="none"),
}


def _of_entries(formula: KernelFormula, losses: Rows, logits: Any, labels: Any, given: Arguments) -> Any:
    """A contract's loss over per-entry binary cross entropies."""
    if given["weight"] is not None or labels.shape != logits.shape or not _is_soft(labels):
        raise CannotSayError
    if formula.applies is not None and not _by_author(formula.applies, given):
        raise CannotSayError
    counted = paddle.ones_like(labels, dtype="bool")
    if given["ignore_index"] is not None:
        counted = counted & (labels != given["ignore_index"])
    if given.get("label_weight") is not None:
        counted = counted & (given["label_weight"] > 0)
    kept = paddle.where(counted, logits, paddle.zeros_like(logits))
    targets = paddle.where(counted, labels, paddle.zeros_like(labels))
    valid = counted.astype(logits.dtype)
    plain = losses(kept, targets)
    of = KernelLosses(plain, plain, valid, valid, given, OPERATIONS, kept, targets)
    return reduced(_by_formula(formula, of) * valid, of, partial(_by_author, formula.divisor, of))


def _whole(name: str, told: ArgumentsOfKernel, logits: Any, labels: Any, given: Arguments) -> Any:
    """A kernel that is a whole loss, as it is."""
    named = _by_author(told, {**given, "ignore_index": _ignored(given)}, _is_soft(labels))
    if named is None:
        raise CannotSayError
    _, *path = name.split(".")
    return reduce(getattr, path, paddle)(logits, labels, **named)
