"""Programs: what is done with a layer that remembers, step by step; written in one line of words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from properties.problems.problem import Problem

CALL_ACTIONS = ("train", "eval")
"""Steps that call the layer on some elements of the problem, in that mode."""

STATE_ACTIONS = {
    "save and load": "go on with a new layer that has loaded the state_dict",
    "copy": "go on with a deep copy, and keep the layer aside",
    "swap": "go on with the layer that was kept aside",
    "reset": "call reset(), where the layer has it",
}
"""Steps that put another layer, or another state, in the place of this one."""


@dataclass(frozen=True)
class Step:
    """One thing done with a layer; a call names the elements of its batch."""

    action: str
    elements: tuple[int, ...] = ()

    def __str__(self) -> str:
        return " ".join([self.action, *map(str, self.elements)])

    @property
    def calls(self) -> bool:
        """Whether the layer answers at this step."""
        return self.action in CALL_ACTIONS


def steps_of(problem: Problem) -> tuple[Step, ...]:
    """The program that a problem carries; its calls name elements of this problem, however few there are."""
    found = []
    for words in str(problem.config["program"]).split("; "):
        action, *elements = words.split()
        if action in CALL_ACTIONS:
            found.append(Step(action, tuple(int(i) % max(problem.size, 1) for i in elements)))
        elif words in STATE_ACTIONS:
            found.append(Step(words))
    return tuple(found)


def with_steps(problem: Problem, steps: Sequence[Step]) -> Problem:
    """The problem with another program."""
    return problem.configure(program="; ".join(map(str, steps)))


def batch_at(problem: Problem, step: Step) -> Problem:
    """What the layer is asked at a step."""
    config = {name: value for name, value in problem.config.items() if name != "program"}
    return problem.replace(config=config).take(list(step.elements))


def smaller_trainings(problem: Problem) -> Iterator[Problem]:
    """Programs with one step less, or a smaller batch; then only the elements that the program names."""
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
