"""The command ``lossproof``: options and exit codes; what it does is written elsewhere.

Exit codes: 0 certified, 1 refuted, 2 usage, 3 incomplete; 130 when interrupted.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import click
from rich.table import Column, Table
from rich.text import Text

from properties.certificates.certificate import Certificate
from properties.certificates.comparison import changes
from properties.certificates.events import Ended
from properties.certificates.museum_score import write_record
from properties.command.demo import tell
from properties.command.fuzz import fuzz
from properties.command.target_options import EXIT_CODES, Commands, Named, about_a_target, console, require_option
from properties.command.verify import verify
from properties.contracts import contracts
from properties.engine.description import laws_of
from properties.errors import did_you_mean
from properties.judging.law import LEVELS
from properties.report.changes import show_changes, show_replay
from properties.report.explain import departure_records, explain, law_records
from properties.report.scripts import FOLDER
from properties.report.selftest import show_selftest
from properties.report.terminal import TerminalReport
from properties.runs.certify import Options, run
from properties.runs.replay import PASSED
from properties.runs.replay import replay as replay_of
from properties.runs.selftest import EXAMPLES, exhibits_of
from properties.runs.selftest import selftest as selftest_of
from properties.subjects.target import Target, UsageError


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="lossproof")
def main() -> None:
    """Proves a PaddlePaddle loss function right, or shows where it is wrong.

    Exit codes: 0 certified, 1 refuted, 2 usage, 3 incomplete; 130 when interrupted.
    """


@main.command()
@click.argument("target")
@about_a_target
@click.option("--only", multiple=True, metavar="LAW", help="Run only this law, or this family of laws.")
@click.option("--level", "levels", multiple=True, type=click.Choice(LEVELS), help="Run only the laws of this level.")
@click.option(
    "--max-examples", default=200, show_default=True, type=click.IntRange(min=1), help="Examples of each law."
)
@click.option(
    "--seed", default=0, show_default=True, type=click.IntRange(min=0), help="The same seed gives the same result."
)
@click.option(
    "--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Write the certificate here."
)
@click.option(
    "--workers",
    type=click.IntRange(min=0),
    help="Worker processes; by default one for each core, at most 8. 0: run in this process, unprotected.",
)
@click.option(
    "--time-limit",
    default=10.0,
    show_default=True,
    type=click.FloatRange(min=0.1),
    help="Seconds that one example may take.",
)
@require_option
@click.option("--forgive-inherited", is_flag=True, help="Leave what Paddle's own kernels do wrong out of the verdict.")
@click.option(
    "--scripts",
    default=FOLDER,
    show_default=True,
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write a script for each likely cause here; a file of somebody else's is never overwritten.",
)
@click.option("-v", "--verbose", is_flag=True, help="Show every law, every note, and each cause with its script.")
def certify(
    target: str,
    named: Named,
    only: Sequence[str],
    levels: Sequence[str],
    max_examples: int,
    seed: int,
    json_file: Path | None,
    workers: int | None,
    time_limit: float,
    require: tuple[str, ...],
    forgive_inherited: bool,
    scripts: Path,
    verbose: bool,
) -> None:
    """Put every law of a contract to a loss layer.

    TARGET is package.module:Name or path/file.py:Name; Name is a Layer class, a function of (logits, labels) and
    options, or a lossproof Subject.

    Exit codes: 0 certified, 1 refuted, 2 usage, 3 incomplete.
    """
    if json_file is not None and not json_file.absolute().parent.is_dir():
        raise click.UsageError(f"--json: there is no directory {json_file.parent}")
    chosen = named(target)
    options = Options(max_examples, seed, tuple(only), tuple(levels), workers, time_limit, forgive_inherited, require)
    certificate = _run(chosen, options, TerminalReport(console(), scripts, verbose=verbose, certificate=json_file))
    if json_file is not None:
        try:
            certificate.write(json_file)
        except OSError as error:
            raise click.UsageError(f"--json: {json_file} cannot be written: {error.strerror}") from None
    sys.exit(EXIT_CODES[certificate.verdict])


main.add_command(fuzz)
main.add_command(verify)


@main.command()
@click.argument("certificate", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--target", metavar="TARGET", help="The repaired layer, if it has another name.")
@click.option(
    "--time-limit",
    default=10.0,
    show_default=True,
    type=click.FloatRange(min=0.1),
    help="Seconds that one example may take.",
)
@click.option("--forgive-inherited", is_flag=True, help="Count what Paddle's own kernels do wrong as no failure.")
@click.option("--trust", is_flag=True, help="Import what a certificate from elsewhere names: that runs its code.")
def replay(certificate: Path, target: str | None, time_limit: float, forgive_inherited: bool, trust: bool) -> None:
    """Run the counterexamples of a CERTIFICATE again, on the layer as it is today.

    A certificate that was not made by this user on this machine names no layer to run: --target or --trust does.

    Exit codes: 0 all are fixed, forgiven, remarks or can no longer be asked, 1 one still fails or fails differently, 2
    usage.
    """
    old = _read(certificate)
    try:
        replayed = replay_of(old, target, time_limit=time_limit, forgive_inherited=forgive_inherited, trust=trust)
        seen = show_replay(console(), replayed)
    except UsageError as error:
        raise click.UsageError(str(error)) from None
    sys.exit(0 if all(one.status in PASSED for one in seen) else 1)


@main.command()
@click.argument("before", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("after", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--accept-less", metavar="REASON", default="", help="Accept that less is checked, for this reason.")
def diff(before: Path, after: Path, accept_less: str) -> None:
    """Say what changed between two certificates: repaired, broken, coverage.

    Exit codes: 0 no law is broken and nothing is checked less (or that is accepted), 1 a law is broken, 2 usage, 3
    something is checked less.
    """
    old, new = _read(before), _read(after)
    try:
        found = changes(old, new)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    show_changes(console(), old, new, found, accept_less.strip())
    sys.exit(1 if found.broken else 3 if found.lost and not accept_less.strip() else 0)


def _read(path: Path) -> Certificate:
    try:
        return Certificate.read(path)
    except UsageError as error:
        raise click.UsageError(str(error)) from None


@main.command()
@click.option("--only", multiple=True, metavar="ID", help="Only this wrong loss, such as B001.")
@click.option("--quick", is_flag=True, help="Stop at the first law that refutes a loss; the matrix has that law alone.")
@click.option(
    "--max-examples", default=EXAMPLES, show_default=True, type=click.IntRange(min=1), help="Examples of each law."
)
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0))
@click.option("--workers", type=click.IntRange(min=1), help="Processes; by default one for each core, at most 8.")
@click.option("--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Write the matrix here.")
@click.option(
    "--record",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the scores that certificates quote to this file.",
)
def selftest(
    only: Sequence[str],
    quick: bool,
    max_examples: int,
    seed: int,
    workers: int | None,
    json_file: Path | None,
    record: Path | None,
) -> None:
    """Put the laws to a museum of wrong losses, each made after a real defect, and show which law refutes which.

    Exit codes: 0 every loss is refuted, but for those that no law can refute; 1 another one survives; 2 usage.
    """
    for option, path in (("--json", json_file), ("--record", record)):
        if path is not None and not path.absolute().parent.is_dir():
            raise click.UsageError(f"{option}: there is no directory {path.parent}")
    if record is not None and (only or quick):
        raise click.UsageError("--record needs the whole matrix: leave out --only and --quick")
    try:
        exhibits = exhibits_of(only)
    except UsageError as error:
        raise click.UsageError(str(error)) from None
    rows = selftest_of(exhibits, max_examples=max_examples, seed=seed, workers=workers, quick=quick)
    with closing(rows):
        score = show_selftest(console(), rows, len(exhibits))
    if json_file is not None:
        json_file.write_text(json.dumps(score.to_dict(), indent=1) + "\n", encoding="utf-8")
    if record is not None:
        write_record(score.to_dict()["rows"], record)
    sys.exit(1 if score.missed else 0)


@main.group(name="list")
def listing() -> None:
    """List the contracts, the laws, or the departures."""


@listing.command(name="contracts")
def list_contracts() -> None:
    """The contracts: what kinds of loss there are, and the arguments of each."""
    table = Table("contract", "what it promises", "arguments", "laws", box=None)
    for contract in contracts().values():
        laws = str(len(laws_of(contract)))
        table.add_row(contract.name, contract.sentence, ", ".join(contract.argument_names), laws)
    console().print(table)


def _known_contract(context: click.Context, option: click.Parameter, name: str | None) -> str | None:
    """Return the name of a contract as it is; a usage error for one that is not known."""
    known = contracts()
    if name is not None and name not in known:
        raise click.UsageError(f"--contract must be one of {', '.join(known)}, got {name!r}{did_you_mean(name, known)}")
    return name


@listing.command(name="laws")
@click.option("--contract", metavar="NAME", callback=_known_contract, help="Only the laws of this contract.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, with what each law rests on and needs.")
def list_laws(contract: str | None, as_json: bool) -> None:
    """The laws: id, level, and what each of them says."""
    known = contracts()
    if as_json:
        chosen = [record for record in law_records() if contract is None or contract in record["contracts"]]
        click.echo(json.dumps(chosen, indent=1))
        return
    table = Table("law", "level", "grade", "what it says", box=None)
    seen = set()
    for one in known.values() if contract is None else [known[contract]]:
        for law in laws_of(one):
            if law.id not in seen:
                seen.add(law.id)
                table.add_row(law.id, law.level, law.grade, law.sentence)
    console().print(table)


@listing.command(name="departures")
@click.option("--contract", metavar="NAME", callback=_known_contract, help="Only those known of this contract.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, with the parameters of each departure.")
def list_departures(contract: str | None, as_json: bool) -> None:
    """The departures: known ways in which a layer is another loss than its contract's."""
    chosen = [record for record in departure_records() if contract is None or contract in record["contracts"]]
    if as_json:
        click.echo(json.dumps(chosen, indent=1))
        return
    table = Table(Column("departure", no_wrap=True), "what a layer with it does", "contracts", box=None)
    for one in chosen:
        table.add_row(one["name"], Text(one["sentence"]), ", ".join(one["contracts"]))
    console().print(table)


@main.command(name="explain")
@click.argument("name", metavar="LAW")
def explain_law(name: str) -> None:
    """Explain a LAW: what it rests on, which contracts promise it, and a wrong loss that it refutes.

    The name of a family lists its laws; that of a departure says what it is, and which contracts know it.
    """
    try:
        explain(console(), name)
    except UsageError as error:
        raise click.UsageError(str(error)) from None


@main.command()
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0))
def demo(seed: int) -> None:
    """Tell the story of a published GHM layer: refuted, half repaired, and what a sound one looks like."""
    try:
        tell(console(), seed)
    except UsageError as error:
        raise click.UsageError(str(error)) from None


def _run(target: Target, options: Options, report: TerminalReport) -> Certificate:
    try:
        with closing(run(target, options)) as events:
            for event in events:
                report(event)
                if isinstance(event, Ended):
                    return event.certificate
    except UsageError as error:
        raise click.UsageError(str(error)) from None
    except KeyboardInterrupt:
        report.close()
        click.echo("interrupted", err=True)
        sys.exit(130)
    raise RuntimeError("a run ends with a certificate")
