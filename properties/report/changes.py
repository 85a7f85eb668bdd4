"""What changed between two certificates, and a replay, as the terminal shows them."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.text import Text

from properties.certificates.certificate import Certificate
from properties.certificates.comparison import Changes
from properties.runs.replay import Replayed

STYLES = {
    "fixed": "bold green",
    "still failing": "bold red",
    "forgiven": "yellow",
    "remark": "yellow",
    "not applicable": "yellow",
    "different": "bold yellow",
}


def show_changes(console: Console, before: Certificate, after: Certificate, found: Changes, accepted: str = "") -> None:
    """Print what became of laws and departures, and what is checked more or less.

    ``accepted`` is the reason for which somebody accepts that less is checked.
    """
    console.print(Text(f"{before.subject}, {before.verdict}  ->  {after.subject}, {after.verdict}", style="bold"))
    told = False
    for word, laws, style in (
        ("repaired", found.repaired, "green"),
        ("broken", found.broken, "bold red"),
        ("still failing", found.still_failing, "red"),
        ("forgiven", found.forgiven, "yellow"),
        ("remark", found.remarks, "yellow"),
        ("gone", found.gone, "green"),
        ("come", found.come, "bold red"),
        ("changed", found.changed, "yellow"),
        ("coverage", found.coverage, "yellow"),
    ):
        for law in laws:
            of = "departure " if word in ("gone", "come", "changed") else ""
            console.print(Text.assemble((f"  {word:14}", style), f"{of}{law}"))
            told = True
    if found.lost and accepted:
        console.print(Text.assemble(("  accepted      ", "yellow"), f"that less is checked: {accepted}"))
    if not told:
        console.print(Text("  nothing changed"))


def show_replay(console: Console, replayed: Iterable[Replayed]) -> list[Replayed]:
    """Print a line for each counterexample as it is replayed, under that which leads its cause; returns all of them.

    Those of departures are shown by the departure's name.
    """
    seen = []
    for one in replayed:
        seen.append(one)
        indent = "  " if one.cause not in ("", one.law) else ""
        line = Text.assemble(
            (f"{one.status.upper():13} ", STYLES[one.status]),
            indent + (f"departure {one.departure}" if one.departure else one.law),
        )
        # Paddle's hints go on for lines
        words = one.words.split(" [Hint")[0]
        console.print(line.append(f"  {words}" if words else "", style="dim"), soft_wrap=True)
    if not seen:
        console.print(Text("the certificate holds no counterexample"))
    return seen
