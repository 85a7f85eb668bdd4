"""Kernel calls: the kernels of Paddle that a layer is seen to stand on: what it calls, and what its source names."""

from __future__ import annotations

import contextlib
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import paddle

from properties.problems.problem import Problem
from properties.subjects.paddle_backend.observer import PaddleObserver
from properties.subjects.subject import Subject

PREFIX = "paddle.nn.functional."

BENEATH: Mapping[str, str] = {
    "cross_entropy_with_softmax": "cross_entropy",
    "log_softmax": "log_softmax",
    "softmax": "softmax",
    "nll_loss": "nll_loss",
    "sigmoid_cross_entropy_with_logits": "binary_cross_entropy_with_logits",
    "bce_loss": "binary_cross_entropy",
}
"""Operations that the public kernels call: a layer may have imported a kernel by name before anybody could watch it."""


class StandsOn:
    """Says of a layer which kernels it stands on in the answer to a problem."""

    def __init__(self, subject: Subject, kernels: tuple[str, ...]) -> None:
        self._subject, self._kernels = subject, kernels
        self._source: str | None = None

    def __call__(self, problem: Problem) -> frozenset[str]:
        """The kernels that are called; where none is seen to be, those that the source of the layer names."""
        called: set[str] = set()
        with watched(self._kernels, called.add):
            PaddleObserver(self._subject).observe(problem)
        if called:
            return frozenset(called)
        source = self._named_in(problem)
        named = {name for name in self._kernels if re.search(rf"\b{name.rpartition('.')[2]}\b", source)}
        return frozenset(named)

    def _named_in(self, problem: Problem) -> str:
        """The source of the module that defines the layer; '' where there is none to read."""
        if self._source is None:
            try:
                layer = self._subject.build(**problem.written_arguments(sorted(self._subject.takes), None))
                kind = layer if inspect.isroutine(layer) else type(layer)
                module = inspect.getmodule(kind)
                own = module is not None and module.__name__.split(".")[0] not in ("paddle", "properties", "builtins")
                self._source = inspect.getsource(module) if own and module is not None else ""
            except Exception:
                # a layer that cannot be built here, or a module typed in
                self._source = ""
        return self._source


@contextlib.contextmanager
def watched(kernels: tuple[str, ...], called: Callable[[str], Any]) -> Iterator[None]:
    """Tell ``called`` the public name of each kernel that is called meanwhile."""
    functional = [name.removeprefix(PREFIX) for name in kernels if name.startswith(PREFIX)]
    modules = (paddle.nn.functional, paddle.nn.functional.loss, paddle.nn.functional.activation)
    places = [(module, name, name) for module in modules for name in functional]
    places += [(paddle._C_ops, raw, name) for raw, name in BENEATH.items() if name in functional]
    found = [(place, attribute, PREFIX + name) for place, attribute, name in places if hasattr(place, attribute)]
    before = [getattr(place, attribute) for place, attribute, _ in found]
    try:
        for (place, attribute, name), function in zip(found, before, strict=True):
            setattr(place, attribute, _told(function, name, called))
        yield
    finally:
        for (place, attribute, _), function in zip(found, before, strict=True):
            setattr(place, attribute, function)


def _told(function: Callable[..., Any], name: str, called: Callable[[str], Any]) -> Callable[..., Any]:
    def asked(*given: Any, **named: Any) -> Any:
        called(name)
        return function(*given, **named)

    return asked
