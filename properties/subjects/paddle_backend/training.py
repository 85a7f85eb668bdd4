"""Carries out a program on a Paddle layer: trains, evaluates, saves, loads and copies it, and collects its answers."""

from __future__ import annotations

import copy
import io
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
import paddle

from properties.judging.observation import Observation
from properties.problems.problem import Problem
from properties.problems.training import Step, batch_at, steps_of


class Asked(Protocol):
    """One forward of a layer."""

    def observation(self) -> Observation: ...


class Steps:
    """The probe of programs; ``build(problem)`` makes a layer and ``ask(layer, problem)`` calls it."""

    def __init__(self, build: Callable[[Problem], Any], ask: Callable[[Any, Problem], Asked]) -> None:
        self._build, self._ask = build, ask

    @property
    def probes(self) -> Mapping[str, Callable[[Problem], Observation]]:
        """By name."""
        return {"steps": self._carry_out}

    def _carry_out(self, problem: Problem) -> Observation:
        layer = self._build(problem)
        needed = ("train", "eval", "state_dict", "set_state_dict")
        if any(not hasattr(layer, name) for name in needed):
            return Observation(np.zeros(()), facts={"lacks": "only a Layer can be trained, saved and loaded"})
        kept, answers = layer, list[Observation | None]()
        for step in steps_of(problem):
            if step.calls:
                answers.append(self._called(layer, step, problem))
                continue
            answers.append(None)
            if step.action == "swap":
                layer, kept = kept, layer
            else:
                layer, kept = self._changed(layer, kept, step, problem)
        facts = {"steps": answers, "resets": callable(getattr(layer, "reset", None))}
        return Observation(np.zeros(()), facts=facts)

    def _called(self, layer: Any, step: Step, problem: Problem) -> Observation:
        layer.train() if step.action == "train" else layer.eval()
        return self._ask(layer, batch_at(problem, step)).observation()

    def _changed(self, layer: Any, kept: Any, step: Step, problem: Problem) -> tuple[Any, Any]:
        """The layer to go on with, and the one aside."""
        if step.action == "copy":
            return copy.deepcopy(layer), layer
        if step.action == "save and load":
            fresh = self._build(problem)
            fresh.set_state_dict(saved(layer))
            return fresh, kept
        if callable(getattr(layer, "reset", None)):
            layer.reset()
        return layer, kept


def saved(layer: Any) -> Any:
    """The state_dict of a layer as it comes back from a file."""
    state = layer.state_dict()
    if not state:
        # Paddle warns of it
        return state
    file = io.BytesIO()
    paddle.save(state, file)
    file.seek(0)
    return paddle.load(file)
