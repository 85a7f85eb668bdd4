"""Journal: records that are only ever added, and survive a kill, a power loss, a full disk and other people's hands."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from errno import EDQUOT, EFBIG, ENOENT, ENOSPC
from pathlib import Path
from types import TracebackType
from typing import Any

from properties.campaigns.journal.lines import LONGEST, Piece, Survey, copy, line_of, lines, record_in, survey
from properties.campaigns.journal.lock import DirectoryLock, LockedError
from properties.storage.files import Folder, ForeignFileError, opened, temporary

NAME = "journal.jsonl"
FOREIGN = "journal.foreign"


class JournalError(ValueError):
    """There is no journal to go on with, or one already, or somebody else's."""


class RecordTooLarge(ValueError):  # noqa: N818 - what is the matter
    """A record would be a line that is too long to be read again."""


class JournalFull(OSError):  # noqa: N818 - what is the matter, mostly
    """A record could not be written; those before it are safe, and the journal takes more once it is mended."""

    def __init__(self, path: Path, error: OSError) -> None:
        first = "free some space" if error.errno in (ENOSPC, EDQUOT, EFBIG) else "mend that"
        words = f"{path} cannot be written: {error.strerror}. What it holds is safe: {first}, then go on with --resume"
        super().__init__(words)
        self.errno = error.errno


