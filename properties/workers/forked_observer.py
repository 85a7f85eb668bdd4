"""A layer in a process of its own: a crash or a hang becomes an answer, and the next question finds a new process."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from typing import Any

from properties.errors import Broken, broken_in
from properties.judging.observation import PROGRAM_PROBES, Failure, Observation, Observer
from properties.problems.problem import Problem

RETRY_LIMIT = 2.0
"""Seconds allowed to an example once a layer has been seen to hang."""


TRANSLATION_LIMIT = 20.0
"""Seconds that Paddle may take beyond those of the layer to make a program of it."""


class ForkedObserver:
    """An observer that keeps the layer in a forked process, and replaces it when it dies or hangs.

    ``alive`` is called every second while an answer is waited for.
    """

    def __init__(self, observer: Observer, time_limit: float, alive: Callable[[], None] = lambda: None) -> None:
        self._observer, self._limit, self._alive = observer, time_limit, alive
        self._process: Any = None
        self._pipe: Connection | None = None

    def observe(self, problem: Problem, probe: str = "plain") -> Observation | Failure:
        """Ask the layer next door."""
        if self._process is None:
            self._start()
        assert self._pipe is not None
        ready: list[Any] = [self._process.sentinel]
        try:
            self._pipe.send((problem, probe))
            ready = self._wait(self._limit + TRANSLATION_LIMIT * (probe in PROGRAM_PROBES))
            if self._pipe in ready:
                answer: Observation | Failure | Broken = self._pipe.recv()
                if isinstance(answer, Broken):
                    raise answer
                return answer
        except (EOFError, OSError):
            # it died, now or since the last question
            pass
        if not ready:
            failure = Failure("timed out", f"{self._limit:g} s", "")
            self._limit = min(self._limit, RETRY_LIMIT)
        else:
            self._process.join()
            failure = Failure("crashed", exit_in_words(self._process.exitcode), "")
        self.close()
        return failure

    def ready(self, problem: Problem) -> bool:
        """Whether a process forked from this one can run a program at all."""
        if self._process is not None:
            return True
        limit, self._limit = self._limit, 0.0
        answer = self.observe(problem, "program")
        self._limit = limit
        return not isinstance(answer, Failure) or answer.kind != "timed out"

    def close(self) -> None:
        """End the process next door."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            assert self._pipe is not None
            self._pipe.close()
        self._process = self._pipe = None

    def _wait(self, seconds: float) -> list[Any]:
        """What there is to read within so many seconds: an answer, or that the process ended."""
        assert self._pipe is not None
        end = time.monotonic() + seconds
        while True:
            left = end - time.monotonic()
            ready = wait([self._pipe, self._process.sentinel], max(min(left, 1.0), 0.0))
            if ready or left <= 0:
                return ready
            self._alive()

    def _start(self) -> None:
        context = multiprocessing.get_context("fork")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_answer, args=(theirs, self._observer), daemon=True)
        self._process.start()
        theirs.close()


class ProgramsApart:
    """An observer that asks in this process, but what runs a program in another one.

    A process whose executor has run cannot be forked any more: the fork lacks its threads, and hangs. So the process
    that holds the layer, which may yet be forked, never runs one; where one has run in it already, that is past saving,
    and programs run here.
    """

    def __init__(self, observer: Observer, time_limit: float, alive: Callable[[], None] = lambda: None) -> None:
        self._observer = observer
        self._next_door = ForkedObserver(observer, time_limit, alive)
        # a daemon may not fork; nor is it forked itself, but ends with the process that made it
        self._forks = not multiprocessing.current_process().daemon

    def observe(self, problem: Problem, probe: str = "plain") -> Observation | Failure:
        """Ask the layer here, or next door."""
        if probe in PROGRAM_PROBES and self._forks:
            self._forks = self._next_door.ready(problem)
        there = probe in PROGRAM_PROBES and self._forks
        return (self._next_door if there else self._observer).observe(problem, probe)

    def close(self) -> None:
        """End the process next door."""
        self._next_door.close()


def _answer(pipe: Connection, observer: Observer) -> None:
    die_with_parent()
    # what was there before the fork stays; Paddle collects all garbage for each frame that it translates
    gc.freeze()
    while True:
        try:
            problem, probe = pipe.recv()
        except EOFError:
            return
        # what the layer raises is an answer; any other exception is ours, and must not look like a crash of the layer's
        try:
            answer: Any = observer.observe(problem, probe)
        except Exception as error:
            answer = broken_in("the process of the layer", error)
        try:
            pipe.send(answer)
        except (TypeError, AttributeError, pickle.PicklingError) as error:
            pipe.send(broken_in("the process of the layer", error))


def exit_in_words(exitcode: int | None) -> str:
    """How a process ended, in words."""
    if exitcode is not None and exitcode < 0:
        return signal.Signals(-exitcode).name
    return f"exit code {exitcode}"


def die_with_parent() -> None:
    """On Linux, end when the process that started this one ends, whatever this one is doing."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def watch_parent() -> None:
    """End when the process that started this one ends; for a process forked by a thread of it."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
