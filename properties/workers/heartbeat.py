"""Heartbeat: the signs of life of a worker, and the record of the example that it runs."""

from __future__ import annotations

import contextlib
import os
import pickle
import time
import zlib
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from properties.problems.problem import Problem
from properties.workers.limits import Limits, held_memory, release_memory

TICK = 0.05
"""The least seconds between two signs of life."""

MEMORY = "memory"
"""The error of a layer that keeps too much memory."""

MOST_KEPT = 0.5
"""The share of its memory limit that a worker may hold between two examples."""


@dataclass(frozen=True)
class RunningExample:
    """An example that is about to run, and the number of valid examples before it."""

    examples: int
    problem: Problem

    def same(self, other: RunningExample | None) -> bool:
        """Return whether ``other`` is the same example."""
        return other is not None and pickle.dumps(self) == pickle.dumps(other)


class Heartbeat:
    """Called before each example: records it, sends a sign of life, and returns whether there is time left."""

    def __init__(self, pipe: Connection, limits: Limits, seconds: float | None = None) -> None:
        self._pipe, self._home = pipe, os.getpid()
        self._end = None if seconds is None else time.monotonic() + seconds
        self._record = None if limits.record is None else os.open(limits.record, os.O_RDWR | os.O_CREAT, 0o600)
        self._memory, self._held = limits.memory, held_memory()
        self._examples = 0
        self._last = 0.0

    def __call__(self, examples: int, problem: Problem) -> bool:
        """Record the next example and send a sign of life; return False if the task's time is over."""
        self._examples = examples
        if self._record is not None:
            write_running(self._record, RunningExample(examples, problem))
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
        self._pipe.send(("tick", self._examples))
        if self._memory is not None and held_memory() - self._held > MOST_KEPT * self._memory:
            release_memory()
            grown = held_memory() - self._held
            if grown > MOST_KEPT * self._memory:
                self._pipe.send(("grown", (grown, self._examples)))

    def close(self) -> None:
        """Close the record."""
        if self._record is not None:
            os.close(self._record)


def write_running(file: int, running: RunningExample) -> None:
    """Overwrite the record with an example and its checksum, since the process may end while it writes."""
    content = pickle.dumps(running, protocol=pickle.HIGHEST_PROTOCOL)
    head = len(content).to_bytes(8, "big") + zlib.crc32(content).to_bytes(4, "big")
    os.pwrite(file, head + content, 0)


def read_running(path: str | Path) -> RunningExample | None:
    """Return the recorded example; None where there is no complete one."""
    with contextlib.suppress(OSError):
        written = Path(path).read_bytes()
        content = written[12 : 12 + int.from_bytes(written[:8], "big")]
        if len(written) > 12 and zlib.crc32(content).to_bytes(4, "big") == written[8:12]:
            running: RunningExample = pickle.loads(content)
            return running
    return None
