"""Processes: what a process may inherit, how it ends with its parent, and how everything that it started is ended.

Most of it is Linux alone. Elsewhere these functions do nothing, and what a layer leaves behind stays.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable, Collection
from pathlib import Path

LINUX = sys.platform == "linux"

_SET_PDEATHSIG, _SET_CHILD_SUBREAPER = 1, 36

MOST_ROUNDS = 200
"""Times that the descendants of a process are looked for and killed before what is left is left."""

UNTRACED = 0.005
"""Seconds between two looks for processes that are about to end."""

_ours: set[int] = set()


def withhold(descriptor: int) -> int:
    """Let no process that is forked from this one keep a descriptor, unless it was forked for it; returns it."""
    _ours.add(descriptor)
    return descriptor


def release(descriptor: int) -> None:
    """Forget a descriptor of :func:`withhold`, which is about to be closed."""
    _ours.discard(descriptor)


def drop_withheld(kept: Collection[int]) -> None:
    """In a process just forked: close what the parent withholds, but for what this process was forked for."""
    for descriptor in [each for each in _ours if each not in kept]:
        _ours.discard(descriptor)
        with contextlib.suppress(OSError):
            os.close(descriptor)


def silence() -> None:
    """Lead standard input, output and error to nowhere: they are the terminal of the command."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nowhere, number)
    if nowhere > 2:
        os.close(nowhere)


def die_with_parent(parent: int | None = None) -> None:
    """On Linux, end this process when the one that started it ends, or has ended, whatever it is doing."""
    _prctl(_SET_PDEATHSIG, signal.SIGKILL)
    if parent is not None and os.getppid() != parent:
        os._exit(1)


def adopt_orphans() -> None:
    """On Linux, become the parent of every descendant whose own parent ends: it cannot leave by a double fork."""
    _prctl(_SET_CHILD_SUBREAPER, 1)


def _prctl(option: int, value: int) -> None:
    if LINUX:
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def handle_of(pid: int) -> int | None:
    """Return a descriptor that is readable once a process has ended; None where the system has no such thing."""
    with contextlib.suppress(OSError, AttributeError):
        return os.pidfd_open(pid)
    return None


def children() -> set[int]:
    """Return the processes that this one has started, or adopted, where the system tells."""
    found: set[int] = set()
    for file in Path("/proc/self/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found.update(map(int, file.read_text().split()))
    return found


def descendants(ancestor: int) -> set[int]:
    """Return the living processes that descend from one; empty where there is no /proc."""
    parents: dict[int, int] = {}
    with contextlib.suppress(OSError):
        for name in os.listdir("/proc"):
            if name.isdigit() and (parent := _parent(int(name))) is not None:
                parents[int(name)] = parent
    found: set[int] = set()
    frontier = {ancestor}
    while frontier:
        frontier = {pid for pid, parent in parents.items() if parent in frontier} - found
        found |= frontier
    return found


def _parent(pid: int) -> int | None:
    """Return the parent of a process; None where it has ended."""
    try:
        state, parent = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[:2]
    except (OSError, ValueError):
        return None
    return None if state in "ZX" else int(parent)


def end_descendants(ancestor: int, spared: Collection[int] = ()) -> bool:
    """Kill all descendants of a process, but for the ``spared`` ones with theirs; returns whether none is left."""
    for _ in range(MOST_ROUNDS):
        stopped: set[int] = set()
        # stopped first, so that none of them starts another one while the others are killed
        while found := _without(descendants(ancestor), spared) - stopped:
            for pid in found:
                _signal(pid, signal.SIGSTOP)
            stopped |= found
        if not stopped:
            return True
        for pid in stopped:
            _signal(pid, signal.SIGKILL)
        if ancestor == os.getpid():
            reap()
        time.sleep(UNTRACED)
    return False


def _without(found: set[int], spared: Collection[int]) -> set[int]:
    for pid in spared:
        found = found - {pid} - descendants(pid)
    return found


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def reap() -> dict[int, int]:
    """Let go of the children that have ended; returns their exit codes, negative where it was a signal."""
    ended: dict[int, int] = {}
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ended
        if pid == 0:
            return ended
        ended[pid] = os.waitstatus_to_exitcode(status)


def exit_in_words(exitcode: int | None) -> str:
    """Return in words how a process ended: its signal or its exit code; of one that has not, what else is known."""
    if exitcode is None:
        return "an answer that is none"
    if exitcode < 0:
        with contextlib.suppress(ValueError):
            return signal.Signals(-exitcode).name
        return f"signal {-exitcode}"
    return f"exit code {exitcode}"


def at_home(home: int) -> Callable[[], None]:
    """Return what ends every process but that one: called behind a layer, it ends those that the layer forked."""

    def stay() -> None:
        if os.getpid() != home:
            os._exit(0)

    return stay
