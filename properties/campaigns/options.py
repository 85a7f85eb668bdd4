"""How a campaign is run, and what its journal says of that: to go on with it, the same must hold."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from properties.campaigns.corpus import NAME as EXAMPLES
from properties.certificates.certificate import environment
from properties.engine.execution import Description
from properties.runs.certify import chosen_laws, names_of
from properties.subjects.target import Target, UsageError

FORMAT = "lossproof-campaign-1"
LONGEST = 8 * 3600.0
"""Seconds of a campaign that was given neither time nor examples."""

BLOCK_SECONDS = 120.0
"""Seconds that a block of examples may take; what a slow layer has not done by then is left out."""

MEMORY = 4 * 2**30
"""Bytes that a worker may take beyond what it starts with."""


@dataclass(frozen=True)
class CampaignOptions:
    """How to run a campaign.

    ``max_time`` is in seconds, ``max_examples`` for each law; with neither, eight hours. ``workers`` processes run side
    by side (None: one for each core, at most 8). ``time_limit`` is how many seconds one call of the layer may take,
    ``block_seconds`` those of a block of examples, ``memory`` the bytes of a worker. ``resume`` goes on with the
    campaign in ``directory``, by its own seed; ``examples`` is the directory of an earlier one, whose worst problems a
    new one begins with.
    """

    directory: str
    max_time: float | None = None
    max_examples: int | None = None
    seed: int = 0
    only: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    workers: int | None = None
    time_limit: float = 10.0
    block_seconds: float = BLOCK_SECONDS
    memory: int = MEMORY
    resume: bool = False
    examples: str | None = None
    lanes: int = 1
    forgive_inherited: bool = False

    def __post_init__(self) -> None:
        for name, least in (("max_examples", 1), ("workers", 1), ("seed", 0), ("lanes", 1), ("memory", 2**20)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise ValueError(f"{name} must be at least {least}, got {value}")
        for name in ("max_time", "time_limit", "block_seconds"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ValueError(f"{name} must be more than 0 seconds, got {value}")

    def limited_like(self, header: Mapping[str, Any]) -> CampaignOptions:
        """The same with the limits that a campaign was begun with, where none is given."""
        if self.max_time is not None or self.max_examples is not None:
            return self
        return replace(self, max_time=header["max_time"], max_examples=header["max_examples"])

    @property
    def count(self) -> int:
        """Processes side by side."""
        return min(os.cpu_count() or 1, 8) if self.workers is None else self.workers

    @property
    def time(self) -> float | None:
        """Seconds after which no more shard begins."""
        return LONGEST if self.max_time is None and self.max_examples is None else self.max_time


def header_of(targets: Sequence[Target], options: CampaignOptions) -> dict[str, Any]:
    """What decides every draw of a campaign, and its limits: the first record of its journal.

    UsageError for a target that is named twice, and where there are no examples to begin with.
    """
    texts = [target.text for target in targets]
    for text in texts:
        if texts.count(text) > 1:
            raise UsageError(f"TARGET {text} is named more than once")
    if options.examples is not None and not Path(options.examples, EXAMPLES).is_dir():
        raise UsageError(f"--examples: {options.examples} holds no examples of a campaign")
    return {
        "kind": "campaign",
        "format": FORMAT,
        "targets": [target.to_dict() for target in targets],
        "seed": options.seed,
        "max_time": options.max_time,
        "max_examples": options.max_examples,
        "only": list(options.only),
        "levels": list(options.levels),
        "time_limit": options.time_limit,
        "block_seconds": options.block_seconds,
        "memory": options.memory,
        "lanes": options.lanes,
        "environment": environment(),
        "corpora": {},
        "fingerprints": [],
    }


def check_header(header: Mapping[str, Any], targets: Sequence[Target], directory: Path) -> None:
    """UsageError where a journal is of another campaign than these targets', or was written by other packages."""
    if header.get("format") != FORMAT:
        raise UsageError(f"{directory} holds no campaign of format {FORMAT!r}, but {header.get('format')!r}")
    wanted = [target.to_dict() for target in targets]
    if wanted and json.loads(json.dumps(wanted)) != header["targets"]:
        texts = ", ".join(target["text"] for target in header["targets"])
        raise UsageError(f"--resume: the campaign in {directory} is one of {texts}, with its own options")
    now = environment()
    changed = [name for name in now if header["environment"].get(name) != now[name]]
    if changed:
        raise UsageError(
            f"--resume: {', '.join(changed)} changed since the campaign in {directory} began; begin another one in "
            f"another directory"
        )


def laws_of_each(descriptions: Sequence[Description], header: Mapping[str, Any]) -> list[list[str]]:
    """The laws of each target: of those asked for, the ones that its contract has.

    UsageError for a name that no contract has, and for a target that is left with no law.
    """
    known = [names_of(description) for description in descriptions]
    unknown = [name for name in header["only"] if not any(name in names for names in known)]
    chosen = []
    for description, names in zip(descriptions, known, strict=True):
        asked = [name for name in header["only"] if name in names]
        # where none of them is there, or one is nowhere, the whole list is what the message is about
        chosen.append(chosen_laws(description, header["only"] if unknown or not asked else asked, header["levels"]))
    return [[info.id for info in laws] for laws in chosen]
