"""Heartbeat: the signs of life of a worker, before each of which it records the example that it runs."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

from properties.errors import MachineTrouble, is_machines
from properties.problems.problem import Problem
from properties.workers.limits import Limits, held_memory, release_memory
from properties.workers.processes import release
from properties.workers.running_example import RunningExample, open_record, write_running

TICK = 0.05
"""The least seconds between two signs of life."""

MEMORY = "memory"
"""The error of a layer that keeps too much memory."""

MOST_KEPT = 0.5
"""The share of its memory limit that a worker may hold between two examples."""


class Heartbeat:
    """Called before each example: records it, sends a sign of life, and returns whether there is time left.

    ``tell`` takes a sign: its kind and its content. Where an example cannot be recorded, ``trouble`` says why, and the
    time is over.
    """

    def __init__(self, tell: Callable[[str, Any], None], limits: Limits, seconds: float | None = None) -> None:
        self._tell, self._home = tell, os.getpid()
        self.trouble: MachineTrouble | None = None
        self._end = None if seconds is None else time.monotonic() + seconds
        self._record = None if limits.record is None else open_record(limits.record)
        self._memory, self._held = limits.memory, held_memory()
        self._examples = 0
        self._last = 0.0

    def __call__(self, examples: int, problem: Problem) -> bool:
        """Record the next example and send a sign of life; return False if the task's time is over."""
        self._examples = examples
        if self._record is not None:
            try:
                write_running(self._record, RunningExample(examples, problem))
            except OSError as error:
                if is_machines(error):
                    self.trouble = MachineTrouble(f"the running example cannot be recorded: {error.strerror}")
                    return False
                # the layer closed the file, and what has its number now is the layer's
                self._record = None
        self.alive()
        return self._end is None or time.monotonic() < self._end

    def alive(self) -> None:
        """Send a sign of life unless the last one was just sent, and report memory that keeps growing.

        A process that was forked from the worker sends none: the pipe is its parent's.
        """
        if os.getpid() != self._home:
            return
        now = time.monotonic()
        if now - self._last < TICK:
            return
        self._last = now
        self._tell("tick", self._examples)
        if self._memory is not None and held_memory() - self._held > MOST_KEPT * self._memory:
            release_memory()
            grown = held_memory() - self._held
            if grown > MOST_KEPT * self._memory:
                self._tell("grown", (grown, self._examples))

    def close(self) -> None:
        """Close the record."""
        if self._record is not None:
            release(self._record)
            os.close(self._record)
            self._record = None
