"""The course of a law in a campaign: the sums of its blocks, its faults, and the problems that were worst."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import Any

from properties.campaigns.shard import fault_of, report_of
from properties.certificates.certificate import LawReport
from properties.engine.execution import LawInfo
from properties.engine.features import Fault
from properties.engine.gates import closed_by
from properties.engine.result import FAILED
from properties.errors import is_broken
from properties.workers.heartbeat import MEMORY

MOST_FAULTS = 4
"""Faults of one law after which nobody needs a fifth."""

MOST_KEPT = 16
"""Problems that a law hands on from one generation to the next."""


@dataclass
class LawSchedule:
    """One law on its way: the sums of its blocks, its faults, and the problems that were worst."""

    info: LawInfo
    asked: int = 0
    generation: int = 0
    blocks: int = 0
    examples: int = 0
    undecided: int = 0
    used: dict[str, float] = field(default_factory=dict)
    corpus: tuple[bytes, ...] = ()
    findings: list[LawReport] = field(default_factory=list)
    retired: bool = False
    closed: bool = False
    first: LawReport | None = None
    lost: list[str] = field(default_factory=list)
    seen: set[tuple[str, str]] = field(default_factory=set)
    given: set[str] = field(default_factory=set)
    _waiting: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    _lanes: tuple[int, ...] = ()

    @property
    def faults(self) -> tuple[Fault, ...]:
        """The faults that it has shown."""
        return tuple(fault for fault in map(fault_of, self.findings) if fault is not None)

    def begin(self, sizes: Sequence[int]) -> None:
        """A generation of so many blocks, of so many examples each, is under way."""
        self._lanes, self._waiting = tuple(sizes), {}

    def take(self, lane: int, record: Mapping[str, Any]) -> list[LawReport]:
        """A block is done; its findings. With the last one of a generation the sums move on, in the order of lanes."""
        self._waiting[lane] = record
        report = report_of(self.info, record)
        if len(self._waiting) == len(self._lanes):
            for number in sorted(self._waiting):
                self.add(self._waiting[number])
            self.asked += sum(self._waiting[number]["asked"] for number in self._waiting)
            found = [strings_of(record["corpus"]) for _, record in sorted(self._waiting.items())]
            self.corpus = merged([*found, self.corpus])
            self.generation += 1
            self._lanes, self._waiting = (), {}
        return [report] if report.outcome in FAILED else []

    def take_partial(self, record: Mapping[str, Any]) -> list[LawReport]:
        """A block that was cut short."""
        self.add(record)
        report = report_of(self.info, record)
        return [report] if report.outcome in FAILED else []

    def settle(self) -> None:
        """The campaign is over: what is there of an unfinished generation counts too."""
        for number in sorted(self._waiting):
            self.add(self._waiting[number])
        self._waiting = {}

    def add(self, record: Mapping[str, Any]) -> None:
        """Add up a block."""
        report = report_of(self.info, record)
        self.first = self.first or report
        self.blocks += 1
        self.undecided += report.undecided
        self.seen |= {(name, value) for name, value in record.get("seen", ())}
        self.given |= set(report.given)
        for dtype, used in report.budget_by_dtype.items():
            self.used[dtype] = max(self.used.get(dtype, 0.0), used)
        if report.outcome in FAILED:
            self.findings.append(replace(report, examples=self.examples + report.examples))
            fault = fault_of(report)
            hoards = fault is not None and fault.error == MEMORY
            self.retired |= fault is None or fault.everywhere or hoards or len(self.findings) >= MOST_FAULTS
        self.examples += report.examples
        if report.outcome == "gave up" and report.reason and (not report.examples or is_broken(report.reason)):
            self.lost.append(report.reason)
        self.closed |= self.blocks == 1 and closed_by(report.id, report.outcome, report.reason, record["declined"])
        # what a layer lacks it will lack in the next block too
        self.retired |= report.outcome == "not applicable"

    def report(self) -> LawReport:
        """Its line in a certificate."""
        if self.first is None:
            return _report(self.info, "gave up", reason="the campaign ended before it ran")
        sums = {
            "undecided": self.undecided,
            "budget_used": max(self.used.values(), default=0.0),
            "budget_by_dtype": dict(sorted(self.used.items())),
            "given": tuple(sorted(self.given)),
        }
        if self.findings:
            return replace(self.findings[0], **sums)  # type: ignore[arg-type]
        if self.examples == 0:
            return replace(self.first, **sums)  # type: ignore[arg-type]
        if self.lost:
            # what a block did not look at is not held
            words = f"{len(self.lost)} of {self.blocks} blocks gave up: {self.lost[0]}"
            return replace(_report(self.info, "gave up", words), examples=self.examples, **sums)  # type: ignore[arg-type]
        outcome = "gave up" if self.undecided > self.examples else "held"
        reason = f"{self.undecided} more examples proved nothing" if self.undecided else ""
        return replace(_report(self.info, outcome, reason), examples=self.examples, **sums)  # type: ignore[arg-type]


def strings_of(texts: Sequence[str]) -> tuple[bytes, ...]:
    """Byte strings from a journal."""
    return tuple(base64.b64decode(each) for each in texts)


def merged(corpora: Sequence[Sequence[bytes]]) -> tuple[bytes, ...]:
    """The first of each, then the second of each, and so on; none twice, and no more than are worth changing."""
    turns = (each for turn in zip_longest(*corpora) for each in turn if each is not None)
    return tuple(dict.fromkeys(turns))[:MOST_KEPT]


def _report(info: LawInfo, outcome: str, reason: str = "") -> LawReport:
    return LawReport(info.id, info.level, info.severity, info.sentence, outcome, reason=reason)
