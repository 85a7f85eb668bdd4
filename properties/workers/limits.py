"""Limits: the time and memory that a worker may take, and the memory that it holds."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import resource
from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Limits of a worker: ``call`` in seconds, ``memory`` in bytes beyond those that it starts with (None: no limit).

    ``record`` is the file into which each example is written before it runs.
    """

    call: float = 10.0
    memory: int | None = None
    record: str | None = None


def held_memory() -> int:
    """Return the bytes of memory that this process holds."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def release_memory() -> None:
    """Free unused memory: unreachable cycles of objects, and what the C library keeps for later."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def limit_memory(extra: int | None) -> None:
    """Limit this process, and those forked from it, to ``extra`` bytes more than it has; None: no limit."""
    if extra is None:
        return
    with open("/proc/self/status", encoding="ascii") as file:
        data = next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmData"))
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    most = data + extra if hard == resource.RLIM_INFINITY else min(data + extra, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))
