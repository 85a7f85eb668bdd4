"""Files: written whole or not at all, never through a link, and never over what somebody else made."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from properties.errors import UsageError

NO_LINK = os.O_NOFOLLOW | os.O_CLOEXEC
"""Flags of every file that is opened here: a link is not followed, and no child inherits the file."""

LARGEST = 1 << 28
"""Bytes of a file beyond which it is not read: 256 MiB."""


class ForeignFileError(UsageError):
    """A file or folder is a link, or is none of ours: it is left as it is."""


class Folder:
    """A directory held open: names in it lead nowhere else, whatever becomes of the path meanwhile.

    Every method takes a plain name, follows no link, and raises ForeignFileError where a link or something that is no
    file stands in its place. Close it at the end, or use it in a ``with``.
    """

    made = False
    """Whether the directory was made by this very opening."""

    def __init__(self, path: str | Path, *, make: bool = False) -> None:
        """Open a directory, with ``make`` after making it and those above it; OSError where that cannot be done."""
        self.path = Path(path)
        if make:
            with contextlib.suppress(FileExistsError):
                try:
                    self.path.mkdir()
                except FileNotFoundError:
                    self.path.parent.mkdir(parents=True, exist_ok=True)
                    self.path.mkdir()
                self.made = True
        # the folder that a user names may be a link; what lies in it may not
        self._descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def __enter__(self) -> Folder:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the directory; a second time it does nothing."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def subfolder(self, name: str, *, make: bool = False) -> Folder:
        """Open a directory in this one, with ``make`` after making it; never through a link."""
        found = object.__new__(Folder)
        found.path = self.path / name
        if make:
            with contextlib.suppress(FileExistsError):
                os.mkdir(_plain(name), 0o777, dir_fd=self._descriptor)
                found.made = True
        try:
            flags = os.O_RDONLY | os.O_DIRECTORY | NO_LINK
            found._descriptor = os.open(_plain(name), flags, dir_fd=self._descriptor)
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENOTDIR):
                raise ForeignFileError(f"{found.path} is a link or no folder, and stays as it is") from None
            raise
        return found

    @property
    def identity(self) -> tuple[int, int]:
        """Device and inode of the directory."""
        status = os.fstat(self._descriptor)
        return status.st_dev, status.st_ino

    def open(self, name: str, flags: int, mode: int = 0o644) -> int:
        """Open a regular file by :func:`os.open`'s flags and return its descriptor; never through a link."""
        try:
            # without O_NONBLOCK a pipe with nobody at its other end would be waited for
            descriptor = os.open(_plain(name), flags | NO_LINK | os.O_NONBLOCK, mode, dir_fd=self._descriptor)
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.EMLINK, errno.ENXIO, errno.EISDIR):
                raise ForeignFileError(f"{self.path / name} is a link or no file, and stays as it is") from None
            raise
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise ForeignFileError(f"{self.path / name} is no file, and stays as it is")
        return descriptor

    def status(self, name: str) -> os.stat_result | None:
        """Return what stands under a name, of a link the link itself; None where nothing does."""
        try:
            return os.stat(_plain(name), dir_fd=self._descriptor, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def read(self, name: str, most: int = LARGEST) -> bytes:
        """Return the content of a file; ValueError where it has more than ``most`` bytes."""
        with os.fdopen(self.open(name, os.O_RDONLY), "rb") as file:
            return _bounded(file.read(most + 1), most, self.path / name)

    def write(self, name: str, content: bytes | str, mode: int = 0o644, *, replace: bool = True) -> None:
        """Put a file in place, whole or not at all: a failure or a kill leaves what was there before.

        ForeignFileError where a link or no regular file stands in its place; FileExistsError where any file does and
        it is not to ``replace`` one.
        """
        there = self.status(name)
        if there is not None and not stat.S_ISREG(there.st_mode):
            raise ForeignFileError(f"{self.path / name} is a link or no file, and stays as it is")
        beside = temporary(name)
        descriptor = self.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        try:
            try:
                _write_all(descriptor, content.encode(errors="replace") if isinstance(content, str) else content)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            if replace:
                os.rename(beside, name, src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor)
            else:
                os.link(beside, name, src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor, follow_symlinks=False)
                os.unlink(beside, dir_fd=self._descriptor)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(beside, dir_fd=self._descriptor)
            raise
        self.sync()

    def rename(self, old: str, new: str) -> None:
        """Give a file another name; what had that name is gone."""
        os.rename(_plain(old), _plain(new), src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor)

    def remove(self, name: str) -> None:
        """Remove a file, or a link itself; nothing where there is none."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(_plain(name), dir_fd=self._descriptor)

    def remove_folder(self, name: str) -> None:
        """Remove an empty directory; OSError where it is not empty."""
        os.rmdir(_plain(name), dir_fd=self._descriptor)

    def names(self) -> list[str]:
        """Return the names in the directory, in order."""
        return sorted(os.listdir(self._descriptor))

    def sync(self) -> None:
        """Make the names in the directory outlast a power loss."""
        with contextlib.suppress(OSError):
            # some file systems have no such thing for directories
            os.fsync(self._descriptor)


def temporary(name: str) -> str:
    """Return the name under which a file is written before it gets its own."""
    return f".{name}.{secrets.token_hex(4)}.tmp"


def is_temporary(name: str) -> bool:
    """Whether a name is one that :func:`temporary` gives: what is there was left by a kill."""
    return re.fullmatch(r"\..+\.[0-9a-f]{8}\.tmp", name) is not None


def write_whole(path: str | Path, content: bytes | str) -> None:
    """Write a file whole or not at all; a device or a pipe, such as /dev/stdout, is written to as it is.

    Raises ForeignFileError where the path is a link, OSError where it cannot be written.
    """
    path = Path(path)
    if _is_stream(path):
        plain = content.encode(errors="replace") if isinstance(content, str) else content
        # a stream of ours may be a file: opened again it would be written from its beginning
        own = next((number for number in (1, 2) if _same(number, path)), None)
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND) if own is None else os.dup(own)
        try:
            _write_all(descriptor, plain)
        finally:
            os.close(descriptor)
        return
    with Folder(path.absolute().parent) as folder:
        folder.write(path.name, content)


def require_writable(path: str | Path, is_ours: Callable[[bytes], bool], what: str) -> None:
    """Raise UsageError now where :func:`write_whole` would fail later, or would replace what is not ``what``.

    ``is_ours`` says so of the first 4,096 bytes of the file that is there; an empty one is anybody's.
    """
    path = Path(path)
    if _is_stream(path):
        return
    try:
        with Folder(path.absolute().parent) as folder:
            there = folder.status(path.name)
            if there is not None:
                with os.fdopen(folder.open(path.name, os.O_RDONLY), "rb") as file:
                    begin = file.read(4096)
                if begin and not is_ours(begin):
                    raise ForeignFileError(f"{path} is there already and is no {what}: it is not overwritten")
            beside = temporary(path.name)
            os.close(folder.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
            folder.remove(beside)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None


def read_bounded(path: str | Path, most: int = LARGEST) -> bytes:
    """Return the content of a file that a user named; ValueError where it has more than ``most`` bytes."""
    with Path(path).open("rb") as file:
        return _bounded(file.read(most + 1), most, Path(path))


@contextlib.contextmanager
def opened(folder: Folder, name: str, flags: int) -> Iterator[int]:
    """Open a file in a folder for a while."""
    descriptor = folder.open(name, flags)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _bounded(content: bytes, most: int, path: Path) -> bytes:
    if len(content) > most:
        raise ValueError(f"{path} has more than {most:,} bytes: it is not read")
    return content


def _is_stream(path: Path) -> bool:
    """Whether a path leads to a device or a pipe, as /dev/stdout does."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return False
    return stat.S_ISCHR(mode) or stat.S_ISFIFO(mode) or str(path).startswith(("/dev/", "/proc/self/fd/"))


def _same(number: int, path: Path) -> bool:
    """Whether an open descriptor is that of a path."""
    try:
        return os.path.samestat(os.fstat(number), path.stat())
    except OSError:
        return False


def _plain(name: str) -> str:
    """Return a name that leads nowhere but into its folder; ValueError for another one."""
    if not name or name in (".", "..") or "/" in name or "\0" in name:
        raise ValueError(f"a file's name must be plain, got {name!r}")
    return name


def _write_all(descriptor: int, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(descriptor, left) :]
