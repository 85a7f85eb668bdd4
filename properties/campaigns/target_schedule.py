"""Courses: what a campaign knows of a law, and of a target, so far; what is to be done next follows from that alone.

The laws of a target run in rounds, as for a certificate: does it answer, then the gates, then what the layer does.
After that each law goes its own way, one generation of blocks after the other, each larger than the last.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from properties.campaigns.law_schedule import LawSchedule
from properties.campaigns.shard import Shard
from properties.certificates.certificate import LawReport
from properties.certificates.gaps import gaps_of
from properties.drawing.guided import Guidance
from properties.engine.execution import Description, LawInfo, Task
from properties.engine.features import Fault
from properties.engine.gates import GATE_EXAMPLES, aside, unanswered
from properties.engine.inference import Facts, Inquiry
from properties.engine.result import bytes_of
from properties.laws.conduct import ANSWERS
from properties.subjects.target import Target
from properties.workers.heartbeat import Limits

BLOCK = 200
"""Examples of a law in its first generation; each one doubles it, until a block takes some ten seconds."""

DOUBLINGS = 4

SIZES = (12, 12, 1_000, 20_000, 200_000, 1_000_000)
"""How many elements the problems of a generation may have; the last is for all that follow."""

LEAST_ANSWERED = 4
"""Examples after which a layer that then fails to answer one is not said to answer nothing."""

ROUNDS = 4
"""Whether the layer answers, and three rounds of gates; then it is found out what the layer does."""

APART = 1 << 40
"""Seeds of blocks lie so far apart, so that no campaign draws another one's examples; the first block has its seed."""


@dataclass(frozen=True)
class Plan:
    """What all shards of a campaign have in common.

    ``max_examples`` is for each law (None: no end); ``lanes`` blocks of a law run side by side; ``seconds`` is what a
    block may take.
    """

    seed: int
    max_examples: int | None
    limits: Limits
    seconds: float
    lanes: int = 1
    repetitions: int = 3


