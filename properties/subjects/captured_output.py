"""Captured output: what a layer writes to standard output and error, and whether it leaves them open."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import tempfile
import threading
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

from properties.errors import MachineTrouble, is_machines

NAMES = {1: "standard output", 2: "standard error"}
"""Names of the file descriptors that are captured."""


MOST_KEPT = 1 << 16
"""Characters, and bytes, of output that are kept: one is enough to know that a layer prints."""

MOST_HELD = 1 << 20
"""Bytes that the file of a capture may take before it is emptied, which happens every so many seconds."""

EMPTIED_EVERY = 0.02


@dataclass
class CapturedOutput:
    """What was written, and the names of the streams that were closed; filled in at the end of the capture."""

    printed: str = ""
    closed: tuple[str, ...] = ()


@contextlib.contextmanager
def captured_output() -> Iterator[CapturedOutput]:
    """Capture what Python and C code write to standard output and error, even if these were closed before.

    The beginning of it is kept. Raises MachineTrouble where the machine has no file to spare.
    """
    caught = CapturedOutput()
    words = _Words()
    files = {1: _Kept(words), 2: _Kept(words)}
    file = -1
    saved: dict[int, int] = {}
    try:
        _hold_open()
        for stream in (sys.stdout, sys.stderr):
            # a layer that was called before may have closed it: then there is nothing left to flush
            with contextlib.suppress(AttributeError, ValueError, OSError):
                stream.flush()
        file = _nameless_file()
        for number in NAMES:
            saved[number] = os.dup(number)
    except OSError as error:
        for descriptor in (file, *saved.values()):
            if descriptor >= 0:
                os.close(descriptor)
        if is_machines(error) or isinstance(error, FileNotFoundError):
            raise MachineTrouble(f"what the layer prints cannot be captured: {error.strerror}") from error
        raise
    try:
        for number in NAMES:
            os.dup2(file, number)
        # Python shows a warning once or not at all: what counts as printed must not depend on that
        quiet = warnings.catch_warnings(action="ignore")
        with _emptied(file), quiet, contextlib.redirect_stdout(files[1]), contextlib.redirect_stderr(files[2]):
            yield caught
    finally:
        lost = [number for number in NAMES if files[number].ended or not _leads_to(number, file)]
        for number, fd in saved.items():
            with contextlib.suppress(OSError):
                # a layer that closes whatever is open has closed these too
                os.dup2(fd, number)
                os.close(fd)
        caught.printed = words.kept + _beginning_of(file).decode(errors="replace")
        with contextlib.suppress(OSError):
            os.close(file)
        caught.closed = tuple(NAMES[number] for number in lost)


def _nameless_file() -> int:
    """Open a file that no folder holds, so that no folder has to be there; its descriptor."""
    try:
        return os.memfd_create("lossproof-output", os.MFD_CLOEXEC)
    except (AttributeError, PermissionError):
        with tempfile.TemporaryFile() as file:
            return os.dup(file.fileno())


def _beginning_of(file: int) -> bytes:
    try:
        return os.pread(file, MOST_KEPT, 0)
    except OSError:
        return b""


@contextlib.contextmanager
def _emptied(file: int) -> Iterator[None]:
    """Give back, all the while, what is written beyond the beginning: a layer may print without an end."""
    ended = threading.Event()

    def empty() -> None:
        while not ended.wait(EMPTIED_EVERY):
            with contextlib.suppress(OSError):
                if os.fstat(file).st_blocks * 512 > MOST_HELD:
                    # what follows is written where it would have been, behind a hole
                    os.ftruncate(file, MOST_KEPT)

    thread = threading.Thread(target=empty, daemon=True)
    started = False
    with contextlib.suppress(RuntimeError):
        thread.start()
        started = True
    try:
        yield
    finally:
        ended.set()
        if started:
            thread.join()


class _Words:
    """The beginning of what is written as text."""

    def __init__(self) -> None:
        self.kept = ""

    def write(self, text: str) -> int:
        """Keep the text while there is room."""
        if len(self.kept) < MOST_KEPT:
            self.kept += text[: MOST_KEPT - len(self.kept)]
        return len(text)


class _Kept(io.TextIOBase):
    """A text stream that keeps what is written, even after it was closed."""

    def __init__(self, words: _Words) -> None:
        self._words = words
        self.ended = False

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, text: str) -> int:
        """Write the text, whether the stream was closed or not."""
        return self._words.write(text)

    def close(self) -> None:
        """Remember that the stream was closed."""
        self.ended = True


def _leads_to(number: int, file: int) -> bool:
    """Return whether a file descriptor still writes to the file of the capture."""
    try:
        return os.path.sameopenfile(number, file)
    except OSError:
        return False


def _hold_open() -> None:
    """Open closed descriptors on the null device: the next file opened would get their numbers, and C code's output."""
    for number in NAMES:
        try:
            os.fstat(number)
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
