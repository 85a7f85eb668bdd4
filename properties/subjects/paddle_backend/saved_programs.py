"""Saves a Paddle layer as a program of sizes that are known or unknown, loads it, and collects its answers."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import paddle

from properties.judging.observation import Failure, Observation
from properties.problems.batches import batches_of, shapes_of_any_batch
from properties.problems.problem import Problem


class Asked(Protocol):
    """One forward of a layer."""

    def observation(self) -> Observation: ...


class Saved:
    """The probes of programs that were saved and loaded.

    ``build(problem)`` makes a layer, ``ask(layer, problem)`` calls it, ``failed(error)`` says how it did not answer.
    Only of a layer that is called in the ``plain`` way is it known what shapes its program has to take.
    """

    def __init__(
        self,
        build: Callable[[Problem], Any],
        ask: Callable[[Any, Problem], Asked],
        failed: Callable[[Exception], Failure],
        plain: bool = True,
    ) -> None:
        self._build, self._ask, self._failed, self._plain = build, ask, failed, plain

    @property
    def probes(self) -> Mapping[str, Callable[[Problem], Observation]]:
        """By name: saved with a batch of any size; with the size of the problem's own batch alone."""
        return {"saved": partial(self._loaded, dynamic=True), "saved-fixed": partial(self._loaded, dynamic=False)}

    def _loaded(self, problem: Problem, dynamic: bool) -> Observation:
        """What the loaded program answers to each batch, or how it fails."""
        layer, batches = self._build(problem), batches_of(problem)
        if not isinstance(layer, paddle.nn.Layer):
            return Observation(np.zeros(()), facts={"lacks": "paddle.jit.save takes layers, and this is none"})
        if not self._plain:
            return Observation(np.zeros(()), facts={"lacks": "programs are saved of layers that are called plainly"})
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            # Paddle's words about a layer without parameters
            warnings.simplefilter("ignore")
            path = str(Path(folder) / "layer")
            paddle.jit.save(layer, path, input_spec=specifications(batches[0], dynamic))
            answers = [self._answer(path, batch) for batch in batches]
        return Observation(np.zeros(()), facts={"answers": answers})

    def _answer(self, path: str, batch: Problem) -> Observation | Failure:
        """Of a program loaded anew, for one may remember."""
        program = paddle.jit.load(path)
        # only in train() has it a gradient
        program.train()
        try:
            return self._ask(program, batch).observation()
        except Exception as error:
            return self._failed(error)


def specifications(problem: Problem, dynamic: bool) -> list[Any]:
    """Of logits and labels, with a batch of this size or of any."""
    fixed = (list(problem.logits.shape), list(problem.labels.shape))
    logits, labels = shapes_of_any_batch(problem) if dynamic else fixed
    kind = problem.label_dtype if problem.targets == "hard" else problem.dtype
    return [paddle.static.InputSpec(logits, problem.dtype), paddle.static.InputSpec(labels, kind)]
