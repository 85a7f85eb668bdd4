"""The story that ``lossproof demo`` tells: a published layer, half a repair, and a layer that holds."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from rich.console import Console
from rich.text import Text

from properties.certificates.certificate import Certificate
from properties.certificates.events import Ended
from properties.report.departures import closing_lines, departures_in_forms, title_of
from properties.report.terminal import TerminalReport
from properties.report.verdicts import summary
from properties.runs.certify import Options, run
from properties.subjects.target import Target, UsageError

EXAMPLES = 30
WIDTHS = (1.0, 0.5, 0.25, 0.1, 0.3)


def tell(console: Console, seed: int) -> None:
    """Certify the three layers, and print after each in what it departs from its contract."""
    published = str(_examples() / "published_ghm.py")
    for number, (target, words) in enumerate(
        (
            (Target("paddle_impl:GHMLoss", "ghm"), "A GHM layer that is right."),
            (_published(published, "PublishedGHM"), "A GHM layer as it is copied from project to project."),
            (_published(published, "HalfRepairedGHM"), "The same, with the mean's denominator repaired."),
        ),
        1,
    ):
        console.rule(Text(f"{number}. {words}"), align="left")
        certificate = _certify(console, target, seed)
        console.print(summary(certificate))
        _tell_departures(console, certificate)
        console.print()
    console.print("The whole verdict, with a script for every counterexample:", highlight=False)
    console.print(
        f"  lossproof certify {_short(published)}:PublishedGHM --contract ghm --map width=bins "
        f"--domain bins={','.join(map(str, WIDTHS))}",
        highlight=False,
        soft_wrap=True,
    )


def _published(path: str, name: str) -> Target:
    return Target(f"{path}:{name}", "ghm", {"width": "bins"}, {}, {"bins": WIDTHS})


def _certify(console: Console, target: Target, seed: int) -> Certificate:
    report = TerminalReport(console, quiet=True)
    with closing(run(target, Options(max_examples=EXAMPLES, seed=seed))) as events:
        for event in events:
            if isinstance(event, Ended):
                report.close()
                return event.certificate
            report(event)
    raise RuntimeError("a run ends with a certificate")


def _tell_departures(console: Console, certificate: Certificate) -> None:
    """Print the departures, each with its smallest case, and how much of the layer they explain."""
    if not certificate.departures:
        console.print(Text("  no departure: it is its contract, wherever it was asked", style="green"))
        return
    console.print(title_of(certificate))
    for two_lines, _ in departures_in_forms(certificate):
        console.print(two_lines)
    for line in closing_lines(certificate):
        console.print(line)


def _examples() -> Path:
    """Return the directory of examples: installed inside the package, or beside it in a source checkout."""
    here = Path(__file__).resolve().parents[1]
    for place in (here / "_examples", here.parent / "examples"):
        if (place / "published_ghm.py").is_file():
            return place
    raise UsageError("the examples of lossproof are not installed")


def _short(path: str) -> str:
    """Return a path relative to the working directory, if it lies in there."""
    try:
        return str(Path(path).relative_to(Path.cwd()))
    except ValueError:
        return path
