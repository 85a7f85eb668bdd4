"""Performer: what runs tasks, be it a worker process or this process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from properties.engine.description import Description
from properties.engine.diagnosis import Examination
from properties.engine.result import LawResult
from properties.engine.study import Facts, Inquiry
from properties.engine.task import Task


class Performer(Protocol):
    """Runs tasks: a worker process, or this process."""

    def describe(self) -> Description: ...

    def run(self, task: Task, tick: Callable[[int], None]) -> LawResult: ...

    def infer(self, inquiry: Inquiry) -> Facts: ...

    def diagnose(self, asked: Examination) -> dict[str, Any]: ...

    def stop(self) -> None: ...
