"""The terminal's report of a run: its progress, then verdicts, a table of laws, and each cause with its case."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from rich.console import Console, Group
from rich.markup import escape
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from properties.certificates.causes import causes, ingredients_of
from properties.certificates.certificate import Certificate, LawReport
from properties.certificates.events import Ended, Event, LawEnded, Progressed, Started
from properties.engine.features import MODERATE
from properties.engine.result import FAILED, OUTCOMES, UNSETTLED
from properties.report.cases import case_lines
from properties.report.facts import in_lines
from reference import BUDGET

LONGEST_SCRIPT = 12_000
"""Characters of a script beyond which it is not shown."""

STYLES = {"certified": "bold green", "refuted": "bold red", "incomplete": "bold yellow", "held": "green"}


class TerminalReport:
    """Shows a run on a console: a progress bar on a terminal, one plain line for each law elsewhere.

    ``scripts`` is how many of the failures are shown with their script (None: all of them); ``quiet`` leaves out the
    plain lines.
    """

    def __init__(self, console: Console, scripts: int | None = None, quiet: bool = False) -> None:
        self._console, self._scripts, self._quiet = console, scripts, quiet
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
            show(self._console, event.certificate, self._scripts)

    def close(self) -> None:
        """Remove the progress bar, if there is one."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    def _begin(self, event: Started) -> None:
        self._laws = event.laws
        words = f"{event.subject} against contract {event.contract}: {event.laws} laws, {event.examples} examples each"
        self._console.print(escape(words), highlight=False)
        if self._console.is_terminal:
            columns = (SpinnerColumn(), BarColumn(30), MofNCompleteColumn(), TimeElapsedColumn())
            self._progress = Progress(*columns, TextColumn("{task.description}"), console=self._console, transient=True)
            self._bar = self._progress.add_task("", total=event.laws)
            self._progress.start()

    def _count(self, report: LawReport) -> None:
        self._done += 1
        if self._progress is not None:
            self._progress.advance(self._bar)
        elif not self._quiet:
            line = f"[{self._done}/{self._laws}] {report.id} {report.outcome}, {report.examples} examples"
            self._console.print(Text(line), highlight=False)


def show(console: Console, certificate: Certificate, scripts: int | None = None) -> None:
    """Print a whole certificate."""
    console.print()
    console.print(summary(certificate))
    console.print(_laws(certificate))
    for line, style in in_lines(certificate.facts):
        console.print(Padding(Text(f"found: {line}", style=style), (0, 0, 0, 2)))
    if certificate.claimable:
        console.print(Padding(Text(certificate.claimable["words"], style="bold yellow"), (0, 0, 0, 2)))
    for line in (*_notes(certificate), *filter(None, [_score(certificate)])):
        console.print(Padding(Text(line, style="dim"), (0, 0, 0, 2)))
    show_causes(console, certificate, scripts)
    console.print()
    console.print(_closing(certificate))
    for said in lines_of_not_given(certificate):
        console.print(said)


def show_causes(console: Console, certificate: Certificate, scripts: int | None = None) -> None:
    """Print each likely cause for which laws do not hold, errors first; the first ``scripts`` with their script."""
    found = sorted(causes(certificate), key=lambda cause: cause.law.severity)
    for number, cause in enumerate(found, 1):
        console.print()
        show_failure(console, cause.law, number, scripts is None or number <= scripts, cause.also)


def summary(certificate: Certificate) -> Group:
    """Return who was checked, the verdict of each level, as which loss, and what keeps it from being certified."""
    noted = [certificate.assumed] if certificate.assumed else []
    gaps = certificate.gaps if certificate.verdict == "incomplete" else ()
    missing = [*certificate.narrowed.values(), *(f"not certified: {gap}" for gap in gaps)]
    lines = [*map(Text, noted), *(Text(words, style="yellow") for words in missing)]
    return Group(_headline(certificate), _verdicts(certificate), *(Padding(line, (0, 0, 0, 2)) for line in lines))


def _headline(certificate: Certificate) -> Text:
    paddle = certificate.environment.get("paddlepaddle", "?")
    dtypes = ", ".join(str(d) for d in certificate.domain.get("dtype", ()))
    text = Text(f"{certificate.subject} against contract {certificate.contract}", style="bold")
    text.append(f"   paddle {paddle}, {dtypes}, seed {certificate.seed}, {certificate.seconds:.0f} s", style="dim")
    return text


def _verdicts(certificate: Certificate) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 3, 0, 2))
    for level, verdict in certificate.levels.items():
        counts = Counter(law.outcome for law in certificate.laws if law.level == level)
        words = ", ".join(f"{counts[outcome]} {outcome}" for outcome in OUTCOMES if counts[outcome])
        table.add_row(level, Text(verdict.upper(), style=STYLES[verdict]), words + inherited_words(certificate, level))
    return table


def inherited_words(certificate: Certificate, level: str) -> str:
    """Return how many failed laws of a level are inherited, and from which kernels; empty where none is."""
    laws = [law for law in certificate.failed if law.level == level and law.inherited]
    if not laws:
        return ""
    names = ", ".join(dict.fromkeys(law.inherited for law in laws))
    far = f" past |logits| {MODERATE:g}" if all("large logits" in ingredients_of(law) for law in laws) else ""
    forgiven = ", forgiven" if certificate.forgiven else ""
    return f"; {len(laws)} of them{far} inherited from {names}{forgiven}"


