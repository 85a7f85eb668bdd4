"""Worker processes: whatever calls a layer runs in one of them, so that a crash or a hang is a finding, not an end.

A worker runs whole laws, Hypothesis included, and says before each example that it is alive. Where it dies or falls
silent, the law runs again in a worker that keeps the layer in a process of its own: there the crash itself is an
answer, and shrinks like any other.
"""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import signal
import sys
import threading
import time
import types
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection, wait
from typing import Any, Protocol

from properties.engine import LawResult
from properties.guard import Apart, Guard, die_with_parent, ending, watch_parent
from properties.inference import Facts, Inquiry, infer, unknown
from properties.inheritance import Kernels
from properties.numpy_adapter import NumpyObserver
from properties.observation import Failure, Observer
from properties.subject import Subject
from properties.target import Target, UsageError
from properties.work import Description, Task, describe, lost, perform

STARTING = 120.0
"""Seconds that importing Paddle and the layer's module may take."""

PATIENCE = 60.0
"""Seconds that a program of a layer may take where nobody set a limit."""

TICK = 0.05
"""Seconds between signs of life."""

CRASHES = (signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGSEGV)
"""Signals that end a worker."""


class WorkerLost(RuntimeError):  # noqa: N818 - an outcome
    """The worker died or fell silent; ``failure`` says how."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(str(failure))
        self.failure = failure


class Worker:
    """A process that holds the layer and runs laws over it, one at a time."""

    def __init__(self, subject: Subject | Target, time_limit: float) -> None:
        self._subject, self._limit = subject, time_limit
        self._process: Any = None
        self._pipe: Connection | None = None
        self._stopped = False

    def describe(self) -> Description:
        """Load the subject; UsageError where that cannot be done."""
        try:
            kind, content = self._ask(("describe",), STARTING)
        except WorkerLost as ended:
            failure = ended.failure
            what = "does not end" if failure.kind == "timed out" else f"ends the process with {failure.error}"
            raise UsageError(f"importing {getattr(self._subject, 'text', 'the subject')} {what}") from None
        _raise_if_failed(kind, content)
        assert isinstance(content, Description)
        return content

    def run(self, task: Task, tick: Callable[[int], None]) -> LawResult:
        """Run one law; where the process is lost, run it again behind a guard, which finds the example that did it."""
        try:
            return self._run(task, tick, self._limit)
        except WorkerLost as ended:
            first = ended.failure
        try:
            found = self._run(task.guarded(), tick, 3.0 * self._limit + 30.0)
        except WorkerLost as ended:
            return lost(task, ended.failure)
        # what killed the first worker did not happen again: that is a finding too, without an example
        return found if found.outcome not in ("held", "undecided", "gave up") else lost(task, first)

    def infer(self, inquiry: Inquiry) -> Facts:
        """What the layer does, found out behind a guard; where the worker is lost all the same, nothing."""
        try:
            kind, content = self._ask(("infer", inquiry), 3.0 * self._limit + 30.0)
        except WorkerLost as ended:
            return unknown(f"the process was lost ({ended.failure})")
        if kind == "broken":
            return unknown(f"lossproof itself failed: {content}")
        _raise_if_failed(kind, content)
        assert isinstance(content, dict)
        return content

    def stop(self) -> None:
        """End for good: whoever still waits for an answer gets an error, and no new process starts."""
        self._stopped = True
        self.close()

    def close(self) -> None:
        """End the process and whatever it started."""
        process, pipe = self._process, self._pipe
        self._process = self._pipe = None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        process.join()
        if pipe is not None:
            pipe.close()

    def _run(self, task: Task, tick: Callable[[int], None], limit: float) -> LawResult:
        kind, content = self._ask(("task", task), limit, tick)
        if kind == "broken":
            return LawResult(task.law, "gave up", reason=f"lossproof itself failed: {content}")
        _raise_if_failed(kind, content)
        assert isinstance(content, LawResult)
        return content

    def _ask(
        self, request: tuple[Any, ...], limit: float, tick: Callable[[int], None] = lambda examples: None
    ) -> tuple[str, Any]:
        """Send a request and wait for its answer; signs of life restart the clock."""
        fresh = self._process is None
        if fresh:
            self._start()
        assert self._pipe is not None
        try:
            self._pipe.send((*request, self._limit))
        except (BrokenPipeError, OSError):
            raise self._lost() from None
        patience = max(limit, STARTING) if fresh else limit
        while True:
            ready = wait([self._pipe, self._process.sentinel], patience)
            if not ready:
                self.close()
                raise WorkerLost(Failure("timed out", f"{limit:g} s", ""))
            if self._pipe not in ready:
                raise self._lost()
            try:
                kind, content = self._pipe.recv()
            except (EOFError, OSError):
                raise self._lost() from None
            patience = limit
            if kind != "tick":
                return kind, content
            tick(content)

    def _lost(self) -> WorkerLost:
        process = self._process
        if process is None:
            raise RuntimeError("the worker was stopped")
        process.join(timeout=STARTING)
        failure = Failure("crashed", ending(process.exitcode), "")
        self.close()
        return WorkerLost(failure)

    def _start(self) -> None:
        forked = not isinstance(self._subject, Target)
        context: Any = multiprocessing.get_context("fork" if forked else "forkserver")
        if not forked:
            context.set_forkserver_preload(["properties.preload"])
        # under one lock: a sibling forked in between would inherit this pipe's other end, and no EOF would ever come
        with _no_main(forked):
            if self._stopped:
                raise RuntimeError("the worker was stopped")
            pipe, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(theirs, self._subject, forked))
            process.start()
            theirs.close()
            self._process, self._pipe = process, pipe


def _raise_if_failed(kind: str, content: Any) -> None:
    """Raise what the worker could not answer for: the user's mistake, or ours."""
    if kind == "usage":
        raise UsageError(content)
    if kind == "broken":
        raise RuntimeError(f"lossproof itself failed in a worker: {content}")


