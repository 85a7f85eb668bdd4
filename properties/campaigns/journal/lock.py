"""A lock on a directory: one process at a time works there, and the next one learns who does."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
from datetime import UTC, datetime
from pathlib import Path

NAME = "lock"

_held: dict[tuple[int, int], int] = {}
"""The lock files that this process holds, by device and inode, with its id: the kernel never refuses a process a lock
that it has already, and a forked child has this table but not the locks."""


class LockedError(ValueError):
    """Another process works in the directory."""


class DirectoryLock:
    """Held from its making until :meth:`release` or the death of the process, however that comes about.

    A POSIX record lock: forked children do not inherit it, and a file that a dead process left is no obstacle.
    Raises LockedError where it is held already, OSError where the directory cannot be written.
    """

    def __init__(self, directory: Path) -> None:
        self._path = directory / NAME
        self._descriptor = self._take()

    @property
    def lost(self) -> bool:
        """Whether somebody removed or replaced the file, so that another process could take a new one."""
        return _identity_of(self._path) != _identity(self._descriptor)

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

    def _take(self) -> int:
        while True:
            # closing any descriptor of a file gives up all locks of the process on it, so ask before opening
            if _held.get(_identity_of(self._path) or (0, 0)) == os.getpid():
                raise LockedError(f"{self._path.parent} is in use by this very process")
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
            try:
                fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except (BlockingIOError, PermissionError):
                holder = _holder(descriptor)
                os.close(descriptor)
                raise LockedError(f"{self._path.parent} is in use by {holder}") from None
            except OSError:
                os.close(descriptor)
                raise
            if _identity_of(self._path) == _identity(descriptor):
                break
            os.close(descriptor)  # somebody removed the file between opening and locking it
        _held[_identity(descriptor)] = os.getpid()
        _introduce(descriptor)
        return descriptor


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
        return f"process {known['pid']} on {known['host']}, since {known['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"


def _identity(descriptor: int) -> tuple[int, int]:
    status = os.fstat(descriptor)
    return status.st_dev, status.st_ino


def _identity_of(path: Path) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino
