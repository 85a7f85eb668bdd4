"""Causes in words: each in three lines (what it is, the smallest case, how to see more), or with its whole case."""

from __future__ import annotations

import re
from collections.abc import Sequence
from string import ascii_uppercase

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from properties.certificates.causes import Cause, causes
from properties.certificates.certificate import Certificate, LawReport
from properties.certificates.deviation import Deviation, deviation_of
from properties.certificates.diagnosis import is_explained
from properties.report.cases import case_lines, descriptions, outcome_of

LONGEST_SCRIPT = 12_000
"""Characters of a script beyond which it is not shown."""

LONGEST_LINE = 230
"""Characters of a message, or of a case, that the short form of a cause shows."""


def headline_of(law: LawReport, deviation: Deviation | None = None) -> str:
    """Return what is wrong, with its size; of a deviation in the last digits nothing else is said."""
    deviation = deviation_of(law) if deviation is None else deviation
    message = law.message or law.reason
    if deviation.small:
        sentence = law.sentence[:1].lower() + law.sentence[1:]
        return f"The {deviation.quantity} differs by {deviation.relative:.0e} of its size, where {sentence}"
    return message


def three_lines(cause: Cause, label: str, script: str = "") -> Table:
    """Return a cause in three lines: what it is and of which size, the smallest case, and how to see more."""
    law, deviation = cause.law, cause.deviation
    first = Text(short_message(headline_of(law, deviation)))
    if deviation.words:
        first.append(f" {deviation.words}", style="bold")
    for words in _asides(law):
        first.append(f" ({words})", style="yellow")
    more = Text(law.id, style="dim")
    if cause.also:
        more.append(f" and {len(cause.also)} more law{'s' * (len(cause.also) != 1)}")
    more.append(f": python {script}" if script else f": lossproof explain {law.id}")
    return labelled(label, _style(cause), [first, *_case(law, deviation), more])


def labelled(label: str, style: str, lines: Sequence[Text]) -> Table:
    """Return lines behind a label, which stands before the first of them."""
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(no_wrap=True, width=2)
    # the name of a file is never cut
    grid.add_column(overflow="fold")
    for number, line in enumerate(lines):
        grid.add_row(Text("" if number else label, style=style), line)
    return grid


def one_line(cause: Cause, label: str) -> RenderableType:
    """Return a cause in a single line, cut to the width of the screen."""
    words = " ".join(filter(None, (short_message(headline_of(cause.law, cause.deviation)), cause.deviation.words)))
    return one_row(Text.assemble((f"{label:<3}", _style(cause)), f"{words}  ", (cause.law.id, "dim")))


def one_row(text: Text) -> RenderableType:
    """Return a text cut to one row of the screen."""
    text.no_wrap, text.overflow = True, "ellipsis"
    # by itself it would be joined with what is printed beside it
    return Padding(text, 0)


def _style(cause: Cause) -> str:
    return "bold red" if cause.refutes else "yellow"


def short_message(message: str) -> str:
    """Return a message without Paddle's hints and places, in a length that can be read."""
    return cut(re.sub(r" \[Hint: .*?\](?= \(at|\.|$|; )| \(at /[^)]*\)", "", message))


def _asides(law: LawReport) -> list[str]:
    """Return what must be known of a finding beside itself."""
    found = [f"inherited from {law.inherited}"] if law.inherited else []
    if not law.repeatable:
        found.append("the same problem did not fail again: the layer is not deterministic")
    return found


def _case(law: LawReport, deviation: Deviation) -> list[Text]:
    """Return the smallest case in one line, after the ingredients that it cannot do without."""
    condition = f"only with {', '.join(law.condition)}:  " if law.condition else ""
    shown = law.counterexample
    if shown is None:
        return [Text(condition)] if condition else []
    finding = law.result.finding
    told = descriptions(finding.calls, shown.get("at_rest"))[:1] if finding is not None else []
    came = [] if deviation.words or deviation.kind == "failure" else outcome_of(shown)
    text = Text(condition, style="yellow")
    return [text.append(cut("   ".join([*told, *came])), style="default")]


def cut(words: str) -> str:
    """Return words in a length that the short form of a cause has room for."""
    return words if len(words) <= LONGEST_LINE else words[:LONGEST_LINE] + " ..."


def show_causes(console: Console, certificate: Certificate, scripts: int | None = None) -> None:
    """Print each likely cause for which laws do not hold, errors first; the first ``scripts`` with their script.

    What follows from departures is left out.
    """
    found = [cause for cause in causes(certificate) if not is_explained(certificate, cause.law)]
    for number, cause in enumerate(found, 1):
        console.print()
        with_script = scripts is None or number <= scripts
        show_failure(console, cause.law, label_of(certificate, number), with_script, cause.also, cause.refutes)


def label_of(certificate: Certificate, number: int) -> str:
    """Return what a cause is called by its place: a number; where departures have the numbers, a letter."""
    if not certificate.departures:
        return str(number)
    before, last = divmod(number - 1, len(ascii_uppercase))
    return (label_of(certificate, before) if before else "") + ascii_uppercase[last]


def show_failure(
    console: Console,
    law: LawReport,
    label: str = "",
    with_script: bool = True,
    also: Sequence[str] = (),
    refutes: bool = True,
) -> None:
    """Print a law that does not hold: its cause in words, the condition, what else fails, the case, and a script."""
    title = Text(f"{label}  {law.id}" if label else law.id, style="bold red" if refutes else "bold yellow")
    title.append(f"  {law.outcome}{'' if refutes else ', a remark'}, example {law.examples}", style="dim")
    console.print(title)
    deviation = deviation_of(law)
    indented = [Text(headline_of(law, deviation))]
    if deviation.words:
        indented.append(Text(deviation.words, style="bold"))
    if law.inherited:
        words = f"inherited from {law.inherited}, which shows the same deviation on the same case"
        indented.append(Text(words, style="yellow"))
    if law.condition:
        indented.append(Text("only with " + ", ".join(law.condition), style="yellow"))
    if also:
        indented.append(Text("also fails: " + ", ".join(also), style="dim"))
    if not law.repeatable:
        again = law.reason or "the same problem did not fail again"
        indented.append(Text(f"{again}: the layer is not deterministic", style="yellow"))
    if law.counterexample is not None:
        indented += [Text(line) for line in case_lines(law.counterexample)]
    for text in indented:
        console.print(Padding(text, (0, 0, 0, 3)))
    show_script(console, law.script, with_script)


def show_script(console: Console, script: str, shown: bool = True) -> None:
    """Print a script where there is one and it is ``shown``; of one that is too long, how long it is."""
    if len(script) > LONGEST_SCRIPT:
        words = f"the script has {len(script):,} characters, and is not shown; the certificate has it"
        console.print(Padding(Text(words, style="dim"), (0, 0, 0, 3)))
    elif script and shown:
        console.print(Padding(Text("reproduce without lossproof:", style="dim"), (0, 0, 0, 3)))
        # no wrapping: what is copied from here must run
        for line in script.splitlines():
            console.print(Text(f"       {line}", style="cyan"), soft_wrap=True)
