"""How a campaign ends: why, in words, and which troubles of a machine are no results but reasons to run again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from properties.campaigns.journal.journal import JournalFull
from properties.campaigns.records import trouble_in
from properties.campaigns.shard import Shard
from properties.errors import MachineTrouble, UsageError

MOST_TROUBLES = 3
"""Times that the machine's trouble may keep a shard from its result before the campaign ends."""

SAFE = "What is journaled is safe: mend that, then --resume"


@dataclass
class Ending:
    """Why a campaign ended: interrupted by the user, failed, or with a ``full`` disk, on which no certificate fits."""

    why: str = ""
    interrupted: bool = False
    failed: bool = False
    full: bool = False


def ending_of(error: Exception, directory: Path) -> Ending:
    """Return the ending of a campaign that an error keeps from going on."""
    if isinstance(error, OSError):
        return Ending(unwritten(error, directory), failed=True, full=True)
    return Ending(str(error), failed=True)


def unwritten(error: OSError | UsageError, directory: Path) -> str:
    """Return why a campaign cannot go on, where something could not be written."""
    if isinstance(error, JournalFull | UsageError):
        return str(error)
    return f"{error.filename or directory} cannot be written: {error.strerror}. {SAFE}"


class Troubles:
    """Counts what the machine's trouble kept from a result: such a shard runs again, some few times."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def met(self, shard: Shard, record: Mapping[str, Any]) -> bool:
        """Whether a record says nothing but that; MachineTrouble where it says so of this shard once too often."""
        reason = trouble_in(record)
        if reason:
            self._counts[shard.id] += 1
            if self._counts[shard.id] >= MOST_TROUBLES:
                raise MachineTrouble(
                    f"{shard.law or shard.target.text} cannot be run on this machine: {reason}. {SAFE}"
                )
        return bool(reason)
