"""Copies and modes of a Paddle layer: what it answers when copied, saved, translated, cast, or derived twice."""

from __future__ import annotations

import contextlib
import copy
import pickle
import sys
import types
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Protocol

import numpy as np
import paddle
from numpy.typing import NDArray

from properties.judging.observation import Observation
from properties.problems.precision import Array
from properties.problems.problem import Problem
from properties.subjects.paddle_backend.training import saved

WEIGHT_FORMS = ("data", "tensor", "list")
"""What class weights may be in a static program, the most demanding first: fed to it, constants of it, or numbers."""

LACKS = "lacks"
"""The fact that says in words what a layer does not have."""


class Asked(Protocol):
    """One forward of a layer: the result, the leaf that its gradient arrives at, and both as numbers."""

    result: Any
    leaf: Any

    def observation(self, backward: bool = True, retain_graph: bool = False) -> Observation: ...

    def upstream(self) -> Any: ...

    def unstrided(self, gradient: Any) -> Array: ...


class Modes:
    """Probes of copies and modes.

    ``build(problem, **fixed)`` makes a layer, ``ask(layer, problem)`` calls it in dynamic mode, and
    ``call(layer, problem, logits, labels)`` with tensors that are there already.
    """

    def __init__(
        self,
        build: Callable[..., Any],
        ask: Callable[[Any, Problem], Asked],
        call: Callable[[Any, Problem, Any, Any], Any],
    ) -> None:
        self._build, self._ask, self._call = build, ask, call

    @property
    def probes(self) -> Mapping[str, Callable[[Problem], Observation]]:
        """Everything that can be asked here, by name."""
        return {
            "deepcopy": self._deepcopy,
            "pickle": self._pickle,
            "state-dict": self._state_dict,
            "eval-state": self._eval_state,
            "program": self._any_program,
            "to-static": partial(self._translated, full_graph=False),
            "full-graph": partial(self._translated, full_graph=True),
            "static-program": self._static_program,
            "amp-float16": partial(self._amp, dtype="float16"),
            "amp-bfloat16": partial(self._amp, dtype="bfloat16"),
            "second-derivative": partial(self._second_derivative, asked_for=False),
            "twice-differentiable": partial(self._second_derivative, asked_for=True),
        }

    def _deepcopy(self, problem: Problem) -> Observation:
        layer = self._build(problem)
        if _is_function(layer):
            return _lacking("a function holds nothing to copy")
        return self._both(layer, copy.deepcopy(layer), problem)

    def _pickle(self, problem: Problem) -> Observation:
        layer = self._build(problem)
        if _is_function(layer):
            return _lacking("a function holds nothing to save")
        kind = type(layer)
        if not _found_by_name(kind):
            return _lacking(f"its class {kind.__qualname__} is local, and pickle finds classes by their name")
        return self._both(layer, pickle.loads(pickle.dumps(layer)), problem)

    def _both(self, layer: Any, other: Any, problem: Problem) -> Observation:
        """What the copy answers, and the original after it; both in one mode, since a layer may tell them apart."""
        answer = self._ask(other, problem).observation()
        return replace(answer, facts={"original": self._ask(layer, problem).observation()})

    def _state_dict(self, problem: Problem) -> Observation:
        """What a fresh layer answers with the state of one that was called before."""
        layer = self._build(problem)
        if not hasattr(layer, "state_dict") or not hasattr(layer, "set_state_dict"):
            return _lacking("the layer has no state_dict")
        self._ask(layer, problem).observation()
        fresh = self._build(problem)
        missing, unexpected = fresh.set_state_dict(saved(layer)) or ((), ())
        for each in (layer, fresh):
            each.eval()
        original = self._ask(layer, problem).observation()
        facts = {"original": original, "missing": list(missing), "unexpected": list(unexpected)}
        return replace(self._ask(fresh, problem).observation(), facts=facts)

    def _eval_state(self, problem: Problem) -> Observation:
        layer = self._build(problem)
        if not hasattr(layer, "state_dict") or not hasattr(layer, "eval"):
            return _lacking("the layer has no state_dict")
        layer.eval()
        before = _state(layer)
        observation = self._ask(layer, problem).observation()
        after = _state(layer)
        changed = sorted(
            name
            for name in before.keys() | after.keys()
            if name not in before
            or name not in after
            or not np.array_equal(before[name], after[name], equal_nan=before[name].dtype.kind == "f")
        )
        return replace(observation, facts={"changed": changed})

    def _any_program(self, problem: Problem) -> Observation:
        """That programs run here at all; the layer is not asked."""
        with _unwarned():
            doubled = paddle.jit.to_static(_doubled, full_graph=True)
            return Observation(np.asarray(doubled(paddle.ones([1])).numpy(), dtype=np.float64))

    def _translated(self, problem: Problem, full_graph: bool) -> Observation:
        """What the layer answers behind ``paddle.jit.to_static``; full graphs may be beyond it."""
        layer = self._build(problem)
        if not _is_function(layer) and not isinstance(layer, paddle.nn.Layer):
            return _lacking("to_static takes layers and functions, and this is neither")
        _forget_translations()
        with _unwarned():
            try:
                static = paddle.jit.to_static(layer, full_graph=full_graph)
                asked = self._ask(static, problem)
            except Exception as error:
                if not full_graph:
                    raise
                return _lacking(f"full_graph=True raises {type(error).__name__}")
            return asked.observation()

    def _static_program(self, problem: Problem) -> Observation:
        reasons = []
        with _unwarned():
            for form in WEIGHT_FORMS if problem.weight is not None else WEIGHT_FORMS[:1]:
                paddle.enable_static()
                try:
                    fetched = self._program(problem, form)
                except _Unbuilt as unbuilt:
                    reasons.append(str(unbuilt))
                    continue
                finally:
                    paddle.disable_static()
                value, *slopes = (np.asarray(array, dtype=np.float64) for array in fetched)
                if problem.reduction != "none" and value.shape == (1,):
                    value = value.reshape(())
                # a program that stops no gradient has none where nothing depends on the logits
                gradient = slopes[0] if slopes else np.zeros(problem.logits.shape)
                dtype = "float64" if slopes else ""
                return Observation(value, gradient, value.shape, gradient_dtype=dtype, facts={"weights": form})
        return _lacking(f"no static program can be made of it ({reasons[0]})")

    def _program(self, problem: Problem, form: str) -> list[Any]:
        """The value and the gradient, fed and fetched; _Unbuilt where the layer does not take part."""
        dtype = "float64" if problem.dtype == "float64" else "float32"
        label_dtype = problem.label_dtype if problem.targets == "hard" else dtype
        feed = {"logits": problem.logits.astype(dtype), "labels": problem.labels.astype(label_dtype)}
        if problem.label_weight is not None:
            feed["label_weight"] = problem.label_weight.astype(dtype)
        weight = None if problem.weight is None else problem.weight.astype(dtype)
        if weight is not None and form == "data":
            feed["weight"] = weight
        program, startup = paddle.static.Program(), paddle.static.Program()
        with paddle.static.program_guard(program, startup):
            data = {name: paddle.static.data(name, array.shape, str(array.dtype)) for name, array in feed.items()}
            data["logits"].stop_gradient = False
            given = data.get("weight", weight)
            if weight is not None and form != "data":
                given = paddle.assign(weight) if form == "tensor" else weight.tolist()
            try:
                layer = self._build(problem, weight=given)
                loss = self._call(layer, problem, data["logits"], data["labels"], **_masked(data))
            except Exception as error:
                raise _Unbuilt(f"{type(error).__name__}") from error
            upstream = None
            if problem.cotangent is not None:
                upstream = [paddle.assign(np.broadcast_to(problem.cotangent, tuple(loss.shape)).astype(dtype))]
            slopes = paddle.static.gradients([loss], [data["logits"]], upstream)
        executor = paddle.static.Executor(paddle.CPUPlace())
        wanted = [loss, *(slope for slope in slopes if slope is not None)]
        if startup.global_block().ops:
            # a layer's own parameters get their first values
            executor.run(startup)
        fetched: list[Any] = executor.run(program, feed=feed, fetch_list=wanted)
        return fetched

    def _amp(self, problem: Problem, dtype: str) -> Observation:
        layer = self._build(problem)
        with _unwarned():
            with paddle.amp.auto_cast(True, dtype=dtype):
                asked = self._ask(layer, problem)
            return asked.observation()

    def _second_derivative(self, problem: Problem, asked_for: bool) -> Observation:
        """The derivative of the gradient along the direction of signs that the problem's salt says."""
        layer = self._build(problem)
        if asked_for and not hasattr(layer, "twice_differentiable"):
            return _lacking("the layer has no twice_differentiable")
        if asked_for:
            layer.twice_differentiable = True
        asked = self._ask(layer, problem)
        try:
            (slope,) = paddle.grad([asked.result], [asked.leaf], [asked.upstream()], create_graph=True)
            along = paddle.to_tensor(direction(problem), dtype=slope.dtype)
            along = along.transpose(list(range(along.ndim))[::-1]) if problem.layout == "strided" else along
            (second,) = paddle.grad([(slope * along).sum()], [asked.leaf])
        except Exception as error:
            return _lacking(f"the layer refuses create_graph=True ({type(error).__name__})")
        return Observation(np.zeros(()), facts={"second": asked.unstrided(second)})


