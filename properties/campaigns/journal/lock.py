"""A lock on a directory: one process at a time works there, and the next one learns who does."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
from datetime import UTC, datetime

from properties.storage.files import Folder, ForeignFileError

NAME = "lock"
WORDS = b'{"pid": '
"""How the words in a lock begin; one that nobody holds is empty."""

_held: dict[tuple[int, int], int] = {}
"""The lock files that this process holds, by device and inode, with its id: the kernel never refuses a process a lock
that it has already, and a forked child has this table but not the locks."""


class LockedError(ValueError):
    """Another process works in the directory."""


class DirectoryLock:
    """Held from its making until :meth:`release` or the death of the process, however that comes about.

    A POSIX record lock: forked children do not inherit it, and a file that a dead process left is no obstacle.
    Raises LockedError where it is held already, ForeignFileError where the file is a link or none of ours, OSError
    where the directory cannot be written. ``made`` says that this lock made the file; ``folder`` is the directory,
    which may be opened anew.
    """

    def __init__(self, folder: Folder) -> None:
        self.folder, self.made = folder, False
        self._descriptor = self._take()

    @property
    def lost(self) -> bool:
        """Whether somebody removed or replaced the file, so that another process could take a new one."""
        return _identity_in(self.folder) != _identity(self._descriptor)

    def renew(self) -> None:
        """Take the lock again after it was lost; LockedError where another process was faster."""
        descriptor = self._take()
        self.release()
        self._descriptor = descriptor

    def release(self) -> None:
        """Let others in. The file stays: to remove it would take it from whoever has opened it by now."""
        if _held.get(_identity(self._descriptor)) == os.getpid():
            del _held[_identity(self._descriptor)]
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, 0)
        os.close(self._descriptor)

    def withdraw(self) -> None:
        """Remove the file, where this lock made it, while it is held: nothing came of it."""
        if self.made and not self.lost:
            self.folder.remove(NAME)

    def _take(self) -> int:
        while True:
            # closing any descriptor of a file gives up all locks of the process on it, so ask before opening
            if _held.get(_identity_in(self.folder) or (0, 0)) == os.getpid():
                raise LockedError(f"{self.folder.path} is in use by this very process")
            descriptor = self._opened()
            if descriptor is None:
                continue
            try:
                fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except (BlockingIOError, PermissionError):
                holder = _holder(descriptor)
                os.close(descriptor)
                raise LockedError(f"{self.folder.path} is in use by {holder}") from None
            except OSError:
                os.close(descriptor)
                raise
            if _identity_in(self.folder) == _identity(descriptor):
                break
            os.close(descriptor)  # somebody removed the file between opening and locking it
        _held[_identity(descriptor)] = os.getpid()
        _introduce(descriptor)
        return descriptor

    def _opened(self) -> int | None:
        """Open the file, and make it where there is none; None where it is gone in the same moment."""
        try:
            descriptor = self.folder.open(NAME, os.O_RDWR | os.O_CREAT | os.O_EXCL)
            self.made = True
            return descriptor
        except FileExistsError:
            pass
        try:
            descriptor = self.folder.open(NAME, os.O_RDWR)
        except FileNotFoundError:
            return None
        if not _is_ours(descriptor):
            os.close(descriptor)
            raise ForeignFileError(f"{self.folder.path / NAME} is no lock of lossproof's, and stays as it is")
        return descriptor


def _is_ours(descriptor: int) -> bool:
    """Whether a file says what a lock says, and has no other name under which it may be somebody's."""
    begin = os.pread(descriptor, 4096, 0)
    return os.fstat(descriptor).st_nlink <= 1 and (begin.startswith(WORDS) or not begin.strip(b"\0"))


def _introduce(descriptor: int) -> None:
    """Say whose lock it is. It holds without these words, so a full disk is no reason to go without."""
    since = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    words = json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "since": since})
    with contextlib.suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, words.encode() + b"\n", 0)


def _holder(descriptor: int) -> str:
    try:
        known = json.loads(os.pread(descriptor, 4096, 0))
        host, since = (ascii(str(known[name])[:100])[1:-1] for name in ("host", "since"))
        return f"process {int(known['pid'])} on {host}, since {since}"
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return "another process"


def _identity(descriptor: int) -> tuple[int, int]:
    status = os.fstat(descriptor)
    return status.st_dev, status.st_ino


def _identity_in(folder: Folder) -> tuple[int, int] | None:
    status = folder.status(NAME)
    return None if status is None else (status.st_dev, status.st_ino)
