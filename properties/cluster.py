"""Clusters: a campaign's shards on the workers of a running Dask scheduler."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent.futures import Executor

from properties.target import UsageError

CONNECTING = 10.0
"""Seconds that a scheduler has to answer."""

AHEAD = 2
"""Shards handed out for each thread of the cluster: one runs, the next one waits beside it."""


@contextlib.contextmanager
def cluster(address: str) -> Iterator[tuple[Executor, int]]:
    """An executor on a running cluster, and how many shards to hand out at a time.

    Raises UsageError where Dask is not installed, nobody answers, or there is no worker.
    """
    try:
        from distributed import Client
    except ImportError:
        raise UsageError("--scheduler needs the extra `cluster`: pip install 'lossproof[cluster]'") from None
    try:
        client = Client(address, timeout=CONNECTING)
    except (OSError, TimeoutError, ValueError) as error:
        raise UsageError(f"--scheduler: nobody answers at {address!r}: {error}") from None
    with contextlib.closing(client):
        threads = sum(client.nthreads().values())
        if not threads:
            raise UsageError(f"--scheduler: {address} has no worker; start one by `dask worker {address}`")
        # a result that is kept for another run would be that of another shard
        yield client.get_executor(pure=False), AHEAD * threads
