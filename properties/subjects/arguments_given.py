"""Arguments given: which arguments a layer was given a value of other than its own default."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from properties.judging.observation import Failure, Observation, Observer
from properties.problems.problem import Problem
from properties.subjects.signature import REQUIRED, UNKNOWN, LayerArgument


class ArgumentRecorder:
    """An observer that passes problems on to another one, and records the arguments that differ from a default."""

    def __init__(self, observer: Observer, arguments: Iterable[LayerArgument]) -> None:
        self._observer = observer
        self._open = {argument.fills: argument.default for argument in arguments if argument.fills}
        self._given: set[str] = set()

    @property
    def given(self) -> tuple[str, ...]:
        """The contract arguments that had another value than the layer's default in some problem."""
        return tuple(sorted(self._given))

    def observe(self, problem: Problem, probe: str = "plain") -> Observation | Failure:
        """Record the arguments of the problem, and ask the layer."""
        if self._open:
            self._note(problem)
        return self._observer.observe(problem, probe)

    def _note(self, problem: Problem) -> None:
        handed = {**problem.arguments(), "num_classes": problem.classes, **problem.call_arguments()}
        # an argument that is not part of every call is None where it is missing
        given = {name for name, default in self._open.items() if not at_default(handed.get(name), default)}
        self._given |= given
        for name in given:
            del self._open[name]


def at_default(value: Any, default: Any) -> bool:
    """Return whether a value is the layer's default; a default that is not known counts as None."""
    if default is REQUIRED:
        return False
    if default is UNKNOWN or value is None or default is None:
        return value is None and (default is None or default is UNKNOWN)
    if isinstance(value, (bool, int, float, str)) and isinstance(default, (bool, int, float, str)):
        return bool(value == default)
    if not isinstance(default, (list, tuple, np.ndarray)):
        # a tensor or any other object: its comparison with other values is not to be trusted
        return False
    try:
        return np.array_equal(np.asarray(value), np.asarray(default))
    except (TypeError, ValueError):
        return False
