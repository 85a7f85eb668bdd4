"""Tally: what a campaign has done so far, in numbers; it grows with targets and laws, never with shards."""

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
        """So many more, now."""
        now = self._clock()
        if self._steps and now - self._steps[-1][0] < STEP:
            when, before = self._steps.pop()
            self._steps.append((when, before + examples))
        else:
            self._steps.append((now, examples))
        self._forget(now)

    @property
    def per_second(self) -> float:
        """The rate as of now."""
        now = self._clock()
        self._forget(now)
        spent = min(now - self._since, WINDOW)
        return sum(examples for _, examples in self._steps) / max(spent, STEP)

    def _forget(self, now: float) -> None:
        while self._steps and now - self._steps[0][0] > WINDOW:
            self._steps.popleft()


@dataclass
class Row:
    """One target: shards, examples, findings, and of each law the worst part of the budget."""

    name: str
    contract: str
    rate: Rate
    done: int = 0
    planned: int = 0
    examples: int = 0
    findings: int = 0
    causes: int = 0
    budgets: dict[str, float] = field(default_factory=dict)
    latest: float = 0.0

    @property
    def worst(self) -> tuple[float, str]:
        """The worst of them and its law."""
        return max(((used, law) for law, used in self.budgets.items()), default=(0.0, ""))


@dataclass(frozen=True)
class Latest:
    """A finding to be shown again; ``target`` is the name."""

    target: str
    id: str
    report: LawReport
    new: bool


class Tally:
    """Counts the events of a campaign."""

    def __init__(self, started: CampaignStarted, clock: Callable[[], float]) -> None:
        self.started, self.rows = started, dict[int, Row]()
        self.latest: deque[Latest] = deque(maxlen=LATEST)
        self._clock, self._began = clock, clock()

    @property
    def elapsed(self) -> float:
        """Seconds since it began, or went on."""
        return self._clock() - self._began

    @property
    def left(self) -> float | None:
        """Seconds of its time that are left; None where it has no end."""
        return None if self.started.max_time is None else max(self.started.max_time - self.elapsed, 0.0)

    @property
    def budgets(self) -> list[tuple[float, str, str]]:
        """How much of the budget was used at most, by which law over which target; the worst first."""
        used = [(used, law, row.name) for row in self.rows.values() for law, used in row.budgets.items()]
        return sorted(used, key=lambda entry: (-entry[0], entry[1:]))

    def add_target(self, event: TargetStarted) -> None:
        """A target is loaded."""
        self.rows[event.number] = Row(
            event.name,
            event.contract,
            Rate(self._clock),
            event.shards,
            event.shards,
            event.examples,
            event.findings,
            event.causes,
        )

    def add_shard(self, event: ShardEnded) -> None:
        """A shard has its result."""
        row = self.rows[event.target]
        row.done, row.planned = event.done, event.planned
        row.examples += event.examples
        row.rate.add(event.examples)
        if event.budget_used > 0:
            row.budgets[event.law] = max(row.budgets.get(event.law, 0.0), event.budget_used)
        row.latest = self._clock()

    def add_finding(self, event: Found) -> Latest:
        """A finding, as it is to be shown."""
        row = self.rows[event.target]
        row.findings += 1
        row.causes += event.new
        self.latest.append(Latest(row.name, event.id, event.report, event.new))
        return self.latest[-1]
