"""The machine's trouble is no result: it is not journaled, runs again, and ends a campaign that it lasts in."""

import errno
import json
import os
import resource
import subprocess
import tempfile
from concurrent.futures import Future
from pathlib import Path

import pytest

from properties.campaigns import shard as shards
from properties.campaigns.campaign import campaign
from properties.campaigns.options import CampaignOptions
from properties.campaigns.shard import Shard, run_shard
from properties.errors import MachineTrouble
from properties.workers.limits import Limits
from tests.campaigns import LAWS, SOUND, Canned, run
from tests.properties.command.test_fuzz import NUMPY, QUICK, ended, outcome, start
from tests.properties.command.test_fuzz import SOUND as TEXT

FULL = OSError(errno.ENOSPC, "No space left on device")


pytestmark = pytest.mark.usefixtures("small_blocks")
"""Several generations of few examples."""


class Troubled(Canned):
    """On whose machine shards of a law, or a kind, fail so many times."""

    def __init__(self, error, law="oracle/value", times=10**9, until=None):
        super().__init__(until)
        self._error, self._law, self._times = error, law, times

    def submit(self, function, shard, *rest):
        if self._law not in (shard.law, shard.kind) or self._times == 0:
            return super().submit(function, shard, *rest)
        self._times -= 1
        future = Future()
        future.set_exception(self._error)
        return future


@pytest.fixture(scope="module")
def calm(tmp_path_factory):
    return timeless(run(tmp_path_factory.mktemp("calm"), Canned(), (SOUND,)))


def timeless(events):
    return [certificate.timeless().to_dict() for certificate in events[-1].certificates]


@pytest.mark.parametrize(
    "error", [FULL, MemoryError("2 GiB"), OSError(errno.EMFILE, "Too many open files"), MachineTrouble("it was killed")]
)
@pytest.mark.parametrize("law", ["oracle/value", "infer", "conduct/answers"])
def test_what_lasts_ends_it_and_is_no_result(error, law, calm, tmp_path):
    events = run(tmp_path, Troubled(error, law), (SOUND,))
    assert events[-1].failed
    assert str(error.args[-1]) in events[-1].why
    assert "What is journaled is safe" in events[-1].why
    records = [json.loads(line)["record"] for line in (tmp_path / "journal.jsonl").read_text().splitlines()]
    assert all(record["kind"] in ("campaign", "law", "infer") for record in records)
    assert "gave up" not in (tmp_path / "journal.jsonl").read_text()
    assert timeless(run(tmp_path, Canned(), (), resume=True)) == calm


def test_what_passes_changes_nothing(calm, tmp_path):
    events = run(tmp_path, Troubled(FULL, times=2), (SOUND,))
    assert events[-1].why == "every law is done"
    assert timeless(events) == calm


def test_while_a_layer_is_loaded_it_ends_with_a_sentence(calm, tmp_path):
    events = run(tmp_path, Troubled(FULL, "describe"), (SOUND,))
    assert (events[-1].failed, events[-1].certificates) == (True, ())
    assert "cannot be run on this machine" in events[-1].why
    assert "No space left on device" in events[-1].why
    assert timeless(run(tmp_path, Canned(), (), resume=True, max_examples=None, only=())) == calm
    assert run(tmp_path / "again", Troubled(FULL, "describe", times=2), (SOUND,))[-1].why == "every law is done"


@pytest.mark.parametrize("error", [FULL, MachineTrouble("No space left on device")])
def test_a_shard_says_what_kept_it(error, monkeypatch, tmp_path):
    def fails(self):
        raise error

    monkeypatch.setattr(shards.Worker, "describe", fails)
    record = run_shard(Shard(0, SOUND, Limits(), "describe"), str(tmp_path))
    assert (record["kind"], record["id"]) == ("machine", "0:describe:0:0")
    assert "No space left on device" in record["reason"]


def test_a_record_that_no_journal_takes_is_said(monkeypatch, tmp_path):
    class Verbose(Canned):
        def submit(self, function, shard, *rest):
            future = super().submit(function, shard, *rest)
            if shard.law != "oracle/value":
                return future
            other, record = Future(), future.result()
            other.set_result({**record, "report": {**record["report"], "script": "x" * (1 << 26)}})
            return other

    events = run(tmp_path, Verbose(), (SOUND,))
    law = events[-1].certificates[0].law("oracle/value")
    assert law.outcome == "gave up"
    assert "more than a line of" in law.reason
    assert (tmp_path / "journal.jsonl").stat().st_size < 10**6


def test_a_disk_that_is_full_from_the_outset(tmp_path, monkeypatch):
    def fails(descriptor):
        raise FULL

    monkeypatch.setattr(os, "fsync", fails)
    options = CampaignOptions(str(tmp_path / "out"), max_examples=40, only=LAWS)
    *_, last = campaign((SOUND,), options, Canned(), slots=2)
    assert last.failed
    assert "No space left on device" in last.why


@pytest.fixture
def small_disk():
    """A file system of 20 MB; None where this user may not mount one."""
    with tempfile.TemporaryDirectory() as directory:
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", directory], stderr=subprocess.DEVNULL
        )
        yield None if mounted.returncode else directory
        if not mounted.returncode:
            subprocess.run(["umount", "-l", directory], check=True)


def test_a_disk_that_fills_up_costs_nothing(small_disk, tmp_path_factory):
    options = (*NUMPY, *QUICK, "--max-examples", "60")
    calm = tmp_path_factory.mktemp("undisturbed")
    code, words = ended(start(TEXT, *options, "--out", str(calm)))
    assert code == 0, words
    if small_disk is None:
        # what a process may write into one file is bounded in its place
        out, before = tmp_path_factory.mktemp("small"), lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (5000, -1))
    else:
        out, before = Path(small_disk, "out"), None
    for room in (0, 2):
        if small_disk is not None:
            filled(Path(small_disk, "filler"), 4096 * room)
        code, words = ended(start(TEXT, *options, "--out", str(out), *resumed(out), before=before))
        assert code == 3, words
        assert "No space left on device" in words or "File too large" in words
        assert "Traceback" not in words
    if small_disk is not None:
        Path(small_disk, "filler").unlink()
    code, words = ended(start(TEXT, *options, "--out", str(out), *resumed(out)))
    assert code == 0, words
    assert outcome_of(out) == outcome_of(calm)


def resumed(directory):
    """How a campaign goes on, where it has begun."""
    path = directory / "journal.jsonl"
    return ("--resume",) if path.exists() and path.stat().st_size else ()


def outcome_of(directory):
    (directory / "findings").mkdir(exist_ok=True)
    return outcome(directory)


def filled(path, room):
    """Fill a disk but for so many bytes."""
    path.unlink(missing_ok=True)
    free = os.statvfs(path.parent)
    with path.open("wb") as file:
        file.write(b"\0" * max(free.f_bavail * free.f_bsize - room, 0))
