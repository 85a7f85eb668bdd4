"""The layer itself, with kernels of Paddle replaced by exact ones while it runs: what vanishes then was the kernel's.

Whatever a layer builds on a kernel, and whatever contract it is held to, stays in place: only the kernel's own numbers
change. So a fault of the layer's own shows all the same, and no formula of the contract has to be known.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import paddle

from properties.judging.observation import PROGRAM_PROBES, Failure, Observation
from properties.judging.tolerance import compare
from properties.problems.problem import Problem
from properties.subjects.paddle_backend.observer import PaddleObserver
from properties.subjects.subject import Subject

MOST_CALLS = 32
"""Calls of kernels that are remembered, to be looked at by themselves."""


class UnsureError(Exception):
    """What the kernel is asked has no exact counterpart here: it is left in place."""


# Exact operations: double precision inside, elementary operations alone, NaN and inf as the formulas have them.


def _double_log_softmax(x: Any, axis: int) -> Any:
    """z - max - log(sum of exponentials), in double precision whatever x is."""
    logits = x.astype("float64")
    place = logits.detach().argmax(axis=axis, keepdim=True)
    # no gradient goes through the shift: it would arrive as a difference of large sums
    shifted = logits - paddle.take_along_axis(logits, place, axis).detach()
    mask = np.zeros(logits.shape, dtype=bool)
    np.put_along_axis(mask, place.numpy(), True, axis)
    powers = shifted.exp()
    rest = paddle.where(paddle.to_tensor(mask), paddle.zeros_like(powers), powers).sum(axis, keepdim=True)
    logarithm = powers.sum(axis, keepdim=True).log()
    # with the largest term, which is 1, kept apart small losses keep their digits
    return shifted - (logarithm + (paddle.log1p(rest) - logarithm).detach())


def log_softmax(x: Any, axis: int = -1) -> Any:
    """The logarithm of a softmax, as exact as the dtype holds it."""
    _only(x.ndim > 0 and x.shape[axis] > 0)
    return _double_log_softmax(x, axis).astype(x.dtype)


def _softmax(x: Any, axis: int = -1, *, out: Any = None) -> Any:
    _only(out is None and x.ndim > 0 and x.shape[axis] > 0)
    return _double_log_softmax(x, axis).exp().astype(x.dtype)


def _cross_entropy(
    logits: Any, label: Any, soft_label: bool, use_softmax: bool, stable: bool, ignore_index: int, axis: int
) -> tuple[Any, Any]:
    _only(use_softmax and logits.ndim > 0 and logits.size > 0 and label.ndim == logits.ndim)
    softmax = _double_log_softmax(logits, axis).exp().astype(logits.dtype)
    if soft_label:
        rows, targets = _double_log_softmax(logits, axis), label.astype("float64")
        losses = -paddle.where(targets != 0, targets * rows, paddle.zeros_like(rows)).sum(axis, keepdim=True)
        return softmax, losses.astype(logits.dtype)
    _only(label.shape[axis] == 1 and not paddle.is_floating_point(label))
    counted = label != ignore_index
    chosen = paddle.where(counted, label, paddle.zeros_like(label)).astype("int64")
    _only(int(chosen.min()) >= 0 and int(chosen.max()) < logits.shape[axis])
    # what stands in a row that does not count is kept out of the gradient too
    rows = _double_log_softmax(paddle.where(counted, logits, paddle.zeros_like(logits)), axis)
    losses = -paddle.take_along_axis(rows, chosen, axis)
    return softmax, paddle.where(counted, losses, paddle.zeros_like(losses)).astype(logits.dtype)


def _mean_cross_entropy(
    input: Any,
    label: Any,
    weight: Any = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    soft_label: bool = False,
    axis: int = -1,
    use_softmax: bool = True,
    label_smoothing: float = 0.0,
    name: str | None = None,
) -> Any:
    """The mean over the elements that count, which Paddle's is not where ``ignore_index`` is negative."""
    _only(reduction == "mean" and weight is None and ignore_index < 0)
    _only(not soft_label and label_smoothing == 0.0 and not paddle.is_floating_point(label))
    losses = WHOLE(input, label, None, ignore_index, "none", False, axis, use_softmax)
    count = (label != ignore_index).astype(losses.dtype).sum()
    return losses.sum() / paddle.where(count > 0, count, paddle.ones_like(count))


