"""Parameters of a layer itself: the gradient that arrives at each, and the slope of the loss along it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import paddle

from properties.judging.observation import Failure, Observation
from properties.problems.problem import Problem

STEPS = (2.0**-7, 2.0**-9)
"""Steps of the difference quotients, for parameters up to 1."""


class OwnParameters:
    """Asks a layer for the gradients of its own parameters; ``make`` builds it, ``call`` calls it on a problem."""

    def __init__(self, make: Callable[[Problem], Any], call: Callable[[Any, Problem], Any]) -> None:
        self._make, self._call = make, call

    def observe(self, problem: Problem) -> Observation | Failure:
        """Value, and of each parameter by name its derivative along a direction: by the gradient and by differences."""
        layer = self._make(problem)
        call = self._call(layer, problem)
        listed = layer.named_parameters() if hasattr(layer, "named_parameters") else ()
        own = {name: p for name, p in listed if not p.stop_gradient and p.is_floating_point()}
        if not own:
            return Failure("absent", "", "the layer has no parameters of its own")
        seen = call.observation()
        rng = problem.rng()
        told = {name: self._derivatives(layer, problem, parameter, rng) for name, parameter in own.items()}
        return Observation(seen.value, seen.gradient, facts={"parameters": told})

    def _derivatives(self, layer: Any, problem: Problem, parameter: Any, rng: np.random.Generator) -> dict[str, Any]:
        start = np.array(parameter.numpy())
        direction = np.where(rng.integers(0, 2, start.shape) == 0, 1.0, -1.0).astype(start.dtype)
        arrived = np.zeros(start.shape) if parameter.grad is None else parameter.grad.numpy().astype(np.float64)
        size = max(1.0, float(np.abs(start).max(initial=0.0)))
        slopes = []
        for step in (step * size for step in STEPS):
            ahead, behind = (self._value(layer, problem, parameter, start + s * step * direction) for s in (1.0, -1.0))
            slopes.append((ahead - behind) / (2.0 * step))
        parameter.set_value(start)
        return {
            "finite": bool(np.isfinite(arrived).all()),
            "by_gradient": float((arrived * direction).sum()),
            "by_differences": slopes,
            "step": STEPS[-1] * size,
        }

    def _value(self, layer: Any, problem: Problem, parameter: Any, array: Any) -> float:
        parameter.set_value(np.asarray(array, dtype=parameter.numpy().dtype))
        with paddle.no_grad():
            return float(self._call(layer, problem).observation(backward=False).value.sum())
