"""The values that options take: numbers within bounds, durations, names of files; anything else is a usage error."""

from __future__ import annotations

import math
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from properties.errors import UsageError
from properties.report.durations import parse_duration
from properties.storage.files import LARGEST, require_writable
from properties.texts import cut

LONGEST_TIME = 86_400.0
"""Seconds that one example, or one block of them, may be given: a day."""

MOST_MEMORY = 65_536.0
"""GiB that a worker may be given."""

MOST_WORKERS = 1_024

MOST_EXAMPLES = 10**12

LARGEST_SEED = 2**63 - 1

LONGEST_CAMPAIGN = 3_650 * 86_400.0
"""Seconds of a campaign: ten years."""


_DIGITS = re.compile(r"-?[0-9]{1,40}")


class Number(click.FloatRange):
    """A finite number within bounds."""

    def __init__(self, least: float, most: float) -> None:
        super().__init__(least, most)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number; a usage error for a text that is none, and for one out of bounds."""
        number = super().convert(value, param, ctx)
        # NaN is neither below nor above anything
        if math.isnan(number):
            self.fail(f"expected a number from {self.min:g} to {self.max:g}, got {_short(value)}", param, ctx)
        return number


class Whole(click.IntRange):
    """A whole number within bounds, in plain digits."""

    def __init__(self, least: int, most: int) -> None:
        super().__init__(least, most)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number; a usage error for anything else, the digits of other scripts among it."""
        if not isinstance(value, int) and not _DIGITS.fullmatch(str(value)):
            self.fail(f"expected a whole number from {self.min} to {self.max}, got {_short(value)}", param, ctx)
        return super().convert(value, param, ctx)


class Workers(click.ParamType[int | None]):
    """A number of processes, or auto."""

    name = "workers"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | None:
        """Return None for auto; a usage error for anything but that or a number of processes."""
        if value is None or value == "auto":
            return None
        number = int(value) if _DIGITS.fullmatch(str(value)) else 0
        if not 1 <= number <= MOST_WORKERS:
            self.fail(f"expected auto or a number from 1 to {MOST_WORKERS}, got {_short(value)}", param, ctx)
        return number


class Duration(click.ParamType[float]):
    """Seconds, from words such as 8h or 1h30m."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the seconds; a usage error for anything else."""
        try:
            seconds = parse_duration(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if seconds > LONGEST_CAMPAIGN:
            self.fail(f"expected a duration of at most ten years (3650d), got {_short(value)}", param, ctx)
        return seconds


class NamedPath(click.Path):
    """A path that has a name: an empty text is none, though it would lead to the working directory."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path; a usage error for an empty text, and for what the system takes for no path."""
        if not str(value).strip():
            self.fail(f"expected the name of a file or directory, got {value!r}", param, ctx)
        try:
            return super().convert(value, param, ctx)
        except (OSError, ValueError) as error:
            self.fail(f"expected the name of a file or directory, got {_short(value)}: {error}", param, ctx)


class Readable(NamedPath):
    """A file to read, which has an end: a device may have none."""

    def __init__(self) -> None:
        super().__init__(exists=True, dir_okay=False, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path; a usage error for a device, and for a file that nobody wrote as what is read here."""
        path = super().convert(value, param, ctx)
        status = path.stat()
        if stat.S_ISCHR(status.st_mode) or stat.S_ISBLK(status.st_mode):
            self.fail(f"expected a file, got the device {_short(value)}", param, ctx)
        if status.st_size > LARGEST:
            self.fail(f"expected a file of at most {LARGEST:,} bytes, {value} has {status.st_size:,}", param, ctx)
        return path


class Written(NamedPath):
    """A file to write in the end, which can be written now: found before the work, not after it."""

    def __init__(self, is_ours: Callable[[bytes], bool], what: str) -> None:
        super().__init__(dir_okay=False, path_type=Path)
        self._is_ours, self._what = is_ours, what

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path; a usage error where it cannot be written, or is somebody else's file."""
        path = super().convert(value, param, ctx)
        option = param.opts[0] if param is not None else "a file"
        try:
            if not path.absolute().parent.is_dir():
                raise click.UsageError(f"{option}: there is no directory {path.parent}", ctx)
            require_writable(path, self._is_ours, self._what)
        except (UsageError, OSError, ValueError) as error:
            raise click.UsageError(f"{option}: {error}", ctx) from None
        return path


def given_once(option: str, pairs: list[tuple[str, str]]) -> dict[str, str]:
    """Return NAME=VALUE pairs by name; a usage error for a name that is given twice."""
    found: dict[str, str] = {}
    for name, value in pairs:
        if name in found:
            both = f"{cut(found[name], 100)} and {cut(value, 100)}"
            raise click.UsageError(f"{option} {cut(name, 100)} is given twice, as {both}: give it one value")
        found[name] = value
    return found


def begins_with(head: bytes, *, within: bytes = b"") -> Callable[[bytes], bool]:
    """Return whether the begin of a file is that of a format of ours: its first bytes, and a word that follows."""
    return lambda begin: begin.lstrip().startswith(head) and within in begin


def _short(value: Any) -> str:
    return cut(repr(value), 100)
