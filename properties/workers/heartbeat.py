"""Heartbeat: what a worker shows of itself while it runs, and what it may take."""

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
"""Seconds between signs of life."""

MEMORY = "memory"
"""The name of the failure of a layer that keeps too much of it."""

MOST_KEPT = 0.5
"""The part of its memory that a worker may hold between two examples: a layer that keeps more keeps everything."""


@dataclass(frozen=True)
class RunningExample:
    """An example that was about to run when the worker was last heard of, and the number of valid ones before it."""

    examples: int
    problem: Problem

    def same(self, other: RunningExample | None) -> bool:
        """Whether the other one is this very example."""
        return other is not None and pickle.dumps(self) == pickle.dumps(other)


class Heartbeat:
    """Told of each example before it runs: writes it down, gives a sign of life, says whether there is time left."""

    def __init__(self, pipe: Connection, limits: Limits, seconds: float | None = None) -> None:
        self._pipe = pipe
        self._end = None if seconds is None else time.monotonic() + seconds
        self._record = None if limits.record is None else os.open(limits.record, os.O_RDWR | os.O_CREAT, 0o600)
        self._memory, self._held = limits.memory, held_memory()
        self._examples = 0
        self._last = 0.0

    def __call__(self, examples: int, problem: Problem) -> bool:
        """Before an example; False: the time is over."""
        self._examples = examples
        if self._record is not None:
            write_running(self._record, RunningExample(examples, problem))
        self.alive()
        return self._end is None or time.monotonic() < self._end

    def alive(self) -> None:
        """A sign of life, not more often than it is needed."""
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
        """No more examples."""
        if self._record is not None:
            os.close(self._record)


def write_running(file: int, running: RunningExample) -> None:
    """Put an example in place of the last one, with a checksum: the process may end in the middle of it."""
    content = pickle.dumps(running, protocol=pickle.HIGHEST_PROTOCOL)
    head = len(content).to_bytes(8, "big") + zlib.crc32(content).to_bytes(4, "big")
    os.pwrite(file, head + content, 0)


def read_running(path: str | Path) -> RunningExample | None:
    """The example that was about to run; None where nothing whole was written."""
    with contextlib.suppress(OSError):
        written = Path(path).read_bytes()
        content = written[12 : 12 + int.from_bytes(written[:8], "big")]
        if len(written) > 12 and zlib.crc32(content).to_bytes(4, "big") == written[8:12]:
            running: RunningExample = pickle.loads(content)
            return running
    return None
