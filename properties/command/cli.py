"""The command ``lossproof``: options and exit codes; what it does is written elsewhere."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import click

from properties.certificates.certificate import Certificate
from properties.certificates.comparison import changes
from properties.certificates.events import CutShort, Ended
from properties.certificates.museum_score import write_record
from properties.command.commands import Commands
from properties.command.demo import tell
from properties.command.exit_codes import CERTIFIED, EXIT_CODES, INCOMPLETE, REFUTED, unwritten
from properties.command.fuzz import fuzz
from properties.command.listing import explain_law, listing
from properties.command.streams import say
from properties.command.target_options import Named, about_a_target, require_option
from properties.command.values import (
    LARGEST_SEED,
    LONGEST_TIME,
    MOST_EXAMPLES,
    MOST_WORKERS,
    NamedPath,
    Number,
    Readable,
    Whole,
    Written,
    begins_with,
)
from properties.command.verify import verify
from properties.judging.law import LEVELS
from properties.report.changes import show_changes, show_replay
from properties.report.console import console
from properties.report.scripts import FOLDER
from properties.report.selftest import show_selftest
from properties.report.terminal import TerminalReport
from properties.runs.certify import Options, run
from properties.runs.replay import PASSED
from properties.runs.replay import replay as replay_of
from properties.runs.selftest import EXAMPLES, exhibits_of
from properties.runs.selftest import selftest as selftest_of
from properties.storage.files import write_whole
from properties.subjects.target import Target
from properties.texts import one_line


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="lossproof")
def main() -> None:
    """Proves a PaddlePaddle loss function right, or shows where it is wrong.

    Exit codes: 0 certified, 1 refuted, 2 usage, 3 incomplete, 70 internal error, 130 interrupted.
    """


@main.command()
@click.argument("target")
@about_a_target
@click.option("--only", multiple=True, metavar="LAW", help="Run only this law, or this family of laws.")
@click.option("--level", "levels", multiple=True, type=click.Choice(LEVELS), help="Run only the laws of this level.")
@click.option(
    "--max-examples", default=200, show_default=True, type=Whole(1, MOST_EXAMPLES), help="Examples of each law."
)
@click.option(
    "--seed", default=0, show_default=True, type=Whole(0, LARGEST_SEED), help="The same seed gives the same result."
)
@click.option(
    "--json",
    "json_file",
    type=Written(begins_with(b"{", within=b'"format": "lossproof-certificate'), "certificate"),
    help="Write the certificate here.",
)
@click.option(
    "--workers",
    type=Whole(0, MOST_WORKERS),
    help="Worker processes; by default one for each core, at most 8. 0: run in this process, unprotected.",
)
@click.option(
    "--time-limit",
    default=10.0,
    show_default=True,
    type=Number(0.1, LONGEST_TIME),
    help="Seconds that one example may take.",
)
@require_option
@click.option("--forgive-inherited", is_flag=True, help="Leave what Paddle's own kernels do wrong out of the verdict.")
@click.option(
    "--scripts",
    default=FOLDER,
    show_default=True,
    metavar="DIR",
    type=NamedPath(file_okay=False, path_type=Path),
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

    Exit codes: 0 certified, 1 refuted, 2 usage, 3 incomplete, 70 internal error, 130 interrupted.
    """
    chosen = named(target)
    options = Options(max_examples, seed, tuple(only), tuple(levels), workers, time_limit, forgive_inherited, require)
    report = TerminalReport(console(), scripts, verbose=verbose, certificate=json_file)
    certificate = _run(chosen, options, report, json_file)
    code = EXIT_CODES[certificate.verdict]
    sys.exit(code if _kept(json_file, certificate.write) else unwritten(code))


main.add_command(fuzz)
main.add_command(verify)


@main.command()
@click.argument("certificate", type=Readable())
@click.option("--target", metavar="TARGET", help="The repaired layer, if it has another name.")
@click.option(
    "--time-limit",
    default=10.0,
    show_default=True,
    type=Number(0.1, LONGEST_TIME),
    help="Seconds that one example may take.",
)
@click.option("--forgive-inherited", is_flag=True, help="Count what Paddle's own kernels do wrong as no failure.")
@click.option("--trust", is_flag=True, help="Import what a certificate from elsewhere names: that runs its code.")
def replay(certificate: Path, target: str | None, time_limit: float, forgive_inherited: bool, trust: bool) -> None:
    """Run the counterexamples of a CERTIFICATE again, on the layer as it is today.

    A certificate that was not made by this user on this machine names no layer to run: --target or --trust does.

    Exit codes: 0 all are fixed, forgiven, remarks or can no longer be asked, 1 one still fails or fails differently, 2
    usage, 3 of one nobody can tell.
    """
    old = Certificate.read(certificate)
    replayed = replay_of(old, target, time_limit=time_limit, forgive_inherited=forgive_inherited, trust=trust)
    seen = show_replay(console(), replayed)
    if any(one.refuted for one in seen):
        sys.exit(REFUTED)
    sys.exit(CERTIFIED if all(one.status in PASSED for one in seen) else INCOMPLETE)


