"""Runs laws in this process, as a worker does in its own."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import Any

from hypothesis.strategies import SearchStrategy

from properties.engine.description import Description, describe
from properties.engine.diagnosis import Examination, diagnose
from properties.engine.execution import perform, refutation, trial_of
from properties.engine.inference import infer
from properties.engine.result import LawResult
from properties.engine.study import Facts, Inquiry
from properties.engine.task import Task
from properties.judging.finding import Finding
from properties.problems.problem import Problem
from properties.subjects.backend import backend_of, in_style, observer_of
from properties.subjects.call_style import CallStyle
from properties.subjects.subject import Loadable
from properties.workers.forked_observer import ProgramsApart

PATIENCE = 60.0
"""Seconds that a program of a layer may take where nobody set a limit."""


class Inline:
    """Runs laws in this process: no protection, no cost, and a debugger reaches the layer."""

    def __init__(self, subject: Loadable) -> None:
        self._loaded = self._subject = subject.load()
        self._observer = observer_of(self._subject)

    def describe(self) -> Description:
        """What is known of the subject."""
        return describe(self._loaded)

    def _call(self, style: Mapping[str, str]) -> None:
        """From now on ask the layer in this style."""
        if CallStyle.of(style) != self._subject.style:
            self._subject = in_style(self._loaded, style)
            self._observer = observer_of(self._subject)

    def run(self, task: Task, tick: Callable[[int], None]) -> LawResult:
        """Run one law here; programs of the layer run next door."""
        self._call(task.style)

        def ticking(examples: int, problem: Problem) -> bool:
            tick(examples)
            return True

        with contextlib.closing(ProgramsApart(self._observer, PATIENCE)) as observer:
            return perform(task, self._subject, observer, ticking, backend_of(self._subject).kernels(self._subject))

    def infer(self, inquiry: Inquiry) -> Facts:
        """What the layer does, found out here."""
        self._call(inquiry.style)
        return infer(inquiry, self._subject, self._observer)

    def diagnose(self, asked: Examination) -> dict[str, Any]:
        """What the layer departs in from its contract, found out here."""
        self._call(asked.style)
        return diagnose(asked, self._subject, self._observer, lambda number: None)

    def problems(self, task: Task) -> SearchStrategy[Problem]:
        """What a task draws; EmptyDomainError where the layer leaves nothing to draw."""
        self._call(task.style)
        return trial_of(task, self._subject, self._observer).strategy

    def put(self, task: Task, problem: Problem) -> tuple[Finding, str] | None:
        """Put one problem to a law, here: the contradiction, with its script. Raises Undecided and NotApplicable."""
        self._call(task.style)
        with contextlib.closing(ProgramsApart(self._observer, PATIENCE)) as observer:
            return refutation(task, self._subject, observer, problem)

    def stop(self) -> None:
        """Nothing to end."""
