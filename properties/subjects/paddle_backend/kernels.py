"""The kernels of Paddle that loss layers stand on, each as the plainest loss of a contract that can be built on it.

Per-element losses come from a kernel, or, to hold the kernels against, from elementary operations; the contract's
formula over them is the same for all. A few kernels are whole losses, and are asked as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import paddle
import paddle.nn.functional as F

from properties.engine.attribution import Kernel, Standing
from properties.judging.contract import Contract
from properties.subjects.paddle_backend.exact_kernels import REPLACEABLE, Replaced, log_softmax
from properties.subjects.paddle_backend.formulas import (
    Arguments,
    CannotSayError,
    Formula,
    array_of,
    density,
    focal,
    harmonized,
    harmonized_below,
    largest,
    plain_losses,
    power_of,
    reduced,
)
from properties.subjects.paddle_backend.observer import PaddleObserver
from properties.subjects.subject import Subject
from reference.cost_sensitive import class_costs

Rows = Callable[..., Any]

PLAIN = {"weight": None, "ignore_index": None, "reduction": "mean", "axis": 1}
"""What a contract may lack."""


def kernels_of(subject: Subject, contract: Contract) -> Standing:
    """What the losses of a contract may stand on, and the layer on exact kernels."""
    return replace(
        formulas_of(contract) or Standing(_refusing(contract)),
        replaceable=REPLACEABLE,
        replaced=lambda kernels: Replaced(subject, kernels),
    )


def _refusing(contract: Contract) -> tuple[Kernel, ...]:
    """Kernels whose refusals a layer may pass on, whatever it makes of their numbers."""
    if contract.of_entries:
        return ()
    return tuple(
        Kernel(name, _observer(contract, partial(_of_classes, plain_losses, losses)), told=True, refuses=True)
        for name, losses in CLASS_KERNELS.items()
        if losses in WEIGHING
    )


def formulas_of(contract: Contract) -> Standing | None:
    """The contract's own formula over kernels; None where it is not known here."""
    overs: list[Callable[..., Any]]
    if contract.name in FORMULAS:
        overs, primitives, exact = [partial(_of_classes, f) for f in FORMULAS[contract.name]], CLASS_KERNELS, EXACT
    elif contract.name in ENTRY_FORMULAS:
        overs, primitives, exact = [partial(_of_entries, ENTRY_FORMULAS[contract.name])], ENTRY_KERNELS, _exact_entries
    else:
        return None
    whole = [Kernel(name, _observer(contract, loss), True) for name, loss in WHOLE.get(contract.name, {}).items()]
    built = [
        Kernel(name, _observer(contract, partial(over, losses)), losses in WEIGHING)
        for name, losses in primitives.items()
        for over in overs
    ]
    if contract.name in FORMULAS:
        built += [Kernel(CROSS_ENTROPY, _observer(contract, partial(over, _behind)), False) for over in overs]
    return Standing((*built, *whole), _observer(contract, partial(overs[0], exact)))


def _observer(contract: Contract, loss: Callable[..., Any]) -> PaddleObserver:
    """Asks a function of logits, labels and all arguments of the contract."""

    def call(layer: Any, logits: Any, labels: Any, **given: Any) -> Any:
        if "element_weight" in given:
            raise CannotSayError
        return loss(logits, labels, {**PLAIN, **layer, **given})

    named = (*contract.argument_names, *contract.call_arguments)
    return PaddleObserver(Subject(contract, dict, call, arguments=named))


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


def _of_classes(formula: Formula, losses: Rows, logits: Any, labels: Any, given: Arguments) -> Any:
    """A contract's loss over per-element cross entropies."""
    if given.get("individual", "cross_entropy") != "cross_entropy":
        raise CannotSayError
    soft = _is_soft(labels)
    if not soft and labels.ndim == logits.ndim:
        found = _of_classes(formula, losses, logits, labels.squeeze(given["axis"]), given)
        return found.unsqueeze(given["axis"]) if given["reduction"] == "none" else found
    if soft or given.get("label_smoothing"):
        return _of_soft_labels(formula, losses, logits, labels, given)
    ignore_index, axis = _ignored(given), given["axis"]
    plain = losses(logits, labels, ignore_index, axis)
    counted = labels != ignore_index
    valid = counted.astype(plain.dtype)
    costs = _class_weights(given, logits)
    weighted, weight = plain, valid
    if costs is not None:
        weighing = losses in WEIGHING
        weighted = losses(logits, labels, ignore_index, axis, costs) if weighing else plain
        index = paddle.where(counted, labels, paddle.zeros_like(labels)).astype("int64")
        weight = costs[index.flatten()].reshape(index.shape) * valid
        weighted = weighted if weighing else weighted * weight
    factor, portion = formula(plain, weighted, valid, given)
    return reduced(weighted * factor * valid, weight, valid, portion, given)


