"""Writes a program of steps down as lines that carry it out."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from properties.judging.finding import Finding
from properties.problems.problem import Problem
from properties.problems.training import Step, batch_at, steps_of
from properties.subjects.script_text import comment

_CHANGED = {
    "save and load": ("fresh = build()", "fresh.set_state_dict(layer.state_dict())", "layer = fresh"),
    "copy": ("other, layer = layer, copy.deepcopy(layer)",),
    "swap": ("layer, other = other, layer",),
    "reset": ("layer.reset()",),
}


def steps_body(
    finding: Finding, build: list[str], call: Callable[[str], str], written: Callable[[str, Problem], list[str]]
) -> list[str]:
    """Lines that make a layer, carry out the finding's program and compare the last answer.

    ``build`` are lines of which the last is the layer; ``call`` writes a call of the layer, and ``written`` the
    tensors of a batch.
    """
    problem = finding.calls[0]
    *first, last = build
    lines = ["import copy", *first, f"build = lambda: {last.partition(' = ')[2]}", "layer = other = build()"]
    for step in steps_of(problem):
        lines += _called(problem, step, call, written) if step.calls else _CHANGED[step.action]
    return [*lines, *_compared(finding)]


def _called(
    problem: Problem, step: Step, call: Callable[[str], str], written: Callable[[str, Problem], list[str]]
) -> Iterator[str]:
    batch = batch_at(problem, step)
    yield f"layer.{step.action}()"
    yield from written("", batch)
    yield "logits.stop_gradient = False"
    yield f"loss = {call('layer')}"


def _compared(finding: Finding) -> Iterator[str]:
    if finding.expected is None:
        yield comment(finding.message)
        return
    got = "loss"
    if finding.quantity == "gradient":
        yield "loss.sum().backward()"
        got = "logits.grad"
    yield f"print({got}.numpy())"
    tolerance = 1e-5
    if finding.got is not None and finding.got.shape == finding.expected.shape:
        error = float(np.abs(finding.got - finding.expected).max(initial=0.0))
        tolerance = min(tolerance, float(f"{error / (1.0 + float(np.abs(finding.expected).max(initial=0.0))) / 4:.1g}"))
    yield f"expected = np.array({finding.expected.tolist()})"
    yield f"np.testing.assert_allclose({got}.numpy(), expected, rtol={tolerance:g}, atol={tolerance:g})"
