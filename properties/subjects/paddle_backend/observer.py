"""Where the checker asks a Paddle layer: puts a Problem to it and says what came back."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import paddle

from properties.errors import MachineTrouble
from properties.judging.observation import LONGEST_NAME, Failure, Observation, is_layers, legible, message_of
from properties.problems.precision import Array
from properties.problems.problem import Problem
from properties.subjects.paddle_backend.call_style import keys_of
from properties.subjects.paddle_backend.modes import Modes
from properties.subjects.paddle_backend.own_parameters import OwnParameters
from properties.subjects.paddle_backend.py_layers import applications, second_backward_of_the_simplest
from properties.subjects.paddle_backend.saved_programs import Saved
from properties.subjects.paddle_backend.training import Steps
from properties.subjects.probing import ProbingObserver
from properties.subjects.raised import raised
from properties.subjects.random_state import PYTHON_GENERATORS, RandomGenerator
from properties.subjects.subject import Subject

GENERATORS = (
    *PYTHON_GENERATORS,
    RandomGenerator(
        "paddle",
        paddle.seed,
        paddle.get_rng_state,
        paddle.set_rng_state,
        lambda: paddle.rand([1], dtype="float64").item(),
    ),
)


class PaddleObserver(ProbingObserver):
    """Puts problems to a subject in this process; exceptions become failures, crashes and hangs do what they do."""

    generators = GENERATORS

    def __init__(self, subject: Subject) -> None:
        super().__init__(subject)
        self._probes |= {
            "grad-mode": self._grad_mode,
            "no-grad": self._no_grad,
            "py-layers": self._py_layers,
            "py-layer-twice": self._py_layer_twice,
            "parameters": OwnParameters(self._layer, self._call).observe,
            **Modes(self._layer, self._call, self._called).probes,
            **Saved(self._layer, self._call, _failed, plain=subject.style.plain).probes,
            **Steps(self._layer, self._call).probes,
        }

    def observe(self, problem: Problem, probe: str = "plain") -> Observation | Failure:
        """Ask the layer once (or as often as the probe needs)."""
        # outside of what a layer may raise: a probe that is not there is a mistake of ours
        asked = self._probes[probe]
        if not paddle.in_dynamic_mode():
            # a process forked by a thread starts without Paddle's dynamic mode
            paddle.disable_static()
        try:
            # noise of the layer's own is for one law to find; the others ask the same thing twice
            paddle.seed(problem.salt)
            return asked(problem)
        except MachineTrouble:
            raise
        except BaseException as error:
            if not is_layers(error):
                raise
            return _failed(error)
        finally:
            paddle.set_grad_enabled(True)

    def _returned(self, problem: Problem) -> Observation:
        """What comes back: the keys of the Tensors in it, None for a Tensor."""
        logits, labels = _logits(problem)[1], _labels(problem)
        result = self._subject.call(self._layer(problem), logits, labels, **_call_arguments(problem))
        return Observation(np.zeros(()), facts={"keys": keys_of(result)})

    def _mutation(self, problem: Problem) -> Observation:
        weight = self._weight(problem)
        call = self._call(self._layer(problem, weight), problem)
        observation = call.observation()
        changed = {
            "logits": not _same(call.logits, problem.logits),
            "labels": not _same(call.labels, problem.labels),
            "weight": weight is not None and not _same(weight, problem.weight),
        }
        return _with(observation, **changed)

    def _grad_mode(self, problem: Problem) -> Observation:
        found = {}
        for mode in (True, False):
            layer = self._layer(problem)
            paddle.set_grad_enabled(mode)
            observation = self._call(layer, problem).observation(backward=False)
            found["enabled" if mode else "disabled"] = paddle.is_grad_enabled()
        return _with(observation, **found)

    def _no_grad(self, problem: Problem) -> Observation:
        layer = self._layer(problem)
        with paddle.no_grad():
            return self._call(layer, problem).observation(backward=False)

    def _second_backward(self, problem: Problem) -> Observation:
        call = self._call(self._layer(problem), problem)
        observation = call.observation(retain_graph=True)
        if not observation.gradient_dtype:
            return replace(observation, facts={"second": observation.gradient})
        call.leaf.clear_grad()
        call.backward(retain_graph=False)
        return _with(observation, second=call.gradient())

    def _py_layers(self, problem: Problem) -> Observation:
        with applications() as applied:
            observation = self._value(problem)
        return _with(observation, applied=bool(applied))

    def _py_layer_twice(self, problem: Problem) -> Observation:
        second_backward_of_the_simplest()
        return self._value(problem)

    def _at_rest(self, layer: Any) -> None:
        if hasattr(layer, "eval"):
            layer.eval()

    def _call(self, layer: Any, problem: Problem) -> _Call:
        return _Call(layer, self._subject, problem)

    def _called(self, layer: Any, problem: Problem, logits: Any, labels: Any, **tensors: Any) -> Any:
        """The layer's result on tensors that are there already."""
        return self._subject.call(layer, logits, labels, **{**problem.call_arguments(), **tensors})

    def _weight(self, problem: Problem) -> Any:
        if problem.weight is None:
            return None
        return paddle.to_tensor(problem.weight, dtype="float64" if problem.dtype == "float64" else "float32")


