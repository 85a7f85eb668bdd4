"""The view of a campaign: live on a terminal, a line of progress now and then elsewhere; at the end what it found."""

from __future__ import annotations

import shlex
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from properties.certificates.certificate import Certificate
from properties.certificates.events import (
    CampaignEnded,
    CampaignEvent,
    CampaignStarted,
    Found,
    Noted,
    ShardEnded,
    TargetStarted,
)
from properties.errors import is_nobodys
from properties.report.causes import show_causes
from properties.report.departures import show_departures
from properties.report.durations import words_of
from properties.report.tally import Latest, Row, Tally
from properties.report.verdicts import STYLES, lines_of_not_given, summary
from reference import BUDGET

EVERY = 30.0
"""Seconds between lines of progress where there is no terminal."""

FOREMOST = 5
"""How many laws, with the part of the budget that they used, and how many findings a high terminal shows."""


class CampaignReport:
    """Shows a campaign on a console; it is called with one event after the other, from one thread at a time."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console, self._clock = console, clock
        self._tally: Tally | None = None
        self._live: Live | None = None
        self._said = 0.0
        # the thread that draws holds rich's lock when it asks for this one: never print under it
        self._turn = threading.Lock()

    def __call__(self, event: CampaignEvent) -> None:
        """Show an event."""
        if isinstance(event, CampaignStarted):
            self._begin(event)
        elif isinstance(event, Noted):
            self._print(Text(f"note: {event.words}", style="yellow"))
        elif isinstance(event, CampaignEnded):
            self._end(event)
        elif self._tally is not None:
            self._count(self._tally, event)

    def close(self) -> None:
        """Remove the live view; does nothing where there is none."""
        if self._live is not None:
            live, self._live = self._live, None
            # of a view that is higher than the terminal, rich would leave the top on the screen
            live.update(Text(), refresh=True)
            live.stop()

    def status(self) -> RenderableType:
        """Return the live view as of now; empty before the campaign has begun."""
        with self._turn:
            return Text() if self._tally is None else view(self._tally, *self._console.size)

    def _begin(self, event: CampaignStarted) -> None:
        with self._turn:
            self._tally, self._said = Tally(event, self._clock), self._clock()
        if self._console.is_interactive and not self._console.is_dumb_terminal:
            self._live = Live(_Moving(self), console=self._console, refresh_per_second=2, transient=True)
            self._live.start(refresh=True)
        else:
            for line in headline(event).split():
                self._print(line)

    def _count(self, tally: Tally, event: TargetStarted | ShardEnded | Found) -> None:
        found = None
        with self._turn:
            if isinstance(event, TargetStarted):
                tally.add_target(event)
            elif isinstance(event, ShardEnded):
                tally.add_shard(event)
            else:
                found = tally.add_finding(event)
        if found is not None:
            self._print(finding_line(found, self._directory))
        elif self._live is None and isinstance(event, TargetStarted):
            self._print(Text(f"{event.name} against contract {event.contract}: {event.laws} laws"))
        elif self._live is None and self._clock() - self._said >= EVERY:
            self._said = self._clock()
            self._print(progress_line(tally))

    def _end(self, event: CampaignEnded) -> None:
        self.close()
        for certificate in event.certificates:
            self._console.print()
            self._console.print(summary(certificate))
            show_causes(self._console, certificate)
            show_departures(self._console, certificate)
        self._console.print()
        for line in closing_lines(event, self._tally):
            self._print(line)

    def _print(self, text: Text) -> None:
        """Print a line; in a file or a pipe it is not wrapped, for the sake of tools."""
        self._console.print(text, soft_wrap=not self._console.is_terminal)

    @property
    def _directory(self) -> str:
        return "" if self._tally is None else self._tally.started.directory


class _Moving:
    """The live view, made anew whenever it is drawn: time passes without events too."""

    def __init__(self, report: CampaignReport) -> None:
        self._report = report

    def __rich__(self) -> RenderableType:
        return self._report.status()


def view(tally: Tally, width: int, height: int) -> Group:
    """Return the live view: targets, the laws that used most of their budget, the last findings, and the progress."""
    most = min(max((height - 12) // 3, 1), FOREMOST)
    findings = [_line(finding_text(found)) for found in list(tally.latest)[-most:]]
    budgets = tally.budgets[:most]
    parts: list[RenderableType] = [_line(text) for text in headline(tally.started).split()]
    if tally.rows:
        rest = 8 + (len(budgets) + 2 if budgets else 0) + (len(findings) + 1 if findings else 0)
        parts += _targets(tally, width, max(height - rest, 1))
    if budgets:
        parts += [Text(), _budgets(budgets, width, len(tally.rows) > 1)]
    if findings:
        parts += [Text(), *findings]
    return Group(*parts, Text(), progress_line(tally))


def headline(event: CampaignStarted) -> Text:
    """Return two lines: the directory of a campaign, and the options that it runs with."""
    text = Text(f"campaign in {event.directory}", style="bold")
    words = [f"workers {event.workers}", f"seed {event.seed}"]
    words += [f"at most {words_of(event.max_time)}"] if event.max_time is not None else []
    words += [f"at most {event.max_examples:,} examples of each law"] if event.max_examples is not None else []
    words += [f"resumed after {_count(event.resumed, 'shard')}"] if event.resumed else []
    targets = len(event.targets)
    return text.append(f"\n{_count(targets, 'target')}, {', '.join(words)}", style="dim")


def finding_text(found: Latest) -> Text:
    """Return a finding in one line."""
    report = found.report
    said = ("finding", "bold red") if report.grade == "error" else ("remark", "yellow")
    text = Text.assemble((f"{said[0]} {found.id}", said[1]), f"  {found.target}  {report.id}")
    message = (report.message or report.reason).partition("\n")[0]
    text.append(f"  {report.outcome}: {message}")
    return text if found.new or report.grade == "remark" else text.append("  (of a known cause)", style="dim")


def finding_line(found: Latest, directory: str) -> Text:
    """Return a finding in one line, with the names of its files."""
    file = Path(directory) / "findings" / found.id
    return finding_text(found).append(f"  {file}.json {found.id}.py", style="dim")


def progress_line(tally: Tally) -> Text:
    """Return one line: time spent and left, shards, examples, rate and findings."""
    rows = list(tally.rows.values())
    words = [_roughly(tally.elapsed)]
    words += [f"{_roughly(tally.left)} left"] if tally.left is not None else []
    words += [_count(sum(row.done for row in rows), "shard"), _count(sum(row.examples for row in rows), "example")]
    words += [f"{sum(row.rate.per_second for row in rows):,.0f} per s", _findings(rows)]
    return Text(", ".join(words))


def _roughly(seconds: float) -> str:
    """Write a duration, from an hour on without its seconds."""
    return words_of(seconds if seconds < 3600 else seconds - seconds % 60)


def closing_lines(event: CampaignEnded, tally: Tally | None) -> Iterable[Text]:
    """Yield the verdict on each target, why the campaign ended, and where its files are."""
    rows = {} if tally is None else tally.rows
    for number, certificate in enumerate(event.certificates):
        yield _verdict(certificate, rows.get(number), event.files[number] if number < len(event.files) else "")
        if certificate.verdict == "certified" and any(found["grade"] == "error" for found in _found_by(certificate)):
            yield Text("    its findings refute nothing: they are forgiven, or of a level that is not required")
        reasons = dict.fromkeys(law.reason for law in certificate.laws if is_nobodys(law.reason))
        for reason in reasons:
            laws = ", ".join(law.id for law in certificate.laws if law.reason == reason)
            yield Text(f"    {reason}: {laws}", style="yellow")
        yield from lines_of_not_given(certificate)
    counts = [
        _count(sum(row.done for row in rows.values()), "shard"),
        _count(sum(row.examples for row in rows.values()), "example"),
        _findings(rows.values()),
    ]
    what = "interrupted" if event.interrupted else "ended"
    text = Text(f"campaign {what} after {words_of(event.seconds)}: {event.why}", style="bold")
    yield text.append(f"; {', '.join(counts)}; everything is in {event.directory}", style="dim")
    if event.interrupted or event.failed:
        yield Text.assemble("resume with: ", (f"lossproof fuzz --resume --out {shlex.quote(event.directory)}", "cyan"))


def _found_by(certificate: Certificate) -> list[dict[str, str]]:
    """Return the findings of a target's campaign."""
    return list(certificate.campaign.get("findings", ()))


