"""Whose mistake an error is: the user's, that of a contract's author, or ours. None of them is the layer's."""

from __future__ import annotations

import difflib
import errno
import os
import re
import sys
import traceback
from collections.abc import Iterable, Iterator
from types import FrameType

BROKEN = "lossproof itself failed"
"""How a failure of ours begins, wherever it is told."""

CLOSE = 0.6
"""How alike a mistyped name and the one that was meant are, from 0 to 1."""

OURS = ("properties", "reference")
LIBRARIES = frozenset({"click", "hypothesis", "numpy", "paddle", "rich", "scipy"}) | sys.stdlib_module_names


class UsageError(ValueError):
    """What the user wrote cannot be carried out; the message says what to write instead."""


class ContractError(UsageError):
    """What the author of a contract wrote cannot be used; the message names the contract and what was expected."""


class MachineTrouble(RuntimeError):  # noqa: N818 - an outcome of the machine's
    """The machine failed (a full disk, no memory, no file handles, a killed helper): no result; it may run again."""


TROUBLES = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO, errno.EROFS})
"""Error numbers of the operating system that say something of the machine alone."""


def is_machines(error: BaseException) -> bool:
    """Whether an exception, raised anywhere but in a layer, is the machine's trouble and no mistake of ours."""
    return isinstance(error, MemoryError | MachineTrouble) or (isinstance(error, OSError) and error.errno in TROUBLES)


def trouble_in_words(error: BaseException) -> str:
    """Return what a machine's trouble is, in the words that were found for it where there are some."""
    return str(error) if isinstance(error, MachineTrouble) else words_of(error)


def raise_if_machines(error: BaseException) -> None:
    """Raise MachineTrouble for an exception that says something of the machine alone, before it is called ours."""
    if is_machines(error):
        raise MachineTrouble(trouble_in_words(error)) from error


class Broken(RuntimeError):  # noqa: N818 - an outcome of ours
    """We failed, and neither the layer nor the user is to blame. Begins with BROKEN."""

    def __init__(self, words: str) -> None:
        super().__init__(words if words.startswith(BROKEN) else f"{BROKEN}: {words}")


def did_you_mean(name: object, known: Iterable[object]) -> str:
    """The names closest to one that does not exist, as the end of a message: "; did you mean 'x'?"; '' for none."""
    places: dict[str, str] = {}
    for one in map(str, known):
        # of a law the part behind the slash will do, and letters large or small
        for spelling in (one, one.lower(), one.rpartition("/")[2]):
            places.setdefault(spelling, one)
    wanted = str(name)
    near = [n for way in (wanted, wanted.lower()) for n in difflib.get_close_matches(way, places, 3, CLOSE)]
    close = list(dict.fromkeys(places[one] for one in near))[:3]
    return f"; did you mean {' or '.join(map(repr, close))}?" if close else ""


def is_broken(reason: str) -> bool:
    """Whether the reason of an outcome says that we failed."""
    return BROKEN in reason


def is_nobodys(reason: str) -> bool:
    """Whether a reason tells a mistake that is not the layer's: ours, or that of a contract's author."""
    return is_broken(reason) or re.search(r"contract \S+: (its|under law) ", reason) is not None


def broken_in(where: str, error: BaseException) -> Broken:
    """The failure of ours that an unexpected exception is: where, what, and on which line."""
    if isinstance(error, Broken):
        return error
    return Broken(f"{BROKEN} in {where}: {words_of(error)}")


def words_of(error: BaseException) -> str:
    """An exception with its words, and the line of ours or of the user's that it came from."""
    words = " ".join(f"{type(error).__name__}: {error}".rstrip(": ").split())
    frames = list(_frames(error))
    if not frames:
        return words
    frame, line = frames[-1]
    return f"{words} ({os.path.basename(frame.f_code.co_filename)}:{line})"


def is_own(frame: FrameType) -> bool:
    """Whether a frame is of neither a library's code nor ours; what was made at run time has no source."""
    return _root(frame) not in LIBRARIES and not is_ours(frame) and os.path.exists(frame.f_code.co_filename)


def is_ours(frame: FrameType) -> bool:
    """Whether a frame is of our code."""
    return _root(frame) in OURS


def is_foreign(error: BaseException) -> bool:
    """Whether an exception comes from code that is neither ours nor a library's: what the author of a contract wrote.

    A layer's exceptions never get that far: they are answers.
    """
    frames = list(_frames(error))
    return bool(frames) and _root(frames[-1][0]) not in OURS


def _frames(error: BaseException) -> Iterator[tuple[FrameType, int]]:
    """The frames that an exception went through, those of libraries aside, with their lines."""
    for frame, line in traceback.walk_tb(error.__traceback__):
        if _root(frame) not in LIBRARIES:
            yield frame, line


def _root(frame: FrameType) -> str:
    name = str(frame.f_globals.get("__name__", ""))
    # what the user runs as a script is the user's
    return name if name == "__main__" else name.split(".")[0]
