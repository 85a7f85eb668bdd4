"""The command ``lossproof verify``: whether a certificate can be believed."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path

import click
from rich.text import Text

from properties.certificates.certificate import Certificate
from properties.certificates.verification import in_words, verified
from properties.command.commands import Command
from properties.command.exit_codes import CERTIFIED, INCOMPLETE, USAGE
from properties.command.values import Readable
from properties.report.console import console
from properties.subjects.source import hash_of
from properties.subjects.target import Target
from properties.workers.worker import Worker


@click.command(cls=Command)
@click.argument("certificate", type=Readable())
@click.option("--target", metavar="TARGET", help="The layer as it is today: is its source the one that was checked?")
def verify(certificate: Path, target: str | None) -> None:
    """Say whether a CERTIFICATE can be believed: its digest, its signature and, with --target, the layer's source.

    Nothing that the certificate names is imported. Exit codes: 0 all of it is confirmed, 2 usage, or the file is no
    certificate or was altered, 3 something cannot be confirmed.
    """
    found = verified(certificate, None if target is None else _source_hash(certificate, target))
    screen = console()
    for what, state, words in in_words(found):
        good = state in ("whole", "here", "same", "")
        screen.print(Text.assemble((f"{what:10}", "bold"), (f"{state:14}", "green" if good else "yellow"), words))
    sys.exit(CERTIFIED if found.confirmed else USAGE if found.digest == "altered" else INCOMPLETE)


def _source_hash(path: Path, text: str) -> str:
    """Return the hash of the source of the layer that the user named, held to the certificate's contract."""
    old = Certificate.read(path)
    named = {} if old.target is None else dict(old.target)
    with closing(Worker(Target.from_dict({"domain": {}, **named, "text": text}), 10.0)) as worker:
        return hash_of(worker.source())
