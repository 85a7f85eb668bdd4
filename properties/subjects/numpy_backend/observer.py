"""Puts a Problem to a loss in NumPy that returns value and gradient: thousands of runs are cheap."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from properties.errors import MachineTrouble
from properties.judging.observation import Failure, Observation, is_layers, message_of
from properties.problems.precision import Array
from properties.problems.problem import Problem
from properties.subjects.probing import ProbingObserver
from properties.subjects.raised import raised
from properties.subjects.random_state import PYTHON_GENERATORS
from properties.subjects.subject import Subject


class NumpyObserver(ProbingObserver):
    """Puts problems to a subject with the NumPy backend, in this process; exceptions become failures."""

    generators = PYTHON_GENERATORS

    def observe(self, problem: Problem, probe: str = "plain") -> Observation | Failure:
        """Ask the loss once (or as often as the probe needs)."""
        if probe not in self._probes:
            return Failure("absent", "", f"a loss in NumPy has nothing for the probe {probe}")
        try:
            # noise of the loss's own is for one law to find; the others ask the same thing twice
            np.random.seed(problem.salt)
            with np.errstate(all="ignore"):
                return self._probes[probe](problem)
        except _OnesAlone as reason:
            return Failure("absent", "", str(reason))
        except MachineTrouble:
            raise
        except BaseException as error:
            if not is_layers(error):
                raise
            return raised(error, message_of(error))

    def _mutation(self, problem: Problem) -> Observation:
        weight = self._weight(problem)
        call = self._call(self._layer(problem, weight), problem)
        changed = {
            "logits": not _same(call.logits, problem.logits),
            "labels": not _same(call.labels, problem.labels),
            "weight": weight is not None and not _same(weight, problem.weight),
        }
        return replace(call.observation(), facts=changed)

    def _second_backward(self, problem: Problem) -> Observation:
        call = self._call(self._layer(problem), problem)
        return replace(call.observation(), facts={"second": call.gradient()})

    def _call(self, layer: Any, problem: Problem) -> _Call:
        return _Call(layer, self._subject, problem)

    def _weight(self, problem: Problem) -> NDArray[Any] | None:
        if problem.weight is None:
            return None
        return problem.weight.astype("float64" if problem.dtype == "float64" else "float32")


class _OnesAlone(Exception):  # noqa: N818 - an ability that is lacking
    """The loss gives the gradient for an upstream gradient of ones alone."""


class _Call:
    """One call of a loss, with the arrays it was given."""

    def __init__(self, layer: Any, subject: Subject, problem: Problem) -> None:
        self.problem = problem
        dtype = _dtype(problem.dtype)
        self.logits = _laid_out(problem.logits.astype(dtype), problem.layout)
        self.labels = _labels(problem, dtype)
        given = {
            name: value.astype(dtype) if isinstance(value, np.ndarray) else value
            for name, value in problem.call_arguments().items()
        }
        result = subject.call(layer, self.logits, self.labels, **given)
        if not (isinstance(result, tuple) and len(result) == 2):
            raise TypeError(f"a loss in NumPy must return (value, gradient), got {type(result).__name__}")
        self.value, self.backward = np.asarray(result[0]), result[1]

    def observation(self, backward: bool = True) -> Observation:
        """Value, and gradient where it is wanted."""
        value, shape = np.array(self.value, dtype=np.float64), self.value.shape
        if self.problem.reduction != "none" and shape == (1,):
            value = value.reshape(())
        if not backward:
            return Observation(value, None, shape, self.value.dtype.name)
        gradient = self._gradient()
        found = np.array(gradient, dtype=np.float64)
        return Observation(value, found, shape, self.value.dtype.name, gradient.dtype.name)

    def gradient(self) -> Array:
        """The gradient for the problem's upstream gradient."""
        return np.array(self._gradient(), dtype=np.float64)

    def _gradient(self) -> NDArray[Any]:
        cotangent = self.problem.cotangent
        if callable(self.backward):
            if cotangent is not None and cotangent.shape != self.value.shape:
                raise TypeError(f"the loss must have shape {list(cotangent.shape)}, got {list(self.value.shape)}")
            upstream = np.ones(self.value.shape) if cotangent is None else cotangent
            return np.asarray(self.backward(np.array(upstream, dtype=self.value.dtype)))
        if cotangent is not None:
            raise _OnesAlone("the loss gives its gradient for an upstream gradient of ones alone")
        return np.asarray(self.backward)


def _dtype(name: str) -> np.dtype[Any]:
    if name == "bfloat16":
        raise TypeError("NumPy has no bfloat16")
    return np.dtype(name)


def _laid_out(array: NDArray[Any], layout: str) -> NDArray[Any]:
    """A copy that the loss may do with what it likes; strided, it is a view with the axes in memory turned around."""
    return np.array(array.T, order="C").T if layout == "strided" else np.array(array, order="C")


def _labels(problem: Problem, dtype: np.dtype[Any]) -> NDArray[Any]:
    labels = problem.given_labels.astype(problem.label_dtype if problem.targets == "hard" else dtype)
    if problem.layout == "label-axis":
        return labels
    if problem.layout == "strided" and problem.targets == "hard":
        return np.stack([labels, np.zeros_like(labels)], axis=-1)[..., 0]
    return _laid_out(labels, problem.layout)


def _same(array: NDArray[Any], before: Any) -> bool:
    return np.array_equal(np.asarray(array, dtype=np.float64), np.asarray(before, dtype=np.float64), equal_nan=True)