WHOLE = paddle.nn.functional.cross_entropy


def _logistic(
    logits: Any, label: Any, pos_weight: Any = None, normalize: bool = False, ignore_index: int = -100
) -> Any:
    _only(not normalize and label.shape == logits.shape)
    x, t = logits.astype("float64"), label.astype("float64")
    zero, one = paddle.zeros_like(x), paddle.ones_like(x)
    factor = one if pos_weight is None else pos_weight.astype("float64")
    right, left = paddle.where(x >= 0, x, zero), paddle.where(x >= 0, zero, x)
    # softplus(-x), whose branch that is not taken has a slope as well, and no NaN in it
    plus = paddle.where(x >= 0, paddle.log1p(paddle.exp(-right)), paddle.log1p(paddle.exp(left)) - x)
    losses = (one - t) * x + factor * plus
    return paddle.where(t == ignore_index, zero, losses).astype(logits.dtype)


def _only(supported: bool) -> None:
    if not supported:
        raise UnsureError


@dataclass(frozen=True)
class Operation:
    """An operation of Paddle: the public name of its kernel, where it is looked up, and its exact counterpart.

    ``result`` says which of its results is the loss; the errors of one that is ``relative`` are in its own size.
    """

    kernel: str
    places: tuple[Any, ...]
    name: str
    exact: Callable[..., Any]
    result: int | None = None
    relative: bool = False


_OPS, _F = (paddle._C_ops,), (paddle.nn.functional, paddle.nn.functional.loss)

OPERATIONS = (
    Operation("paddle.nn.functional.cross_entropy", _OPS, "cross_entropy_with_softmax", _cross_entropy, 1),
    Operation("paddle.nn.functional.cross_entropy", _F, "cross_entropy", _mean_cross_entropy),
    Operation("paddle.nn.functional.log_softmax", _OPS, "log_softmax", log_softmax),
    Operation("paddle.nn.functional.softmax", _OPS, "softmax", _softmax, relative=True),
    Operation(
        "paddle.nn.functional.binary_cross_entropy_with_logits", _OPS, "sigmoid_cross_entropy_with_logits", _logistic
    ),
)
"""What of Paddle was seen to be wrong, and can be replaced while a layer runs."""

REPLACEABLE = tuple(dict.fromkeys(operation.kernel for operation in OPERATIONS))


@dataclass(frozen=True)
class _Called:
    """A call of an operation: what it was given, detached."""

    raw: Callable[..., Any]
    operation: Operation
    given: tuple[Any, ...]
    named: Mapping[str, Any]


class Replaced:
    """An observer that asks the layer while some kernels are exact, and remembers what those were given."""

    def __init__(self, subject: Subject, kernels: tuple[str, ...]) -> None:
        self._observer, self._kernels = PaddleObserver(subject), kernels
        self._calls: list[_Called] = []

    def observe(self, problem: Problem, probe: str = "plain") -> Observation | Failure:
        """Ask the layer; a program of it cannot be asked here."""
        if probe in PROGRAM_PROBES:
            return Failure("absent", "", "a program's kernels are not replaced")
        with self._replaced():
            return self._observer.observe(problem, probe)

    def faulty(self, second: bool = False) -> tuple[str, ...]:
        """The kernels that are wrong beyond rounding on what the layer gave them.

        By itself, a kernel's value and gradient are looked at; or, where it is a ``second`` backward that went wrong,
        whether the kernel bears one.
        """
        wrong = {call.operation.kernel for call in self._calls if _is_wrong(call, second)}
        return tuple(kernel for kernel in self._kernels if kernel in wrong)

    @contextlib.contextmanager
    def _replaced(self) -> Iterator[None]:
        found = [(one, place) for one in OPERATIONS if one.kernel in self._kernels for place in one.places]
        raw = [getattr(place, one.name) for one, place in found]
        try:
            for (one, place), function in zip(found, raw, strict=True):
                setattr(place, one.name, self._watched(function, one))
            yield
        finally:
            for (one, place), function in zip(found, raw, strict=True):
                setattr(place, one.name, function)

    def _watched(self, raw: Callable[..., Any], operation: Operation) -> Callable[..., Any]:
        signature = inspect.signature(operation.exact)

        def asked(*given: Any, **named: Any) -> Any:
            if not paddle.in_dynamic_mode():
                return raw(*given, **named)
            try:
                bound = signature.bind(*given, **named)
                exact = operation.exact(*bound.args, **bound.kwargs)
            except Exception:
                # what it cannot do, and what the kernel may refuse in its own words
                return raw(*given, **named)
            if len(self._calls) < MOST_CALLS:
                kept = {name: _detached(value) for name, value in bound.kwargs.items()}
                self._calls.append(_Called(raw, operation, tuple(map(_detached, bound.args)), kept))
            return exact

        return asked


