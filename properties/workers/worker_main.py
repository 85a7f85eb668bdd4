"""The life of a worker: it holds the layer and answers what the supervisor asks, with signs of life in between."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
from multiprocessing.connection import Connection
from typing import Any

from properties.engine.description import Description, describe
from properties.engine.diagnosis import Examination, diagnose
from properties.engine.execution import perform
from properties.engine.inference import infer
from properties.engine.result import FAILED, LawResult
from properties.engine.study import Facts, Inquiry
from properties.engine.task import Task
from properties.errors import ContractError, UsageError, broken_in
from properties.subjects.backend import backend_of, in_style, observer_of
from properties.subjects.kernels import Attended, attended
from properties.subjects.source import source_of
from properties.subjects.subject import Loadable, Subject
from properties.workers.forked_observer import ForkedObserver, ProgramsApart, die_with_parent, watch_parent
from properties.workers.heartbeat import Heartbeat
from properties.workers.limits import Limits, limit_memory
from properties.workers.reproduction import reproduced

CRASHES = (signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGSEGV, signal.SIGTERM)
"""Signals that end a worker, and that Paddle has handlers for."""


def serve(pipe: Connection, subject: Loadable, limits: Limits, forked: bool) -> None:
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
            elif kind == "diagnose":
                answer = ("diagnosed", _diagnosed(request, loaded, limits, pipe))
            else:
                answer = ("done", _performed(request, loaded, limits, pipe))
        except ContractError as error:
            answer = ("contract", str(error))
        except UsageError as error:
            answer = ("usage", str(error))
        except Exception as error:
            answer = ("broken", str(broken_in("a worker", error)))
        pipe.send(answer)


def _load(subject: Loadable) -> Subject:
    loaded = subject.load()
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


def _described(subject: Subject, limits: Limits) -> Description:
    return describe(subject, lambda called: contextlib.closing(ForkedObserver(observer_of(called), limits.call)))


def _inferred(inquiry: Inquiry, subject: Subject, limits: Limits, pipe: Connection) -> Facts:
    subject = in_style(subject, inquiry.style)
    vitals = Heartbeat(pipe, limits)
    with contextlib.closing(ForkedObserver(observer_of(subject), limits.call, vitals.alive)) as guard:
        return infer(inquiry, subject, guard, lambda examples: vitals.alive())


def _diagnosed(asked: Examination, subject: Subject, limits: Limits, pipe: Connection) -> dict[str, Any]:
    subject = in_style(subject, asked.style)
    vitals = Heartbeat(pipe, limits)
    with contextlib.closing(ForkedObserver(observer_of(subject), limits.call, vitals.alive)) as guard:
        return diagnose(asked, subject, guard, lambda number: vitals.alive())


def _performed(task: Task, subject: Subject, limits: Limits, pipe: Connection) -> LawResult:
    subject = in_style(subject, task.style)
    vitals = Heartbeat(pipe, limits, task.seconds)
    # a guarded layer has a process of its own for all it is asked
    kept = ForkedObserver if task.guard else ProgramsApart
    observer = kept(Attended(observer_of(subject), vitals.alive), limits.call, vitals.alive)
    with contextlib.closing(observer), contextlib.closing(vitals):
        # what ended the process once may have been a kernel: none is asked beside the guard
        kernels = None if task.guard else backend_of(subject).kernels(subject)
        result = perform(task, subject, observer, vitals, kernels and attended(kernels, vitals.alive))
        if task.repetitions and result.outcome in FAILED:
            return reproduced(
                task, result, subject, lambda: ForkedObserver(observer_of(subject), limits.call, vitals.alive)
            )
        return result


def _silence() -> None:
    """What a layer prints must not end up among the words of the command."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.close(nowhere)
