"""Puts the laws of a contract to a subject and yields events; the last one holds the certificate.

First: does the layer answer at all. Then the gates, each over plain problems and the one ingredient it is about. Then
all other laws, over everything whose gate held.
"""

from __future__ import annotations

import contextlib
import os
import queue
import threading
import time
from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass

from properties.certificates.certificate import Certificate, LawReport, environment
from properties.certificates.events import Ended, Event, LawEnded, Progressed, Started
from properties.certificates.gaps import gaps_of
from properties.certificates.museum_score import score_of
from properties.engine.execution import Description, LawInfo, Task
from properties.engine.gates import GATE_EXAMPLES, aside, closes, unanswered
from properties.engine.inference import Facts, Inquiry
from properties.engine.result import LawResult
from properties.judging.law import LEVELS
from properties.laws.conduct import ANSWERS
from properties.subjects.arguments_not_given import not_given
from properties.subjects.subject import Subject
from properties.subjects.target import Target, UsageError
from properties.workers.worker import Performer, Worker
from properties.workers.worker_main import Inline

LAST_ROUND = 4
"""The laws that are no gates; before them it is found out what the layer does."""


@dataclass(frozen=True)
class Options:
    """How to run.

    ``only`` names laws (or families), ``levels`` narrows to some levels; ``workers`` processes run laws side by side,
    0 means in this process, without protection; ``time_limit`` is how many seconds one example may take;
    ``forgive_inherited`` leaves what a kernel of Paddle is to blame for out of the verdicts.
    """

    max_examples: int = 200
    seed: int = 0
    only: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    workers: int | None = None
    time_limit: float = 10.0
    forgive_inherited: bool = False

    def __post_init__(self) -> None:
        if self.max_examples < 1:
            raise ValueError(f"max_examples must be at least 1, got {self.max_examples}")
        if self.workers is not None and self.workers < 0:
            raise ValueError(f"workers must be at least 0, got {self.workers}")
        if not self.time_limit > 0:
            raise ValueError(f"time_limit must be more than 0 seconds, got {self.time_limit}")
        for level in self.levels:
            if level not in LEVELS:
                raise ValueError(f"level must be one of {', '.join(LEVELS)}, got {level!r}")


def certify(
    subject: Subject | Target | str,
    *,
    max_examples: int = 200,
    seed: int = 0,
    only: Sequence[str] = (),
    levels: Sequence[str] = (),
    workers: int | None = None,
    time_limit: float = 10.0,
    forgive_inherited: bool = False,
    on_event: Callable[[Event], None] = lambda event: None,
) -> Certificate:
    """Put every law of a subject's contract to it, and say which hold.

    Args:
        subject: a Subject, a Target, or the text of one whose Name is a Subject.
        max_examples: valid examples for each law.
        seed: decides every draw; the same seed gives the same certificate, times aside.
        only: law ids or families; all by default.
        levels: ``formula``, ``numerics``, ``conduct``; all by default.
        workers: processes; by default one for each core; 0 runs everything in this process.
        time_limit: seconds an example may take.
        forgive_inherited: leave contradictions that a kernel of Paddle shows too out of the verdicts.
        on_event: called with each event.

    Raises ValueError for options out of range, UsageError for a subject that cannot be loaded.
    """
    chosen, narrowed = ((names,) if isinstance(names, str) else tuple(names) for names in (only, levels))
    options = Options(max_examples, seed, chosen, narrowed, workers, time_limit, forgive_inherited)
    target = Target(subject) if isinstance(subject, str) else subject
    with contextlib.closing(run(target, options)) as events:
        for event in events:
            on_event(event)
            if isinstance(event, Ended):
                return event.certificate
    raise RuntimeError("a run ends with a certificate")


def run(subject: Subject | Target, options: Options) -> Generator[Event, None, None]:
    """Run the laws; yields events, the last one Ended. Closing the iterator early ends the workers."""
    began = time.monotonic()
    count = min(os.cpu_count() or 1, 8) if options.workers is None else options.workers
    pool = Pool([Inline(subject)] if count == 0 else [Worker(subject, options.time_limit) for _ in range(count)])
    try:
        description = pool.describe()
        chosen = chosen_laws(description, options.only, options.levels)
        yield Started(description.name, description.contract, len(chosen), options.max_examples)
        reports: dict[str, LawReport] = {}
        results: dict[str, LawResult] = {}
        shut: frozenset[str] = frozenset()
        set_aside: dict[str, dict[str, list[object]]] = {}
        inferred: Facts = {}
        for gate, laws in enumerate(_rounds(description, chosen)):
            if gate == LAST_ROUND and ANSWERS not in shut:
                inferred = pool.infer(Inquiry(options.seed, description.dtypes, shut, description.kept))
            if ANSWERS in shut:
                for info in laws:
                    reports[info.id] = LawReport.of(info, unanswered(info.id))
                continue
            tasks = [_task(info, chosen, description, options, shut) for info in laws]
            for event in pool.run(tasks):
                if isinstance(event, Progressed):
                    yield event
                    continue
                info = next(i for i in laws if i.id == event.law)
                report = LawReport.of(info, event)
                results[info.id] = event
                if info.id == ANSWERS and closes(event) and info not in chosen:
                    # whatever was asked for, this is why nothing else was
                    chosen = [info, *chosen]
                if info in chosen:
                    reports[info.id] = report
                    yield LawEnded(report)
                if (info.gate or info.id == ANSWERS) and closes(event):
                    shut |= {info.id}
                    if info.behind:
                        set_aside[info.id] = dict(info.behind)
        yield Ended(
            Certificate(
                subject=description.name,
                contract=description.contract,
                laws=tuple(reports[info.id] for info in chosen),
                seed=options.seed,
                max_examples=options.max_examples,
                takes=description.takes,
                domain=description.domain,
                set_aside=dict(sorted(set_aside.items())),
                dropped=description.dropped,
                environment=environment(),
                seconds=round(time.monotonic() - began, 3),
                inferred=inferred,
                target=subject.to_dict() if isinstance(subject, Target) else None,
                score=score_of(description.contract, (law.id for law in reports.values() if law.examples)),
                forgiven=options.forgive_inherited,
                gaps=_gaps(description, results, reports, options.forgive_inherited),
                narrowed=description.narrowed,
                assumed=description.assumed,
                not_given=not_given(description.unless_given, (reports[info.id].given for info in chosen)),
            )
        )
    finally:
        pool.close()


