"""Tally: what a campaign has done so far, in numbers; its size grows with targets and laws, never with shards."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from properties.certificates.certificate import LawReport
from properties.certificates.events import CampaignStarted, Found, ShardEnded, TargetStarted

WINDOW, STEP = 60.0, 5.0
"""Seconds over which a rate is taken, and into which its examples are put together."""

LATEST = 5
"""Findings that are kept, to be shown again."""


class Rate:
    """Examples a second over the last minute, or since the beginning where that is less."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock, self._since = clock, clock()
        self._steps: deque[tuple[float, int]] = deque()

    def add(self, examples: int) -> None:
        """Record that ``examples`` more were checked just now."""
        now = self._clock()
        if self._steps and now - self._steps[-1][0] < STEP:
            when, before = self._steps.pop()
            self._steps.append((when, before + examples))
        else:
            self._steps.append((now, examples))
        self._forget(now)

    @property
    def per_second(self) -> float:
        """Examples a second, up to now."""
        now = self._clock()
        self._forget(now)
        spent = min(now - self._since, WINDOW)
        return sum(examples for _, examples in self._steps) / max(spent, STEP)

    def _forget(self, now: float) -> None:
        while self._steps and now - self._steps[0][0] > WINDOW:
            self._steps.popleft()


@dataclass
class Row:
    """The counts of one target: shards, examples, findings, and the largest part of the budget that each law used."""

    name: str
    contract: str
    rate: Rate
    done: int = 0
    planned: int = 0
    examples: int = 0
    findings: int = 0
    remarks: int = 0
    causes: int = 0
    budgets: dict[str, float] = field(default_factory=dict)
    latest: float = 0.0

    @property
    def worst(self) -> tuple[float, str]:
        """The largest part of the budget that any law used, and that law; (0.0, '') where none used any."""
        return max(((used, law) for law, used in self.budgets.items()), default=(0.0, ""))


@dataclass(frozen=True)
class Latest:
    """A finding to be shown again; ``target`` is the name of its target."""

    target: str
    id: str
    report: LawReport
    new: bool


class Tally:
    """Counts what the events of a campaign tell."""

    def __init__(self, started: CampaignStarted, clock: Callable[[], float]) -> None:
        self.started, self.rows = started, dict[int, Row]()
        self.latest: deque[Latest] = deque(maxlen=LATEST)
        self._clock, self._began = clock, clock()

    @property
    def elapsed(self) -> float:
        """Seconds since the campaign began, or was resumed."""
        return self._clock() - self._began

    @property
    def left(self) -> float | None:
        """Seconds that are left to the campaign; None where its time is not limited."""
        return None if self.started.max_time is None else max(self.started.max_time - self.elapsed, 0.0)

    @property
    def budgets(self) -> list[tuple[float, str, str]]:
        """The largest part of the budget that each law used on each target, with law and target; the largest first."""
        used = [(used, law, row.name) for row in self.rows.values() for law, used in row.budgets.items()]
        return sorted(used, key=lambda entry: (-entry[0], entry[1:]))

    def add_target(self, event: TargetStarted) -> None:
        """Begin the row of a target that was loaded."""
        self.rows[event.number] = Row(
            event.name,
            event.contract,
            Rate(self._clock),
            event.shards,
            event.shards,
            event.examples,
            event.findings,
            event.remarks,
            event.causes,
        )

    def add_shard(self, event: ShardEnded) -> None:
        """Count a finished shard."""
        row = self.rows[event.target]
        row.done, row.planned = event.done, event.planned
        row.examples += event.examples
        row.rate.add(event.examples)
        if event.budget_used > 0:
            row.budgets[event.law] = max(row.budgets.get(event.law, 0.0), event.budget_used)
        row.latest = self._clock()

    def add_finding(self, event: Found) -> Latest:
        """Count a finding; returns it as it is to be shown."""
        row = self.rows[event.target]
        # what refutes nothing is no finding beside a verdict
        row.findings += event.report.grade == "error"
        row.remarks += event.report.grade == "remark"
        row.causes += event.new
        self.latest.append(Latest(row.name, event.id, event.report, event.new))
        return self.latest[-1]
