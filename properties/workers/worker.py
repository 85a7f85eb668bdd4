"""Worker: the supervisor's end of a process in which a layer runs, so that a crash or a hang is a finding.

A worker runs whole laws, Hypothesis included, and sends a sign of life before each example. Where it dies or falls
silent, the law runs again in a worker that keeps the layer in a process of its own: there the crash itself is an
answer, and shrinks like any other.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from properties.engine.description import Description
from properties.engine.diagnosis import NO_DIAGNOSIS, Examination
from properties.engine.examination import failed
from properties.engine.execution import lost
from properties.engine.inference import unknown
from properties.engine.result import FAILED, LawResult
from properties.engine.study import Facts, Inquiry
from properties.engine.task import Task
from properties.errors import Broken, ContractError, MachineTrouble, UsageError, broken_in
from properties.judging.observation import Failure
from properties.subjects.subject import Loadable
from properties.workers.channel import Channel, first_ready
from properties.workers.fork_server import SERVER, STARTING
from properties.workers.heartbeat import MEMORY
from properties.workers.keeper import Kept, fork_kept
from properties.workers.limits import Limits
from properties.workers.processes import exit_in_words
from properties.workers.running_example import RunningExample, read_running
from properties.workers.worker_main import serve

KILLED = "SIGKILL"
"""The signal that a layer seldom sends to its own process, but that users and machines short of memory do send."""

MOST_KILLS = 50
"""Times that a worker may be killed during one task before the layer is suspected."""

MOST_DOUBTED = 3
"""Times that a law is run again because its worker was killed or fell silent, before that is believed."""

PARTING = 5.0
"""Seconds in which a worker that closed its end must have ended."""

MOST_SHOWN = 4096
"""The most logits of an example that is kept though it is not the cause by itself."""

GRACE = 30.0
"""Seconds that a task may take beyond its own limit before its worker is ended."""


class WorkerLost(RuntimeError):  # noqa: N818 - an outcome
    """The worker died or fell silent; ``failure`` says how."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(str(failure))
        self.failure = failure