@main.command()
@click.argument("before", type=Readable())
@click.argument("after", type=Readable())
@click.option("--accept-less", metavar="REASON", default="", help="Accept that less is checked, for this reason.")
def diff(before: Path, after: Path, accept_less: str) -> None:
    """Say what changed between two certificates: repaired, broken, coverage.

    Exit codes: 0 no law is broken and nothing is checked less (or that is accepted), 1 a law is broken, 2 usage, 3
    something is checked less.
    """
    old, new = Certificate.read(before), Certificate.read(after)
    found = changes(old, new)
    show_changes(console(), old, new, found, accept_less.strip())
    sys.exit(REFUTED if found.broken else INCOMPLETE if found.lost and not accept_less.strip() else CERTIFIED)


@main.command()
@click.option("--only", multiple=True, metavar="ID", help="Only this wrong loss, such as B001.")
@click.option("--quick", is_flag=True, help="Stop at the first law that refutes a loss; the matrix has that law alone.")
@click.option(
    "--max-examples", default=EXAMPLES, show_default=True, type=Whole(1, MOST_EXAMPLES), help="Examples of each law."
)
@click.option("--seed", default=0, show_default=True, type=Whole(0, LARGEST_SEED))
@click.option("--workers", type=Whole(1, MOST_WORKERS), help="Processes; by default one for each core, at most 8.")
@click.option(
    "--json",
    "json_file",
    type=Written(begins_with(b"{", within=b'"mutants": '), "matrix of a selftest"),
    help="Write the matrix here.",
)
@click.option(
    "--record",
    type=Written(begins_with(b"{", within=b'": {"contract": '), "record of a selftest"),
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

    Exit codes: 0 every loss is refuted, but for those that no law can refute; 1 another one survives; 2 usage; 3 one
    cannot be loaded.
    """
    if record is not None and (only or quick):
        raise click.UsageError("--record needs the whole matrix: leave out --only and --quick")
    exhibits = exhibits_of(only)
    rows = selftest_of(exhibits, max_examples=max_examples, seed=seed, workers=workers, quick=quick)
    with closing(rows):
        score = show_selftest(console(), rows, len(exhibits))
    plain = score.to_dict()
    unloaded = {row.id for row in score.rows if row.error}
    code = REFUTED if set(score.missed) - unloaded else INCOMPLETE if unloaded else CERTIFIED
    kept = _kept(json_file, lambda file: write_whole(file, json.dumps(plain, indent=1) + "\n"))
    kept = _kept(record, lambda file: write_record(plain["rows"], file)) and kept
    sys.exit(code if kept else unwritten(code))


main.add_command(listing)
main.add_command(explain_law)


@main.command()
@click.option("--seed", default=0, show_default=True, type=Whole(0, LARGEST_SEED))
def demo(seed: int) -> None:
    """Tell the story of a published GHM layer: refuted, half repaired, and what a sound one looks like."""
    tell(console(), seed)


def _run(target: Target, options: Options, report: TerminalReport, json_file: Path | None) -> Certificate:
    """Run to the end, or write down what was done so far and raise what ended it."""
    done: Certificate | None = None
    try:
        with closing(run(target, options)) as events:
            for event in events:
                if isinstance(event, Ended | CutShort):
                    done = event.certificate
                report(event)
                if isinstance(event, Ended):
                    return event.certificate
    except BaseException as error:
        report.close()
        if done is not None and isinstance(error, Exception):
            _kept(json_file, done.write)
        raise
    raise RuntimeError("a run ends with a certificate")


def _kept(file: Path | None, write: Callable[[Path], None]) -> bool:
    """Write a file where one is asked for; False, and a sentence on standard error, where that fails."""
    if file is None:
        return True
    try:
        write(file)
    except (OSError, ValueError) as error:
        words = error.strerror if isinstance(error, OSError) else error
        say(f"Error: {file} cannot be written: {one_line(words)}", err=True)
        return False
    return True
