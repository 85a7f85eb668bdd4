"""A pool of performers, which run laws side by side: workers, or this process itself."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from properties.engine.description import Description
from properties.engine.inference import unknown
from properties.engine.result import LawResult, Progressed
from properties.engine.study import Facts, Inquiry
from properties.engine.task import Task
from properties.errors import MachineTrouble, UsageError
from properties.workers.performer import Performer

Answer = TypeVar("Answer")

PAUSES = (0.2, 1.0, 3.0)
"""Seconds between two tries of what the machine had no room for."""

Beforehand = Callable[[Performer], None]
"""What a performer is asked before it takes tasks."""


class Pool:
    """Performers side by side, each with a thread that hands it one task after the other."""

    def __init__(self, performers: Sequence[Performer]) -> None:
        self._performers = performers
        self._threads: list[threading.Thread] = []

    def describe(self) -> Description:
        """Return what one of the performers learns about the subject; UsageError where nothing can be learned."""
        try:
            return patiently(self._performers[0].describe)
        except MachineTrouble as trouble:
            raise UsageError(f"nothing can be run on this machine now: {trouble}") from trouble

    def infer(self, inquiry: Inquiry) -> Facts:
        """Return what one of the performers finds out about the layer."""
        try:
            return patiently(lambda: self._performers[0].infer(inquiry))
        except MachineTrouble as trouble:
            return unknown(f"the machine failed: {trouble}")

    def run(self, tasks: Sequence[Task], first: Beforehand | None = None) -> Iterator[Progressed | LawResult]:
        """Run the tasks; yields their results in the order in which they end, with progress between them.

        One performer does something else ``first``, while the others begin with the tasks.
        """
        waiting: queue.SimpleQueue[Task] = queue.SimpleQueue()
        for task in tasks:
            waiting.put(task)
        done: queue.SimpleQueue[Progressed | LawResult | BaseException] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=_feed, args=(performer, waiting, done, first if n == 0 else None), daemon=True)
            for n, performer in enumerate(self._performers[: max(len(tasks), 1)])
        ]
        for thread in self._threads:
            thread.start()
        left = len(tasks)
        while left:
            item = done.get()
            if isinstance(item, BaseException):
                raise item
            left -= not isinstance(item, Progressed)
            yield item
        for thread in self._threads:
            thread.join()
        # what was done first may have failed after the last task was over
        while not done.empty():
            item = done.get()
            if isinstance(item, BaseException):
                raise item

    def close(self) -> None:
        """Stop all performers, and wait for the threads that still hand tasks to one."""
        self._stop()
        for thread in self._threads:
            thread.join(timeout=10.0)
        # a worker that was just being started when the others ended
        self._stop()

    def _stop(self) -> None:
        for performer in self._performers:
            # one that cannot be stopped must not keep the others alive
            with contextlib.suppress(OSError, RuntimeError):
                performer.stop()


def patiently(ask: Callable[[], Answer]) -> Answer:
    """Return what is asked for, tried again where the machine has no room for it; at last MachineTrouble."""
    for pause in PAUSES:
        try:
            return ask()
        except MachineTrouble:
            time.sleep(pause)
    return ask()


def performed(performer: Performer, task: Task, tick: Callable[[int], None]) -> LawResult:
    """Return what came of a task; where the machine has no room for it again and again, its law gives up."""
    try:
        return patiently(lambda: performer.run(task, tick))
    except MachineTrouble as trouble:
        return LawResult(task.law, "gave up", reason=f"the machine failed {len(PAUSES) + 1} times: {trouble}")


def _feed(
    performer: Performer,
    waiting: queue.SimpleQueue[Task],
    done: queue.SimpleQueue[Progressed | LawResult | BaseException],
    first: Beforehand | None,
) -> None:
    if first is not None:
        try:
            # laws are told of without what was to be found out first
            with contextlib.suppress(MachineTrouble):
                patiently(lambda: first(performer))
        except BaseException as error:
            done.put(error)
            return
    while True:
        try:
            task = waiting.get_nowait()
        except queue.Empty:
            return
        try:
            done.put(performed(performer, task, lambda examples, law=task.law: done.put(Progressed(law, examples))))  # type: ignore[misc]
        except BaseException as error:
            done.put(error)
            return
