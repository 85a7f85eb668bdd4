"""Checks a subject against the laws of its contract and yields events; the last one holds the certificate.

First: does the layer answer at all. Then the gates, each over plain problems and the one ingredient it is about. Then
all other laws, over everything whose gate held.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from properties.certificates.assembly import assembled
from properties.certificates.certificate import Certificate, LawReport
from properties.certificates.events import CutShort, Ended, Event, LawEnded, Progressed, Started
from properties.certificates.required import required_of
from properties.departures.of_conduct import OF_CONDUCT
from properties.engine.description import Description, LawInfo
from properties.engine.diagnosis import NO_DIAGNOSIS, Examination, of_law
from properties.engine.gates import GATE_EXAMPLES, GateSchedule, closes, is_gate, raised_in, unanswered
from properties.engine.result import FAILED, LawResult
from properties.engine.task import Task
from properties.errors import broken_in, did_you_mean
from properties.judging.law import LEVELS
from properties.laws.conduct import ANSWERS
from properties.subjects.subject import Loadable
from properties.subjects.target import UsageError, loadable
from properties.workers.hypothesis_home import keep_storage_away
from properties.workers.inline import Inline
from properties.workers.performer import Performer
from properties.workers.pool import Beforehand, Pool
from properties.workers.worker import Worker

BESIDE_NUMBERS = ("conduct", "refusals")
"""Levels of laws that departures of numbers explain nothing of, but by chance."""


@dataclass(frozen=True)
class Options:
    """How to run.

    ``only`` names laws (or families), ``levels`` narrows to some levels; ``workers`` processes run laws side by side,
    0 means in this process, without protection; ``time_limit`` is how many seconds one example may take;
    ``forgive_inherited`` leaves what a kernel of Paddle is to blame for out of the verdicts; ``require`` names what
    decides the verdict (see ``properties.certificates.required``).
    """

    max_examples: int = 200
    seed: int = 0
    only: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    workers: int | None = None
    time_limit: float = 10.0
    forgive_inherited: bool = False
    require: tuple[str, ...] = ()

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
        required_of(self.require)


def certify(
    subject: Loadable | str,
    *,
    max_examples: int = 200,
    seed: int = 0,
    only: Sequence[str] = (),
    levels: Sequence[str] = (),
    workers: int | None = None,
    time_limit: float = 10.0,
    forgive_inherited: bool = False,
    require: Sequence[str] = (),
    on_event: Callable[[Event], None] = lambda event: None,
) -> Certificate:
    """Put every law of a subject's contract to it, and say which hold.

    Args:
        subject: a Subject, a Target, or the text of one whose Name is a Subject.
        max_examples: valid examples for each law.
        seed: decides every draw; the same seed gives the same certificate, times aside.
        only: law ids or families; all by default.
        levels: ``formula``, ``numerics``, ``conduct``, ``refusals``; all by default.
        workers: processes; by default one for each core; 0 runs everything in this process.
        time_limit: seconds an example may take.
        forgive_inherited: leave contradictions that a kernel of Paddle shows too out of the verdicts.
        require: what decides the verdict: levels, ``remarks``, or ``all``; by default all levels but ``refusals``.
        on_event: called with each event.

    Raises ValueError for options out of range, UsageError for a subject that cannot be loaded.
    """
    chosen, narrowed, required = map(_names, (only, levels, require))
    options = Options(max_examples, seed, chosen, narrowed, workers, time_limit, forgive_inherited, required)
    target = loadable(subject)
    with contextlib.closing(run(target, options)) as events:
        for event in events:
            on_event(event)
            if isinstance(event, Ended):
                return event.certificate
    raise RuntimeError("a run ends with a certificate")


def _names(given: Sequence[str]) -> tuple[str, ...]:
    """Names as a tuple; a single one may be given as it is."""
    return (given,) if isinstance(given, str) else tuple(given)


def run(subject: Loadable, options: Options) -> Generator[Event, None, None]:
    """Run the laws; yields events, the last one Ended. Closing the iterator early ends the workers."""
    began = time.monotonic()
    count = min(os.cpu_count() or 1, 8) if options.workers is None else options.workers
    keep_storage_away()
    pool = Pool([Inline(subject)] if count == 0 else [Worker(subject, options.time_limit) for _ in range(count)])
    try:
        certification = _Certification(pool, options)
        try:
            yield from certification.events()
            certificate = certification.certificate(subject.recorded, time.monotonic() - began)
        except UsageError:
            raise
        except Exception as error:
            yield from certification.cut_short(error, subject.recorded, time.monotonic() - began)
            raise
        yield Ended(certificate)
    finally:
        pool.close()


class _Certification:
    """The laws of one subject on their way to a certificate: which are asked for, and how those that ran ended."""

    def __init__(self, pool: Pool, options: Options) -> None:
        self._pool, self._options = pool, options
        self._known = pool.describe()
        self._asked = chosen_laws(self._known, options.only, options.levels)
        self._gates = GateSchedule(self._known, [info.id for info in self._asked])
        self._results: dict[str, LawResult] = {}
        self._diagnosis: Mapping[str, Any] = NO_DIAGNOSIS

    @property
    def _reported(self) -> list[LawInfo]:
        """The laws asked for; where the layer does not answer, the law that says so before them."""
        first = [info for info in self._known.laws if info.id == ANSWERS and self._gates.silent]
        return [*(info for info in first if info not in self._asked), *self._asked]

    def events(self) -> Generator[Event, None, None]:
        """Put every law to the subject, gates before what stands behind them; yields everything but the end."""
        yield Started(self._known.name, self._known.contract, len(self._asked), self._options.max_examples)
        while gates := self._gates.due():
            self._inquire()
            yield from self._put(gates)
        self._inquire()
        rest = [info for info in self._asked if not is_gate(info) and self._gates.asks(info)]
        # what a layer does beside its numbers is asked while somebody finds out what it departs in
        beside = [info for info in rest if info.level in BESIDE_NUMBERS]
        yield from self._put(_long_first(beside), self._diagnosing)
        yield from self._explained()
        yield from self._put(_long_first([info for info in rest if info not in beside]))

    def _inquire(self) -> None:
        """Find out what the layer does, as often as what was found leads to another question."""
        while self._gates.wonders and (inquiry := self._gates.inquiry(self._options.seed)) is not None:
            self._gates.learn(self._pool.infer(inquiry))

    def _put(self, laws: Sequence[LawInfo], first: Beforehand | None = None) -> Iterator[Event]:
        infos = {info.id: info for info in laws}
        for event in self._pool.run([self._task(info) for info in laws], first):
            if isinstance(event, Progressed):
                yield event
                continue
            self._results[event.law] = event
            self._gates.end(event.law, closes(event), raised_in(event))
            if infos[event.law] in self._reported:
                yield LawEnded(LawReport.of(infos[event.law], event))

    def _diagnosing(self, performer: Performer) -> None:
        """Find out what the layer departs in; where somebody chose single laws, that is not asked for."""
        known, gates = self._known, self._gates
        if gates.silent or self._options.only:
            return
        failed = frozenset(
            law for law in gates.shut if self._results[law].outcome in FAILED and not self._results[law].remarked
        )
        asked = Examination(self._options.seed, known.dtypes, gates.shut, known.kept, known.style, failed)
        self._diagnosis = performer.diagnose(asked)

    def _explained(self) -> Iterator[Event]:
        """Put what laws were refuted by to them again: whether it follows from the departures of the layer."""
        if not self._diagnosis["departures"]:
            return
        ran = [info for info in self._known.laws if info.id in self._results]
        tasks = [
            replace(self._task(info), example=result.problem, max_examples=1)
            for info in ran
            if (result := self._results[info.id]).outcome in FAILED and result.problem is not None and result.repeatable
        ]
        for event in self._pool.run(tasks):
            if isinstance(event, Progressed):
                yield event
            elif event.explained:
                found = self._results[event.law]
                inherited = event.inherited or found.inherited
                self._results[event.law] = replace(found, explained=event.explained, inherited=inherited)

    def _name_conduct(self) -> None:
        """Enter what no number tells among the departures: each is named by the law that does not hold."""
        if not self._diagnosis["examples"]:
            return
        named = []
        required = required_of(self._options.require)
        levels = {info.id: info.level for info in self._known.laws}
        for departure in OF_CONDUCT:
            result = self._results.get(departure.law)
            if result is None or result.outcome not in FAILED or result.explained or result.remarked:
                continue
            # a law about numbers says by a hang, or an exception, something else than its sentence
            telling = ("refuted",) if levels[departure.law] == "numerics" else ("refuted", "raised")
            if levels[departure.law] not in required or result.outcome not in telling:
                continue
            named.append(of_law(departure, result))
            self._results[departure.law] = replace(result, explained=(departure.name,))
        told = sorted([*self._diagnosis["departures"], *named], key=lambda each: each["harm"])
        self._diagnosis = {**self._diagnosis, "departures": tuple(told)}

    def _task(self, info: LawInfo) -> Task:
        most = self._options.max_examples
        examples = most if info in self._asked else min(most, GATE_EXAMPLES)
        task = self._gates.task(info, self._options.seed, examples)
        return replace(task, fitted=self._diagnosis.get("fitted")) if self._diagnosis["departures"] else task

    def cut_short(self, error: Exception, target: Mapping[str, Any] | None, seconds: float) -> Iterator[Event]:
        """Yield what was done before an error that ends the run: laws that have no result gave up."""
        reason = str(broken_in("the run", error))
        for info in self._reported:
            self._results.setdefault(info.id, LawResult(info.id, "gave up", reason=reason))
        # what failed may fail again: then there is nothing to write down
        with contextlib.suppress(Exception):
            yield CutShort(self.certificate(target, seconds))

    def certificate(self, target: Mapping[str, Any] | None, seconds: float) -> Certificate:
        """Return the certificate, once all events have been yielded."""
        self._name_conduct()
        results, forgiving = self._results, self._options.forgive_inherited
        reported = self._reported
        ran = [results[info.id] for info in reported if info.id in results]
        return assembled(
            self._known,
            self._gates,
            [LawReport.of(info, results.get(info.id) or unanswered(info.id)) for info in reported],
            outcomes={law: r.outcome for law, r in results.items() if not (r.remarked or (forgiving and r.inherited))},
            seen=frozenset[tuple[str, str]]().union(*(result.seen for result in ran)),
            target=target,
            seed=self._options.seed,
            max_examples=self._options.max_examples,
            seconds=seconds,
            forgiven=forgiving,
            required=required_of(self._options.require),
            diagnosis={name: self._diagnosis[name] for name in NO_DIAGNOSIS},
        )


def _long_first(laws: Sequence[LawInfo]) -> list[LawInfo]:
    """Laws in the order in which they start: long ones first, so that no worker is left with one at the end."""
    return sorted(laws, key=lambda info: not info.slow)


def names_of(description: Description) -> set[str]:
    """The ids of a contract's laws, and the names of their families."""
    return {info.id for info in description.laws} | {info.id.split("/")[0] for info in description.laws}


def chosen_laws(description: Description, only: Sequence[str], levels: Sequence[str]) -> list[LawInfo]:
    """The laws to report; UsageError for a name that the contract does not have."""
    known = names_of(description)
    for name in only:
        if name not in known:
            raise UsageError(
                f"contract {description.contract} has no law or family {name!r}{did_you_mean(name, known)}; see "
                "`lossproof list laws`"
            )
    chosen = [
        info
        for info in description.laws
        if (not only or info.id in only or info.id.split("/")[0] in only) and (not levels or info.level in levels)
    ]
    if not chosen:
        raise UsageError(f"no law of {', '.join(only)} has level {', '.join(levels)}")
    return chosen