def _verdict(certificate: Certificate, row: Row | None, file: str) -> Text:
    text = Text.assemble(f"{certificate.subject}  ", (certificate.verdict.upper(), STYLES[certificate.verdict]))
    # those after a law's first finding too
    ran = certificate.campaign.get("examples", {law.id: law.examples for law in certificate.laws})
    words = [_count(sum(ran.values()), "example")]
    words += [_count(row.done, "shard"), _findings([row])] if row is not None else []
    return text.append(f"  {', '.join(words)}" + (f"; certificate {file}" if file else ""), style="dim")


def _targets(tally: Tally, width: int, most: int) -> list[RenderableType]:
    """Return a table with a row for each target; where there is no room for all, for those that were busy last."""
    busy = sorted(sorted(tally.rows, key=lambda number: -tally.rows[number].latest)[:most])
    rows = [tally.rows[number] for number in busy]
    names = [Text.assemble(row.name, (f" {row.contract}", "dim")) for row in rows]
    worst = [Text(f"{row.worst[0]:.2f} {row.worst[1]}" if row.budgets else "") for row in rows]
    numbers = [_numbers(row) for row in rows]
    heads = ("shards", "examples", "per s", "findings")
    widths = [max(len(cell) for cell in column) for column in zip(heads, *numbers, strict=True)]
    left, right = _shared(width - sum(widths) - 2 * (len(widths) + 1), _longest(names), max(_longest(worst), 12))
    table = _table()
    table.add_column("target", no_wrap=True, overflow="ellipsis", width=left)
    for head, size in zip(heads, widths, strict=True):
        table.add_column(head, justify="right", no_wrap=True, width=size)
    table.add_column("worst budget", no_wrap=True, overflow="ellipsis", width=right)
    for row, name, cells, used in zip(rows, names, numbers, worst, strict=True):
        table.add_row(name, *cells[:3], Text(cells[3], style="bold red" if row.findings else ""), used)
    hidden = len(tally.rows) - len(rows)
    return [Text(), table, *([Text(f"and {_count(hidden, 'more target')}", style="dim")] if hidden else [])]