def _gaps(
    description: Description, results: Mapping[str, LawResult], reports: Collection[str], forgiving: bool
) -> tuple[str, ...]:
    outcomes = {law: r.outcome for law, r in results.items() if not (forgiving and r.inherited)}
    seen = frozenset[tuple[str, str]]().union(*(results[law].seen for law in reports if law in results))
    return gaps_of(description, outcomes, reports, seen)


def names_of(description: Description) -> set[str]:
    """The ids of a contract's laws, and the names of their families."""
    return {info.id for info in description.laws} | {info.id.split("/")[0] for info in description.laws}


def chosen_laws(description: Description, only: Sequence[str], levels: Sequence[str]) -> list[LawInfo]:
    """The laws to report; UsageError for a name that the contract does not have."""
    known = names_of(description)
    for name in only:
        if name not in known:
            raise UsageError(
                f"contract {description.contract} has no law or family {name!r}; see `lossproof list laws`"
            )
    chosen = [
        info
        for info in description.laws
        if (not only or info.id in only or info.id.split("/")[0] in only) and (not levels or info.level in levels)
    ]
    if not chosen:
        raise UsageError(f"no law of {', '.join(only)} has level {', '.join(levels)}")
    return chosen


def _rounds(description: Description, chosen: Sequence[LawInfo]) -> Iterator[list[LawInfo]]:
    wanted = {info.id for info in chosen}
    yield [info for info in description.laws if info.id == ANSWERS]
    for gate in (1, 2, 3):
        yield [info for info in description.laws if info.gate == gate]
    # long ones first, so that no worker is left with one at the end
    yield sorted(
        (info for info in description.laws if not info.gate and info.id != ANSWERS and info.id in wanted),
        key=lambda info: info.id not in _LONG,
    )


_LONG = frozenset({"oracle/finite-difference", "ignore/many-ignored", "ignore/matches-nothing", "conduct/second-call"})


def _task(
    info: LawInfo, chosen: Sequence[LawInfo], description: Description, options: Options, shut: frozenset[str]
) -> Task:
    asked = info.id in {i.id for i in chosen}
    examples = options.max_examples if asked else min(options.max_examples, GATE_EXAMPLES)
    gates = {i.id: i.gate for i in description.laws if i.gate}
    shutting = aside(info, gates, shut)
    return Task(info.id, options.seed, examples, description.dtypes, shutting, kept=description.kept)


class Pool:
    """Performers side by side, each with a thread that feeds it."""

    def __init__(self, performers: Sequence[Performer]) -> None:
        self._performers = performers
        self._threads: list[threading.Thread] = []

    def describe(self) -> Description:
        """What one of them learns about the subject."""
        return self._performers[0].describe()

    def infer(self, inquiry: Inquiry) -> Facts:
        """What one of them finds out about the layer."""
        return self._performers[0].infer(inquiry)

    def run(self, tasks: Sequence[Task]) -> Iterator[Progressed | LawResult]:
        """Results as they come, with progress between them."""
        waiting: queue.SimpleQueue[Task] = queue.SimpleQueue()
        for task in tasks:
            waiting.put(task)
        done: queue.SimpleQueue[Progressed | LawResult | BaseException] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=_feed, args=(performer, waiting, done), daemon=True)
            for performer in self._performers[: max(len(tasks), 1)]
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

    def close(self) -> None:
        """End all of them, and the threads that still wait for one."""
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


def _feed(
    performer: Performer,
    waiting: queue.SimpleQueue[Task],
    done: queue.SimpleQueue[Progressed | LawResult | BaseException],
) -> None:
    while True:
        try:
            task = waiting.get_nowait()
        except queue.Empty:
            return
        law = task.law
        try:
            done.put(performer.run(task, lambda examples, law=law: done.put(Progressed(law, examples))))  # type: ignore[misc]
        except BaseException as error:
            done.put(error)
            return
