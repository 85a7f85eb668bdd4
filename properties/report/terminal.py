"""The terminal's report of a run: its progress, then one screen that answers what is wrong with the layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from properties.certificates.causes import Cause, causes
from properties.certificates.certificate import Certificate, LawReport
from properties.certificates.diagnosis import is_explained
from properties.certificates.events import Ended, Event, LawEnded, Progressed, Started
from properties.engine.result import UNSETTLED
from properties.report.causes import label_of, one_line, one_row, show_causes, three_lines
from properties.report.departures import (
    closing_lines,
    departures_in_forms,
    show_departures,
    show_explained,
    title_of,
)
from properties.report.facts import in_lines
from properties.report.scripts import write_scripts
from properties.report.table import left_out, notes, reasons, table_of_laws
from properties.report.verdicts import (
    headline,
    lines_of_call,
    lines_of_not_given,
    unasked,
    verdict_line,
    verdicts,
)
from properties.storage.files import ForeignFileError

ROWS = 38
"""Rows of a screen of 40: what the report leaves to the command line and the prompt below it."""

MOST_REMARKS = 3
"""Remarks that the screen names."""


class TerminalReport:
    """Shows a run on a console: a progress bar on a terminal, one plain line for each law elsewhere.

    ``scripts`` is the folder that scripts are written to (None: nowhere); ``verbose`` shows all laws, notes and cases
    before the last screen; ``quiet`` leaves out the plain lines. ``certificate`` is the file that can be replayed.
    """

    def __init__(
        self,
        console: Console,
        scripts: Path | None = None,
        quiet: bool = False,
        verbose: bool = False,
        certificate: Path | None = None,
    ) -> None:
        self._console, self._scripts, self._quiet, self._verbose = console, scripts, quiet, verbose
        self._certificate = certificate
        self._progress: Progress | None = None
        self._laws = self._done = 0

    def __call__(self, event: Event) -> None:
        """Show an event."""
        if isinstance(event, Started):
            self._begin(event)
        elif isinstance(event, Progressed) and self._progress is not None:
            self._progress.update(self._bar, description=event.law)
        elif isinstance(event, LawEnded):
            self._count(event.report)
        elif isinstance(event, Ended):
            self.close()
            self._end(event.certificate)

    def close(self) -> None:
        """Remove the progress bar, if there is one."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    def _begin(self, event: Started) -> None:
        self._laws = event.laws
        words = f"{event.subject} against contract {event.contract}: {event.laws} laws, {event.examples} examples each"
        self._console.print(Text(words), highlight=False)
        if self._console.is_terminal:
            # other spinners have signs that few encodings but UTF-8 know
            spinner = SpinnerColumn() if _is_unicode(self._console) else SpinnerColumn("line")
            columns = (spinner, BarColumn(30), MofNCompleteColumn(), TimeElapsedColumn())
            self._progress = Progress(
                *columns, TextColumn("{task.description}", markup=False), console=self._console, transient=True
            )
            self._bar = self._progress.add_task("", total=event.laws)
            self._progress.start()

    def _count(self, report: LawReport) -> None:
        self._done += 1
        if self._progress is not None:
            self._progress.advance(self._bar)
        elif self._verbose and not self._quiet:
            line = f"[{self._done}/{self._laws}] {report.id} {report.outcome}, {report.examples} examples"
            self._console.print(Text(line), highlight=False)

    def _end(self, certificate: Certificate) -> None:
        files, trouble = self._written(certificate)
        if self._verbose:
            show_all(self._console, certificate)
        show(self._console, certificate, files, self._certificate, verbose=self._verbose)
        if trouble:
            self._console.print(Text(trouble, style="yellow"))

    def _written(self, certificate: Certificate) -> tuple[Mapping[str, Path], str]:
        """Write the scripts; returns their files, and why there are none."""
        if self._scripts is None:
            return {}, ""
        found = [cause for cause in causes(certificate) if not is_explained(certificate, cause.law)]
        try:
            return write_scripts(certificate.subject, found, self._scripts, certificate.departures), ""
        except (OSError, ForeignFileError) as error:
            words = error.strerror if isinstance(error, OSError) else error
            return {}, f"the scripts cannot be written to {self._scripts}: {words}; -v shows them"


def show_all(console: Console, certificate: Certificate) -> None:
    """Print all that a certificate says of its laws: the table, the notes, each cause and departure with its script."""
    console.print()
    console.print(table_of_laws(certificate))
    agreed = [line for line, style in in_lines(certificate.facts) if style == "dim"]
    for line in (*(f"found: {line}" for line in agreed), *notes(certificate)):
        console.print(Padding(Text(line, style="dim"), (0, 0, 0, 2)))
    show_causes(console, certificate)
    show_departures(console, certificate)
    show_explained(console, certificate)


def show(
    console: Console,
    certificate: Certificate,
    scripts: Mapping[str, Path] | None = None,
    file: Path | None = None,
    verbose: bool = False,
) -> None:
    """Print what came of a run on one screen: the verdicts, what was found, and the causes, the most harmful first.

    Of a layer with departures the causes are those of the laws that do not follow from these, which come next.
    """
    above = _above(certificate)
    found = [cause for cause in causes(certificate) if not is_explained(certificate, cause.law)]
    main = [cause for cause in found if cause.refutes or certificate.forgives(cause.law)]
    rest = _below(certificate, [cause for cause in found if cause not in main], scripts or {}, file, verbose)
    room = ROWS - _height(console, [*above, *rest])
    console.print()
    for part in (*above, *_middle(console, certificate, main, scripts or {}, room), *rest):
        console.print(part)