class Worker:
    """A process that holds the layer and runs laws over it, one at a time."""

    def __init__(self, subject: Loadable, time_limit: float, limits: Limits | None = None) -> None:
        self._subject, self._limit = subject, time_limit
        self._limits = Limits(time_limit) if limits is None else limits
        self._process: Kept | None = None
        self._channel: Channel | None = None
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._stopped = threading.Event()

    def describe(self) -> Description:
        """Load the subject and return its description; UsageError where it cannot be loaded."""
        try:
            kind, content = self._ask_persistently(("describe", None), STARTING)
        except WorkerLost as ended:
            failure = ended.failure
            what = "does not end" if failure.kind == "timed out" else f"ends the process with {failure.error}"
            raise UsageError(f"importing {self._subject.label} {what}") from None
        _raise_if_failed(kind, content)
        assert isinstance(content, Description)
        return content

    def source(self) -> str:
        """Return the source of the layer; '' where none can be read."""
        kind, content = self._ask_persistently(("source", None), STARTING)
        _raise_if_failed(kind, content)
        return str(content)

    def infer(self, inquiry: Inquiry) -> Facts:
        """Return what is inferred of the layer, asked in a forked process; no facts if the worker is lost anyway."""
        try:
            kind, content = self._ask_persistently(("infer", inquiry), 3.0 * self._limit + GRACE)
        except WorkerLost as ended:
            return unknown(f"the process was lost ({ended.failure})")
        if kind == "broken":
            return unknown(str(content))
        _raise_if_failed(kind, content)
        assert isinstance(content, dict)
        return content

    def diagnose(self, asked: Examination) -> dict[str, Any]:
        """Return what a layer departs in, asked in a forked process; nothing if the worker is lost anyway."""
        try:
            kind, content = self._ask_persistently(("diagnose", asked), 3.0 * self._limit + GRACE)
        except WorkerLost:
            return dict(NO_DIAGNOSIS)
        if kind == "broken":
            return dict(NO_DIAGNOSIS)
        _raise_if_failed(kind, content)
        assert isinstance(content, dict)
        return content

    def run(self, task: Task, tick: Callable[[int], None]) -> LawResult:
        """Run one law; where the process is lost, find the example that caused it, and shrink that.

        Raises MachineTrouble where the machine had no room for what we do ourselves.
        """
        kills = hangs = 0
        before: RunningExample | None = None
        while True:
            try:
                return self._run(task, tick, self._limit)
            except WorkerLost as ended:
                failure = ended.failure
            running = None if self._limits.record is None else read_running(self._limits.record)
            if running is None and (self._limits.record is None or failure.error != KILLED or kills >= MOST_KILLS):
                return self._guarded(task, failure, tick)
            if running is None:
                kills += 1
                continue
            if failure.error == MEMORY:
                return _out_of_memory(task, failure, running)
            kills += failure.error == KILLED
            hangs += failure.kind == "timed out"
            most = MOST_KILLS if failure.error == KILLED else MOST_DOUBTED
            if is_doubtful(failure) and max(kills, hangs) < most and not running.same(before):
                # a user or the machine killed or stopped it: another run of the same task may end
                before = running
                continue
            found = self._suspected(task, failure, running, tick)
            if found.repeatable or failure.error != KILLED or kills >= MOST_KILLS:
                return found

    def _guarded(self, task: Task, first: Failure, tick: Callable[[int], None]) -> LawResult:
        """Run the law with the layer in a process of its own, where a crash is an answer and shrinks."""
        ended = first
        for _ in range(MOST_DOUBTED):
            try:
                found = self._run(task.guarded(), tick, 3.0 * self._limit + GRACE)
            except WorkerLost as lost_again:
                ended = lost_again.failure
                # the layer has a process of its own: nobody but a user or the machine kills this one
                if ended.error == KILLED:
                    continue
                break
            if found.outcome not in ("held", "undecided", "gave up") or is_doubtful(first):
                # a worker that was only killed or stopped says nothing of the layer, which has now been asked
                return found
            # what ended the first worker did not happen again: that is a finding too, without an example
            return lost(task, first)
        return lost(task, ended if is_doubtful(first) else first)

    def _suspected(
        self, task: Task, failure: Failure, running: RunningExample, tick: Callable[[int], None]
    ) -> LawResult:
        """Run the example that was running when the process was lost, and return what comes of it."""
        kind, content = "lost", None
        with contextlib.suppress(WorkerLost):
            kind, content = self._ask_persistently(("task", task.on(running.problem)), 3.0 * self._limit + GRACE, tick)
        found = lost(task, failure) if kind == "lost" else _result_of(task, kind, content)
        if found.outcome in FAILED and found.finding is not None:
            return replace(found, examples=running.examples + 1)
        words = f"the process was lost ({failure}) while this example ran; by itself it did not do so again"
        return LawResult(
            task.law,
            failure.kind,
            running.examples + 1,
            finding=failed(failure, running.problem),
            problem=running.problem,
            reason=words,
            repeatable=False,
            repetitions=(found.outcome,),
        )

    def stop(self) -> None:
        """End for good: a caller that still waits for an answer gets an error, and no new process starts."""
        self._stopped.set()
        self.close()

    def close(self) -> None:
        """End the process and all processes that it started."""
        with self._lock:
            process, channel = self._process, self._channel
            self._process = self._channel = None
        if process is None:
            return
        process.close()
        if channel is not None:
            channel.close()

    def _ask_persistently(
        self, request: tuple[str, Any], limit: float, tick: Callable[[int], None] = lambda examples: None
    ) -> tuple[str, Any]:
        """Ask, and ask again where the worker was killed or stopped from outside: at once no layer does that."""
        hangs = 0
        for _ in range(MOST_KILLS):
            try:
                return self._ask(request, limit, tick)
            except WorkerLost as ended:
                hangs += ended.failure.kind == "timed out"
                if not is_doubtful(ended.failure) or hangs > 1:
                    raise
                failure = ended
        raise failure

    def _run(self, task: Task, tick: Callable[[int], None], limit: float) -> LawResult:
        return _result_of(task, *self._ask(("task", task), limit, tick))

    def _ask(
        self, request: tuple[str, Any], limit: float, tick: Callable[[int], None] = lambda examples: None
    ) -> tuple[str, Any]:
        """Send a request and return its answer; a sign of life restarts the time limit, except that of the task."""
        fresh = self._process is None
        if fresh:
            self._start()
        process, channel = self._process, self._channel
        if process is None or channel is None:
            raise RuntimeError("the worker was stopped")
        number = next(self._numbers)
        patience = max(limit, STARTING) if fresh else limit
        seconds = getattr(request[1], "seconds", None)
        end = None if seconds is None else time.monotonic() + patience + seconds + GRACE
        left = patience
        asked = False
        while True:
            try:
                if not asked:
                    channel.send((number, *request), patience)
                    asked = True
                left = patience if end is None else min(patience, end - time.monotonic())
                answered, kind, content = _received(process, channel, left)
            except TimeoutError:
                self.close()
                raise WorkerLost(Failure("timed out", f"{patience if left == patience else seconds:g} s", "")) from None
            except (EOFError, OSError, ValueError):
                raise self._lost() from None
            except Exception as error:
                self.close()
                return "broken", str(broken_in("an answer of a worker", error))
            if answered != number:
                # that of a process which the layer forked, and of another question
                continue
            patience = limit
            if kind == "grown":
                self.close()
                raise WorkerLost(_grown(*content))
            if kind == "machine":
                # the next worker begins with files, memory and processes of its own
                self.close()
            if kind != "tick":
                return kind, content
            tick(content)

    def _lost(self) -> WorkerLost:
        process = self._process
        if process is None:
            raise RuntimeError("the worker was stopped")
        failure = Failure("crashed", exit_in_words(process.join(PARTING)), "")
        self.close()
        return WorkerLost(failure)

    def _start(self) -> None:
        if self._stopped.is_set():
            raise RuntimeError("the worker was stopped")
        if self._subject.portable:
            process, channel = SERVER.start(serve, self._subject, self._limits)
        else:
            process, channel = fork_kept(partial(serve, subject=self._subject, limits=self._limits))
        with self._lock:
            self._process, self._channel = process, channel
        if self._stopped.is_set():
            # while it was started
            self.close()
            raise RuntimeError("the worker was stopped")


