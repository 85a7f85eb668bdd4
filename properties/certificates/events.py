"""Events: what a run yields while it runs. Reports consume them; a run knows no report."""

from __future__ import annotations

from dataclasses import dataclass

from properties.certificates.certificate import Certificate, LawReport
from properties.engine.result import Progressed as Progressed


@dataclass(frozen=True)
class Started:
    """The subject is loaded; so many laws will be put to it."""

    subject: str
    contract: str
    laws: int
    examples: int


@dataclass(frozen=True)
class LawEnded:
    """A law has its outcome."""

    report: LawReport


@dataclass(frozen=True)
class Ended:
    """The run is over, with this certificate."""

    certificate: Certificate


@dataclass(frozen=True)
class CutShort:
    """The run cannot go on, and raises why next; the certificate has what was done so far."""

    certificate: Certificate


Event = Started | Progressed | LawEnded | Ended | CutShort


@dataclass(frozen=True)
class CampaignStarted:
    """A campaign begins, or goes on with so many shards behind it.

    ``targets`` are the words that name them; ``max_time`` is in seconds; ``max_examples`` is for each law.
    """

    directory: str
    targets: tuple[str, ...]
    workers: str
    seed: int
    max_time: float | None
    max_examples: int | None
    resumed: int = 0


@dataclass(frozen=True)
class TargetStarted:
    """A target of a campaign is loaded; ``number`` is its place among them.

    The rest is what a campaign that goes on has behind it.
    """

    number: int
    name: str
    contract: str
    laws: int
    shards: int = 0
    examples: int = 0
    findings: int = 0
    remarks: int = 0
    causes: int = 0


@dataclass(frozen=True)
class ShardEnded:
    """A shard has its result: so many more examples of a law.

    ``done`` of the ``planned`` shards that are known so far of its target have theirs.
    """

    target: int
    law: str
    outcome: str
    examples: int
    budget_used: float
    seconds: float
    done: int
    planned: int


@dataclass(frozen=True)
class Found:
    """A campaign has a finding; ``id`` names its files; ``new`` says that no earlier one has the same cause."""

    target: int
    id: str
    report: LawReport
    new: bool


@dataclass(frozen=True)
class Noted:
    """Something that the user ought to know: what was repaired, lost, or written by somebody else."""

    words: str


@dataclass(frozen=True)
class CampaignEnded:
    """A campaign is over; ``why`` says in words what ended it, ``interrupted`` that the user did, ``failed`` that it
    could not go on. ``files`` are those of the certificates, where they were written.
    """

    directory: str
    certificates: tuple[Certificate, ...]
    seconds: float
    why: str
    interrupted: bool = False
    failed: bool = False
    files: tuple[str, ...] = ()


CampaignEvent = CampaignStarted | TargetStarted | ShardEnded | Found | Noted | CampaignEnded