def _of_soft_labels(formula: Formula, losses: Rows, logits: Any, labels: Any, given: Arguments) -> Any:
    """The same over rows of probabilities, which smoothed classes are too."""
    axis = 0 if logits.ndim == 1 else given["axis"]
    costs = _class_weights(given, logits)
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
    smoothing = given.get("label_smoothing", 0.0)
    rows = (1.0 - smoothing) * rows + smoothing / logits.shape[axis]
    last = rows.moveaxis(axis, -1)
    if given.get("soft_weight", "paddle") == "torch":
        plain = losses(logits, (last * costs).moveaxis(-1, axis), -100, axis)
        weighted, weight = plain * valid, own * valid
    else:
        plain = losses(logits, rows, -100, axis)
        weight = (last * costs).sum(-1) * valid
        weighted = plain * weight
    factor, portion = formula(plain, weighted, valid, given)
    return reduced(weighted * factor, weight, valid, portion, given)


def _ignored(given: Arguments) -> int:
    return -100 if given["ignore_index"] is None else int(given["ignore_index"])


def _class_weights(given: Arguments, logits: Any) -> Any:
    weight = given["weight"]
    if "num_class_list" not in given:
        return weight
    costs = class_costs(given["num_class_list"], given["gamma"], given["empty_class_weight"])
    tensor = paddle.to_tensor(costs, dtype=logits.dtype)
    return tensor if weight is None else tensor * weight


def _is_soft(labels: Any) -> bool:
    return bool(paddle.is_floating_point(labels))


FORMULAS: Mapping[str, tuple[Formula, ...]] = {
    "cross_entropy": (plain_losses,),
    "free": (plain_losses,),
    "cost_sensitive": (plain_losses,),
    "focal": (focal,),
    "ghm": (harmonized, harmonized_below),
    "average_top_k": (largest,),
}


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


def _of_entries(formula: Callable[..., Any], losses: Rows, logits: Any, labels: Any, given: Arguments) -> Any:
    """A contract's loss over per-entry binary cross entropies."""
    if given["weight"] is not None or labels.shape != logits.shape or not _is_soft(labels):
        raise CannotSayError
    counted = paddle.ones_like(labels, dtype="bool")
    if given["ignore_index"] is not None:
        counted = counted & (labels != given["ignore_index"])
    if given.get("label_weight") is not None:
        counted = counted & (given["label_weight"] > 0)
    kept = paddle.where(counted, logits, paddle.zeros_like(logits))
    targets = paddle.where(counted, labels, paddle.zeros_like(labels))
    valid = counted.astype(logits.dtype)
    element = formula(losses(kept, targets), kept, targets, valid, given)
    return reduced(element * valid, valid, valid, 1.0, given)


def _entry_focal(losses: Any, logits: Any, targets: Any, valid: Any, given: Arguments) -> Any:
    p, rest = F.sigmoid(logits), F.sigmoid(-logits)
    modulated = power_of(p * (1.0 - targets) + rest * targets, float(given["gamma"])) * losses
    if given["alpha"] is None:
        return modulated
    return modulated * (given["alpha"] * targets + (1.0 - given["alpha"]) * (1.0 - targets))


def _entry_harmonized(losses: Any, logits: Any, targets: Any, valid: Any, given: Arguments) -> Any:
    norm = np.abs(array_of(F.sigmoid(logits)) - array_of(targets))
    return losses * density(norm, valid, given)


ENTRY_FORMULAS: Mapping[str, Callable[..., Any]] = {
    "sigmoid_focal": _entry_focal,
    "sigmoid_ghm": _entry_harmonized,
}


# Kernels that are whole losses.


def _whole_cross_entropy(logits: Any, labels: Any, given: Arguments) -> Any:
    unsaid = given.get("denominator", "weights") != "weights" or given.get("normalizer") is not None
    if unsaid or given.get("soft_weight", "paddle") != "paddle":
        raise CannotSayError
    return F.cross_entropy(
        logits,
        labels,
        weight=given["weight"],
        ignore_index=_ignored(given),
        reduction=given["reduction"],
        axis=given["axis"],
        soft_label=_is_soft(labels),
        label_smoothing=given.get("label_smoothing", 0.0),
    )


def _whole_sigmoid_focal(logits: Any, labels: Any, given: Arguments) -> Any:
    masked = given.get("label_weight") is not None or given["weight"] is not None
    if masked or given["alpha"] is None or given.get("denominator") == "count":
        raise CannotSayError
    return F.sigmoid_focal_loss(
        logits,
        labels,
        normalizer=given.get("normalizer"),
        alpha=given["alpha"],
        gamma=given["gamma"],
        reduction=given["reduction"],
    )


WHOLE: Mapping[str, Mapping[str, Callable[..., Any]]] = {
    "cross_entropy": {"paddle.nn.functional.cross_entropy": _whole_cross_entropy},
    "free": {"paddle.nn.functional.cross_entropy": _whole_cross_entropy},
    "sigmoid_focal": {"paddle.nn.functional.sigmoid_focal_loss": _whole_sigmoid_focal},
}