def _laws(certificate: Certificate) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 2), header_style="dim")
    table.add_column("law", no_wrap=True)
    table.add_column("outcome", no_wrap=True)
    table.add_column("examples", justify="right", no_wrap=True)
    table.add_column(f"budget used (of {BUDGET:g})", justify="right", no_wrap=True)
    for law in certificate.laws:
        style = (
            "red" if law.outcome in FAILED else "yellow" if law.outcome in UNSETTLED else STYLES.get(law.outcome, "dim")
        )
        used = f"{law.budget_used:.2f}" if law.outcome == "held" and law.budget_used else ""
        words = f"{law.outcome}, {'forgiven' if certificate.forgives(law) else 'inherited'}"
        outcome = Text(words, style="yellow") if law.inherited else Text(law.outcome, style=style)
        table.add_row(law.id, outcome, str(law.examples or ""), used)
    return table


def _notes(certificate: Certificate) -> list[str]:
    """Return the reasons of laws that have one, what was not drawn, and why."""
    reasons: dict[str, list[str]] = {}
    for law in certificate.laws:
        if law.reason:
            joint = ", since" if law.outcome == "not applicable" else ","
            reasons.setdefault(f"{law.outcome}{joint} {law.reason}", []).append(law.id)
    notes = [f"{reason}: {', '.join(laws)}" for reason, laws in reasons.items()]
    notes += [
        f"{dtype} is not drawn, since the layer has no kernel for it: {e}" for dtype, e in certificate.dropped.items()
    ]
    # an inherited fault may be forgiven, but what it would spoil is not drawn all the same
    inherited = {law.id: f" (inherited from {law.inherited})" for law in certificate.failed if law.inherited}
    return notes + [
        f"set aside, since {law} {_lacks(certificate, law)}{inherited.get(law, '')}: "
        + "; ".join(f"{n} {_listed(v)}" for n, v in values.items())
        for law, values in certificate.set_aside.items()
    ]


def _lacks(certificate: Certificate, gate: str) -> str:
    """Return what keeps a gate shut."""
    absent = any(law.id == gate and law.outcome == "not applicable" for law in certificate.laws)
    return "does not apply" if absent else "does not hold"


def _score(certificate: Certificate) -> str:
    """Return how many wrong losses the laws that ran refute; empty where none is known under the contract."""
    score = certificate.score
    if not score or not score["mutants"]:
        return ""
    kind = "in all" if certificate.contract == "free" else f"under contract {certificate.contract}"
    known = f"{score['killed']} of the {score['mutants']} wrong losses {kind}"
    return f"the laws that ran refute {known}: `lossproof selftest`"


def _listed(values: Sequence[Any]) -> str:
    return ", ".join(str(value) for value in values)


def show_failure(
    console: Console,
    law: LawReport,
    number: int | None = None,
    with_script: bool = True,
    also: Sequence[str] = (),
) -> None:
    """Print a law that does not hold: its cause in words, the condition, what else fails, the case, and a script."""
    title = Text(law.id if number is None else f"{number}  {law.id}", style="bold red")
    title.append(f"  {law.outcome}, example {law.examples}", style="dim")
    console.print(title)
    indented = [Text(law.message or law.reason)]
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
    if len(law.script) > LONGEST_SCRIPT:
        words = f"the script has {len(law.script):,} characters, and is not shown; the certificate has it"
        console.print(Padding(Text(words, style="dim"), (0, 0, 0, 3)))
    elif law.script and with_script:
        console.print(Padding(Text("reproduce without lossproof:", style="dim"), (0, 0, 0, 3)))
        # no wrapping: what is copied from here must run
        for line in law.script.splitlines():
            console.print(Text(f"       {line}", style="cyan"), soft_wrap=True)


def lines_of_not_given(certificate: Certificate) -> list[Text]:
    """Return a line for each argument that the layer was never given, and one for those that kept their defaults."""
    unfilled = [said for said in certificate.not_given.values() if not said["argument"]]
    filled = [f"`{name}` {said['default']}" for name, said in certificate.not_given.items() if said["argument"]]
    lines = [Text(said["words"], style="bold yellow" if said["guess"] else "yellow") for said in unfilled]
    words = f"at their defaults in all examples: {', '.join(filled)}"
    return [*lines, *([Text(words, style="dim")] if filled else [])]


def _closing(certificate: Certificate) -> Text:
    held = [law.examples for law in certificate.laws if law.outcome == "held"]
    fewer = [examples for examples in held if examples < certificate.max_examples]
    text = Text(certificate.verdict.upper(), style=STYLES[certificate.verdict])
    # a verdict of another loss than the contract's name says must not be read without it
    text.append(f" {certificate.assumed.partition('; ')[0]}" if certificate.assumed else "")
    forgiven = sum(certificate.forgives(law) for law in certificate.failed)
    if certificate.verdict == "certified" and held:
        most = certificate.max_examples
        if len(fewer) < len(held):
            rate = f"failure rates below {3 / most:.2g} at 95 %"
            text.append(f"  {len(held) - len(fewer)} laws in {most} examples each: {rate}", style="dim")
        if fewer:
            text.append(f"; {len(fewer)} slow or narrow laws in at least {min(fewer)} examples", style="dim")
        if forgiven:
            text.append(f"; {forgiven} inherited contradictions are forgiven", style="dim")
    elif certificate.verdict == "refuted":
        found = len(causes(certificate))
        words = f"{len(certificate.failed)} of {len(certificate.laws)} laws do not hold"
        words += f" ({forgiven} inherited and forgiven)" if forgiven else ""
        text.append(f"  {words}, grouped into {found} likely cause{'s' * (found != 1)}", style="dim")
    return text
