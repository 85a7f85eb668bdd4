"""An exception that a layer raised, as a failure: with the line of the layer's own source that it came through last."""

from __future__ import annotations

import linecache
import os
import sysconfig
import traceback
from pathlib import Path

from properties.judging.observation import Failure, name_of

LONGEST_LINE = 160
"""Characters of a line of source that are kept."""

REFUSALS = (ValueError, TypeError, AssertionError, NotImplementedError)
"""What a layer raises by a statement of its own where it does not take what it is given."""

_OURS = str(Path(__file__).resolve().parents[1]) + os.sep
_STANDARD = sysconfig.get_paths()["stdlib"] + os.sep
_LIBRARIES = tuple(f"{os.sep}{name}{os.sep}" for name in ("paddle", "numpy", "scipy", "torch"))


def raised(error: BaseException, message: str) -> Failure:
    """The failure of a layer that raised, in the words of ``message``."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith(_OURS)]
    own = [place for place, frame in enumerate(frames) if not _is_library(frame.filename)]
    if not own:
        return Failure("raised", name_of(error), message)
    frame = frames[own[-1]]
    code = " ".join((frame.line or linecache.getline(frame.filename, frame.lineno or 0)).split())[:LONGEST_LINE]
    here = own[-1] == len(frames) - 1
    declined = here and isinstance(error, REFUSALS) and code.startswith(("raise ", "raise(", "assert ", "assert("))
    line = f"{Path(frame.filename).name}:{frame.lineno}: {code}"
    return Failure("raised", name_of(error), message, line, declined)


def _is_library(filename: str) -> bool:
    if filename.startswith("<"):
        return True
    inside = f"{os.sep}site-packages{os.sep}" in filename or f"{os.sep}dist-packages{os.sep}" in filename
    standard = filename.startswith(_STANDARD) and not inside
    return standard or (any(library in filename.rpartition("-packages")[2] for library in _LIBRARIES) and inside)
