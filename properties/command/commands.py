"""How every command of ``lossproof`` begins and ends: its arguments are texts, its exit code is one of the table."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import tempfile
import threading
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import click

from properties.command.exit_codes import CERTIFIED, INCOMPLETE, INTERNAL, INTERRUPTED, USAGE
from properties.command.streams import say, streams
from properties.errors import UsageError, broken_in, is_machines, words_of
from properties.texts import cut, one_line
from properties.workers.processes import children

LONGEST_ARGUMENT = 10_000
"""Characters of one argument of a command."""

PATIENCE = 0.8
"""Seconds that an interrupted command may take to clear up; then it ends as it is."""


class Command(click.Command):
    """A command in which what a user wrote wrongly is a usage error wherever it is found."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except UsageError as error:
            raise click.UsageError(str(error), ctx) from None
        except EOFError as error:
            # click takes it for a user who has gone
            raise RuntimeError("unexpected end of a file") from error


class Commands(click.Group):
    """A group of commands, each of which ends with a code of the table, whatever happens."""

    command_class = Command
    group_class = type

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments; a usage error for one that is no printable text of bounded length."""
        require_texts(args)
        return super().parse_args(ctx, args)

    def main(self, *given: Any, standalone_mode: bool = True, **more: Any) -> Any:
        """Run a command to its end, and exit with its code."""
        if not standalone_mode:
            return self._ran(*given, **more)
        code = INTERRUPTED
        # Ctrl-C may also come while the last words are written
        with streams() as ours, interrupts() as seen, contextlib.suppress(KeyboardInterrupt):
            code = ours.ended(self._code(seen, *given, **more))
        sys.exit(code)

    def _ran(self, *given: Any, **more: Any) -> Any:
        more["standalone_mode"] = False
        return super().main(*given, **more)

    def _code(self, seen: Sequence[object], *given: Any, **more: Any) -> int:
        """Return the code of a command; ``seen`` has something in it once the user has interrupted it."""
        try:
            self._ran(*given, **more)
        except SystemExit as ended:
            return ended.code if isinstance(ended.code, int) else INTERNAL if ended.code else CERTIFIED
        except (Exception, KeyboardInterrupt) as error:
            # a library that was being imported may have made another error of it
            if seen or isinstance(error, click.Abort | KeyboardInterrupt):
                say("interrupted", err=True)
                return INTERRUPTED
            if isinstance(error, click.ClickException):
                _show(error)
                return USAGE
            return _failed(error)
        return CERTIFIED


def require_texts(args: Sequence[str]) -> None:
    """Raise a usage error for an argument that is too long, or has control characters or bytes that are no text."""
    option = ""
    for arg in args:
        name, equals, value = arg.partition("=")
        named = name if equals and name.startswith("-") else option
        # of NAME=VALUE the whole is the argument
        text = value if named == name and equals else arg
        where = one_line(named or "an argument", 60)
        if len(arg) > LONGEST_ARGUMENT:
            raise click.UsageError(f"{where} takes at most {LONGEST_ARGUMENT:,} characters, got {len(arg):,}")
        if any(character < " " or "\x7f" <= character <= "\x9f" for character in arg):
            raise click.UsageError(f"{where} takes text without control characters, got {cut(repr(text), 100)}")
        if any("\ud800" <= character <= "\udfff" for character in arg):
            raise click.UsageError(f"{where} takes text that is valid UTF-8, got {cut(repr(text), 100)}")
        option = arg if arg.startswith("-") and not equals else ""


@contextlib.contextmanager
def interrupts() -> Iterator[Sequence[object]]:
    """Let Ctrl-C end a command soon: it may clear up for a moment; a second one ends it at once.

    Yields what has something in it as soon as one came.
    """
    if threading.current_thread() is not threading.main_thread():
        # signals come to the main thread alone
        yield ()
        return
    last: list[threading.Timer] = []
    others = children()

    def leave() -> None:
        _end_all(children() - others)
        _leave()

    def interrupt(number: int, frame: FrameType | None) -> None:
        if last:
            leave()
        timer = threading.Timer(PATIENCE, leave)
        timer.daemon = True
        last.append(timer)
        timer.start()
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield last
    finally:
        for timer in last:
            timer.cancel()
            # a fork server that is still being started would keep our streams open for seconds
            _end_all(children() - others)
        signal.signal(signal.SIGINT, before)


def _end_all(processes: set[int]) -> None:
    """End processes at once, but for the one that clears up after all others."""
    for process in processes:
        with contextlib.suppress(OSError):
            if b"resource_tracker" not in Path(f"/proc/{process}/cmdline").read_bytes():
                os.kill(process, signal.SIGKILL)


def _leave() -> None:
    """End now: the workers end with us, and the terminal has its cursor again."""
    with contextlib.suppress(Exception):
        if sys.stdout.isatty():
            os.write(1, b"\x1b[?25h\n")
        os.write(2, b"interrupted\n")
    os._exit(INTERRUPTED)


def _show(error: click.ClickException) -> None:
    """Write a usage error to standard error: how the command is used, and what was wrong, on one line."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        say(error.message, err=True)
        return
    ctx = getattr(error, "ctx", None)
    if ctx is not None:
        say(ctx.get_usage(), err=True)
        if ctx.command.get_help_option(ctx) is not None:
            option = max(ctx.command.get_help_option_names(ctx), key=len)
            say(f"Try '{ctx.command_path} {option}' for help.\n", err=True)
    say(f"Error: {one_line(error.format_message())}", err=True)


def _failed(error: Exception) -> int:
    """Say what failed that is not the user's, and return the code for it."""
    if is_machines(error):
        say(f"Error: the machine failed: {one_line(words_of(error))}", err=True)
        return INCOMPLETE
    say(f"Error: {one_line(broken_in('the command', error))}{_kept(error)}", err=True)
    return INTERNAL


def _kept(error: Exception) -> str:
    """Write the traceback to a new file, and return where it is, or why there is none."""
    try:
        lines = "".join(traceback.format_exception(error))
        descriptor, name = tempfile.mkstemp(prefix="lossproof-error-", suffix=".txt")
        with os.fdopen(descriptor, "wb") as file:
            file.write(lines.encode(errors="backslashreplace"))
    except Exception as trouble:
        return f"; its traceback could not be written ({one_line(trouble, 200)})"
    return f"; its traceback is in {name}"
