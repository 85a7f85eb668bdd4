"""The schedule of a target: what a campaign knows of it so far, and the shards that follow from that alone.

The laws of a target run in rounds, as for a certificate: whether it answers, then the gates, then what the layer does.
After that each law runs one generation of blocks after the other, each larger than the last, whatever other laws do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from properties.campaigns.law_schedule import LawSchedule
from properties.campaigns.shard import Shard
from properties.certificates.certificate import LawReport
from properties.drawing.guided import Guidance
from properties.engine.description import Description, LawInfo
from properties.engine.faults import Fault
from properties.engine.gates import GATE_EXAMPLES, GateSchedule, is_gate, raised_in, unanswered
from properties.engine.result import FAILED, bytes_of
from properties.engine.study import Inquiry
from properties.laws.conduct import ANSWERS
from properties.subjects.target import Target
from properties.workers.limits import Limits

BLOCK = 200
"""Examples of a law in its first generation; each one doubles it, ``DOUBLINGS`` times at most."""

DOUBLINGS = 4

SIZES = (12, 12, 1_000, 20_000, 200_000, 1_000_000)
"""How many elements the problems of a generation may have; the last is for all that follow."""

LEAST_ANSWERED = 4
"""Examples that a layer must answer before its first failure for it to count as one that answers."""

APART = 1 << 40
"""Distance between the seeds of two blocks, so that no campaign draws another one's examples; the first block has the
seed of the campaign."""


@dataclass(frozen=True)
class Plan:
    """The settings that all shards of a campaign have in common.

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
    """The state of one target: its gates, the schedule of each law, and which shards are out."""

    def __init__(self, number: int, target: Target, plan: Plan) -> None:
        self.number, self.target, self._plan = number, target, plan
        self.description: Description | None = None
        self.courses: dict[str, LawSchedule] = {}
        self.seconds = 0.0
        self.shards = self.planned = 0
        self._inquiries = 0
        self._gates_over = False
        self._silent: tuple[Fault, ...] = ()
        self._open: set[str] = set()

    @property
    def known(self) -> Description:
        """The description of the target, which must have come by now."""
        assert self.description is not None
        return self.description

    def describe(self) -> Shard:
        """Return the shard that comes before all others."""
        return Shard(self.number, self.target, self._plan.limits, "describe")

    def described(self, record: Mapping[str, Any], chosen: Sequence[str], corpora: Mapping[str, Sequence[str]]) -> None:
        """Take the record of the description, the ids of the laws to report, and the first problems of each law."""
        self.description = record["description"]
        self.constants = tuple(record["constants"])
        self._fingerprint = record["fingerprint"]
        self.chosen = frozenset(chosen)
        self.gates = GateSchedule(self.known, chosen)
        self.courses = {
            info.id: LawSchedule(info, corpus=bytes_of(corpora.get(info.id, ()))) for info in self.known.laws
        }

    def widen(self, lanes: int) -> None:
        """Let ``lanes`` blocks of a law run side by side from now on."""
        self._plan = replace(self._plan, lanes=lanes)

    def next(self) -> Iterator[Shard]:
        """Yield the shards that became possible by the end of a round; none where one is under way, or all are over."""
        if self._open or self._gates_over:
            return
        gates, inquiry = self.gates.due(), self.gates.inquiry(self._plan.seed)
        if self.gates.wonders and inquiry is not None:
            yield self._handed_out(self._inquiry(inquiry))
        elif gates:
            yield from self._generation(gates)
        else:
            self._gates_over = True
            yield from self._generation([info for info in self.known.laws if info.id in self.chosen])

    def take(self, record: Mapping[str, Any]) -> tuple[list[LawReport], list[Shard]]:
        """Take the record of a finished shard; returns what it found, and the shards that became possible by it."""
        self._came_back(record)
        if record["kind"] == "infer":
            self._inquiries += 1
            self.gates.learn(record["inferred"])
            return [], list(self.next())
        course = self.courses[record["law"]]
        before = course.generation
        found = course.take(int(record["id"].rpartition(":")[2]), record)
        if course.generation == before:
            return found, []
        raised = raised_in(course.failures[0]) if course.failures else None
        self.gates.end(course.info.id, before == 0 and course.closed and not self._answers_mostly(course), raised)
        if self._gates_over:
            return found, list(self._generation([course.info]))
        return found, list(self.next())

    def _came_back(self, record: Mapping[str, Any]) -> None:
        self._open.discard(record["id"])
        self.seconds += record["seconds"]
        self.shards += 1

    def _answers_mostly(self, course: LawSchedule) -> bool:
        """Return whether the layer answers most problems: then its failures are avoided, and the gate is not shut."""
        if course.info.id != ANSWERS or course.retired or course.examples < LEAST_ANSWERED:
            return False
        self._silent = course.faults
        return True

    def take_partial(self, record: Mapping[str, Any]) -> list[LawReport]:
        """Take the record of a block that the end of the campaign cut short; returns what it found.

        Its examples count, but no shard follows from it.
        """
        self._came_back(record)
        return self.courses[record["law"]].take_partial(record)

    def settle(self) -> None:
        """Count what is there of unfinished generations: the campaign is over."""
        for course in self.courses.values():
            course.settle()

    def _generation(self, laws: Iterable[LawInfo]) -> Iterator[Shard]:
        for info in laws:
            course = self.courses[info.id]
            sizes = self._blocks(course)
            if not sizes or not self.gates.asks(info):
                continue
            course.begin(sizes)
            for lane, examples in enumerate(sizes):
                yield self._handed_out(self._shard(course, lane, examples))

    def _blocks(self, course: LawSchedule) -> list[int]:
        """Return the examples of each block of a law's next generation; an empty list where the law is done."""
        left = None if self._plan.max_examples is None else self._plan.max_examples - course.asked
        if course.retired or (left is not None and left <= 0):
            return []
        if is_gate(course.info) and course.generation == 0:
            return [GATE_EXAMPLES if left is None else min(GATE_EXAMPLES, left)]
        step = max(course.generation - is_gate(course.info), 0)
        size = BLOCK * 2 ** min(step, DOUBLINGS)
        lanes = [size] * self._plan.lanes
        if left is None:
            return lanes
        return [n for n in (min(size, left - size * lane) for lane in range(self._plan.lanes)) if n > 0]

    def _shard(self, course: LawSchedule, lane: int, examples: int) -> Shard:
        info, generation = course.info, course.generation
        guidance = Guidance(self.constants, course.corpus, SIZES[min(generation, len(SIZES) - 1)])
        seed = self._plan.seed + APART * (generation * self._plan.lanes + lane)
        task = replace(
            self.gates.task(info, seed, examples),
            known=tuple(dict.fromkeys((*course.faults, *self._silent))),
            seconds=self._plan.seconds,
            repetitions=self._plan.repetitions,
            # the first block is what a certificate would draw, unless there is something to begin with
            seek=guidance if generation or course.corpus else None,
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

    def _inquiry(self, inquiry: Inquiry) -> Shard:
        limits, fingerprint = self._plan.limits, self._fingerprint
        return Shard(
            self.number,
            self.target,
            limits,
            "infer",
            inquiry=inquiry,
            generation=self._inquiries,
            fingerprint=fingerprint,
        )

    def _handed_out(self, shard: Shard) -> Shard:
        self._open.add(shard.id)
        self.planned += 1
        return shard

    def reports(self) -> tuple[LawReport, ...]:
        """Return the lines of the target's certificate so far."""
        silent = self.gates.silent
        reported = [i for i in self.known.laws if i.id in self.chosen or (silent and i.id == ANSWERS)]
        return tuple(
            self.courses[i.id].report() if self.gates.asks(i) else LawReport.of(i, unanswered(i.id)) for i in reported
        )

    @property
    def findings(self) -> list[LawReport]:
        """A line for each block that failed, in the order of laws and blocks; gates that nobody asked for too."""
        return [report for name in sorted(self.courses) for report in self.courses[name].findings]

    @property
    def errors(self) -> tuple[LawReport, ...]:
        """The laws that do not hold, but for those of which all that was found is a remark."""
        reports = (law.report() for law in self.courses.values() if law.failures)
        return tuple(law for law in reports if law.grade == "error")

    @property
    def outcomes(self) -> dict[str, str]:
        """How each law stands of which some block ran, by id."""
        reports = {name: course.report() for name, course in self.courses.items() if course.blocks}
        # a remark keeps nothing from being certified
        return {name: law.outcome for name, law in reports.items() if law.grade == "error" or law.outcome not in FAILED}

    @property
    def seen(self) -> frozenset[tuple[str, str]]:
        """The named values that the laws to report put to the layer, each with its dimension, as text."""
        return frozenset[tuple[str, str]]().union(*(self.courses[law].seen for law in self.chosen))
