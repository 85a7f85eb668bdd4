"""Campaign: laws put to layers for hours, in shards that any executor carries out, with a journal that loses nothing.

What a campaign does next follows from its journal alone: whoever resumes it, with however many workers, ends where an
undisturbed one would have ended.
"""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

from properties.campaigns.beginning import Beginning, opened
from properties.campaigns.corpus import Examples
from properties.campaigns.endings import Ending, Troubles, ending_of, unwritten
from properties.campaigns.executors import ExecutorLost, lanes_for, notes_of, slots_of
from properties.campaigns.folder import running_folder
from properties.campaigns.journal.journal import NAME, JournalError, JournalFull, RecordTooLarge
from properties.campaigns.options import CampaignOptions
from properties.campaigns.outputs import certificate_of, name_of, write_certificate, write_finding
from properties.campaigns.records import parsed, shard_record
from properties.campaigns.shard import Shard, loaded_record, lost_record, record_of, run_shard, stop_all, timely
from properties.campaigns.target_schedule import Plan, TargetSchedule
from properties.certificates.causes import causes
from properties.certificates.certificate import Certificate, LawReport
from properties.certificates.events import (
    CampaignEnded,
    CampaignEvent,
    CampaignStarted,
    Found,
    Noted,
    ShardEnded,
    TargetStarted,
)
from properties.engine.description import Description
from properties.errors import MachineTrouble
from properties.storage.files import Folder, ForeignFileError
from properties.subjects.target import Target, UsageError
from properties.workers.limits import Limits

MOST_NOTES = 10
"""Lines of a journal that are told one by one where they are no records."""

LAST_SECONDS = 5.0
"""When the time of a campaign is over, how long running shards have to end by themselves."""


def campaign(
    targets: Sequence[Target], options: CampaignOptions, executor: Executor | None = None, slots: int | None = None
) -> Generator[CampaignEvent, None, None]:
    """Run a campaign; yields events, the last one CampaignEnded. Closing the iterator early ends its workers.

    ``executor`` carries out shards, ``slots`` at a time (a RemoteExecutor knows how many); by default processes of
    this machine do. A KeyboardInterrupt thrown into it ends the campaign with certificates of what was done.
    Raises UsageError for a target that cannot be loaded, and for a directory that holds something else.
    """
    try:
        journal = opened(options)
    except JournalFull as error:
        yield CampaignEnded(options.directory, (), 0.0, str(error), failed=True)
        return
    with journal:
        own = ThreadPoolExecutor(options.count) if executor is None else None
        begun: Beginning | None = None
        try:
            begun = Beginning(journal, targets, options)
            run = _Campaign(begun)
            yield from run.events(own or executor, slots or options.count, local=own is not None)  # type: ignore[arg-type]
        except UsageError:
            # where nothing has begun, nothing is left of it
            (begun or journal).withdraw()
            raise
        finally:
            if own is not None:
                stop_all()
                own.shutdown(wait=True, cancel_futures=True)


