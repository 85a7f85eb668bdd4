"""The record: which laws refute which wrong losses of the museum, as the last full selftest found."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

from properties.storage.files import write_whole

FILE = "record.json"


@dataclass(frozen=True)
class Entry:
    """One wrong loss: its contract, the laws that refute it (the first one first), and those that need no oracle."""

    contract: str
    killers: tuple[str, ...]
    oracle_free: tuple[str, ...]


@lru_cache
def record() -> dict[str, Entry]:
    """All entries by the id of the exhibit."""
    plain = json.loads(resources.files("properties").joinpath(FILE).read_text(encoding="utf-8"))
    return {
        name: Entry(entry["contract"], tuple(entry["killers"]), tuple(entry["oracle_free"]))
        for name, entry in plain.items()
    }


def score_of(contract: str, laws: Iterable[str]) -> dict[str, int]:
    """How many wrong losses under a contract these laws refute, of how many there are.

    Where no oracle is known (contract ``free``), of all of them, by what refutes them without one.
    """
    chosen = frozenset(laws)
    if contract == "free":
        found = [entry.oracle_free for entry in record().values()]
    else:
        found = [entry.killers for entry in record().values() if entry.contract == contract]
    return {"mutants": len(found), "killed": sum(not chosen.isdisjoint(killers) for killers in found)}


def write_record(rows: Iterable[Mapping[str, Any]], path: Path) -> None:
    """Keep what a certificate needs of a selftest's rows."""
    entries = {
        row["id"]: {"contract": row["contract"], "killers": row["killers"], "oracle_free": row["oracle_free"]}
        for row in sorted(rows, key=lambda row: str(row["id"]))
    }
    lines = [f"{json.dumps(name)}: {json.dumps(entry)}" for name, entry in entries.items()]
    write_whole(path, "{\n" + ",\n".join(lines) + "\n}\n")