def _numbers(row: Row) -> tuple[str, str, str, str]:
    found = f"{row.findings} of {_count(row.causes, 'cause')}" if row.findings else "0"
    return f"{row.done}/{row.planned}", f"{row.examples:,}", f"{row.rate.per_second:,.0f}", found


def _budgets(budgets: list[tuple[float, str, str]], width: int, several: bool) -> Table:
    table = _table()
    table.add_column("law", no_wrap=True)
    table.add_column(f"used of {BUDGET:g}", justify="right", no_wrap=True)
    if several:
        taken = max(len(law) for _, law, _ in budgets) + len(f"used of {BUDGET:g}") + 4
        table.add_column("target", no_wrap=True, overflow="ellipsis", max_width=max(width - taken, 1))
    for used, law, target in budgets:
        table.add_row(law, f"{used:.2f}", *([Text(target)] if several else []))
    return table


def _table() -> Table:
    return Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")


def _shared(room: int, one: int, other: int) -> tuple[int, int]:
    """Return the widths of two columns: what each wants; where that is too much, half of the room or what is left."""
    half = max(room // 2, 1)
    if one + other <= room:
        return one, other
    return (one, max(room - one, 1)) if one <= half else (max(room - other, half), min(other, max(room - half, 1)))


def _longest(texts: Iterable[Text]) -> int:
    return max((text.cell_len for text in texts), default=0)


def _findings(rows: Iterable[Row]) -> str:
    rows = list(rows)
    found, causes = sum(row.findings for row in rows), sum(row.causes for row in rows)
    words = f"{_count(found, 'finding')} of {_count(causes, 'cause')}" if found else "no findings"
    remarks = sum(row.remarks for row in rows)
    return f"{words}, {_count(remarks, 'remark')}" if remarks else words


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"


def _line(text: Text) -> Text:
    """Return a text cut to one line of the terminal."""
    text.no_wrap, text.overflow = True, "ellipsis"
    return text
