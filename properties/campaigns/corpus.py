"""The corpus: problems that came closest to failing each law, stored in Hypothesis' own database."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from pathlib import Path

from hypothesis.database import DirectoryBasedExampleDatabase

NAME = "examples"


class Examples:
    """The database in a campaign's directory: byte strings from which problems are drawn, by target and law."""

    def __init__(self, directory: str | Path) -> None:
        self.path = Path(directory) / NAME
        self._database = DirectoryBasedExampleDatabase(self.path)

    def keep(self, target: str, law: str, strings: Iterable[bytes]) -> None:
        """Replace the stored strings of this target and law by ``strings``."""
        key, wanted = _key(target, law), set(strings)
        there = set(self._database.fetch(key))
        for string in there - wanted:
            self._database.delete(key, string)
        for string in wanted - there:
            self._database.save(key, string)

    def of(self, target: str, law: str) -> tuple[bytes, ...]:
        """Return the stored strings of a target and law, sorted: the order must not depend on the file system."""
        return tuple(sorted(self._database.fetch(_key(target, law))))

    def texts_of(self, target: str, laws: Iterable[str]) -> dict[str, list[str]]:
        """Return the stored strings of a target as text, by law; laws without any are left out."""
        found = {law: [base64.b64encode(each).decode() for each in self.of(target, law)] for law in laws}
        return {law: texts for law, texts in found.items() if texts}


def _key(target: str, law: str) -> bytes:
    return f"lossproof {target} {law}".encode()
