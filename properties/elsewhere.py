"""Elsewhere: what a campaign needs to know of executors on other machines, whose workers come and go."""

from __future__ import annotations

from abc import abstractmethod
from concurrent.futures import Executor


class ExecutorLost(RuntimeError):  # noqa: N818 - an outcome
    """There is nobody left to carry out shards; the message says why, and what to do."""


class Elsewhere(Executor):
    """An executor whose results raise ExecutorLost where it can carry out nothing any more."""

    notes: list[str]
    """What a user ought to know of it, to be taken away by whoever says it."""

    @property
    @abstractmethod
    def slots(self) -> int:
        """How many shards to hand out at a time, right now."""
