"""The folder of a campaign: what may lie in it, and what of it is ours to write over and to remove."""

from __future__ import annotations

import contextlib
import os
import re
import stat
from collections.abc import Callable, Iterator

from properties.campaigns.corpus import NAME as EXAMPLES
from properties.campaigns.journal.journal import FOREIGN
from properties.campaigns.journal.journal import NAME as JOURNAL
from properties.campaigns.journal.lock import NAME as LOCK
from properties.storage.files import Folder, ForeignFileError, is_temporary

FINDINGS = "findings"
RUNNING = "running"
BEGINNING = "beginning.json"
"""What a campaign is to be begun with, until its journal says it."""

_CERTIFICATE = re.compile(r"certificate-\d+\.json")
_EXAMPLE = re.compile(r"\d+_[\w.-]+_\d+_\d+\.example")
"""The file of an example that is about to run."""


def certificate_name(number: int) -> str:
    """Return the name of the certificate of a target."""
    return f"certificate-{number}.json"


def require_ours(folder: Folder, fresh: bool) -> None:
    """Raise ForeignFileError where a name that a campaign uses is that of a link, or of something that is none of ours.

    A ``fresh`` campaign finds nothing of another one there.
    """
    for name in folder.names():
        if name in (JOURNAL, FOREIGN, LOCK, BEGINNING) or _CERTIFICATE.fullmatch(name):
            _require(folder, name, stat.S_ISREG, "file")
        elif name in (FINDINGS, EXAMPLES, RUNNING):
            _require(folder, name, stat.S_ISDIR, "folder")
            with folder.subfolder(name) as inside:
                _require_plain(inside, 1 if name == EXAMPLES else 0)
                others = [found for found in inside.names() if not is_temporary(found)]
            if fresh and others and name != EXAMPLES:
                words = f"is there already, with {others[0]!r}, and no campaign is"
                raise ForeignFileError(f"{folder.path / name} {words}: choose another --out")
        if _CERTIFICATE.fullmatch(name) and (fresh or not _says(folder, name, b"lossproof-certificate")):
            raise ForeignFileError(
                f"{folder.path / name} is there already, and is not overwritten: choose another --out"
            )
        if name == BEGINNING and not _says(folder, name, b"lossproof-campaign"):
            raise ForeignFileError(f"{folder.path / name} is none of lossproof's, and stays as it is")


def remove_leftovers(folder: Folder) -> None:
    """Remove what a kill left of files that were being written; the names are those that we give alone."""
    ours = re.compile(
        rf"\.({'|'.join(map(re.escape, (JOURNAL, BEGINNING)))}|{_CERTIFICATE.pattern})\.[0-9a-f]{{8}}\.tmp"
    )
    for name in folder.names():
        if ours.fullmatch(name):
            folder.remove(name)
    if folder.status(FINDINGS) is not None:
        with folder.subfolder(FINDINGS) as findings:
            for name in findings.names():
                if re.fullmatch(r"\.[0-9a-f]{8}\.(json|py)\.[0-9a-f]{8}\.tmp", name):
                    findings.remove(name)


@contextlib.contextmanager
def running_folder(folder: Folder, resumed: bool) -> Iterator[str]:
    """Yield the path of the folder for the examples that run; at the end it is gone, with those that are left in it."""
    with folder.subfolder(RUNNING, make=True) as running:
        try:
            yield str(running.path)
        finally:
            for name in running.names():
                if _EXAMPLE.fullmatch(name):
                    running.remove(name)
            if running.made or resumed:
                with contextlib.suppress(OSError):
                    folder.remove_folder(RUNNING)


def _require(folder: Folder, name: str, kind: Callable[[int], bool], words: str) -> None:
    status = folder.status(name)
    if status is not None and not kind(status.st_mode):
        raise ForeignFileError(
            f"{folder.path / name} is a link or no {words}, and stays as it is: choose another --out"
        )


def _require_plain(folder: Folder, deep: int) -> None:
    """Raise where anything in a folder is a link, or lies deeper than it may."""
    for name in folder.names():
        status = folder.status(name)
        if status is None:
            continue
        if stat.S_ISDIR(status.st_mode) and deep:
            with folder.subfolder(name) as inside:
                _require_plain(inside, deep - 1)
        elif not stat.S_ISREG(status.st_mode):
            raise ForeignFileError(
                f"{folder.path / name} is a link or no file, and stays as it is: choose another --out"
            )


def _says(folder: Folder, name: str, words: bytes) -> bool:
    """Whether a file has words near its beginning; an empty one is anybody's."""
    with os.fdopen(folder.open(name, os.O_RDONLY), "rb") as file:
        begin = file.read(4096)
    return not begin or words in begin
