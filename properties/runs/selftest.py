"""Selftest: the laws put to the museum of wrong losses; which of them does each law refute, and does any survive?"""

from __future__ import annotations

import contextlib
import importlib
import os
import time
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any, Protocol

from properties.engine.description import Description, LawInfo
from properties.engine.result import FAILED, LawResult
from properties.engine.task import Task
from properties.errors import MachineTrouble
from properties.laws.conduct import ANSWERS
from properties.subjects.target import Target, UsageError
from properties.workers.pool import patiently, performed
from properties.workers.worker import Worker

REGISTRIES = ("tests.mutants.registry", "properties._mutants.registry")
"""Where the losses of the museum are entered: in a source checkout, and in an installed package."""

EXAMPLES = 100
"""Valid examples of each law at most, unless asked otherwise."""

ROUNDS = (4, 20)
"""Examples of each law before any law gets more; what no law refuted by then gets all that were asked for."""


class Exhibit(Protocol):
    """A wrong loss after a real defect: where it was reported, what is wrong, and how to load it."""

    id: str
    reference: str
    kind: str
    text: str
    contract: str
    backend: str | None
    what: str
    simulated: bool
    unseen: str


@dataclass(frozen=True)
class Row:
    """What came of one exhibit; ``unseen`` says why no law can refute it, where none can.

    ``law`` refuted it first, after ``examples`` examples of all laws and ``seconds`` since the first of them began;
    its shrunk counterexample has ``elements`` elements. ``killers`` are all laws that refute it; ``oracle_free`` those
    that do so where no oracle is known. Without a full matrix each list ends with its first law.
    """

    id: str
    reference: str
    kind: str
    what: str
    contract: str
    simulated: bool
    killers: tuple[str, ...] = ()
    oracle_free: tuple[str, ...] = ()
    law: str = ""
    examples: int = 0
    seconds: float = 0.0
    elements: int = 0
    report: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""
    unseen: str = ""

    @property
    def killed(self) -> bool:
        """Whether any law refutes it."""
        return bool(self.killers)


@dataclass(frozen=True)
class Score:
    """What came of all exhibits."""

    rows: tuple[Row, ...]

    @property
    def survivors(self) -> tuple[str, ...]:
        """The exhibits that no law refutes."""
        return tuple(row.id for row in self.rows if not row.killed)

    @property
    def missed(self) -> tuple[str, ...]:
        """The survivors that some law should have refuted."""
        return tuple(row.id for row in self.rows if not row.killed and not row.unseen)

    @property
    def laws(self) -> dict[str, list[str]]:
        """For each law the exhibits that it refutes."""
        found: dict[str, list[str]] = {}
        for row in self.rows:
            for law in dict.fromkeys((*row.killers, *row.oracle_free)):
                found.setdefault(law, []).append(row.id)
        return found

    def middle(self, name: str) -> float:
        """The median of a number over the exhibits that were refuted."""
        return float(median([getattr(row, name) for row in self.rows if row.killed] or [0.0]))

    def to_dict(self) -> dict[str, Any]:
        """Plain data, ready for JSON."""
        return {
            "mutants": len(self.rows),
            "killed": len(self.rows) - len(self.survivors),
            "survivors": list(self.survivors),
            "oracle_free_killed": sum(bool(row.oracle_free) for row in self.rows),
            "median_seconds": self.middle("seconds"),
            "median_examples": self.middle("examples"),
            "median_elements": self.middle("elements"),
            "rows": [{**asdict(row), "killed": row.killed} for row in self.rows],
        }


def museum() -> dict[str, Exhibit]:
    """All exhibits by id; UsageError where there is no museum."""
    for name in REGISTRIES:
        try:
            registry = importlib.import_module(name)
        except ModuleNotFoundError:
            continue
        exhibits: dict[str, Exhibit] = registry.exhibits()
        return exhibits
    raise UsageError("the museum of wrong losses is not installed; run from a source checkout")