def _received(process: Kept, channel: Channel, seconds: float) -> Any:
    """Return the next message of a process; TimeoutError where none comes, EOFError where the process ends."""
    ready = first_ready([channel, process], seconds)
    if not ready:
        raise TimeoutError
    if channel not in ready:
        raise EOFError
    number, kind, content = channel.receive(max(seconds, 1.0))
    return number, kind, content


def is_doubtful(failure: Failure) -> bool:
    """Whether a worker may have been lost by what a user or the machine does to any process."""
    return failure.error == KILLED or failure.kind == "timed out"


def _grown(grown: int, examples: int) -> Failure:
    """Return the failure of a worker that holds more memory than it may."""
    each = grown / max(examples, 1) / 2**20
    return Failure("crashed", MEMORY, f"grown by {grown / 2**30:.2g} GiB in {examples} examples, {each:.2g} MiB each")


def _out_of_memory(task: Task, failure: Failure, running: RunningExample) -> LawResult:
    """Return the result of a law whose layer keeps more and more memory; no single example does, so none is shrunk."""
    return LawResult(
        task.law,
        failure.kind,
        running.examples + 1,
        # a large example shows nothing by itself, and would fill the journal
        finding=failed(failure, *([running.problem] if running.problem.logits.size <= MOST_SHOWN else [])),
        problem=None,
        reason="no single example does it: what the layer keeps adds up",
    )


def _result_of(task: Task, kind: str, content: Any) -> LawResult:
    """Return the result in a worker's answer to a task."""
    if kind == "broken":
        return LawResult(task.law, "gave up", reason=str(content))
    _raise_if_failed(kind, content)
    assert isinstance(content, LawResult)
    return content


def _raise_if_failed(kind: str, content: Any) -> None:
    """Raise the error in a worker's answer: a mistake of the user's, or of the checker's."""
    if kind == "contract":
        raise ContractError(content)
    if kind == "usage":
        raise UsageError(content)
    if kind == "machine":
        raise MachineTrouble(content)
    if kind == "broken":
        raise Broken(content)