class _Campaign:
    """The state of one run of a campaign."""

    def __init__(self, begun: Beginning) -> None:
        self._begun, self._journal, self._options, self._header = begun, begun.journal, begun.options, begun.header
        self._fresh, self._directory = begun.fresh, begun.folder.path
        plan = Plan(
            seed=self._header.seed,
            max_examples=self._options.max_examples,
            limits=Limits(self._header.time_limit, self._header.memory),
            seconds=self._header.block_seconds,
            lanes=self._header.lanes,
        )
        self._courses = [TargetSchedule(n, target, plan) for n, target in enumerate(self._header.targets)]
        self._plan = plan
        self._ready: list[tuple[int, int, int, Shard]] = []
        self._order = itertools.count()
        self._resumed, self._odd, self._cut, self._troubles = 0, 0, False, Troubles()
        self._began = time.monotonic()
        self._causes: dict[int, int] = {}

    @property
    def _folder(self) -> Folder:
        return self._journal.folder

    def events(self, executor: Executor, slots: int, local: bool) -> Generator[CampaignEvent, None, None]:
        """Yield everything that happens, to the end of the campaign."""
        ending = Ending()
        try:
            self._begun.announce()
            with running_folder(self._folder, not self._fresh) if local else nullcontext() as running:
                try:
                    self._describe(executor, running)
                    self._widen(executor)
                    self._begun.begin(self._header)
                    self._resume()
                    yield self._started(slots_of(executor, slots), local)
                    for course in self._courses:
                        yield self._entered(course)
                    yield from self._notes(executor)
                    yield from self._work(executor, slots, running, ending)
                finally:
                    if local:
                        # what still runs writes into the folder
                        stop_all()
        except KeyboardInterrupt:
            ending = Ending("what was done is kept", interrupted=True)
        except (OSError, ExecutorLost, MachineTrouble, JournalError, ForeignFileError) as error:
            ending = ending_of(error, self._directory)
        yield from self._notes(executor)
        described = [course for course in self._courses if course.description is not None]
        if ending.failed or len(described) == len(self._courses):
            yield self._ended(ending, described)

    def _describe(self, executor: Executor, running: str | None) -> None:
        """Load every target; UsageError where one cannot be loaded, or its file changed since the campaign began."""
        waiting = [executor.submit(run_shard, course.describe(), running) for course in self._courses]
        records = []
        for course, future in zip(self._courses, waiting, strict=True):
            record = loaded_record(course.target, future)
            while self._troubles.met(course.describe(), record):
                record = loaded_record(course.target, executor.submit(run_shard, course.describe(), running))
            records.append(record)
        known = [record["description"] for record in records]
        names = self._header.chosen_of_each(known)
        fingerprints = tuple(record["fingerprint"] for record in records)
        if self._fresh:
            pairs = zip(self._header.targets, known, strict=True)
            corpora = {target.text: self._begun_with(target, description) for target, description in pairs}
            self._header = replace(self._header, fingerprints=fingerprints, corpora=corpora)
        for course, record, laws in zip(self._courses, records, names, strict=True):
            if self._header.fingerprints[course.number] != record["fingerprint"]:
                raise UsageError(
                    f"--resume: {course.target.text} changed since the campaign in {self._directory} began; "
                    f"begin another one in another directory"
                )
            course.described(record, laws, self._header.corpora[course.target.text])

    def _begun_with(self, target: Target, description: Description) -> dict[str, list[str]]:
        """Return the problems that were the worst in the campaign of ``--examples``; empty where none is named."""
        if self._options.examples is None:
            return {}
        return Examples(self._options.examples).texts_of(target.text, (info.id for info in description.laws))

    def _widen(self, executor: Executor) -> None:
        """Decide how many blocks of a law run side by side; a campaign that is resumed keeps what it had."""
        laws = sum(len(course.chosen) for course in self._courses)
        if self._fresh:
            self._header = replace(self._header, lanes=max(self._header.lanes, lanes_for(executor, laws)))
        for course in self._courses:
            course.widen(self._header.lanes)

    def _resume(self) -> None:
        """Replay the journal's records through the schedules, and queue the shards that come after them."""
        waiting: dict[str, Shard] = {}
        for course in self._courses:
            waiting |= {shard.id: shard for shard in course.next()}
        for number, content in self._begun.lines:
            where = f"{self._directory / NAME}, line {number}"
            try:
                record = parsed(content)
                shard = waiting.get(str(record["id"]))
                if shard is None or record.get("partial") is True:
                    continue
                record = shard_record(record, shard.law, shard.kind)
            except (ValueError, TypeError, LookupError, AttributeError) as error:
                self._passed_over(f"{where}, is no record of a shard, which runs again: {error}")
                continue
            del waiting[shard.id]
            try:
                found, more = self._courses[shard.number].take(record)
            except (ValueError, TypeError, LookupError, ArithmeticError) as error:
                raise UsageError(f"{where} cannot be replayed: {type(error).__name__}: {error}") from None
            waiting |= {shard.id: shard for shard in more}
            self._resumed += 1
            for report in found:
                # it may have been journaled, and no more
                self._found(shard.number, report)
        self._line_up(waiting.values())

    def _passed_over(self, words: str) -> None:
        """Note a line that is no record, and of many such lines how many there are."""
        self._odd += 1
        if self._odd < MOST_NOTES:
            self._journal.notes.append(words)
        elif self._odd == MOST_NOTES:
            self._journal.notes.append(f"{words}; further lines of this kind are passed over without a word")

    def _line_up(self, shards: Any) -> None:
        for shard in shards:
            heapq.heappush(self._ready, (shard.generation, _first(shard), next(self._order), shard))

    def _work(
        self, executor: Executor, slots: int, running: str | None, ending: Ending
    ) -> Generator[CampaignEvent, None, None]:
        """Hand out shards and take their records, until every law is done or the time is over."""
        most = self._options.time
        end = None if most is None else self._began + most
        flying: dict[Future[dict[str, Any]], tuple[Shard, bool]] = {}
        while True:
            now = time.monotonic()
            while self._ready and len(flying) < slots_of(executor, slots) and (end is None or now < end):
                shard = heapq.heappop(self._ready)[-1]
                timed, whole = timely(shard, None if end is None else end - now)
                flying[executor.submit(run_shard, timed, running)] = (shard, whole)
            if not flying:
                ending.why = "the time is over" if self._ready or self._cut else "every law is done"
                return
            left = None if end is None else max(end + LAST_SECONDS - now, 0.0)
            finished, _ = wait(flying, timeout=1.0 if left is None else min(left, 1.0), return_when=FIRST_COMPLETED)
            for future in finished:
                shard, whole = flying.pop(future)
                yield from self._take(shard, record_of(shard, future), whole)
            yield from self._notes(executor)
            if left == 0.0 and not finished:
                ending.why = "the time is over"
                return

    def _take(self, shard: Shard, record: dict[str, Any], whole: bool) -> Generator[CampaignEvent, None, None]:
        """Journal the record of a finished shard, and only then act on it."""
        if self._troubles.met(shard, record):
            # that is no result: it is not journaled, and runs again
            self._line_up([shard])
            return
        course = self._courses[shard.number]
        if not whole and record.get("spent"):
            # what the end of the campaign cut short runs again if it is resumed
            record = {**record, "partial": True}
            self._cut = True
        record = self._journaled(shard, record)
        if record.get("partial"):
            found = course.take_partial(record)
        else:
            found, more = course.take(record)
            self._line_up(more)
            self._keep(course, shard.law)
        for report in found:
            yield self._found(shard.number, report)
        if shard.info is not None:
            said = record["report"]
            yield ShardEnded(
                shard.number,
                shard.info.id,
                said["outcome"],
                said.get("examples", 0),
                said.get("budget_used", 0.0),
                record["seconds"],
                course.shards,
                course.planned,
            )

    def _journaled(self, shard: Shard, record: dict[str, Any]) -> dict[str, Any]:
        """Journal a record; returns it, or the one that says that there was no journaling it."""
        try:
            self._journal.append(record)
        except RecordTooLarge as error:
            record = lost_record(shard, str(error))
            self._journal.append(record)
        return record

    def _keep(self, course: TargetSchedule, law: str) -> None:
        """Store the problems of a law that came closest to failing, for a later campaign."""
        if law and course.courses[law].corpus:
            Examples(self._folder).keep(course.target.text, law, course.courses[law].corpus)

    def _found(self, number: int, report: LawReport) -> Found:
        """Write a finding to files of its own; returns the event, which says whether the finding has a new cause."""
        name = name_of(number, report)
        write_finding(self._folder, name, report)
        course = self._courses[number]
        count = len(causes(replace(self._certificate(number), laws=course.errors)))
        new = count > self._causes.get(number, 0)
        self._causes[number] = count
        return Found(number, name, report, new)

    def _entered(self, course: TargetSchedule) -> TargetStarted:
        known = course.known
        return TargetStarted(
            course.number,
            known.name,
            known.contract,
            len(course.chosen),
            shards=course.shards,
            examples=sum(law.examples for law in course.courses.values()),
            findings=sum(report.grade == "error" for report in course.findings),
            remarks=sum(report.grade == "remark" for report in course.findings),
            causes=self._causes.get(course.number, 0),
        )

    def _notes(self, executor: Executor) -> Iterator[Noted]:
        for notes in (self._journal.notes, notes_of(executor)):
            while notes:
                yield Noted(notes.pop(0))

    def _started(self, slots: int, local: bool) -> CampaignStarted:
        return CampaignStarted(
            directory=str(self._directory),
            targets=tuple(course.target.text for course in self._courses),
            workers=str(slots) if local else f"of a cluster, {slots} shards at a time",
            seed=self._plan.seed,
            max_time=self._options.time,
            max_examples=self._options.max_examples,
            resumed=self._resumed,
        )

    def _certificate(self, number: int) -> Certificate:
        return certificate_of(self._courses[number], self._plan.seed, self._options)

    def _ended(self, ending: Ending, described: Sequence[TargetSchedule]) -> CampaignEnded:
        certificates, files = [], []
        for course in described:
            course.settle()
            certificate = self._certificate(course.number)
            certificates.append(certificate)
            try:
                if not ending.full:
                    files.append(write_certificate(self._folder, course.number, certificate))
            except (OSError, ForeignFileError) as error:
                ending = Ending(unwritten(error, self._directory), failed=True, full=True)
        seconds = time.monotonic() - self._began
        how = (ending.why, ending.interrupted, ending.failed, tuple(files))
        return CampaignEnded(str(self._directory), tuple(certificates), seconds, *how)


def _first(shard: Shard) -> int:
    """Return the rank of a shard within its generation: what the layer does is found out before any law runs."""
    return 0 if shard.kind == "infer" else 1