def exhibits_of(names: Sequence[str]) -> list[Exhibit]:
    """The exhibits of these ids, all where there are none; UsageError for an unknown one."""
    exhibits = museum()
    for name in names:
        if name not in exhibits:
            raise UsageError(f"the museum has no exhibit {name!r}; it has {', '.join(exhibits)}")
    return [exhibits[name] for name in names or exhibits]


def selftest(
    exhibits: Sequence[Exhibit],
    *,
    max_examples: int = EXAMPLES,
    seed: int = 0,
    workers: int | None = None,
    quick: bool = False,
    time_limit: float = 10.0,
) -> Generator[Row, None, None]:
    """Put the laws to each exhibit, in processes of their own; yields rows as they come.

    ``quick`` ends with the first law that refutes an exhibit; else every law is put to it.
    """
    count = min(os.cpu_count() or 1, 8) if workers is None else workers
    with ThreadPoolExecutor(max_workers=max(count, 1)) as pool:
        waiting = [pool.submit(_row, exhibit, max_examples, seed, quick, time_limit) for exhibit in exhibits]
        try:
            for done in as_completed(waiting):
                yield done.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _row(exhibit: Exhibit, max_examples: int, seed: int, quick: bool, time_limit: float) -> Row:
    known = {
        name: getattr(exhibit, name) for name in ("id", "reference", "kind", "what", "contract", "simulated", "unseen")
    }
    contract = exhibit.contract if exhibit.backend else None
    worker = Worker(Target(exhibit.text, contract, backend=exhibit.backend), time_limit)
    with contextlib.closing(worker):
        try:
            description = patiently(worker.describe)
        except (UsageError, MachineTrouble) as error:
            return Row(**known, error=str(error))
        search = _Search(worker, description, max_examples, seed)
        found = search.run(quick)
        free = _Search(worker, description, max_examples, seed, oracle=False).run(quick)
    return Row(**{**known, **found}, oracle_free=free.get("killers", ()))


class _Search:
    """Puts one law after the other to one exhibit, until one refutes it or to the end."""

    def __init__(
        self, worker: Worker, description: Description, max_examples: int, seed: int, oracle: bool = True
    ) -> None:
        self._worker, self._description, self._oracle = worker, description, oracle
        self._examples, self._seed = max_examples, seed
        free = set(description.oracle_free)
        self._laws = sorted(
            (info for info in description.laws if oracle or info.id in free),
            key=lambda info: (info.id != ANSWERS, not info.first),
        )

    def run(self, quick: bool) -> dict[str, Any]:
        """The laws that refute it, and how the first one did."""
        began, examples = time.monotonic(), 0
        killers: list[str] = []
        found: dict[str, Any] = {}
        # a glance at everything first: what is plainly wrong shows at once, whichever law it is for
        for most in (*(min(few, self._examples) for few in ROUNDS), self._examples):
            for info in self._laws:
                enough = quick or most > max(ROUNDS) or killers[:1] == [ANSWERS]
                if info.id in killers or (killers and enough):
                    continue
                # one counterexample is enough to look at
                result = self._put(info, most, shrink=not killers and self._oracle)
                examples += result.examples
                if result.outcome in FAILED:
                    killers.append(info.id)
                    if len(killers) == 1:
                        found = _first(info, result, examples, time.monotonic() - began)
        order = {info.id: number for number, info in enumerate(self._laws)}
        rest = sorted(killers[1:], key=lambda law: order[law])
        return {**found, "killers": (*killers[:1], *rest)}

    def _put(self, info: LawInfo, most: int, shrink: bool) -> LawResult:
        task = Task(
            info.id,
            self._seed,
            most,
            self._description.dtypes,
            shrink=shrink,
            oracle=self._oracle,
        )
        return performed(self._worker, task, lambda examples: None)


def _first(info: LawInfo, result: LawResult, examples: int, seconds: float) -> dict[str, Any]:
    elements = 0 if result.finding is None else result.finding.calls[0].size
    said = result.to_dict()
    return {
        "law": info.id,
        "examples": examples,
        "seconds": round(seconds, 3),
        "elements": elements,
        "report": {"message": said["message"], "counterexample": said["counterexample"]},
    }
