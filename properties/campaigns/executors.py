"""RemoteExecutor: what a campaign needs to know of executors on other machines, whose workers come and go."""

from __future__ import annotations

from abc import abstractmethod
from concurrent.futures import Executor


class ExecutorLost(RuntimeError):  # noqa: N818 - an outcome
    """No worker is left to carry out shards; the message says why, and what to do."""


class RemoteExecutor(Executor):
    """An executor whose results raise ExecutorLost where it can carry out nothing any more."""

    notes: list[str]
    """Pending notices for the user; whoever shows them removes them."""

    @property
    @abstractmethod
    def slots(self) -> int:
        """How many shards to hand out at a time, right now."""


def slots_of(executor: Executor, given: int) -> int:
    """Return how many shards to hand out at a time: a remote executor knows, a local one gets ``given``."""
    return executor.slots if isinstance(executor, RemoteExecutor) else given


def notes_of(executor: Executor) -> list[str]:
    """Return the pending notices of an executor; a local one has none."""
    return executor.notes if isinstance(executor, RemoteExecutor) else []


def lanes_for(executor: Executor, laws: int) -> int:
    """Return how many blocks of a law run side by side: enough for all slots, although a generation waits for its last.

    On one machine it is one, however many workers there are: the same seed finds the same with any number of them.
    """
    return max(1, round(2 * executor.slots / max(laws, 1))) if isinstance(executor, RemoteExecutor) else 1
