"""RemoteExecutor: what a campaign needs to know of executors on other machines, whose workers come and go."""

from __future__ import annotations

from abc import abstractmethod
from concurrent.futures import Executor


class ExecutorLost(RuntimeError):  # noqa: N818 - an outcome
    """There is nobody left to carry out shards; the message says why, and what to do."""


class RemoteExecutor(Executor):
    """An executor whose results raise ExecutorLost where it can carry out nothing any more."""

    notes: list[str]
    """What a user ought to know of it, to be taken away by whoever says it."""

    @property
    @abstractmethod
    def slots(self) -> int:
        """How many shards to hand out at a time, right now."""


def slots_of(executor: Executor, given: int) -> int:
    """How many shards to hand out at a time."""
    return executor.slots if isinstance(executor, RemoteExecutor) else given


def notes_of(executor: Executor) -> list[str]:
    """What a user ought to know of an executor."""
    return executor.notes if isinstance(executor, RemoteExecutor) else []


def lanes_for(executor: Executor, laws: int) -> int:
    """Blocks of a law side by side: enough for all slots, although a generation of a law waits for its last block.

    On one machine it is one, whatever its workers: the same seed finds the same on any.
    """
    return max(1, round(2 * executor.slots / max(laws, 1))) if isinstance(executor, RemoteExecutor) else 1
