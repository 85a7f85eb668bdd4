"""What a run says while it runs. Reports consume these; the runner knows none of them."""

from __future__ import annotations

from dataclasses import dataclass

from properties.certificate import Certificate, LawReport


@dataclass(frozen=True)
class Started:
    """The subject is loaded; these laws will be put to it."""

    subject: str
    contract: str
    laws: int
    examples: int


@dataclass(frozen=True)
class Progressed:
    """A law has this many examples behind it."""

    law: str
    examples: int


@dataclass(frozen=True)
class LawEnded:
    """A law has its outcome."""

    report: LawReport


@dataclass(frozen=True)
class Ended:
    """All is said."""

    certificate: Certificate


Event = Started | Progressed | LawEnded | Ended
