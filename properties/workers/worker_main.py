"""The life of a worker: it holds the layer and answers what the supervisor asks, with signs of life in between."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

from hypothesis.strategies import SearchStrategy

from properties.engine.execution import Description, Task, describe, perform, refutation, strategy_of
from properties.engine.inference import Facts, Inquiry, infer
from properties.engine.result import FAILED, LawResult
from properties.errors import ContractError, UsageError, broken_in
from properties.judging.law import Finding
from properties.judging.observation import Failure, Observation, Observer
from properties.problems.problem import Problem
from properties.subjects.kernels import Kernels, attended
from properties.subjects.numpy_backend.observer import NumpyObserver
from properties.subjects.source_constants import source_of
from properties.subjects.subject import Subject
from properties.subjects.target import Target
from properties.workers.forked_observer import ForkedObserver, ProgramsApart, die_with_parent, watch_parent
from properties.workers.heartbeat import Heartbeat, Limits, limit_memory
from properties.workers.reproduction import repeated

CRASHES = (signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGSEGV, signal.SIGTERM)
"""Signals that end a worker, and that Paddle has handlers for."""


def serve(pipe: Connection, subject: Subject | Target, limits: Limits, forked: bool) -> None:
    """The worker's life: load the subject once, then answer requests until the supervisor is gone."""
    os.setpgid(0, 0)
    # a worker forked by a thread must outlive that thread: it watches the process, not the thread
    watch_parent() if forked else die_with_parent()
    _silence()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _end_at_crashes()
    limit_memory(limits.memory)
    loaded: Subject | None = None
    while True:
        try:
            kind, request = pipe.recv()
        except EOFError:
            return
        try:
            loaded = loaded or _load(subject)
            if kind == "describe":
                answer: tuple[str, Any] = ("described", _described(loaded, limits))
            elif kind == "source":
                answer = ("found", source_of(loaded))
            elif kind == "infer":
                answer = ("inferred", _inferred(request, loaded, limits, pipe))
            else:
                answer = ("done", _performed(request, loaded, limits, pipe))
        except ContractError as error:
            answer = ("contract", str(error))
        except UsageError as error:
            answer = ("usage", str(error))
        except Exception as error:
            answer = ("broken", str(broken_in("a worker", error)))
        pipe.send(answer)


PATIENCE = 60.0
"""Seconds that a program of a layer may take where nobody set a limit."""


def _load(subject: Subject | Target) -> Subject:
    loaded = subject.load() if isinstance(subject, Target) else subject
    observer_of(loaded)
    # Paddle sets its handlers when it is imported, which may have been just now
    _end_at_crashes()
    # what is loaded by now stays: collecting it again and again would cost a tenth of the time
    gc.collect()
    gc.freeze()
    return loaded


def _end_at_crashes() -> None:
    for crash in CRASHES:
        # Paddle's handler writes a stack that nobody reads, which takes longer than the fork of the next process, and
        # after a fault inside malloc it may never end
        signal.signal(crash, signal.SIG_DFL)


def observer_of(subject: Subject) -> Observer:
    """Who puts problems to a subject in this process."""
    if subject.backend == "numpy":
        return NumpyObserver(subject)
    # the supervisor never loads Paddle
    from properties.subjects.paddle_backend.observer import PaddleObserver

    return PaddleObserver(subject)


def kernels_for(subject: Subject) -> Kernels | None:
    """What a subject may have its faults from."""
    if subject.backend == "numpy":
        return None
    from properties.subjects.paddle_backend.kernels import kernels_of

    return partial(kernels_of, subject)


def _described(subject: Subject, limits: Limits) -> Description:
    with contextlib.closing(ForkedObserver(observer_of(subject), limits.call)) as guard:
        return described(subject, guard)


def described(subject: Subject, observer: Observer) -> Description:
    """A description of the subject; ContractError where what its author wrote into the contract raises."""
    with subject.authors_mistakes():
        return describe(subject, observer)


def _inferred(inquiry: Inquiry, subject: Subject, limits: Limits, pipe: Connection) -> Facts:
    vitals = Heartbeat(pipe, limits)
    with contextlib.closing(ForkedObserver(observer_of(subject), limits.call, vitals.alive)) as guard:
        return infer(inquiry, subject, guard, lambda examples: vitals.alive())


def _performed(task: Task, subject: Subject, limits: Limits, pipe: Connection) -> LawResult:
    vitals = Heartbeat(pipe, limits, task.seconds)
    # a guarded layer has a process of its own for all it is asked
    kept = ForkedObserver if task.guard else ProgramsApart
    observer = kept(_Attended(observer_of(subject), vitals), limits.call, vitals.alive)
    with contextlib.closing(observer), contextlib.closing(vitals):
        # what ended the process once may have been a kernel: none is asked beside the guard
        kernels = None if task.guard else kernels_for(subject)
        result = perform(task, subject, observer, vitals, kernels and attended(kernels, vitals.alive))
        if task.repetitions and result.outcome in FAILED:
            return repeated(
                task, result, subject, lambda: ForkedObserver(observer_of(subject), limits.call, vitals.alive)
            )
        return result


class _Attended:
    """An observer that gives a sign of life before each call of the layer: what is slow is not what hangs."""

    def __init__(self, observer: Observer, vitals: Heartbeat) -> None:
        self._observer, self._vitals = observer, vitals
        self._home = os.getpid()

    def observe(self, problem: Problem, probe: str = "plain") -> Observation | Failure:
        """Ask the layer."""
        # next door the pipe is the parent's
        if os.getpid() == self._home:
            self._vitals.alive()
        return self._observer.observe(problem, probe)


class Inline:
    """Runs laws in this process: no protection, no cost, and a debugger reaches the layer."""

    def __init__(self, subject: Subject | Target) -> None:
        self._subject = subject.load() if isinstance(subject, Target) else subject
        self._observer = observer_of(self._subject)

    def describe(self) -> Description:
        """What is known of the subject."""
        return described(self._subject, self._observer)

    def run(self, task: Task, tick: Callable[[int], None]) -> LawResult:
        """Run one law here; programs of the layer run next door."""

        def ticking(examples: int, problem: Problem) -> bool:
            tick(examples)
            return True

        with contextlib.closing(ProgramsApart(self._observer, PATIENCE)) as observer:
            return perform(task, self._subject, observer, ticking, kernels_for(self._subject))

    def infer(self, inquiry: Inquiry) -> Facts:
        """What the layer does, found out here."""
        return infer(inquiry, self._subject, self._observer)

    def problems(self, task: Task) -> SearchStrategy[Problem]:
        """What a task draws; EmptyDomainError where the layer leaves nothing to draw."""
        return strategy_of(task, self._subject)

    def put(self, task: Task, problem: Problem) -> tuple[Finding, str] | None:
        """Put one problem to a law, here: the contradiction, with its script. Raises Undecided and NotApplicable."""
        with contextlib.closing(ProgramsApart(self._observer, PATIENCE)) as observer:
            return refutation(task, self._subject, observer, problem)

    def stop(self) -> None:
        """Nothing to end."""


def _silence() -> None:
    """What a layer prints must not end up among the words of the command."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.close(nowhere)