class _Call:
    """One forward of a layer, with the leaf that its gradient will arrive at."""

    def __init__(self, layer: Any, subject: Subject, problem: Problem) -> None:
        self.problem = problem
        self.leaf, self.logits = _logits(problem)
        self.labels = _labels(problem)
        result = subject.call(layer, self.logits, self.labels, **_call_arguments(problem))
        if not isinstance(result, paddle.Tensor):
            raise TypeError(f"the layer must return a Tensor, got {type(result).__name__}")
        self.result = result

    def observation(self, backward: bool = True, retain_graph: bool = False) -> Observation:
        """Value, and gradient where one can be had."""
        value = _numpy(self.result)
        shape = value.shape
        # older losses give a reduced loss one axis of length 1: one law looks at that, the others at the number
        if self.problem.reduction != "none" and shape == (1,):
            value = value.reshape(())
        dtype = _name(self.result.dtype)
        if not backward:
            return Observation(value, None, shape, dtype)
        if not self.result.stop_gradient:
            self.backward(retain_graph)
        if self.leaf.grad is None:
            # no gradient is a gradient of 0, as an optimizer sees it; that it has no dtype tells the two apart
            return Observation(value, np.zeros(self.problem.logits.shape), shape, dtype)
        return Observation(value, self.gradient(), shape, dtype, _name(self.leaf.grad.dtype))

    def backward(self, retain_graph: bool) -> None:
        """Send the problem's cotangent (ones by default) back through the graph."""
        if self.problem.cotangent is None and not self.result.shape:
            self.result.backward(retain_graph=retain_graph)
            return
        self.result.backward(self.upstream(), retain_graph=retain_graph)

    def upstream(self) -> Any:
        """The cotangent as a tensor of the result's shape."""
        cotangent, shape = self.problem.cotangent, self.result.shape
        if cotangent is not None and cotangent.shape != tuple(shape):
            raise TypeError(f"the loss must have shape {list(cotangent.shape)}, got {list(shape)}")
        upstream = np.ones(shape) if cotangent is None else cotangent
        return paddle.to_tensor(np.array(upstream)).astype(self.result.dtype)

    def gradient(self) -> Array:
        """The gradient in the layout of the logits."""
        return self.unstrided(self.leaf.grad)

    def unstrided(self, gradient: Any) -> Array:
        """What has the layout of the leaf in that of the logits."""
        array = _numpy(gradient)
        return array if self.leaf is self.logits else np.ascontiguousarray(array.T)


def _logits(problem: Problem) -> tuple[Any, Any]:
    strided = problem.layout == "strided" and problem.logits.ndim > 1
    array = np.ascontiguousarray(problem.logits.T) if strided else problem.logits
    leaf = paddle.to_tensor(array, dtype="float64" if problem.dtype == "float64" else "float32")
    if problem.dtype in ("float16", "bfloat16"):
        leaf = leaf.astype(problem.dtype)
    leaf.stop_gradient = False
    return leaf, leaf.transpose(list(range(leaf.ndim))[::-1]) if strided else leaf


def _labels(problem: Problem) -> Any:
    strided = problem.layout == "strided"
    if problem.targets != "hard":
        numbers = _numbers(problem.labels.T if strided else problem.labels, problem.dtype)
        return numbers.transpose(list(range(numbers.ndim))[::-1]) if strided else numbers
    gaps = np.stack([problem.labels, np.zeros_like(problem.labels)], axis=-1)
    labels = paddle.to_tensor(gaps if strided else problem.labels, dtype=problem.label_dtype)
    if problem.layout == "label-axis":
        return labels.unsqueeze(problem.axis)
    return labels[..., 0] if strided else labels


def _numbers(array: Array, dtype: str) -> Any:
    tensor = paddle.to_tensor(np.ascontiguousarray(array), dtype="float64" if dtype == "float64" else "float32")
    return tensor.astype(dtype) if dtype in ("float16", "bfloat16") else tensor


def _call_arguments(problem: Problem) -> dict[str, Any]:
    """What goes with the call beside logits and labels."""
    given = problem.call_arguments()
    # arrays become Tensors, and numbers stay what they are
    arrays = {name: array for name, array in given.items() if isinstance(array, np.ndarray)}
    return {**given, **{name: _numbers(array, problem.dtype) for name, array in arrays.items()}}


def _numpy(tensor: Any) -> Array:
    tensor = tensor.detach()
    if tensor.dtype == paddle.bfloat16:
        tensor = tensor.astype("float32")
    return np.asarray(tensor.numpy(), dtype=np.float64)


def _same(tensor: Any, array: Any) -> bool:
    return np.array_equal(_numpy(tensor), np.asarray(array, dtype=np.float64), equal_nan=True)


def _name(dtype: Any) -> str:
    return str(dtype).rpartition(".")[2].lower()


def _with(observation: Observation, **facts: Any) -> Observation:
    return replace(observation, facts=facts)


def _failed(error: BaseException) -> Failure:
    return raised(error, _message(error))


def _message(error: BaseException) -> str:
    """The exception's words, without Paddle's C++ stack among them."""
    text = message_of(error)
    name = f"{legible(type(error).__name__, LONGEST_NAME)}: "
    if text.startswith("In transformed code:") and name in text:
        # above it stands the code that Paddle made of the layer's
        text = text.rpartition(name)[2]
    return _STACK.sub("", text).strip()


_STACK = re.compile(r"-{4,} ?C\+\+ Traceback.*?(?=-{4,} ?Error Message Summary:)|-{4,} ?Error Message Summary:[- ]*")
"""Paddle's C++ stack, and the title of what follows it; what a layer says before them is its own."""
