"""The command ``lossproof fuzz``: a campaign, its live view and its exit codes."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Executor
from types import FrameType
from typing import Any

import click

from properties.campaigns.campaign import campaign
from properties.campaigns.dask_cluster import Tls, cluster
from properties.campaigns.options import CampaignOptions
from properties.certificates.events import CampaignEnded, CampaignEvent
from properties.command.commands import Command
from properties.command.exit_codes import EXIT_CODES, INTERRUPTED
from properties.command.target_options import Named, about_a_target, require_option
from properties.command.values import (
    LARGEST_SEED,
    LONGEST_TIME,
    MOST_EXAMPLES,
    MOST_MEMORY,
    Duration,
    NamedPath,
    Number,
    Whole,
    Workers,
)
from properties.judging.law import LEVELS
from properties.report.campaign import CampaignReport
from properties.report.console import console
from properties.subjects.target import Target, UsageError


def _tls(name: str, words: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """An option for a file of a TLS connection."""
    file = NamedPath(exists=True, dir_okay=False)
    return click.option(f"--tls-{name}", metavar="FILE", type=file, help=words)


@click.command(cls=Command)
@click.argument("targets", nargs=-1, metavar="TARGET...")
@about_a_target
@click.option(
    "--max-time",
    type=Duration(),
    metavar="TIME",
    help="Such as 8h, 90m, 1h30m; 8h where --max-examples is not given either.",
)
@click.option("--max-examples", type=Whole(1, MOST_EXAMPLES), help="Examples of each law.")
@click.option(
    "--seed", default=0, show_default=True, type=Whole(0, LARGEST_SEED), help="The same seed draws the same examples."
)
@click.option(
    "--workers",
    type=Workers(),
    default="auto",
    show_default=True,
    help="Worker processes; auto: one for each core, at most 8.",
)
@click.option("--resume", is_flag=True, help="Resume the campaign in DIR, with its own targets, seed and laws.")
@click.option("--trust", is_flag=True, help="With --resume: load the targets of a journal not signed on this machine.")
@click.option(
    "--out",
    "directory",
    default="lossproof-campaign",
    show_default=True,
    metavar="DIR",
    type=NamedPath(file_okay=False),
    help="Where journal, findings, examples and certificates are kept.",
)
@click.option(
    "--examples",
    metavar="DIR",
    type=NamedPath(exists=True, file_okay=False),
    help="Begin with the problems that were the worst in the campaign in DIR.",
)
@click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="Run on a Dask cluster: tls://HOST:PORT or tcp://HOST:PORT (extra `cluster`).",
)
@_tls("ca", "Certificates of the authorities that are believed, for --scheduler tls://.")
@_tls("cert", "This machine's certificate.")
@_tls("key", "Its key.")
@click.option("--only", multiple=True, metavar="LAW", help="Run only this law, or this family of laws.")
@click.option("--level", "levels", multiple=True, type=click.Choice(LEVELS), help="Run only the laws of this level.")
@click.option(
    "--time-limit",
    default=10.0,
    show_default=True,
    type=Number(0.1, LONGEST_TIME),
    help="Seconds that one call of the layer may take.",
)
@click.option(
    "--block-limit",
    default=120.0,
    show_default=True,
    type=Number(1.0, LONGEST_TIME),
    help="Seconds that a block of examples of one law may take.",
)
@click.option(
    "--memory-limit",
    default=4.0,
    show_default=True,
    type=Number(0.1, MOST_MEMORY),
    help="GiB of memory that a worker may take.",
)
@require_option
@click.option("--forgive-inherited", is_flag=True, help="Leave what Paddle's own kernels do wrong out of the verdict.")
def fuzz(
    targets: Sequence[str],
    named: Named,
    max_time: float | None,
    max_examples: int | None,
    seed: int,
    workers: int | None,
    resume: bool,
    trust: bool,
    directory: str,
    examples: str | None,
    scheduler: str | None,
    tls_ca: str | None,
    tls_cert: str | None,
    tls_key: str | None,
    only: Sequence[str],
    levels: Sequence[str],
    time_limit: float,
    block_limit: float,
    memory_limit: float,
    require: tuple[str, ...],
    forgive_inherited: bool,
) -> None:
    """Put the laws to loss layers for hours.

    TARGET is what `lossproof certify` takes; there may be several. Each finding is written to DIR at once, and a
    campaign that was killed can be resumed with --resume.

    Exit codes: 0 all certified, 1 one is refuted, 2 usage, 3 incomplete (or the disk is full), 70 internal
    error, 130 interrupted.
    """
    if not targets and not resume:
        raise click.UsageError("name at least one TARGET, or resume a campaign with --resume")
    options = _options(
        directory,
        max_time=max_time,
        max_examples=max_examples,
        seed=seed,
        only=tuple(only),
        levels=tuple(levels),
        workers=workers,
        time_limit=time_limit,
        block_seconds=block_limit,
        memory=memory_limit * 2**30,
        resume=resume,
        examples=examples,
        forgive_inherited=forgive_inherited,
        require=require,
        trust=trust,
    )
    try:
        with contextlib.ExitStack() as stack:
            tls = _files(scheduler, tls_ca, tls_cert, tls_key)
            executor = None if scheduler is None else stack.enter_context(cluster(scheduler, tls))
            ended = _run([named(text) for text in targets], options, executor)
    except UsageError as error:
        raise click.UsageError(str(error)) from None
    # interrupted before there was anything to say
    sys.exit(INTERRUPTED if ended is None else exit_code(ended))


def _files(scheduler: str | None, *files: str | None) -> Tls | None:
    """The files of a TLS connection; a usage error where some are missing, or there is no such connection."""
    named = [file for file in files if file is not None]
    if named and (scheduler is None or len(named) < len(files)):
        raise click.UsageError("--tls-ca, --tls-cert and --tls-key go together, with --scheduler tls://HOST:PORT")
    return Tls(*named) if named else None


def _options(directory: str, memory: float, **asked: Any) -> CampaignOptions:
    """The options of a campaign; a usage error where one of them makes no sense, such as an infinite limit."""
    try:
        return CampaignOptions(directory, memory=int(memory), **asked)
    except (ValueError, OverflowError) as error:
        raise click.UsageError(str(error)) from None


def exit_code(ended: CampaignEnded) -> int:
    """Return the exit code of the worst verdict: refuted, then incomplete, then certified."""
    if ended.interrupted:
        return INTERRUPTED
    if ended.failed:
        return EXIT_CODES["incomplete"]
    verdicts = {certificate.verdict for certificate in ended.certificates}
    return next(EXIT_CODES[verdict] for verdict in ("refuted", "incomplete", "certified") if verdict in verdicts)


def _run(targets: Sequence[Target], options: CampaignOptions, executor: Executor | None) -> CampaignEnded | None:
    ended: CampaignEnded | None = None
    report = CampaignReport(console())
    events = campaign(targets, options, executor)
    with _interrupts(), contextlib.closing(report), contextlib.closing(events):
        event: CampaignEvent | None = next(events, None)
        while event is not None:
            try:
                report(event)
                ended = event if isinstance(event, CampaignEnded) else ended
                event = next(events, None)
            except KeyboardInterrupt:
                # it came while the campaign was waiting for us
                event = next(iter(_thrown(events)), None)
    return ended


def _thrown(events: Generator[CampaignEvent, None, None]) -> Iterator[CampaignEvent]:
    """Interrupt a campaign; yields its next event, or nothing where it was over."""
    with contextlib.suppress(KeyboardInterrupt, StopIteration):
        yield events.throw(KeyboardInterrupt)


@contextlib.contextmanager
def _interrupts() -> Iterator[None]:
    """Let the first Ctrl-C (or SIGTERM) end the campaign cleanly, and the second one at once."""
    seen = 0

    def interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal seen
        seen += 1
        if seen > 1:
            os._exit(INTERRUPTED)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
