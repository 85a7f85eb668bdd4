"""The terminal's view of a selftest: a line for each wrong loss as it comes, then which law refutes how many."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from properties.runs.selftest import Row, Score


def show_selftest(console: Console, rows: Iterable[Row], total: int) -> Score:
    """Print the rows as they come, then the matrix law by law, then the score."""
    found = []
    for number, row in enumerate(rows, 1):
        found.append(row)
        console.print(_line(row, number, total), soft_wrap=True)
    score = Score(tuple(sorted(found, key=lambda row: row.id)))
    console.print()
    console.print(_matrix(score))
    console.print()
    for line in _closing(score):
        console.print(line)
    return score


def _line(row: Row, number: int, total: int) -> Text:
    text = Text(f"[{number}/{total}] {row.id} ")
    if row.error:
        return text.append(f"cannot be loaded: {row.error}", style="bold red")
    if not row.killed:
        text.append("SURVIVES", style="yellow" if row.unseen else "bold red")
        text.append(f", since {row.unseen}" if row.unseen else "")
        return text.append(f"  {row.what}  ({row.reference})", style="dim")
    others = len(row.killers) - 1
    more = f" and {others} more" if others else ""
    text.append(f"{row.law}{more}", style="green")
    text.append(f", {row.examples} examples, {row.seconds:.2f} s, {row.elements} elements")
    return text.append(f"  {row.what}", style="dim")


def _matrix(score: Score) -> Padding:
    """Return a table of the laws: how many losses each refutes, how many first, alone, and without an oracle."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("law", no_wrap=True)
    for name in ("refutes", "first", "alone", "without oracle"):
        table.add_column(name, justify="right", no_wrap=True)
    counts = {
        law: (
            sum(law in row.killers for row in score.rows),
            sum(law == row.law for row in score.rows),
            sum((law,) == row.killers for row in score.rows),
            sum(law in row.oracle_free for row in score.rows),
        )
        for law in score.laws
    }
    for law, numbers in sorted(counts.items(), key=lambda item: tuple(-n for n in item[1])):
        table.add_row(law, *(str(n) if n else "" for n in numbers))
    return Padding(table, (0, 0, 0, 2))


def _closing(score: Score) -> list[Text]:
    plain = score.to_dict()
    verdict = Text(f"{plain['killed']} of {plain['mutants']} wrong losses are refuted", style="bold")
    if score.survivors:
        verdict.append(f"; surviving: {', '.join(score.survivors)}", style="bold red")
    free = Text(f"without any oracle: {plain['oracle_free_killed']} of {plain['mutants']}")
    first = Text(
        f"median until a loss is refuted: {plain['median_examples']:g} examples and "
        f"{plain['median_seconds']:.2f} s; median size of its counterexample: {plain['median_elements']:g} elements"
    )
    return [verdict, free, first]
