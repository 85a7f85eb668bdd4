"""Shard: a piece of a campaign that any process on any machine can carry out; what comes of it is plain data.

Each shard has a worker process of its own. What comes of it follows from the shard alone, whoever runs it and however
often, unless the layer itself is a matter of chance.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from properties.campaigns.executors import ExecutorLost
from properties.campaigns.records import MACHINE
from properties.engine.description import LawInfo
from properties.engine.result import LawResult
from properties.engine.study import Inquiry
from properties.engine.task import Task
from properties.errors import (
    ContractError,
    UsageError,
    is_machines,
    trouble_in_words,
)
from properties.subjects.source_constants import constants_of
from properties.subjects.target import Target
from properties.workers.limits import Limits
from properties.workers.worker import Worker


@dataclass(frozen=True)
class Shard:
    """One piece of work on one target: describe it, find out what it does, or put a block of examples to a law.

    ``generation`` and ``lane`` number the blocks of a law: a generation knows what all lanes of the one before found.
    ``limits`` are the worker's; ``fingerprint`` is that of the layer's file when the
    campaign began; ``files`` holds the target's file by its name, for machines that do not have it.
    """

    number: int
    target: Target
    limits: Limits
    kind: str = "law"
    info: LawInfo | None = None
    task: Task | None = None
    inquiry: Inquiry | None = None
    generation: int = 0
    lane: int = 0
    fingerprint: str = ""
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def law(self) -> str:
        """The id of the law that the shard is about; empty where it is about none."""
        return "" if self.info is None else self.info.id

    @property
    def id(self) -> str:
        """The id of the shard: no other one of the campaign has it, and it is the same when the shard runs again."""
        return f"{self.number}:{self.law or self.kind}:{self.generation}:{self.lane}"


def run_shard(shard: Shard, directory: str | None = None) -> dict[str, Any]:
    """Carry out a shard in a worker of its own; returns its record, plain data ready for a journal.

    Before an example runs it is written to a file in ``directory`` (by default, one of the system's that is temporary).
    Where the machine's trouble keeps it from a result, the record says that and no more. Raises UsageError where the
    target cannot be loaded.
    """
    began = time.monotonic()
    try:
        with _unpacked(shard) as (target, moved), _record(shard, directory) as record:
            worker = Worker(target, shard.limits.call, replace(shard.limits, record=record))
            with _registered(worker):
                found = _carried_out(shard, worker)
    except Exception as error:
        if not is_machines(error):
            raise
        return trouble_record(shard, error)
    if moved:
        found = _renamed(found, moved)
    return {"id": shard.id, "kind": shard.kind, **found, "seconds": round(time.monotonic() - began, 3)}


def _carried_out(shard: Shard, worker: Worker) -> dict[str, Any]:
    if shard.kind == "describe":
        description = worker.describe()
        source = worker.source()
        return {
            "description": description,
            "constants": list(constants_of(source)),
            "fingerprint": fingerprint_of(source),
        }
    if fingerprint_of(worker.source()) != shard.fingerprint:
        raise UsageError(f"{shard.target.text} changed since the campaign began: put it back, or begin another one")
    if shard.kind == "infer":
        assert shard.inquiry is not None
        return {"inferred": worker.infer(shard.inquiry)}
    assert shard.task is not None
    return {"asked": shard.task.max_examples, **worker.run(shard.task, lambda examples: None).to_record()}


def fingerprint_of(source: str) -> str:
    """Return a hash that identifies a version of the layer's source."""
    return hashlib.sha256(source.encode()).hexdigest()[:16]


def lost_record(shard: Shard, reason: str) -> dict[str, Any]:
    """Return the record of a shard that came to no result, and says why; its law counts as given up."""
    found = {"id": shard.id, "kind": shard.kind, "seconds": 0.0}
    if shard.kind == "infer":
        return {**found, "inferred": {}}
    assert shard.task is not None
    nothing = LawResult(shard.law, "gave up", reason=reason)
    return {**found, "asked": shard.task.max_examples, **nothing.to_record()}


def trouble_record(shard: Shard, error: BaseException) -> dict[str, Any]:
    """Return the record of a shard that a machine's trouble kept from its result; it says nothing of the layer."""
    return {"id": shard.id, "kind": MACHINE, "reason": trouble_in_words(error), "seconds": 0.0}


def record_of(shard: Shard, future: Future[dict[str, Any]]) -> dict[str, Any]:
    """Return the record of a shard, one that says why where it failed; ExecutorLost where its target is gone."""
    try:
        return future.result()
    except ExecutorLost:
        raise
    except ContractError as error:
        # no patience mends it, and what needs no such contract goes on
        return lost_record(shard, str(error))
    except UsageError as error:
        # a file that is not there for a moment must not end laws that can still be looked at
        raise ExecutorLost(
            f"{error}. What is journaled is safe, and goes on with --resume once that is mended"
        ) from None
    except Exception as error:
        if is_machines(error):
            return trouble_record(shard, error)
        return lost_record(shard, f"the shard was lost: {type(error).__name__}: {error}")


def loaded_record(target: Target, future: Future[dict[str, Any]]) -> dict[str, Any]:
    """Return the record of the description of a target; UsageError where it could not be loaded."""
    try:
        return future.result()
    except (UsageError, ExecutorLost):
        raise
    except Exception as error:
        if is_machines(error):
            return {"id": "", "kind": MACHINE, "reason": trouble_in_words(error), "seconds": 0.0}
        raise UsageError(f"{target.text} cannot be asked: {type(error).__name__}: {error}") from None


def timely(shard: Shard, left: float | None) -> tuple[Shard, bool]:
    """Return the shard with its seconds cut to those that are ``left``, and whether nothing had to be cut."""
    if left is None or shard.task is None or shard.task.seconds is None or left >= shard.task.seconds:
        return shard, True
    return replace(shard, task=replace(shard.task, seconds=max(left, 0.1))), False


_alive: set[Worker] = set()
_alive_lock = threading.Lock()


def stop_all() -> None:
    """Stop the workers of all shards that this process is carrying out."""
    with _alive_lock:
        for worker in _alive:
            with contextlib.suppress(OSError, RuntimeError):
                worker.stop()


@contextlib.contextmanager
def _registered(worker: Worker) -> Iterator[None]:
    with _alive_lock:
        _alive.add(worker)
    try:
        with contextlib.closing(worker):
            yield
    finally:
        with _alive_lock:
            _alive.discard(worker)


@contextlib.contextmanager
def _record(shard: Shard, directory: str | None) -> Iterator[str]:
    """Yield the path of a file for the example that is running; the file is removed when the shard has ended."""
    name = shard.id.replace("/", "-").replace(":", "_") + ".example"
    if directory is not None:
        path = os.path.join(directory, name)
        try:
            yield path
        finally:
            Path(path).unlink(missing_ok=True)
        return
    with tempfile.TemporaryDirectory(prefix="lossproof-") as own:
        yield os.path.join(own, name)


@contextlib.contextmanager
def _unpacked(shard: Shard) -> Iterator[tuple[Target, Mapping[str, str]]]:
    """Yield the target as this machine can load it, and by local directory the one that the campaign knows."""
    if not shard.files:
        yield shard.target, {}
        return
    where, _, name = shard.target.text.rpartition(":")
    with tempfile.TemporaryDirectory(prefix="lossproof-") as own:
        for file, content in shard.files.items():
            Path(own, file).write_text(content, encoding="utf-8")
        here = Path(own, Path(where).name)
        yield replace(shard.target, text=f"{here}:{name}"), {own: str(Path(where).parent)}


def _renamed(plain: Any, moved: Mapping[str, str]) -> Any:
    """Return the same plain data with each local directory replaced by the one that the campaign knows."""
    if isinstance(plain, str):
        for here, there in moved.items():
            plain = plain.replace(here, there)
        return plain
    if isinstance(plain, dict):
        return {key: _renamed(value, moved) for key, value in plain.items()}
    return [_renamed(value, moved) for value in plain] if isinstance(plain, list) else plain
