"""Training: steps done with a layer that has state, which a problem carries as one line of words.

In a problem's ``config`` that line is called ``program``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from properties.problems.problem import Problem

CALL_ACTIONS = ("train", "eval")
"""Actions that call the layer, in that mode, on a batch of the problem's elements."""

STATE_ACTIONS = {
    "save and load": "go on with a new layer that has loaded the state_dict",
    "copy": "go on with a deep copy, and keep the layer aside",
    "swap": "go on with the layer that was kept aside",
    "reset": "call reset(), where the layer has it",
}
"""Actions that replace the layer or its state, each with what is done."""


@dataclass(frozen=True)
class Step:
    """One action done with a layer; ``elements`` are the indices of a call's batch."""

    action: str
    elements: tuple[int, ...] = ()

    def __str__(self) -> str:
        return " ".join([self.action, *map(str, self.elements)])

    @property
    def calls(self) -> bool:
        """Whether this step calls the layer."""
        return self.action in CALL_ACTIONS


def steps_of(problem: Problem) -> tuple[Step, ...]:
    """Return the steps that a problem carries; indices are taken modulo the number of its elements."""
    found = []
    for words in str(problem.config["program"]).split("; "):
        action, *elements = words.split()
        if action in CALL_ACTIONS:
            found.append(Step(action, tuple(int(i) % max(problem.size, 1) for i in elements)))
        elif words in STATE_ACTIONS:
            found.append(Step(words))
    return tuple(found)


def with_steps(problem: Problem, steps: Sequence[Step]) -> Problem:
    """Return the problem with other steps."""
    return problem.configure(program="; ".join(map(str, steps)))


def batch_at(problem: Problem, step: Step) -> Problem:
    """Return the problem of a step's batch."""
    config = {name: value for name, value in problem.config.items() if name != "program"}
    return problem.replace(config=config).take(list(step.elements))


def smaller_trainings(problem: Problem) -> Iterator[Problem]:
    """Yield problems with one step less, or with a smaller batch; then one with only the elements that steps use."""
    steps = steps_of(problem)
    for i in reversed(range(len(steps))):
        if len(steps) > 1:
            yield with_steps(problem, steps[:i] + steps[i + 1 :])
    for i, step in enumerate(steps):
        for k in reversed(range(len(step.elements))):
            if len(step.elements) > 1:
                fewer = Step(step.action, step.elements[:k] + step.elements[k + 1 :])
                yield with_steps(problem, (*steps[:i], fewer, *steps[i + 1 :]))
    named = sorted({i for step in steps for i in step.elements})
    if len(named) < problem.size:
        place = {old: new for new, old in enumerate(named)}
        renamed = [Step(step.action, tuple(place[i] for i in step.elements)) for step in steps]
        yield with_steps(problem.take(named), renamed)
