"""Forked observer: asks a layer in a process of its own, where a crash or a hang is an answer like any other."""

from __future__ import annotations

import gc
import itertools
import multiprocessing
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from properties.errors import Broken, MachineTrouble, broken_in, is_machines, trouble_in_words
from properties.judging.observation import PROGRAM_PROBES, Failure, Observation, Observer
from properties.problems.problem import Problem
from properties.workers.channel import Awaited, Channel, first_ready
from properties.workers.keeper import Kept, fork_kept
from properties.workers.processes import at_home, exit_in_words

RETRY_LIMIT = 2.0
"""Seconds allowed for a call once the layer has hung."""

TRANSLATION_LIMIT = 20.0
"""Seconds that Paddle may take, beyond those of the layer, to translate it to a program."""

MOST_DOUBTED = 3
"""Times that a call which did not end is asked again in a new process, where it then did."""

PARTING = 5.0
"""Seconds in which a process that closed its end must have ended."""


@dataclass
class Hangs:
    """What is known of a layer's hangs: whether one was confirmed, and how many calls were asked again for that."""

    confirmed: bool = False
    doubted: int = 0

    @property
    def believed(self) -> bool:
        """Whether a call that does not end is taken for a hang at once."""
        return self.confirmed or self.doubted >= MOST_DOUBTED


class ForkedObserver:
    """An observer that keeps the layer in a forked process, and starts a new one when it dies or hangs.

    That a call does not end is believed once another process has not answered it either: the first may have been
    stopped. ``hangs`` is what is known of that, where several observers share it. ``alive`` is called every second
    while it waits for an answer.
    """

    def __init__(
        self,
        observer: Observer,
        time_limit: float,
        alive: Callable[[], None] = lambda: None,
        hangs: Hangs | None = None,
    ) -> None:
        self._observer, self._limit, self._alive = observer, time_limit, alive
        self._hangs = Hangs() if hangs is None else hangs
        self._process: Kept | None = None
        self._channel: Channel | None = None
        self._numbers = itertools.count(1)

    def observe(self, problem: Problem, probe: str = "plain") -> Observation | Failure:
        """Ask the layer in the forked process; return a Failure if that dies or hangs."""
        answer = self._asked(problem, probe)
        if _is_hang(answer) and not self._hangs.believed:
            self._hangs.doubted += 1
            answer = self._asked(problem, probe)
            self._hangs.confirmed = _is_hang(answer)
        if _is_hang(answer):
            self._limit = min(self._limit, RETRY_LIMIT)
        return answer

    def _asked(self, problem: Problem, probe: str) -> Observation | Failure:
        """Ask once."""
        if self._process is None:
            self._process, self._channel = fork_kept(partial(_answer, observer=self._observer))
        process, channel = self._process, self._channel
        assert channel is not None
        number = next(self._numbers)
        limit = self._limit + TRANSLATION_LIMIT * (probe in PROGRAM_PROBES)
        end = time.monotonic() + limit
        try:
            channel.send((number, problem, probe), limit)
            while True:
                ready = self._ready(process, channel, end)
                if not ready:
                    raise TimeoutError
                if channel not in ready:
                    raise EOFError
                answered, answer = channel.receive(max(end - time.monotonic(), 1.0))
                # another number is that of a process that the layer forked
                if answered == number:
                    break
        except TimeoutError:
            self.close()
            return Failure("timed out", f"{self._limit:g} s", "")
        except (EOFError, OSError):
            # the process died, now or since the last question
            code = process.join(PARTING)
            self.close()
            return Failure("crashed", exit_in_words(code), "")
        except MemoryError:
            raise
        except Exception as error:
            # what arrived cannot be read: no answer of ours
            self.close()
            raise broken_in("the process of the layer", error) from error
        if isinstance(answer, (Broken, MachineTrouble)):
            raise answer
        assert isinstance(answer, (Observation, Failure))
        return answer

    def ready(self, problem: Problem) -> bool:
        """Return whether a process forked from this one can run a program at all."""
        if self._process is not None:
            return True
        limit, self._limit = self._limit, 0.0
        answer = self._asked(problem, "program")
        self._limit = limit
        return not _is_hang(answer)

    def close(self) -> None:
        """End the forked process, and what it started."""
        process, channel = self._process, self._channel
        self._process = self._channel = None
        if channel is not None:
            channel.close()
        if process is not None:
            process.close()

    def _ready(self, process: Kept, channel: Channel, end: float) -> list[Awaited]:
        """Return which of both is ready by then: an answer came, or the process ended."""
        while True:
            left = end - time.monotonic()
            ready = first_ready([channel, process], min(left, 1.0))
            if ready or left <= 0:
                return ready
            self._alive()


def _is_hang(answer: Observation | Failure) -> bool:
    return isinstance(answer, Failure) and answer.kind == "timed out"


class ProgramsApart:
    """An observer that asks in this process, except for probes that run a program, which it asks in a forked one.

    A process in which Paddle's executor has run cannot be forked any more: the fork lacks the executor's threads, and
    hangs. So programs never run in this process, unless one has run in it already: then no fork would work, and
    programs run here.
    """

    def __init__(
        self,
        observer: Observer,
        time_limit: float,
        alive: Callable[[], None] = lambda: None,
        hangs: Hangs | None = None,
    ) -> None:
        self._observer = observer
        self._forked = ForkedObserver(observer, time_limit, alive, hangs)
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


def _answer(channel: Channel, observer: Observer) -> None:
    """Answer questions until nobody asks any more: the life of the forked process."""
    # Paddle collects garbage for each frame that it translates: leave out what was there before the fork
    gc.freeze()
    stay = at_home(os.getpid())
    while True:
        try:
            number, problem, probe = channel.receive()
        except (EOFError, OSError):
            return
        # what the layer raises is an answer; another exception is the checker's, and must not look like a crash
        try:
            answer: Any = observer.observe(problem, probe)
        except Exception as error:
            answer = _failure_of(error)
        finally:
            stay()
        try:
            channel.send((number, answer))
        except OSError:
            raise
        except Exception as error:
            channel.send((number, broken_in("the process of the layer", error)))


def _failure_of(error: Exception) -> Broken | MachineTrouble:
    """Return whose failure it is that the checker's part of a layer's process raised: the machine's, or ours."""
    if not isinstance(error, MemoryError) and is_machines(error):
        return MachineTrouble(trouble_in_words(error))
    return broken_in("the process of the layer", error)
