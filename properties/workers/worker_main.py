"""The life of a worker: it holds the layer and answers what the supervisor asks, with signs of life in between."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

from properties.engine.description import Description, describe
from properties.engine.diagnosis import Examination, diagnose
from properties.engine.execution import perform
from properties.engine.inference import infer
from properties.engine.result import FAILED, LawResult
from properties.engine.study import Facts, Inquiry
from properties.engine.task import Task
from properties.errors import ContractError, MachineTrouble, UsageError, broken_in, is_machines, trouble_in_words
from properties.judging.observation import Failure, Observation, Observer
from properties.problems.problem import Problem
from properties.subjects.backend import backend_of, in_style, observer_of
from properties.subjects.kernels import Attended, attended
from properties.subjects.source import source_of
from properties.subjects.subject import Loadable, Subject
from properties.workers.channel import Channel
from properties.workers.forked_observer import ForkedObserver, Hangs, ProgramsApart
from properties.workers.heartbeat import Heartbeat
from properties.workers.hypothesis_home import keep_storage_away
from properties.workers.limits import Limits, limit_memory
from properties.workers.processes import at_home, silence
from properties.workers.reproduction import reproduced

CRASHES = (signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGSEGV, signal.SIGTERM)
"""Signals that end a worker, and that Paddle has handlers for."""


_hangs = Hangs()
"""What is known of the hangs of the one layer that this process holds."""

Tell = Callable[[str, Any], None]
"""Sends the supervisor a sign: its kind and its content."""


class Attending:
    """An observer that ends the processes which the layer forked, and remembers what the machine had no room for."""

    def __init__(self, observer: Observer, troubles: list[MachineTrouble]) -> None:
        self._observer, self._troubles, self._stay = observer, troubles, at_home(os.getpid())

    def observe(self, problem: Problem, probe: str = "plain") -> Observation | Failure:
        """Ask, and go on in the process that was asked alone."""
        try:
            return self._observer.observe(problem, probe)
        except MachineTrouble as trouble:
            self._troubles.append(trouble)
            raise
        finally:
            self._stay()


def serve(channel: Channel, subject: Loadable, limits: Limits) -> None:
    """The worker's life: load the subject once, then answer requests until the supervisor is gone."""
    silence()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _end_at_crashes()
    keep_storage_away()
    limit_memory(limits.memory)
    stay = at_home(os.getpid())
    loaded: Subject | None = None
    while True:
        try:
            number, kind, request = channel.receive()
        except (EOFError, OSError):
            return
        try:
            if loaded is None:
                try:
                    loaded = _load(subject)
                finally:
                    stay()
            answer = _answered(kind, request, loaded, limits, _telling(channel, number))
        except ContractError as error:
            answer = ("contract", str(error))
        except UsageError as error:
            answer = ("usage", str(error))
        except Exception as error:
            if is_machines(error):
                answer = ("machine", trouble_in_words(error))
            else:
                answer = ("broken", str(broken_in("a worker", error)))
        stay()
        try:
            channel.send((number, *answer))
        except OSError:
            raise
        except Exception as error:
            channel.send((number, "broken", str(broken_in("a worker", error))))


def _telling(channel: Channel, number: int) -> Tell:
    """Return what sends signs that belong to a question."""

    def tell(kind: str, content: Any) -> None:
        channel.send((number, kind, content))

    return tell


def _answered(kind: str, request: Any, loaded: Subject, limits: Limits, tell: Tell) -> tuple[str, Any]:
    """Return the answer to a request: its kind and its content."""
    if kind == "describe":
        return "described", _described(loaded, limits)
    if kind == "source":
        return "found", source_of(loaded)
    if kind == "infer":
        return "inferred", _inferred(request, loaded, limits, tell)
    if kind == "diagnose":
        return "diagnosed", _diagnosed(request, loaded, limits, tell)
    return "done", _performed(request, loaded, limits, tell)


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


@contextlib.contextmanager
def _noting_troubles() -> Iterator[list[MachineTrouble]]:
    """Raise at the end what the machine had no room for, whatever was made of it meanwhile."""
    troubles: list[MachineTrouble] = []
    try:
        yield troubles
    finally:
        if troubles:
            raise troubles[0]


def _described(subject: Subject, limits: Limits) -> Description:
    return describe(
        subject, lambda called: contextlib.closing(ForkedObserver(observer_of(called), limits.call, hangs=_hangs))
    )


def _inferred(inquiry: Inquiry, subject: Subject, limits: Limits, tell: Tell) -> Facts:
    subject = in_style(subject, inquiry.style)
    vitals = Heartbeat(tell, limits)
    guard = ForkedObserver(observer_of(subject), limits.call, vitals.alive, _hangs)
    with contextlib.closing(vitals), contextlib.closing(guard), _noting_troubles() as troubles:
        return infer(inquiry, subject, Attending(guard, troubles), lambda examples: vitals.alive())


def _diagnosed(asked: Examination, subject: Subject, limits: Limits, tell: Tell) -> dict[str, Any]:
    subject = in_style(subject, asked.style)
    vitals = Heartbeat(tell, limits)
    guard = ForkedObserver(observer_of(subject), limits.call, vitals.alive, _hangs)
    with contextlib.closing(vitals), contextlib.closing(guard), _noting_troubles() as troubles:
        return diagnose(asked, subject, Attending(guard, troubles), lambda number: vitals.alive())


def _performed(task: Task, subject: Subject, limits: Limits, tell: Tell) -> LawResult:
    subject = in_style(subject, task.style)
    vitals = Heartbeat(tell, limits, task.seconds)
    # a guarded layer has a process of its own for all it is asked
    kept = ForkedObserver if task.guard else ProgramsApart
    observer = kept(Attended(observer_of(subject), vitals.alive), limits.call, vitals.alive, _hangs)
    with contextlib.closing(observer), contextlib.closing(vitals), _noting_troubles() as troubles:
        # what ended the process once may have been a kernel: none is asked beside the guard
        kernels = None if task.guard else backend_of(subject).kernels(subject)
        asked = Attending(observer, troubles)
        result = perform(task, subject, asked, vitals, kernels and attended(kernels, vitals.alive))
        if vitals.trouble is not None:
            troubles.append(vitals.trouble)
        elif task.repetitions and result.outcome in FAILED:
            return reproduced(
                task, result, subject, lambda: ForkedObserver(observer_of(subject), limits.call, vitals.alive, _hangs)
            )
        return result
