"""The console of all reports: foreign text is printed as text, whatever control characters or markup it holds."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import accumulate
from typing import IO, Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from properties.texts import visible, visible_lines

NARROWEST = 110
"""Columns of a file or a pipe: wide enough for tables."""


class PlainConsole(Console):
    """A console that neither obeys markup nor passes on a control character of what it prints.

    A Text is one line: a line feed in it is shown like any other control character. Rich's own codes, for colors and
    for the cursor, are no part of a text and stay.
    """

    def __init__(self, *, file: IO[str] | None = None, **options: Any) -> None:
        super().__init__(file=file, markup=False, emoji=False, **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Render anything; of a text what is shown in place of its control characters, so that lines break rightly."""
        if isinstance(renderable, Text) and not renderable.plain.isprintable():
            renderable = _visible(renderable)
        return super().render(renderable, options)

    def _render_buffer(self, buffer: Iterable[Segment]) -> str:
        # the last place that every character comes through, whatever it was wrapped in
        return super()._render_buffer(
            segment if segment.control else segment._replace(text=visible_lines(segment.text)) for segment in buffer
        )


def console() -> Console:
    """Return a console for the terminal; for a file or a pipe, one that is wide enough for tables."""
    found = PlainConsole()
    return found if found.is_terminal else PlainConsole(width=max(found.width, NARROWEST))


def _visible(text: Text) -> Text:
    """Return a text with the same styles, each of its characters visible."""
    found, shown = text.blank_copy(), [visible(one) for one in text.plain]
    found.append("".join(shown))
    places = [0, *accumulate(map(len, shown))]
    found.spans = [span._replace(start=places[span.start], end=places[span.end]) for span in text.spans]
    return found
