"""The corpus: problems that came closest to failing each law, stored in the form of Hypothesis' own database.

A folder for each key, by its hash, and in it a file for each string, by its hash. Hypothesis can read it; it would also
write through links, and read files of any size, so that what is read and written here is done by us.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

from properties.campaigns.records import LONGEST_STRING
from properties.storage.files import Folder, ForeignFileError

NAME = "examples"

MOST_STRINGS = 64
"""Strings of a law that are read; a campaign keeps 16."""


class Examples:
    """The database in a campaign's directory: byte strings from which problems are drawn, by target and law."""

    def __init__(self, directory: str | Path | Folder) -> None:
        self._directory = directory

    def keep(self, target: str, law: str, strings: Iterable[bytes]) -> None:
        """Replace the stored strings of this target and law by ``strings``; ForeignFileError where a link is there."""
        wanted = {_hash(string): string for string in strings}
        with contextlib.ExitStack() as stack:
            folder = self._opened(stack, make=True)
            if folder is None:
                return
            inside = stack.enter_context(folder.subfolder(_hash(_key(target, law)), make=True))
            there = set(inside.names())
            for name in there - set(wanted):
                # what has no such name is none of ours
                if _LEFT.fullmatch(name) or (len(name) == LENGTH and _content(inside, name) is not None):
                    inside.remove(name)
            for name in set(wanted) - there:
                inside.write(name, wanted[name])

    def of(self, target: str, law: str) -> tuple[bytes, ...]:
        """Return the stored strings of a target and law, sorted: the order must not depend on the file system."""
        with contextlib.ExitStack() as stack:
            folder = self._opened(stack, make=False)
            if folder is None:
                return ()
            with contextlib.suppress(FileNotFoundError):
                inside = stack.enter_context(folder.subfolder(_hash(_key(target, law))))
                found = (_content(inside, name) for name in inside.names()[:MOST_STRINGS])
                return tuple(sorted(string for string in found if string is not None))
        return ()

    def texts_of(self, target: str, laws: Iterable[str]) -> dict[str, list[str]]:
        """Return the stored strings of a target as text, by law; laws without any are left out."""
        found = {law: [base64.b64encode(each).decode() for each in self.of(target, law)] for law in laws}
        return {law: texts for law, texts in found.items() if texts}

    def _opened(self, stack: contextlib.ExitStack, make: bool) -> Folder | None:
        directory = self._directory
        if not isinstance(directory, Folder):
            directory = stack.enter_context(Folder(directory))
        with contextlib.suppress(FileNotFoundError):
            return stack.enter_context(directory.subfolder(NAME, make=make))
        return None


LENGTH = 16
"""Characters of the name of a file, or of a folder."""

_LEFT = re.compile(rf"\.[0-9a-f]{{{LENGTH}}}\.[0-9a-f]{{8}}\.tmp")
"""The name of a file that a kill left while it was being written."""


def _content(folder: Folder, name: str) -> bytes | None:
    """Return a stored string; None for what is none of ours: a link, too long, or of another name than its hash."""
    with contextlib.suppress(ForeignFileError, OSError, ValueError):
        content = folder.read(name, LONGEST_STRING)
        return content if _hash(content) == name else None
    return None


def _hash(content: bytes) -> str:
    return hashlib.sha384(content).hexdigest()[:LENGTH]


def _key(target: str, law: str) -> bytes:
    return f"lossproof {target} {law}".encode(errors="surrogatepass")