class Journal:
    """An open journal, made by :meth:`open`; until it is closed nobody else can open the one in its directory.

    ``notes`` says what was repaired, for a user to read; ``folder`` is the directory, held open.
    """

    def __init__(self, folder: Folder, lock: DirectoryLock, on_note: Callable[[str], None] | None) -> None:
        self.notes: list[str] = []
        self.folder, self._path, self._lock, self._on_note = folder, folder.path / NAME, lock, on_note
        self._owner, self._turn, self._closed = os.getpid(), threading.Lock(), False
        self._linked = folder.path.is_symlink()
        self._file, self._made = _opened(folder)
        self._id = secrets.token_hex(4)
        self._number = self._size = self._opened = 0

    @classmethod
    def open(
        cls, directory: Path, *, resume: bool, empty: bool = False, on_note: Callable[[str], None] | None = None
    ) -> Journal:
        """Begin a journal in a directory, or with ``resume`` go on with the one that is there, repaired if need be.

        ``on_note`` gets each note as it comes. Raises JournalError where another process has the journal open, where
        there is one and ``resume`` does not say so, or none and it does (or none but an ``empty`` one, where that will
        not do), and where something that is none of ours or a link stands in a file's place; JournalFull where it
        cannot be written.
        """
        with contextlib.ExitStack() as undo:
            try:
                folder = Folder(directory, make=not resume)
                undo.callback(folder.close)
                if resume and folder.status(NAME) is None:
                    raise FileNotFoundError(ENOENT, "there is none")
            except (FileNotFoundError, NotADirectoryError) as error:
                if resume:
                    words = f"there is no journal to resume in {directory}: it has no file {NAME}"
                    raise JournalError(words) from None
                raise JournalError(f"{directory} cannot hold a journal: {error.strerror}") from None
            except OSError as error:
                raise JournalError(f"{directory} cannot hold a journal: {error.strerror}") from None
            try:
                lock = DirectoryLock(folder)
                undo.callback(lock.release)
                undo.callback(lock.withdraw)
                journal = cls(folder, lock, on_note)
                undo.callback(lambda: os.close(journal._file))
                undo.callback(journal.withdraw)
                journal._begin(resume, empty)
            except (LockedError, ForeignFileError) as error:
                raise JournalError(str(error)) from None
            except OSError as error:
                raise JournalFull(directory / NAME, error) from None
            undo.pop_all()
        return journal

    @property
    def records(self) -> Iterator[dict[str, Any]]:
        """The records that were there at opening, one at a time; read anew each time they are asked for."""
        for _, record in self.numbered:
            yield json.loads(record)

    @property
    def numbered(self) -> Iterator[tuple[int, bytes]]:
        """The records that were there at opening as JSON, each with the number of its line in the file."""
        for number, (_, line) in enumerate(lines(self._file, self._opened), 1):
            self._check_owner()
            yield number, record_in(line)

    def append(self, record: Mapping[str, Any]) -> None:
        """Add a record; when this returns, it is on the disk.

        Raises ValueError for a number that JSON has not (NaN), RecordTooLarge for a record that no journal takes,
        JournalFull where it cannot be written, JournalError where another process has taken the directory, something
        that is none of ours stands in a file's place, or the journal is closed.
        """
        plain = json.dumps(dict(record), allow_nan=False, separators=(",", ":"))
        line = line_of(self._id, self._number, plain)
        if len(line) > LONGEST:
            raise RecordTooLarge(f"a record of {len(line):,} bytes is more than a line of {self._path} may have")
        with self._turn:
            self._check_owner()
            try:
                self._heal()
                # healing may have changed the number
                self._write(line_of(self._id, self._number, plain))
            except (LockedError, ForeignFileError) as error:
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
                self.folder.close()

    def withdraw(self) -> None:
        """Take back what this journal made, where nothing came of it: its empty file, the lock, and the directory."""
        with self._turn, contextlib.suppress(OSError):
            if self._closed:
                return
            if self._made and not os.fstat(self._file).st_size:
                self.folder.remove(NAME)
            self._lock.withdraw()
            if self.folder.made:
                # where it is not empty, something else is in it
                self.folder.path.rmdir()

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _begin(self, resume: bool, empty: bool) -> None:
        """Look through what is there, and repair it."""
        found = survey(self._file)
        if found.records and not resume:
            raise JournalError(
                f"{self.folder.path} holds a journal already, of {_count(found.records, 'record')}: "
                "go on with it by --resume, or choose another directory"
            )
        if found.foreign and not found.records:
            raise JournalError(f"{self._path} is no journal, and stays as it is: choose another directory")
        if resume and not found.records and not empty:
            raise JournalError(f"the journal in {self.folder.path} holds no record yet: begin it without --resume")
        self._id = found.id or self._id
        self._repair(found)
        if found.missing:
            self._note(f"somebody removed {_count(found.missing, 'record')} from the journal")
        self._opened = self._size
        self.folder.sync()

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
        self._return()
        if self._lock.lost:
            self._lock.renew()
            self._note(f"somebody removed the lock of {self.folder.path}: it is taken anew")
        mine, named = os.fstat(self._file), self.folder.status(NAME)
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

    def _return(self) -> None:
        """Open the directory anew where its path leads elsewhere by now, or nowhere."""
        path = self.folder.path
        try:
            status = os.stat(path)
            there = (status.st_dev, status.st_ino)
        except FileNotFoundError:
            there = (0, 0)
        if there == self.folder.identity:
            return
        if path.is_symlink() and not self._linked:
            raise ForeignFileError(f"somebody put a link in the place of {path}: nothing is written through it")
        other = Folder(path, make=True)
        self.folder.close()
        self.folder = self._lock.folder = other

    def _restore(self, other_there: bool) -> None:
        """Give the journal its name back: the file is still open here, under another name or none."""
        if other_there:
            with opened(self.folder, NAME, os.O_RDONLY) as other:
                self._set_aside(other, survey(other, self._id))
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
        with opened(self.folder, FOREIGN, os.O_WRONLY | os.O_CREAT | os.O_APPEND) as aside:
            if os.fstat(aside).st_nlink > 1:
                raise ForeignFileError(f"{self.folder.path / FOREIGN} is linked from elsewhere, and stays as it is")
            copy(source, found.foreign, aside)
            os.fsync(aside)
        size = _count(sum(end - start for start, end in found.foreign), "byte")
        self._note(f"set aside in {FOREIGN}: {size} in {self._path} that the journal has not written")

    def _rewrite(self, pieces: tuple[Piece, ...]) -> None:
        """Put a file of these pieces in the place of the journal: a kill leaves the old one or the new one."""
        beside = temporary(NAME)
        file = self.folder.open(beside, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND)
        try:
            copy(self._file, pieces, file)
            os.fsync(file)
            self.folder.rename(beside, NAME)
        except BaseException:
            os.close(file)
            with contextlib.suppress(OSError):
                self.folder.remove(beside)
            raise
        os.close(self._file)
        self._file, self._size = file, os.fstat(file).st_size
        self.folder.sync()

    def _check_owner(self) -> None:
        if self._closed:
            raise JournalError(f"the journal in {self.folder.path} is closed")
        if os.getpid() != self._owner:
            raise JournalError(f"the journal in {self.folder.path} is that of process {self._owner}, which opened it")

    def _note(self, words: str) -> None:
        self.notes.append(words)
        if self._on_note is not None:
            self._on_note(words)


def _opened(folder: Folder) -> tuple[int, bool]:
    """Open the file of a journal; returns its descriptor, and whether it was made by that."""
    flags = os.O_RDWR | os.O_APPEND
    try:
        return folder.open(NAME, flags | os.O_CREAT | os.O_EXCL), True
    except FileExistsError:
        file = folder.open(NAME, flags)
    if os.fstat(file).st_nlink > 1:
        os.close(file)
        raise ForeignFileError(f"{folder.path / NAME} is linked from elsewhere, and stays as it is: copy it")
    return file, False


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"