def _doubled(x: Any) -> Any:
    return x * 2


def direction(problem: Problem) -> Array:
    """Signs, one for each logit."""
    return problem.rng().choice([-1.0, 1.0], size=problem.logits.shape)


def _forget_translations() -> None:
    """Translate anew: what Paddle learned of the last layer's code would make this answer depend on that one's."""
    # a cache of its own, which another version may keep elsewhere
    with contextlib.suppress(ImportError, AttributeError):
        from paddle.jit.sot.opcode_translator.executor.executor_cache import OpcodeExecutorCache

        OpcodeExecutorCache().clear()


class _Unbuilt(Exception):  # noqa: N818 - an outcome
    """The layer cannot take part in a static program."""


def _masked(data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: data[name] for name in ("label_weight",) if name in data}


def _lacking(reason: str) -> Observation:
    return Observation(np.zeros(()), facts={LACKS: reason})


def _is_function(layer: Any) -> bool:
    return isinstance(layer, (types.FunctionType, types.BuiltinFunctionType, types.MethodType, partial))


def _found_by_name(kind: type) -> bool:
    """Whether a class is where its module and name say."""
    found: Any = sys.modules.get(kind.__module__)
    for part in kind.__qualname__.split("."):
        found = getattr(found, part, None)
    return found is kind


def _state(layer: Any) -> dict[str, NDArray[Any]]:
    return {name: np.array(tensor.numpy()) for name, tensor in layer.state_dict().items()}


@contextlib.contextmanager
def _unwarned() -> Iterator[None]:
    """Without Paddle's words about what this machine has not."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
