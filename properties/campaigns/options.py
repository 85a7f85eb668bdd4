"""How a campaign is run."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass

from properties.certificates.required import required_of

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
    new one begins with; ``trust`` goes on with one that was not signed on this machine. ``require`` names what decides
    the verdicts (see ``properties.certificates.required``).
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
    require: tuple[str, ...] = ()
    trust: bool = False

    def __post_init__(self) -> None:
        for name, least in (("max_examples", 1), ("workers", 1), ("seed", 0), ("lanes", 1), ("memory", 2**20)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise ValueError(f"{name} must be at least {least}, got {value}")
        for name in ("max_time", "time_limit", "block_seconds"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise ValueError(f"{name} must be more than 0 seconds, and finite, got {value}")
        required_of(self.require)

    @property
    def count(self) -> int:
        """How many worker processes run side by side."""
        return min(os.cpu_count() or 1, 8) if self.workers is None else self.workers

    @property
    def time(self) -> float | None:
        """Seconds after which no further shard begins; None where the examples alone are limited."""
        return LONGEST if self.max_time is None and self.max_examples is None else self.max_time
