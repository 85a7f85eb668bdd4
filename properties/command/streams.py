"""The streams of a command: what cannot be encoded is escaped, and a reader that has gone ends no run."""

from __future__ import annotations

import codecs
import contextlib
import errno
import io
import os
import sys
from collections.abc import Iterator
from typing import IO, Any, cast

from properties.command.exit_codes import unwritten
from properties.texts import visible_lines

ESCAPED = "lossproof-escaped"
"""The error handler of our streams: a character that an encoding lacks has a plain likeness, or is escaped."""

LIKENESSES = {"…": "~", "─": "-", "━": "-", "•": "*", "×": "x", "—": "-"}
"""What stands in ASCII for signs of tables and bars; as wide as these, so that lines stay as long as they are."""


class Stream:
    """A text stream that can always be written to: where its file cannot, what is written is dropped.

    A reader that has gone (``| head -1``) is nobody's trouble; any other error is kept as ``trouble``, and said at the
    end. Everything else is the stream's own.
    """

    def __init__(self, stream: IO[str] | None) -> None:
        self._stream = stream
        self._gone = stream is None
        self.trouble = ""

    def write(self, text: str) -> int:
        """Write a text, or drop it."""
        with self._guarded() as stream:
            stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Write what is still held back, or drop it."""
        with self._guarded() as stream:
            stream.flush()

    def isatty(self) -> bool:
        """Return whether somebody reads along on a terminal."""
        return self._stream is not None and not self._stream.closed and self._stream.isatty()

    @property
    def encoding(self) -> str:
        """Return the encoding; that of a stream that is not there does not matter."""
        return getattr(self._stream, "encoding", None) or "utf-8"

    def abandon(self) -> None:
        """Let the interpreter's last flush go nowhere, where an earlier one failed."""
        if self._gone and self._stream is not None:
            with contextlib.suppress(OSError, ValueError, AttributeError):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, self._stream.fileno())
                os.close(nowhere)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_stream"], name)

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[IO[str]]:
        if self._gone or self._stream is None:
            yield io.StringIO()
            return
        try:
            yield self._stream
        except (OSError, ValueError) as error:
            self._gone = True
            if isinstance(error, OSError) and error.errno != errno.EPIPE:
                self.trouble = error.strerror or type(error).__name__


class Streams:
    """Standard output and error of one command."""

    def __init__(self) -> None:
        self.out, self.err = Stream(sys.stdout), Stream(sys.stderr)

    def ended(self, code: int) -> int:
        """Flush both, say what could not be written, and return the code to end with."""
        self.out.flush()
        if self.out.trouble:
            code = unwritten(code)
            say(f"Error: standard output cannot be written: {self.out.trouble}", err=True)
        self.err.flush()
        for stream in (self.out, self.err):
            stream.abandon()
        return code


@contextlib.contextmanager
def streams() -> Iterator[Streams]:
    """Put guarded streams in the place of standard output and error for a while."""
    before = sys.stdout, sys.stderr
    codecs.register_error(ESCAPED, _escaped)
    for stream in before:
        # one that somebody put there need not know the method
        with contextlib.suppress(AttributeError, ValueError, OSError):
            cast(Any, stream).reconfigure(errors=ESCAPED)
    ours = Streams()
    sys.stdout, sys.stderr = cast(Any, ours.out), cast(Any, ours.err)
    try:
        yield ours
    finally:
        sys.stdout, sys.stderr = before


def say(text: str, *, err: bool = False) -> None:
    """Write lines to standard output or error, all characters of them visible."""
    stream = sys.stderr if err else sys.stdout
    stream.write(visible_lines(text) + "\n")
    stream.flush()


def _escaped(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(
        LIKENESSES.get(one) or one.encode("unicode_escape").decode("ascii")
        for one in error.object[error.start : error.end]
    ), error.end
