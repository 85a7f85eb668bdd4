"""The story that ``lossproof demo`` tells: a published layer, half a repair, and a layer that holds."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from properties.certificates.certificate import Certificate
from properties.certificates.events import Ended
from properties.report.cases import descriptions, outcome_of
from properties.report.terminal import TerminalReport
from properties.report.verdicts import summary
from properties.runs.certify import Options, run
from properties.subjects.target import Target, UsageError

EXAMPLES = 60
WIDTHS = (1.0, 0.5, 0.25, 0.1, 0.3)
TOLD = (
    "conventions/denominator",
    "ignore/deleting-is-masking",
    "shape/none-shape",
    "aggregate/uneven-width",
)
"""The laws that the story is about; the others are counted."""


def tell(console: Console, seed: int) -> None:
    """Certify the three layers, and print after each what it shows."""
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
        for law in TOLD:
            _tell_law(console, certificate, law)
        console.print()
    console.print(
        "The whole verdict, with a script for every counterexample:\n"
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


def _tell_law(console: Console, certificate: Certificate, law_id: str) -> None:
    law = certificate.law(law_id)
    finding = law.result.finding
    if finding is None or law.counterexample is None:
        console.print(Text(f"  {law.id}: {law.outcome}", style="green" if law.outcome == "held" else "dim"))
        return
    console.print(Text(f"  {law.id}: {law.outcome}", style="red"))
    words = [law.message.split(" [Hint")[0]]
    if law.condition:
        words.append("only with " + ", ".join(law.condition))
    words += descriptions(finding.calls)[:1]
    words += outcome_of(law.counterexample)
    for line in words:
        console.print(Padding(Text(line), (0, 0, 0, 6)))


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