class TargetSchedule:
    """One target on its way through all of its laws."""

    def __init__(self, number: int, target: Target, plan: Plan) -> None:
        self.number, self.target, self._plan = number, target, plan
        self.description: Description | None = None
        self.inferred: Facts = {}
        self.shut: frozenset[str] = frozenset()
        self.courses: dict[str, LawSchedule] = {}
        self.seconds = 0.0
        self.shards = self.planned = 0
        self._round = -1
        self._silent: tuple[Fault, ...] = ()
        self._open: set[str] = set()

    @property
    def known(self) -> Description:
        """The description, which comes first of all."""
        assert self.description is not None
        return self.description

    def describe(self) -> Shard:
        """The shard that comes before all others."""
        return Shard(self.number, self.target, self._plan.limits, "describe")

    def described(self, record: Mapping[str, Any], chosen: Sequence[str], corpora: Mapping[str, Sequence[str]]) -> None:
        """The target is loaded, and these of its laws are to be reported; their first problems are of ``corpora``."""
        self.description = record["description"]
        self.constants = tuple(record["constants"])
        self._fingerprint = record["fingerprint"]
        self.chosen = frozenset(chosen)
        self.courses = {
            info.id: LawSchedule(info, corpus=bytes_of(corpora.get(info.id, ()))) for info in self.known.laws
        }

    def widen(self, lanes: int) -> None:
        """From now on so many blocks of a law run side by side."""
        self._plan = replace(self._plan, lanes=lanes)

    def next(self) -> Iterator[Shard]:
        """What can be done now and was not handed out yet; after a block was taken there may be more."""
        while not self._open and self._round <= ROUNDS:
            self._round += 1
            if self._round < ROUNDS:
                laws = [info for info in self.known.laws if self._round == _round_of(info)]
                yield from self._generation(laws)
            elif self._round == ROUNDS and ANSWERS not in self.shut:
                yield self._inquiry()
            elif self._round > ROUNDS:
                yield from self._generation([info for info in self.known.laws if info.id in self.chosen])

    def take(self, record: Mapping[str, Any]) -> tuple[list[LawReport], list[Shard]]:
        """A shard is done: what it found, and what can be done now that could not before."""
        self._came_back(record)
        if record["kind"] == "infer":
            self.inferred = record["inferred"]
            return [], list(self.next())
        course = self.courses[record["law"]]
        before = course.generation
        found = course.take(int(record["id"].rpartition(":")[2]), record)
        if course.generation == before:
            return found, []
        gate = course.info.gate or course.info.id == ANSWERS
        if gate and before == 0 and course.closed and not self._answers_mostly(course):
            self.shut |= {course.info.id}
        if self._round > ROUNDS:
            return found, list(self._generation([course.info]))
        return found, list(self.next())

    def _came_back(self, record: Mapping[str, Any]) -> None:
        self._open.discard(record["id"])
        self.seconds += record["seconds"]
        self.shards += 1

    def _answers_mostly(self, course: LawSchedule) -> bool:
        """Whether a layer fails to answer only where there is something special: then the laws are asked elsewhere."""
        if course.info.id != ANSWERS or course.retired or course.examples < LEAST_ANSWERED:
            return False
        self._silent = course.faults
        return True

    def take_partial(self, record: Mapping[str, Any]) -> list[LawReport]:
        """A block that the end of the campaign cut short: it counts, but nothing follows from it."""
        self._came_back(record)
        return self.courses[record["law"]].take_partial(record)

    def settle(self) -> None:
        """The campaign is over."""
        for course in self.courses.values():
            course.settle()

    def _generation(self, laws: Iterable[LawInfo]) -> Iterator[Shard]:
        for info in laws:
            course = self.courses[info.id]
            sizes = self._blocks(course)
            if not sizes or (ANSWERS in self.shut and info.id != ANSWERS):
                continue
            course.begin(sizes)
            for lane, examples in enumerate(sizes):
                yield self._handed_out(self._shard(course, lane, examples))

    def _blocks(self, course: LawSchedule) -> list[int]:
        """Examples of each block of a law's next generation; none where the law is done."""
        left = None if self._plan.max_examples is None else self._plan.max_examples - course.asked
        if course.retired or (left is not None and left <= 0):
            return []
        if self._round < ROUNDS:
            return [GATE_EXAMPLES if left is None else min(GATE_EXAMPLES, left)]
        step = max(course.generation - (1 if _round_of(course.info) < ROUNDS else 0), 0)
        size = BLOCK * 2 ** min(step, DOUBLINGS)
        lanes = [size] * self._plan.lanes
        if left is None:
            return lanes
        return [n for n in (min(size, left - size * lane) for lane in range(self._plan.lanes)) if n > 0]

    def _shard(self, course: LawSchedule, lane: int, examples: int) -> Shard:
        info, generation = course.info, course.generation
        gates = {i.id: i.gate for i in self.known.laws if i.gate}
        seek = Guidance(self.constants, course.corpus, SIZES[min(generation, len(SIZES) - 1)])
        task = Task(
            info.id,
            self._plan.seed + APART * (generation * self._plan.lanes + lane),
            examples,
            self.known.dtypes,
            aside(info, gates, self.shut),
            known=tuple(dict.fromkeys((*course.faults, *self._silent))),
            seconds=self._plan.seconds,
            repetitions=self._plan.repetitions,
            # the first block is what a certificate would draw, unless there is something to begin with
            seek=seek if generation or course.corpus else None,
            kept=self.known.kept,
        )
        return Shard(
            self.number,
            self.target,
            self._plan.limits,
            info=info,
            task=task,
            generation=generation,
            lane=lane,
            fingerprint=self._fingerprint,
        )

    def _inquiry(self) -> Shard:
        inquiry = Inquiry(self._plan.seed, self.known.dtypes, self.shut, self.known.kept)
        limits, fingerprint = self._plan.limits, self._fingerprint
        return self._handed_out(
            Shard(self.number, self.target, limits, "infer", inquiry=inquiry, fingerprint=fingerprint)
        )

    def _handed_out(self, shard: Shard) -> Shard:
        self._open.add(shard.id)
        self.planned += 1
        return shard

    def reports(self) -> tuple[LawReport, ...]:
        """The lines of its certificate so far."""
        names = [info.id for info in self.known.laws if info.id in self.chosen or (info.id == ANSWERS in self.shut)]
        return tuple(self._line(name) for name in names)

    def _line(self, law: str) -> LawReport:
        if ANSWERS in self.shut and law != ANSWERS:
            return LawReport.of(self.courses[law].info, unanswered(law))
        return self.courses[law].report()

    @property
    def findings(self) -> list[LawReport]:
        """All that it failed, in the order of laws and blocks; gates too that nobody asked for."""
        return [report for name in sorted(self.courses) for report in self.courses[name].findings]

    def gaps(self) -> tuple[str, ...]:
        """What would have to be looked at before its certificate could say certified."""
        outcomes = {name: course.report().outcome for name, course in self.courses.items() if course.blocks}
        seen = frozenset[tuple[str, str]]().union(*(self.courses[law].seen for law in self.chosen))
        return gaps_of(self.known, outcomes, [report.id for report in self.reports()], seen)

    def set_aside(self) -> dict[str, dict[str, list[Any]]]:
        """What no law but its own drew, since a gate does not hold."""
        return {
            i.id: dict(i.behind) for i in sorted(self.known.laws, key=lambda i: i.id) if i.id in self.shut and i.behind
        }


def _round_of(info: LawInfo) -> int:
    return 0 if info.id == ANSWERS else info.gate or ROUNDS
