"""Forked observer: asks a layer in a process of its own, where a crash or a hang is an answer like any other."""

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
"""Seconds allowed for a call once the layer has hung."""

TRANSLATION_LIMIT = 20.0
"""Seconds that Paddle may take, beyond those of the layer, to translate it to a program."""


class ForkedObserver:
    """An observer that keeps the layer in a forked process, and starts a new one when it dies or hangs.

    ``alive`` is called every second while it waits for an answer.
    """

    def __init__(self, observer: Observer, time_limit: float, alive: Callable[[], None] = lambda: None) -> None:
        self._observer, self._limit, self._alive = observer, time_limit, alive
        self._process: Any = None
        self._pipe: Connection | None = None

    def observe(self, problem: Problem, probe: str = "plain") -> Observation | Failure:
        """Ask the layer in the forked process; return a Failure if that dies or hangs."""
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
            # the process died, now or since the last question
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
        """Return whether a process forked from this one can run a program at all."""
        if self._process is not None:
            return True
        limit, self._limit = self._limit, 0.0
        answer = self.observe(problem, "program")
        self._limit = limit
        return not isinstance(answer, Failure) or answer.kind != "timed out"

    def close(self) -> None:
        """End the forked process."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            assert self._pipe is not None
            self._pipe.close()
        self._process = self._pipe = None

    def _wait(self, seconds: float) -> list[Any]:
        """Return which of pipe and process is ready within so many seconds: an answer came, or the process ended."""
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
    """An observer that asks in this process, except for probes that run a program, which it asks in a forked one.

    A process in which Paddle's executor has run cannot be forked any more: the fork lacks the executor's threads, and
    hangs. So programs never run in this process, unless one has run in it already: then no fork would work, and
    programs run here.
    """

    def __init__(self, observer: Observer, time_limit: float, alive: Callable[[], None] = lambda: None) -> None:
        self._observer = observer
        self._forked = ForkedObserver(observer, time_limit, alive)
        # a daemon may not have child processes; nor is it forked from later, so programs may run in it
        self._forks = not multiprocessing.current_process().daemon

    def observe(self, problem: Problem, probe: str = "plain") -> Observation | Failure:
        """Ask the layer here, or in the forked process."""
        if probe in PROGRAM_PROBES and self._forks:
            self._forks = self._forked.ready(problem)
        there = probe in PROGRAM_PROBES and self._forks
        return (self._forked if there else self._observer).observe(problem, probe)

    def close(self) -> None:
        """End the forked process."""
        self._forked.close()


def _answer(pipe: Connection, observer: Observer) -> None:
    """Answer questions from the pipe until it is closed: the life of the forked process."""
    die_with_parent()
    # Paddle collects garbage for each frame that it translates: leave out what was there before the fork
    gc.freeze()
    while True:
        try:
            problem, probe = pipe.recv()
        except EOFError:
            return
        # what the layer raises is an answer; another exception is the checker's, and must not look like a crash
        try:
            answer: Any = observer.observe(problem, probe)
        except Exception as error:
            answer = broken_in("the process of the layer", error)
        try:
            pipe.send(answer)
        except (TypeError, AttributeError, pickle.PicklingError) as error:
            pipe.send(broken_in("the process of the layer", error))


def exit_in_words(exitcode: int | None) -> str:
    """Return in words how a process ended: its signal or its exit code."""
    if exitcode is not None and exitcode < 0:
        return signal.Signals(-exitcode).name
    return f"exit code {exitcode}"


def die_with_parent() -> None:
    """On Linux, end this process when the one that started it ends, whatever it is doing."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def watch_parent() -> None:
    """End this process when the one that started it ends; works also where a thread of that one forked it."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
