"""The header of a campaign's journal: what decides every draw. To go on with a campaign, the same must hold."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import msgspec

from properties.campaigns.corpus import NAME as EXAMPLES
from properties.campaigns.options import CampaignOptions
from properties.campaigns.records import FORMAT, header_record
from properties.certificates.certificate import environment
from properties.certificates.required import required_of
from properties.engine.description import Description
from properties.problems.reading import shown
from properties.runs.certify import chosen_laws, names_of
from properties.storage.files import Folder
from properties.storage.signing import sealed, signed_here, whole
from properties.subjects.target import Target, UsageError

Corpora = Mapping[str, Mapping[str, Sequence[str]]]
"""Byte strings of problems as text, by target and by law."""


MOST_NAMED = 5
"""Targets that a message names."""


@dataclass(frozen=True)
class CampaignHeader:
    """What decides every draw of a campaign, and its limits: the first record of its journal.

    ``max_time`` and ``max_examples`` are the limits that the campaign was begun with, ``lanes`` how many blocks of a
    law run side by side, ``environment`` the versions of the packages,
    ``require`` what decides the verdicts. ``corpora`` are the problems that it begins
    with, and ``fingerprints`` those of the layers' files, target by target; both are there once the targets are loaded.
    """

    targets: tuple[Target, ...]
    seed: int
    max_time: float | None
    max_examples: int | None
    only: tuple[str, ...]
    levels: tuple[str, ...]
    time_limit: float
    block_seconds: float
    memory: int
    lanes: int
    environment: Mapping[str, str]
    corpora: Corpora = field(default_factory=dict)
    fingerprints: tuple[str, ...] = ()
    require: tuple[str, ...] = ()

    @classmethod
    def of(cls, targets: Sequence[Target], options: CampaignOptions) -> CampaignHeader:
        """Return the header of a new campaign.

        Raises UsageError for a target that is named twice, and where there are no examples to begin with.
        """
        texts = [target.text for target in targets]
        for text in texts:
            if texts.count(text) > 1:
                raise UsageError(f"TARGET {text} is named more than once")
        if options.examples is not None:
            _require_examples(options.examples)
        return cls(
            targets=tuple(targets),
            seed=options.seed,
            max_time=options.max_time,
            max_examples=options.max_examples,
            only=tuple(options.only),
            levels=tuple(options.levels),
            time_limit=options.time_limit,
            block_seconds=options.block_seconds,
            memory=options.memory,
            lanes=options.lanes,
            environment=environment(),
            require=tuple(options.require),
        )

    @classmethod
    def read(cls, record: Any, targets: Sequence[Target], directory: Path, trust: bool = False) -> CampaignHeader:
        """Return the header of the campaign in a directory, to go on with it.

        Raises UsageError where it is none, where it is one of other targets than these, or other packages; and where no
        targets are named, unless this machine signed it or it is to be trusted: to go on is to import and call what it
        names.
        """
        said = record.get("format") if isinstance(record, Mapping) else None
        if said != FORMAT:
            raise UsageError(f"{directory} holds no campaign of format {FORMAT!r}, but {shown(said)}")
        header = cls.from_dict(record)
        texts = ", ".join(repr(target.text) for target in header.targets[:MOST_NAMED])
        if targets and _plain(targets) != _plain(header.targets):
            raise UsageError(f"--resume: the campaign in {directory} is one of {texts}, with its own options")
        if not targets and not trust and not signed_here(record):
            command = shlex.join(["lossproof", "fuzz", "--resume", "--out", str(directory), "--trust"])
            how = "changed since it was signed" if record.get("digest") and not whole(record) else "not signed"
            raise UsageError(
                f"--resume: what the campaign in {directory} was begun with is {how} by this user on this machine, and "
                f"to resume it is to import and call {texts}: name its TARGETs yourself, or, if you trust whoever "
                f"wrote it, run: {command}"
            )
        now = environment()
        changed = [name for name in now if header.environment.get(name) != now[name]]
        if changed:
            raise UsageError(
                f"--resume: {', '.join(changed)} changed since the campaign in {directory} began; begin another one in "
                f"another directory"
            )
        return header

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> CampaignHeader:
        """The inverse of :meth:`to_dict`; ValueError with place and value where it is none."""
        said = msgspec.structs.asdict(header_record(plain))
        lists = {name: tuple(said[name]) for name in ("only", "levels", "fingerprints", "require")}
        required_of(lists["require"])
        named = tuple(Target.from_dict(msgspec.structs.asdict(target)) for target in said["targets"])
        return cls(**{**{field.name: said[field.name] for field in fields(cls)}, **lists, "targets": named})

    def to_record(self, **more: Any) -> dict[str, Any]:
        """Return the first record of the journal, signed."""
        try:
            return sealed({**_plain_of(self.to_dict()), **more})
        except ValueError as error:
            raise UsageError(f"the options of a TARGET cannot be written down: {error}") from None

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, ready for JSON."""
        return {"kind": "campaign", "format": FORMAT, **asdict(self), "targets": _plain(self.targets)}

    def limited(self, options: CampaignOptions) -> CampaignOptions:
        """Return the options with the limits and requirements that the campaign was begun with, where they set none."""
        options = options if options.require else replace(options, require=self.require)
        if options.max_time is not None or options.max_examples is not None:
            return options
        return replace(options, max_time=self.max_time, max_examples=self.max_examples)

    def chosen_of_each(self, descriptions: Sequence[Description]) -> list[list[str]]:
        """Return the laws of each target: of those asked for, the ones that its contract has.

        Raises UsageError for a name that no contract has, and for a target that is left with no law.
        """
        known = [names_of(description) for description in descriptions]
        unknown = [name for name in self.only if not any(name in names for names in known)]
        chosen = []
        for description, names in zip(descriptions, known, strict=True):
            asked = [name for name in self.only if name in names]
            # where none of them is there, or one is nowhere, the whole list is what the message is about
            chosen.append(chosen_laws(description, self.only if unknown or not asked else asked, self.levels))
        return [[info.id for info in laws] for laws in chosen]


def _require_examples(directory: str) -> None:
    """Raise UsageError where a directory has no examples of a campaign."""
    try:
        with Folder(directory) as folder, folder.subfolder(EXAMPLES):
            pass
    except OSError:
        raise UsageError(f"--examples: {directory} holds no examples of a campaign") from None


def _plain(targets: Sequence[Target]) -> Any:
    """Targets as a journal has them."""
    return _plain_of([target.to_dict() for target in targets])


def _plain_of(value: Any) -> Any:
    """Data as JSON has it."""
    return json.loads(json.dumps(value, allow_nan=False))
