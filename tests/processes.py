"""Which processes there are, by /proc: for tests that nothing is left over."""

import os
from pathlib import Path


def living():
    """Parent and session of every process that has not ended, by its number."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if fields[0] != "Z":
                found[int(entry.name)] = (int(fields[1]), int(fields[3]))
    return found


def descendants(ancestor=None):
    """Processes whose ancestors include this one, or another."""
    processes = living()
    found, frontier = set(), {os.getpid() if ancestor is None else ancestor}
    while frontier:
        frontier = {pid for pid, (parent, _) in processes.items() if parent in frontier} - found
        found |= frontier
    return found


def children(ancestor):
    """Processes that this one has started itself."""
    return {pid for pid, (parent, _) in living().items() if parent == ancestor}


def of_session(session):
    """Processes of a session."""
    return {pid for pid, (_, other) in living().items() if other == session}
