"""Standard output and error: what a layer writes there, and whether it leaves them open."""

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


@dataclass
class CapturedOutput:
    """What was written, and the names of what was closed; known once the capture is over."""

    printed: str = ""
    closed: tuple[str, ...] = ()


@contextlib.contextmanager
def captured_output() -> Iterator[CapturedOutput]:
    """Catch what Python and what C code write to standard output and error, closed by then or not."""
    caught = CapturedOutput()
    words = io.StringIO()
    files = {1: _Kept(words), 2: _Kept(words)}
    _hold_open()
    for stream in (sys.stdout, sys.stderr):
        # a layer that was called before may have closed it, and then it has nothing left to write
        with contextlib.suppress(AttributeError, ValueError, OSError):
            stream.flush()
    with tempfile.TemporaryFile() as file:
        saved = {number: os.dup(number) for number in NAMES}
        try:
            for number in NAMES:
                os.dup2(file.fileno(), number)
            # a warning is Python's to show, or not, and only once: what prints is not to depend on that
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
    """Writes to a file that closing does not lose."""

    def __init__(self, words: io.StringIO) -> None:
        self._words = words
        self.ended = False

    def writable(self) -> bool:
        """Always."""
        return True

    def write(self, text: str) -> int:
        """Write it, closed or not."""
        return self._words.write(text)

    def close(self) -> None:
        """Note it."""
        self.ended = True


def _leads_to(number: int, file: IO[bytes]) -> bool:
    try:
        return os.path.sameopenfile(number, file.fileno())
    except OSError:
        return False


def _hold_open() -> None:
    """Lead what is closed nowhere: the next file to be opened would take its number, and get what C code prints."""
    for number in NAMES:
        try:
            os.fstat(number)
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
