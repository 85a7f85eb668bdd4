"""Probing: the questions that a loss is asked in this process, whatever it is called with."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Protocol

import numpy as np

from properties.judging.observation import Failure, Observation
from properties.problems.problem import Problem
from properties.subjects.captured_output import captured_output
from properties.subjects.random_state import RandomGenerator, call_under_two_seeds
from properties.subjects.subject import Subject


class Call(Protocol):
    """One call of a loss."""

    def observation(self, backward: bool = True) -> Observation:
        """Value, and gradient where it is wanted."""
        ...


class ProbingObserver(ABC):
    """Puts problems to a subject in this process. A backend says how a layer is made and called."""

    generators: ClassVar[Sequence[RandomGenerator]]
    """The global random generators that a loss can reach."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._takes = sorted(subject.takes)
        self._probes: dict[str, Callable[[Problem], Observation | Failure]] = {
            "plain": self._plain,
            "value": self._value,
            "returned": self._returned,
            "mutation": self._mutation,
            "seeds": self._seeds,
            "repeat": self._repeat,
            "prints": self._prints,
            "second-call": self._second_call,
            "second-backward": self._second_backward,
        }

    @abstractmethod
    def observe(self, problem: Problem, probe: str = "plain") -> Observation | Failure:
        """Ask the loss once (or as often as the probe needs)."""

    @abstractmethod
    def _call(self, layer: Any, problem: Problem) -> Call:
        """Call a layer on a problem."""

    @abstractmethod
    def _weight(self, problem: Problem) -> Any:
        """The class weights as the layer is given them; None where there are none."""

    @abstractmethod
    def _mutation(self, problem: Problem) -> Observation:
        """The answer, with which of logits, labels and weight the layer wrote into."""

    @abstractmethod
    def _second_backward(self, problem: Problem) -> Observation:
        """The answer, with the gradient of a second backward of the same call."""

    def _at_rest(self, layer: Any) -> None:  # noqa: B027 - most backends have no modes
        """Put a layer into the mode in which it may keep no state; nothing where there are no modes."""

    def _plain(self, problem: Problem) -> Observation:
        return self._call(self._layer(problem), problem).observation()

    def _value(self, problem: Problem) -> Observation:
        return self._call(self._layer(problem), problem).observation(backward=False)

    def _returned(self, problem: Problem) -> Observation:
        """The answer, with the names of what comes back where that is not the loss itself."""
        return replace(self._value(problem), facts={"keys": None})

    def _seeds(self, problem: Problem) -> Observation:
        observation, names = call_under_two_seeds(lambda: self._plain(problem), self.generators)
        return replace(observation, facts={"reseeded": names})

    def _repeat(self, problem: Problem) -> Observation:
        layer = self._layer(problem)
        self._call(layer, problem).observation()
        return self._call(layer, problem).observation()

    def _prints(self, problem: Problem) -> Observation:
        with captured_output() as caught:
            observation = self._plain(problem)
        return replace(observation, facts={"printed": caught.printed, "closed": caught.closed})

    def _second_call(self, problem: Problem) -> Observation:
        layer = self._layer(problem)
        self._at_rest(layer)
        order = np.arange(problem.size)[::-1]
        self._call(layer, problem.with_rows(problem.rows[order] * 0.5)).observation()
        return self._call(layer, problem).observation()

    def _layer(self, problem: Problem, weight: Any = None) -> Any:
        given = self._weight(problem) if weight is None else weight
        return self._subject.build(**problem.written_arguments(self._takes, given))
