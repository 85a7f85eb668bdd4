"""An exception that a layer raised, as a failure: with the line of the layer's own source that it came through last."""

from __future__ import annotations

import traceback
from pathlib import Path

from properties.errors import is_ours, is_own
from properties.judging.observation import Failure, legible, name_of

LONGEST_LINE = 160
"""Characters of a line of source that are kept."""

MOST_LINES = 12
"""Lines of source of an exception's way that are kept, the last ones."""

REFUSALS = (ValueError, TypeError, AssertionError, NotImplementedError)
"""What a layer raises by a statement of its own where it does not take what it is given."""

STATEMENTS = ("raise ", "raise(", "assert ", "assert(")


def raised(error: BaseException, message: str) -> Failure:
    """The failure of a layer that raised, in the words of ``message``."""
    places = traceback.extract_tb(error.__traceback__)
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    way = [(place, is_own(frame)) for place, frame in zip(places, frames, strict=True) if not is_ours(frame)]
    own = [number for number, (_, its_own) in enumerate(way) if its_own]
    if not own:
        return Failure("raised", name_of(error), message)
    last = way[own[-1]][0]
    stated = _code(last).startswith(STATEMENTS) and own[-1] == len(way) - 1
    trace = tuple(_told(place) for place, _ in way[own[0] :][-MOST_LINES:])
    return Failure("raised", name_of(error), message, _told(last), stated and isinstance(error, REFUSALS), trace)


def _told(place: traceback.FrameSummary) -> str:
    return legible(f"{Path(place.filename).name}:{place.lineno}: {_code(place)}", 2 * LONGEST_LINE)


def _code(place: traceback.FrameSummary) -> str:
    return " ".join((place.line or "").split())[:LONGEST_LINE]
