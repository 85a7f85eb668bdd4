"""Examples: the problems that were the worst for each law, kept in Hypothesis' own database for a later campaign."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from hypothesis.database import DirectoryBasedExampleDatabase

NAME = "examples"


class Examples:
    """The example database in a campaign's directory: byte strings of problems, by target and law."""

    def __init__(self, directory: str | Path) -> None:
        self.path = Path(directory) / NAME
        self._database = DirectoryBasedExampleDatabase(self.path)

    def keep(self, target: str, law: str, strings: Iterable[bytes]) -> None:
        """These and no others."""
        key, wanted = _key(target, law), set(strings)
        there = set(self._database.fetch(key))
        for string in there - wanted:
            self._database.delete(key, string)
        for string in wanted - there:
            self._database.save(key, string)

    def of(self, target: str, law: str) -> tuple[bytes, ...]:
        """What is there, in an order that does not depend on the file system."""
        return tuple(sorted(self._database.fetch(_key(target, law))))


def _key(target: str, law: str) -> bytes:
    return f"lossproof {target} {law}".encode()
