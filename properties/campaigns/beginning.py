"""How a campaign begins, or goes on: its journal opened, its folder looked over, and what it was begun with.

Until the first record is journaled, which takes as long as loading its layers, ``beginning.json`` says what it is to be
begun with: so a campaign that is killed that early goes on too.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from properties.campaigns.folder import BEGINNING, remove_leftovers, require_ours
from properties.campaigns.header import CampaignHeader
from properties.campaigns.journal.journal import NAME, Journal, JournalError, JournalFull
from properties.campaigns.options import CampaignOptions
from properties.campaigns.records import parsed
from properties.storage.files import Folder
from properties.subjects.target import Target, UsageError

LONGEST_BEGINNING = 1 << 24
"""Bytes of ``beginning.json`` beyond which it is not read."""


class Beginning:
    """An open journal, and what the campaign was begun with, or is to be: ``fresh`` says which.

    ``lines`` are the records that come after the header, each with the number of its line.
    """

    def __init__(self, journal: Journal, targets: Sequence[Target], options: CampaignOptions) -> None:
        self.journal = journal
        self._wrote = False
        self.lines: Iterator[tuple[int, bytes]] = journal.numbered
        first = next(self.lines, None)
        self.fresh = first is None
        require_ours(self.folder, self.fresh)
        remove_leftovers(self.folder)
        if first is not None:
            where = f"{self.folder.path / NAME}, line {first[0]}"
            self.header = _header(first[1], where, targets, self.folder.path, options)
            self.options = self.header.limited(options)
        elif targets or not options.resume:
            self.header, self.options = CampaignHeader.of(targets, options), options
        else:
            self.header, self.options = self._begun(options)

    @property
    def folder(self) -> Folder:
        """The campaign's directory."""
        return self.journal.folder

    def announce(self) -> None:
        """Say what the campaign is to be begun with, before its layers are loaded; nothing where it has begun."""
        if self.fresh:
            record = self.header.to_record(examples=self.options.examples)
            self._wrote = True
            self.folder.write(BEGINNING, json.dumps(record, allow_nan=False) + "\n")

    def begin(self, header: CampaignHeader) -> None:
        """Journal the header, where that is not done."""
        if self.fresh:
            self.journal.append(header.to_record())
        self.folder.remove(BEGINNING)

    def withdraw(self) -> None:
        """Take back what this process made for a campaign that cannot begin."""
        if self._wrote:
            with contextlib.suppress(OSError):
                self.folder.remove(BEGINNING)
        self.journal.withdraw()

    def _begun(self, options: CampaignOptions) -> tuple[CampaignHeader, CampaignOptions]:
        """Return what a campaign was to be begun with that ended before its first record."""
        path = self.folder.path / BEGINNING
        if self.folder.status(BEGINNING) is None:
            raise UsageError(
                f"--resume: the campaign in {self.folder.path} ended before its first record: name its TARGETs"
            )
        content = self.folder.read(BEGINNING, LONGEST_BEGINNING)
        header = _header(content, str(path), (), self.folder.path, options)
        examples = json.loads(content).get("examples")
        if examples is not None and not isinstance(examples, str):
            raise UsageError(f"{path}: examples must be the name of a directory, got {examples!r}")
        asked = header.limited(options)
        return header, replace(asked, examples=asked.examples or examples)


def opened(options: CampaignOptions) -> Journal:
    """Open the journal of a campaign; UsageError where another one is there, or none, JournalFull on a full disk."""
    directory = Path(options.directory)
    try:
        return Journal.open(directory, resume=options.resume, empty=True)
    except JournalError as error:
        raise UsageError(str(error)) from None
    except JournalFull:
        raise
    except OSError as error:
        raise UsageError(f"--out: {directory} cannot be used: {error.strerror}") from None


def _header(
    content: bytes, where: str, targets: Sequence[Target], directory: Path, options: CampaignOptions
) -> CampaignHeader:
    try:
        return CampaignHeader.read(parsed(content), targets, directory, options.trust)
    except UsageError:
        raise
    except ValueError as error:
        raise UsageError(f"{where} is no header of a campaign: {error}") from None
