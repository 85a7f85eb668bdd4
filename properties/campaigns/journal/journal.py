"""Journal: records that are only ever added, and survive a kill, a power loss, a full disk and other people's hands."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from errno import EDQUOT, EFBIG, ENOSPC
from pathlib import Path
from types import TracebackType
from typing import Any

from properties.campaigns.journal.lines import Piece, Survey, copy, line_of, lines, survey
from properties.campaigns.journal.lock import DirectoryLock, LockedError

NAME = "journal.jsonl"
FOREIGN = "journal.foreign"


class JournalError(ValueError):
    """There is no journal to go on with, or one already, or somebody else's."""


class JournalFull(OSError):  # noqa: N818 - what is the matter, mostly
    """A record could not be written; those before it are safe, and the journal takes more once it is mended."""

    def __init__(self, path: Path, error: OSError) -> None:
        first = "free some space" if error.errno in (ENOSPC, EDQUOT, EFBIG) else "mend that"
        words = f"{path} cannot be written: {error.strerror}. What it holds is safe: {first}, then go on with --resume"
        super().__init__(words)
        self.errno = error.errno


class Journal:
    """An open journal, made by :meth:`open`; until it is closed nobody else can open the one in its directory.

    ``notes`` says what was repaired, for a user to read.
    """

    def __init__(self, directory: Path, lock: DirectoryLock, on_note: Callable[[str], None] | None) -> None:
        self.notes: list[str] = []
        self._directory, self._path, self._lock, self._on_note = directory, directory / NAME, lock, on_note
        self._owner, self._turn, self._closed = os.getpid(), threading.Lock(), False
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        self._id = secrets.token_hex(4)
        self._number = self._size = self._opened = 0

    @classmethod
    def open(cls, directory: Path, *, resume: bool, on_note: Callable[[str], None] | None = None) -> Journal:
        """Begin a journal in a directory, or with ``resume`` go on with the one that is there, repaired if need be.

        ``on_note`` gets each note as it comes. Raises JournalError where another process has the journal open, where
        there is one and ``resume`` does not say so, or none and it does; JournalFull where it cannot be written.
        """
        if resume and not (directory / NAME).is_file():
            raise JournalError(f"there is no journal to resume in {directory}: it has no file {NAME}")
        try:
            directory.mkdir(parents=True, exist_ok=True)
            lock = DirectoryLock(directory)
        except LockedError as error:
            raise JournalError(str(error)) from None
        except OSError as error:
            raise JournalError(f"{directory} cannot hold a journal: {error.strerror}") from None
        with contextlib.ExitStack() as undo:
            undo.callback(lock.release)
            try:
                journal = cls(directory, lock, on_note)
                undo.callback(lambda: os.close(journal._file))
                journal._begin(resume)
            except OSError as error:
                raise JournalFull(directory / NAME, error) from None
            undo.pop_all()
        return journal

    @property
    def records(self) -> Iterator[dict[str, Any]]:
        """The records that were there at opening, one at a time; read anew each time they are asked for."""
        for _, line in lines(self._file, self._opened):
            self._check_owner()
            yield json.loads(line)["record"]

    def append(self, record: Mapping[str, Any]) -> None:
        """Add a record; when this returns, it is on the disk.

        Raises ValueError for a number that JSON has not (NaN), JournalFull where the record cannot be written,
        JournalError where another process has taken the directory, or the journal is closed.
        """
        plain = json.dumps(dict(record), allow_nan=False, separators=(",", ":"))
        with self._turn:
            self._check_owner()
            try:
                self._heal()
                self._write(line_of(self._id, self._number, plain))
            except LockedError as error:
                raise JournalError(str(error)) from None
            except OSError as error:
                raise JournalFull(self._path, error) from None
            self._number += 1

    def close(self) -> None:
        """Let others open it; a second time it does nothing."""
        with self._turn:
            if not self._closed:
                self._closed = True
                os.close(self._file)
                self._lock.release()

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _begin(self, resume: bool) -> None:
        """Look through what is there, and repair it."""
        found = survey(self._file)
        if found.records and not resume:
            raise JournalError(
                f"{self._directory} holds a journal already, of {_count(found.records, 'record')}: "
                "go on with it by --resume, or choose another directory"
            )
        if found.foreign and not found.records:
            raise JournalError(f"{self._path} is no journal, and stays as it is: choose another directory")
        if resume and not found.records:
            raise JournalError(f"the journal in {self._directory} holds no record yet: begin it without --resume")
        self._id = found.id or self._id
        self._repair(found)
        if found.missing:
            self._note(f"somebody removed {_count(found.missing, 'record')} from the journal")
        self._opened = self._size
        _sync(self._directory)

    def _write(self, line: bytes) -> None:
        """Add a whole line and wait for the disk; OSError where that fails, and the file is as it was."""
        try:
            # one call as a rule; after a short one, the next one says what the matter is
            written = os.write(self._file, line)
            while written < len(line):
                written += os.write(self._file, line[written:])
            os.fdatasync(self._file)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self._size)
            raise
        self._size += len(line)

    def _heal(self) -> None:
        """Undo what somebody else did to the files since the last record."""
        self._directory.mkdir(parents=True, exist_ok=True)
        if self._lock.lost:
            self._lock.renew()
            self._note(f"somebody removed the lock of {self._directory}: it is taken anew")
        mine, named = os.fstat(self._file), _status(self._path)
        replaced = named is None or (named.st_dev, named.st_ino) != (mine.st_dev, mine.st_ino)
        if not replaced and mine.st_size == self._size:
            return
        if replaced:
            self._restore(named is not None)
        found = survey(self._file, self._id)
        self._repair(found)
        if found.number < self._number:
            lost = _count(self._number - found.number, "record")
            self._note(f"somebody cut off the end of {self._path}, and with it {lost}")
        self._number = max(self._number, found.number)

    def _restore(self, other_there: bool) -> None:
        """Give the journal its name back: the file is still open here, under another name or none."""
        if other_there:
            other = os.open(self._path, os.O_RDONLY)
            try:
                self._set_aside(other, survey(other, self._id))
            finally:
                os.close(other)
        self._rewrite(((0, os.fstat(self._file).st_size),))
        self._note(f"somebody {'replaced' if other_there else 'removed'} {self._path}: it is there again, in full")

    def _repair(self, found: Survey) -> None:
        """Leave nothing in the file but its records."""
        if found.foreign:
            self._set_aside(self._file, found)
        if len(found.good) > 1 or (found.good and found.good[0][0] > 0):
            self._rewrite(found.good)
        else:
            self._size = found.good[0][1] if found.good else 0
            if self._size < found.end:
                os.ftruncate(self._file, self._size)
                os.fsync(self._file)
        if found.torn < found.end:
            size = _count(found.end - found.torn, "byte")
            self._note(f"the last record was written in part ({size}), and is cut off; those before it are whole")
        self._number = max(self._number, found.number)

    def _set_aside(self, source: int, found: Survey) -> None:
        """Keep what is not the journal's in a file of its own."""
        if not found.foreign:
            return
        aside = os.open(self._directory / FOREIGN, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            copy(source, found.foreign, aside)
            os.fsync(aside)
        finally:
            os.close(aside)
        size = _count(sum(end - start for start, end in found.foreign), "byte")
        self._note(f"set aside in {FOREIGN}: {size} in {self._path} that the journal has not written")

    def _rewrite(self, pieces: tuple[Piece, ...]) -> None:
        """Put a file of these pieces in the place of the journal: a kill leaves the old one or the new one."""
        new = self._path.with_suffix(".new")
        file = os.open(new, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o644)
        try:
            copy(self._file, pieces, file)
            os.fsync(file)
            os.rename(new, self._path)
        except BaseException:
            os.close(file)
            with contextlib.suppress(OSError):
                os.unlink(new)
            raise
        os.close(self._file)
        self._file, self._size = file, os.fstat(file).st_size
        _sync(self._directory)

    def _check_owner(self) -> None:
        if self._closed:
            raise JournalError(f"the journal in {self._directory} is closed")
        if os.getpid() != self._owner:
            raise JournalError(f"the journal in {self._directory} is that of process {self._owner}, which opened it")

    def _note(self, words: str) -> None:
        self.notes.append(words)
        if self._on_note is not None:
            self._on_note(words)


def _status(path: Path) -> os.stat_result | None:
    try:
        return os.stat(path)
    except FileNotFoundError:
        return None


def _sync(directory: Path) -> None:
    """Make the names in a directory outlast a power loss."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"