def _detached(value: Any) -> Any:
    return value.detach().clone() if isinstance(value, paddle.Tensor) else value


def _is_wrong(call: _Called, second: bool) -> bool:
    """Whether a kernel alone, on what it was given, differs from the exact operation by more than rounding."""
    if second:
        return any(_second_differs(call, behind) for behind in (False, True))
    try:
        got = _numbers(call, call.raw)
    except Exception:
        # it has no number where there is one
        return True
    exact = _numbers(call, call.operation.exact)
    dtype = "float64" if call.given[0].dtype == paddle.float64 else "float32"
    scales = [np.abs(exact[0]) * _spread(call) if call.operation.relative else np.abs(exact[0]) + _spread(call)]
    scales.append(np.full(exact[1].shape, _spread(call)))
    return not all(compare(g, e, s, dtype).holds for g, e, s in zip(got, exact, scales, strict=True))


def _spread(call: _Called) -> float:
    """What a sound kernel's error is at most, in roundings, beside the size of its value."""
    logits = call.given[0].numpy().astype(np.float64)
    size = float(np.ptp(logits[np.isfinite(logits)])) if np.isfinite(logits).any() and call.operation.relative else 0.0
    return 2.0 + float(np.log(max(logits.size, 1))) + size


def _numbers(call: _Called, function: Callable[..., Any]) -> tuple[np.ndarray, np.ndarray]:
    """Value and gradient of an operation, in double precision."""
    leaf, value = _forward(call, function, behind=False)
    value.backward(_upstream(value))
    return _array(value), _array(leaf.grad)


def _second_differs(call: _Called, behind: bool) -> bool:
    """Whether a second backward of the kernel through a retained graph gives another gradient."""
    leaf, value = _forward(call, call.raw, behind)
    value.backward(_upstream(value), retain_graph=True)
    first = _array(leaf.grad).copy()
    leaf.clear_grad()
    value.backward(_upstream(value))
    return not np.allclose(
        _array(leaf.grad), first, rtol=1e-3, atol=1e-6 * np.abs(first).max(initial=0.0), equal_nan=True
    )


def _forward(call: _Called, function: Callable[..., Any], behind: bool) -> tuple[Any, Any]:
    leaf = call.given[0].detach().clone()
    leaf.stop_gradient = False
    # what another operation made is not cleared with the leaf
    logits = leaf * paddle.ones_like(leaf) if behind else leaf
    result = function(logits, *call.given[1:], **call.named)
    return leaf, result if call.operation.result is None else result[call.operation.result]


def _upstream(value: Any) -> Any:
    """An upstream gradient that no row's sum takes away."""
    weights = 1.0 + np.arange(int(value.size)) % 3 / 2.0
    return paddle.to_tensor(weights.reshape(value.shape), dtype=value.dtype)


def _array(tensor: Any) -> np.ndarray:
    return np.asarray(tensor.detach().numpy(), dtype=np.float64)
