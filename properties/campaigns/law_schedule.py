"""The schedule of a law in a campaign: the sums of its blocks, its faults, and its worst problems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import Any

from properties.certificates.certificate import LawReport
from properties.engine.description import LawInfo
from properties.engine.faults import Fault, error_of
from properties.engine.features import ingredients
from properties.engine.gates import closes
from properties.engine.result import FAILED, LawResult
from properties.errors import is_broken
from properties.workers.heartbeat import MEMORY

MOST_FAULTS = 4
"""Faults of one law after which the campaign no longer searches for another one."""

MOST_KEPT = 16
"""Problems that a law hands on from one generation to the next."""


@dataclass
class LawSchedule:
    """What a campaign knows of one law so far.

    ``asked`` are the examples that finished generations asked for, ``examples`` those that came; ``generation`` counts
    finished generations, ``blocks`` finished blocks. ``corpus`` are the problems that came closest to failing;
    ``failures`` the results of blocks that failed. A law is ``retired`` where no further block is worth its time, and
    ``closed`` where its first block shuts its gate. ``lost`` are the reasons of blocks that gave up.
    """

    info: LawInfo
    asked: int = 0
    generation: int = 0
    blocks: int = 0
    examples: int = 0
    undecided: int = 0
    used: dict[str, float] = field(default_factory=dict)
    corpus: tuple[bytes, ...] = ()
    failures: list[LawResult] = field(default_factory=list)
    retired: bool = False
    closed: bool = False
    first: LawResult | None = None
    lost: list[str] = field(default_factory=list)
    seen: set[tuple[str, str]] = field(default_factory=set)
    given: set[str] = field(default_factory=set)
    _waiting: dict[int, tuple[int, LawResult]] = field(default_factory=dict)
    _lanes: tuple[int, ...] = ()

    @property
    def faults(self) -> tuple[Fault, ...]:
        """The faults that the law has shown, in the order in which they were found."""
        # a remark excuses no error
        found = (fault_of(result) for result in self.failures if not result.remarked)
        return tuple(fault for fault in found if fault is not None)

    @property
    def findings(self) -> list[LawReport]:
        """A line for each block that failed, with all examples up to its own."""
        return [LawReport.of(self.info, result) for result in self.failures]

    def begin(self, sizes: Sequence[int]) -> None:
        """Begin a generation: a block for each of ``sizes``, of so many examples."""
        self._lanes, self._waiting = tuple(sizes), {}

    def take(self, lane: int, record: Mapping[str, Any]) -> list[LawReport]:
        """Take the record of a finished block, and return what it found: a line for a law that failed, or nothing.

        With the last block of a generation the sums move on, in the order of lanes.
        """
        result = LawResult.from_record(record)
        self._waiting[lane] = (record["asked"], result)
        if len(self._waiting) == len(self._lanes):
            blocks = [self._waiting[number] for number in sorted(self._waiting)]
            for _, block in blocks:
                self.add(block)
            self.asked += sum(asked for asked, _ in blocks)
            self.corpus = merged([*(block.corpus for _, block in blocks), self.corpus])
            self.generation += 1
            self._lanes, self._waiting = (), {}
        return self._found(result)

    def take_partial(self, record: Mapping[str, Any]) -> list[LawReport]:
        """Take the record of a block that was cut short; returns what it found, as :meth:`take` does."""
        result = LawResult.from_record(record)
        self.add(result)
        return self._found(result)

    def settle(self) -> None:
        """Count the finished blocks of a generation that will never be complete: the campaign is over."""
        for number in sorted(self._waiting):
            self.add(self._waiting[number][1])
        self._waiting = {}

    def add(self, block: LawResult) -> None:
        """Add a block to the sums, and decide whether the law is done."""
        self.first = self.first or block
        self.blocks += 1
        self.undecided += block.undecided
        self.seen |= block.seen
        self.given |= set(block.given)
        for dtype, used in block.used_by_dtype.items():
            self.used[dtype] = max(self.used.get(dtype, 0.0), used)
        if block.remarked and not any(result.remarked for result in self.failures):
            self.failures.append(replace(block, examples=self.examples + block.examples))
        elif block.outcome in FAILED and not block.remarked:
            self.failures.append(replace(block, examples=self.examples + block.examples))
            fault = fault_of(block)
            hoards = fault is not None and fault.error == MEMORY
            self.retired |= fault is None or fault.everywhere or hoards or len(self.failures) >= MOST_FAULTS
        self.examples += block.examples
        if block.outcome == "gave up" and block.reason and (not block.examples or is_broken(block.reason)):
            self.lost.append(block.reason)
        self.closed |= self.blocks == 1 and closes(block)
        # what a layer lacks it will lack in the next block too
        self.retired |= block.outcome == "not applicable"

    def report(self) -> LawReport:
        """Return the law's line in a certificate of all that ran so far."""
        return LawReport.of(self.info, self._result())

    def _result(self) -> LawResult:
        law = self.info.id
        if self.first is None:
            return LawResult(law, "gave up", reason="the campaign ended before it ran")
        if self.failures:
            base = next((result for result in self.failures if not result.remarked), self.failures[0])
        elif self.examples == 0:
            base = self.first
        elif self.lost:
            # what a block did not look at is not held
            words = f"{len(self.lost)} of {self.blocks} blocks gave up: {self.lost[0]}"
            base = LawResult(law, "gave up", self.examples, reason=words)
        else:
            outcome = "gave up" if self.undecided > self.examples else "held"
            reason = f"{self.undecided} more examples proved nothing" if self.undecided else ""
            base = LawResult(law, outcome, self.examples, reason=reason)
        return replace(
            base,
            undecided=self.undecided,
            used=max(self.used.values(), default=0.0),
            used_by_dtype=dict(sorted(self.used.items())),
            given=tuple(sorted(self.given)),
        )

    def _found(self, result: LawResult) -> list[LawReport]:
        return [LawReport.of(self.info, result)] if result.outcome in FAILED else []


def fault_of(result: LawResult) -> Fault | None:
    """Return the fault that a failed law's counterexample shows, None where it has none."""
    finding = result.finding
    if result.outcome not in FAILED or finding is None or not finding.calls:
        return None
    call = finding.calls[0]
    example = call if result.problem is None else result.problem
    return Fault(
        result.outcome,
        error_of(finding),
        ingredients(call),
        ingredients(example),
        min(call.size, example.size),
        min(call.classes, example.classes),
    )


def merged(corpora: Sequence[Sequence[bytes]]) -> tuple[bytes, ...]:
    """Return the first string of each corpus, then the second of each, and so on: none twice, at most MOST_KEPT."""
    turns = (each for turn in zip_longest(*corpora) for each in turn if each is not None)
    return tuple(dict.fromkeys(turns))[:MOST_KEPT]
