"""Captured output: what a layer writes to standard output and error, and whether it leaves them open."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

NAMES = {1: "standard output", 2: "standard error"}
"""Names of the file descriptors that are captured."""


@dataclass
class CapturedOutput:
    """What was written, and the names of the streams that were closed; filled in at the end of the capture."""

    printed: str = ""
    closed: tuple[str, ...] = ()


@contextlib.contextmanager
def captured_output() -> Iterator[CapturedOutput]:
    """Capture what Python and C code write to standard output and error, even if these were closed before."""
    caught = CapturedOutput()
    words = io.StringIO()
    files = {1: _Kept(words), 2: _Kept(words)}
    _hold_open()
    for stream in (sys.stdout, sys.stderr):
        # a layer that was called before may have closed it: then there is nothing left to flush
        with contextlib.suppress(AttributeError, ValueError, OSError):
            stream.flush()
    with tempfile.TemporaryFile() as file:
        saved = {number: os.dup(number) for number in NAMES}
        try:
            for number in NAMES:
                os.dup2(file.fileno(), number)
            # Python shows a warning once or not at all: what counts as printed must not depend on that
            quiet = warnings.catch_warnings(action="ignore")
            with quiet, contextlib.redirect_stdout(files[1]), contextlib.redirect_stderr(files[2]):
                yield caught
        finally:
            lost = [number for number in NAMES if files[number].ended or not _leads_to(number, file)]
            for number, fd in saved.items():
                os.dup2(fd, number)
                os.close(fd)
            file.seek(0)
            caught.printed = words.getvalue() + file.read().decode(errors="replace")
            caught.closed = tuple(NAMES[number] for number in lost)


class _Kept(io.TextIOBase):
    """A text stream that keeps what is written, even after it was closed."""

    def __init__(self, words: io.StringIO) -> None:
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


def _leads_to(number: int, file: IO[bytes]) -> bool:
    """Return whether a file descriptor still writes to the file of the capture."""
    try:
        return os.path.sameopenfile(number, file.fileno())
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