def _serve(pipe: Connection, subject: Subject | Target, forked: bool) -> None:
    """The worker's life: load the subject once, then answer requests until the supervisor is gone."""
    os.setpgid(0, 0)
    # a worker forked by a thread must outlive that thread: it watches the process, not the thread
    watch_parent() if forked else die_with_parent()
    _silence()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for crash in CRASHES:
        # Paddle's handler writes a stack that nobody reads, which takes longer than the fork of the next process
        signal.signal(crash, signal.SIG_DFL)
    loaded: Subject | None = None
    while True:
        try:
            *request, limit = pipe.recv()
        except EOFError:
            return
        try:
            loaded = loaded or _load(subject)
            if request[0] == "describe":
                answer: tuple[str, Any] = ("described", _described(loaded, limit))
            elif request[0] == "infer":
                answer = ("inferred", _inferred(request[1], loaded, limit, _ticker(pipe)))
            else:
                answer = ("done", _performed(request[1], loaded, limit, _ticker(pipe)))
        except UsageError as error:
            answer = ("usage", str(error))
        except Exception as error:
            answer = ("broken", f"{type(error).__name__}: {error}")
        pipe.send(answer)


def _load(subject: Subject | Target) -> Subject:
    loaded = subject.load() if isinstance(subject, Target) else subject
    # what is loaded by now stays: collecting it again and again would cost a tenth of the time
    gc.collect()
    gc.freeze()
    return loaded


def observer_of(subject: Subject) -> Observer:
    """Who puts problems to a subject in this process."""
    if subject.backend == "numpy":
        return NumpyObserver(subject)
    # the supervisor never loads Paddle
    from properties.paddle_adapter import PaddleObserver

    return PaddleObserver(subject)


def kernels_for(subject: Subject) -> Kernels | None:
    """What a subject may have its faults from."""
    if subject.backend == "numpy":
        return None
    from properties.paddle_kernels import kernels_of

    return kernels_of


def _described(subject: Subject, limit: float) -> Description:
    guard = Guard(observer_of(subject), limit)
    try:
        return describe(subject, guard)
    finally:
        guard.close()


def _inferred(inquiry: Inquiry, subject: Subject, limit: float, tick: Callable[[int], None]) -> Facts:
    guard = Guard(observer_of(subject), limit)
    try:
        return infer(inquiry, subject, guard, tick)
    finally:
        guard.close()


def _performed(task: Task, subject: Subject, limit: float, tick: Callable[[int], None]) -> LawResult:
    behind = 0

    def counted(examples: int) -> None:
        nonlocal behind
        behind = examples
        tick(examples)

    # a guarded layer has a process of its own for all it is asked
    kept = Guard if task.guard else Apart
    observer = kept(observer_of(subject), limit, lambda: tick(behind))
    with contextlib.closing(observer):
        # what ended the process once may have been a kernel: none is asked beside the guard
        return perform(task, subject, observer, counted, None if task.guard else kernels_for(subject))


def _ticker(pipe: Connection) -> Callable[[int], None]:
    last = 0.0

    def tick(examples: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= TICK:
            last = now
            pipe.send(("tick", examples))

    return tick


class Performer(Protocol):
    """Runs tasks: a worker process, or this one."""

    def describe(self) -> Description: ...

    def run(self, task: Task, tick: Callable[[int], None]) -> LawResult: ...

    def infer(self, inquiry: Inquiry) -> Facts: ...

    def stop(self) -> None: ...


class Inline:
    """Runs laws in this process: no protection, no cost, and a debugger reaches the layer."""

    def __init__(self, subject: Subject | Target) -> None:
        self._subject = subject.load() if isinstance(subject, Target) else subject
        self._observer = observer_of(self._subject)

    def describe(self) -> Description:
        """What is known of the subject."""
        return describe(self._subject, self._observer)

    def run(self, task: Task, tick: Callable[[int], None]) -> LawResult:
        """Run one law here; programs of the layer run next door."""
        with contextlib.closing(Apart(self._observer, PATIENCE)) as observer:
            return perform(task, self._subject, observer, tick, kernels_for(self._subject))

    def infer(self, inquiry: Inquiry) -> Facts:
        """What the layer does, found out here."""
        return infer(inquiry, self._subject, self._observer)

    def stop(self) -> None:
        """Nothing to end."""


def _silence() -> None:
    """What a layer prints must not end up among the words of the command."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.close(nowhere)


_main_lock = threading.Lock()


@contextlib.contextmanager
def _no_main(forked: bool) -> Iterator[None]:
    """Start a process that does not import the user's main script again: a script without a guard would run twice."""
    with _main_lock:
        if forked:
            yield
            return
        main = sys.modules["__main__"]
        sys.modules["__main__"] = types.ModuleType("__main__")
        try:
            yield
        finally:
            sys.modules["__main__"] = main