def _above(certificate: Certificate) -> list[RenderableType]:
    """The verdicts, and what was found about the call and the layer."""
    noted = [Text(certificate.assumed)] if certificate.assumed else []
    noted += [Text(words, style="yellow") for words in certificate.narrowed.values()]
    if certificate.verdict == "incomplete":
        noted += [Text(f"not certified: {gap}", style="yellow") for gap in certificate.gaps]
        noted += [Text(words, style="yellow") for words in (*reasons(certificate, UNSETTLED), *unasked(certificate))]
    found = [Text(f"found: {line}", style=style) for line, style in in_lines(certificate.facts) if style != "dim"]
    said = [*noted, *lines_of_call(certificate), *lines_of_not_given(certificate)]
    # what a departure says need not be said twice
    said += found if not certificate.departures else []
    refuting = [law for law in certificate.failed if certificate.refutes(law)]
    if refuting and all(law.inherited for law in refuting):
        said.append(Text("all of it is Paddle's: `--forgive-inherited` leaves that out of the verdict", style="yellow"))
    if certificate.claimable:
        said.append(Text(certificate.claimable["words"], style="bold yellow"))
    return [
        headline(certificate),
        verdict_line(certificate),
        verdicts(certificate),
        *(Padding(line, (0, 0, 0, 2)) for line in said),
    ]


def _middle(
    console: Console, certificate: Certificate, found: Sequence[Cause], scripts: Mapping[str, Path], room: int
) -> list[RenderableType]:
    """The causes, and after them the departures that explain the other laws, where any were found."""
    shown = []
    for number, cause in enumerate(found, 1):
        label = label_of(certificate, number)
        shown.append((three_lines(cause, label, str(scripts.get(cause.law.id, ""))), one_line(cause, label)))
    departures = departures_in_forms(certificate)
    if not departures:
        return _fitted(console, shown, room, "likely causes")
    first: list[RenderableType] = [Text("Not explained by the departures below:", style="bold")] if shown else []
    second, last = title_of(certificate), closing_lines(certificate)
    room -= _height(console, [*first, second, *last])
    kept = _height(console, [departures[0][0]]) + min(len(departures) - 1, 6)
    first += _fitted(console, shown, room - kept, "likely causes")
    room -= _height(console, first[1:])
    return [*first, second, *_fitted(console, departures, room, "departures"), *last]


def _fitted(
    console: Console, shown: Sequence[tuple[RenderableType, RenderableType]], room: int, what: str
) -> list[RenderableType]:
    """Each thing whole while there is room; a line for each of the others, and how many more of ``what`` are left."""
    parts: list[RenderableType] = []
    short = False
    for number, (whole, line) in enumerate(shown, 1):
        # the first is shown whole whatever it takes; the others leave a line for each that comes after them
        taken, after = _height(console, parts), min(len(shown) - number, 6)
        short = short or (number > 1 and taken + _height(console, [whole]) + after > room)
        if not short:
            parts.append(whole)
        elif taken + 1 < room or number == len(shown):
            parts.append(line)
        else:
            parts.append(Text(f"and {len(shown) - number + 1} more {what}", style="dim"))
            break
    return parts


def _below(
    certificate: Certificate, remarks: Sequence[Cause], scripts: Mapping[str, Path], file: Path | None, verbose: bool
) -> list[RenderableType]:
    """The remarks, what was not asked, and how to see more."""
    parts: list[RenderableType] = []
    if remarks:
        laws = sum(1 + len(cause.also) for cause in remarks)
        words = "1 remark, which refutes" if laws == 1 else f"{laws} remarks, which refute"
        parts.append(Text(f"{words} nothing (--require refusals, --require all):", style="yellow"))
        parts += [_remark(cause) for cause in remarks[:MOST_REMARKS]]
        if len(remarks) > MOST_REMARKS:
            parts.append(Text(f"   and {len(remarks) - MOST_REMARKS} more", style="dim"))
    if words := left_out(certificate):
        parts.append(one_row(Text(words, style="dim")))
    return [*parts, *_more(certificate, scripts, file, verbose)]


def _remark(cause: Cause) -> RenderableType:
    return one_row(Text.assemble((f"   {cause.law.id}  ", "yellow"), cause.law.message or cause.law.reason))


def _more(
    certificate: Certificate, scripts: Mapping[str, Path], file: Path | None, verbose: bool
) -> list[RenderableType]:
    """How to see more, and what to do after a repair."""
    words = [] if verbose else ["-v shows every law and case"]
    folders = dict.fromkeys(str(script.parent) for script in scripts.values())
    words += [f"scripts that need no lossproof are in {folder}/" for folder in folders]
    if file is not None and certificate.failed:
        words.append(f"after a repair: lossproof replay {file}")
    return [Text("; ".join(words), style="dim")] if words else []


def _is_unicode(console: Console) -> bool:
    return console.encoding.lower().replace("-", "").startswith("utf")


def _height(console: Console, parts: Sequence[RenderableType]) -> int:
    """Rows that parts take on the console."""
    return sum(len(console.render_lines(part, pad=False)) for part in parts)
