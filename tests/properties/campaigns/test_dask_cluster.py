"""Campaigns on a cluster: a real scheduler and real workers, which may die, and nothing else changes."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import CancelledError, Future
from pathlib import Path

import pytest

from benchmarks.shards import Canned
from properties import Target
from properties.campaigns.campaign import campaign
from properties.campaigns.executors import ExecutorLost, RemoteExecutor, lanes_for
from properties.campaigns.options import CampaignOptions
from properties.campaigns.shard import Shard
from properties.certificates.events import CampaignEnded, Noted, ShardEnded
from properties.subjects.target import UsageError
from properties.workers.limits import Limits

pytest.importorskip("distributed", reason="Dask, of the extra `cluster`, is not installed")

from distributed import LocalCluster, get_worker
from distributed.scheduler import KilledWorker

from properties.campaigns import dask_cluster as clusters
from properties.campaigns.dask_cluster import cluster, packages

ROOT = Path(__file__).parents[3]

WRONG = """
from tests.losses.sound_numpy import Logistic, textbook


class Doubled(Logistic):
    def __call__(self, logits, labels):
        value, gradient = super().__call__(logits, labels)
        return value, lambda upstream: 2 * gradient(upstream)


SUBJECT = textbook("sigmoid_focal", Doubled, gamma=(0,), alpha=(None,))
"""


@pytest.fixture
def start(tmp_path):
    """Starts `dask` with some words in a session of its own; whatever happens, nothing of it is left over."""
    mark = f"{os.getpid()}-{time.monotonic_ns()}"
    surroundings = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "GLOG_minloglevel": "3",
        "OF_A_TEST": mark,
        "DASK_TEMPORARY_DIRECTORY": str(tmp_path),
    }
    away = tmp_path / "away"
    away.mkdir()
    started = []

    def start(*words):
        command = [sys.executable, "-m", "dask", *words, "--no-dashboard"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        started.append(subprocess.Popen(command, cwd=away, env=surroundings, start_new_session=True, **quiet))
        return started[-1]

    yield start
    for process in started:
        kill(process)
    end = time.monotonic() + 60
    while (left := marked(mark)) and time.monotonic() < end:
        time.sleep(0.1)
    for number in left:
        with contextlib.suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)
    assert not left


def kill(process):
    """SIGKILL to a process and what it started, but for what leads a group of its own."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def marked(mark):
    """The processes that have inherited an environment."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if f"OF_A_TEST={mark}".encode() in path.read_bytes().split(b"\0"):
                found.append(int(path.parent.name))
    return found


@pytest.fixture
def address(start):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    start("scheduler", "--host", "127.0.0.1", "--port", str(port))
    return f"tcp://127.0.0.1:{port}"


def connected(address):
    """A cluster, once it is up and has a worker."""
    stack = contextlib.ExitStack()
    end = time.monotonic() + 60
    while True:
        try:
            return stack, stack.enter_context(cluster(address))
        except UsageError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)


def outcome(events):
    """What a campaign leaves behind, without times."""
    ended = next(event for event in events if isinstance(event, CampaignEnded))
    files = {path.name: path.read_text() for path in Path(ended.directory, "findings").glob("*")}
    return ended.why, [certificate.timeless() for certificate in ended.certificates], files


def test_a_worker_that_dies_changes_nothing(start, address, tmp_path, monkeypatch):
    workers = [start("worker", address, "--nthreads", "1", "--host", "127.0.0.1", "--no-nanny") for _ in range(2)]
    # the workers run in another directory: the file must travel
    monkeypatch.chdir(tmp_path)
    Path("wrong.py").write_text(WRONG)
    targets = [Target("wrong.py:SUBJECT")]
    options = CampaignOptions("", max_examples=12, only=("oracle/value", "oracle/gradient"), workers=2)

    there = []
    stack, executor = connected(address)
    with stack, contextlib.closing(campaign(targets, clustered(options, "there"), executor)) as events:
        for event in events:
            there.append(event)
            if sum(isinstance(each, ShardEnded) for each in there) == 4:
                kill(workers[0])
    here = list(campaign(targets, clustered(options, "here")))

    assert workers[0].poll() == -signal.SIGKILL
    why, certificates, findings = outcome(there)
    assert (why, certificates) == outcome(here)[:2]
    assert {law.id: law.outcome for law in certificates[0].laws} == {
        "oracle/value": "held",
        "oracle/gradient": "refuted",
    }
    assert findings == outcome(here)[2] != {}


def clustered(options, directory):
    return CampaignOptions(**{**vars(options), "directory": directory})


def test_without_a_worker_no_campaign_begins(start, address):
    end = time.monotonic() + 60
    words = "nobody answers"
    while "nobody answers" in words and time.monotonic() < end:
        with pytest.raises(UsageError) as refused, cluster(address):
            pass
        words = str(refused.value)
    assert f"{address} has no worker; start one by `dask worker {address}" in words


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nowhere", "gopher://here:80"])
def test_an_address_at_which_nobody_answers(address, monkeypatch):
    monkeypatch.setattr(clusters, "CONNECTING", 0.5)
    with pytest.raises(UsageError, match="nobody answers at"), cluster(address):
        pass


@pytest.fixture
def near():
    """A cluster in the process of the test."""
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=False, dashboard_address=":0", protocol="tcp"
        ) as local,
        cluster(local.scheduler_address) as executor,
    ):
        yield local, executor


def test_slots_follow_the_workers(near):
    local, executor = near
    assert executor.slots == 4
    local.scale(1)
    end = time.monotonic() + 20
    while executor.slots != 2 and time.monotonic() < end:
        time.sleep(0.05)
    assert executor.slots == 2


def test_what_waits_is_taken_back(near):
    _, executor = near
    tasks = [executor.submit(time.sleep, 0.5) for _ in range(8)]
    executor.shutdown(wait=False)
    with pytest.raises(CancelledError):
        tasks[-1].result(timeout=5)
    assert executor._client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.tasks)) <= 2


def test_who_has_other_packages_gets_no_shards(near, monkeypatch):
    local, executor = near
    bad = local.workers[0].address
    monkeypatch.setattr(clusters, "_difference", lambda found, wanted: "has numpy 1, the campaign 2" * (at() == bad))
    tasks = [executor.submit(at) for _ in range(8)]
    assert {task.result(timeout=20) for task in tasks} == {local.workers[1].address}
    assert executor.notes == [f"no shard is put to the worker {bad}: it has numpy 1, the campaign 2"]
    assert executor.slots == 2


def at():
    return get_worker().address


def test_where_nobody_is_fit_no_campaign_begins(near, monkeypatch):
    local, _ = near
    monkeypatch.setattr(clusters, "_difference", lambda found, wanted: "has numpy 1, the campaign 2")
    words = r"no worker of .* can carry out this campaign: tcp:.* has numpy 1, the campaign 2"
    with pytest.raises(UsageError, match=words), cluster(local.scheduler_address):
        pass


def test_versions_are_told_apart():
    here = packages()
    assert clusters._difference(dict(here), here) == ""
    assert clusters._difference({**here, "numpy": "1.0"}, here) == f"has numpy 1.0, the campaign {here['numpy']}"
    assert clusters._difference(ModuleNotFoundError("No module named 'properties'"), here).startswith("cannot import")


def test_a_target_that_a_worker_lacks_is_said_with_a_hint(near):
    _, executor = near
    with pytest.raises(UsageError, match=r"there is no file .*must be importable on every worker"):
        executor.submit(lacking, "describe").result(timeout=20)


def lacking(kind):
    raise UsageError("there is no file x.py")


def test_workers_that_stay_away_end_a_campaign(near, monkeypatch):
    monkeypatch.setattr(clusters, "PATIENCE", 0.1)
    local, executor = near
    task = executor.submit(time.sleep, 1.5)
    local.scale(0)
    with pytest.raises(ExecutorLost, match=r"has had no fit worker for 0.1 s. What is in the journal is safe"):
        task.result(timeout=20)
    assert "has no fit worker at the moment" in executor.notes[0]


def test_a_shard_that_its_workers_die_of_is_lost(near, monkeypatch):
    _, executor = near
    worker = executor._client.run_on_scheduler(
        lambda dask_scheduler: next(iter(dask_scheduler.workers.values())).clean()
    )
    with pytest.raises(
        RuntimeError, match=f"4 workers of the cluster died while it ran, the last one {worker.address}"
    ):
        executor.submit(killed, worker).result(timeout=20)


def killed(worker):
    raise KilledWorker("a shard", worker, 3)


class Leaving(Canned, RemoteExecutor):
    """An executor on other machines that is lost after so many shards."""

    slots = 600

    def __init__(self, target, shards):
        super().__init__(target)
        self.notes, self._left = ["somebody left"], shards

    def submit(self, fn, shard, directory=None):
        self._left -= 1
        future = super().submit(fn, shard, directory)
        if self._left < 0:
            future = Future()
            future.set_exception(ExecutorLost("the scheduler is gone"))
        return future


def test_what_a_lost_cluster_did_is_kept_and_gone_on_with(tmp_path):
    target = Target("tests.losses.sound_numpy:LOGISTIC")
    options = CampaignOptions(str(tmp_path), max_examples=3000, only=("oracle",))
    *events, ended = campaign([target], options, Leaving(target, 30))
    assert (ended.failed, ended.why) == (True, "the scheduler is gone")
    assert any(isinstance(event, Noted) and event.words == "somebody left" for event in events)
    done = sum(isinstance(event, ShardEnded) for event in events)
    assert 0 < done < 30
    assert Path(tmp_path, "certificate-0.json").is_file()

    # whoever goes on with it cuts the work into the same pieces
    again = list(campaign([target], CampaignOptions(str(tmp_path), max_examples=3000, resume=True), Canned(target), 2))
    assert again[0].resumed >= done
    assert again[-1].why == "every law is done"
    header = json.loads(Path(tmp_path, "journal.jsonl").read_text().splitlines()[0])["record"]
    assert header["lanes"] == 2 * 600 // 5
    # with one lane after the other, four blocks of a law would have done
    assert again[-1].certificates[0].campaign["shards"] > 5 * 10


def test_lanes_are_enough_for_all_slots():
    away = Leaving(Target("tests.losses.sound_numpy:LOGISTIC"), 0)
    found = []
    for away.slots in (2, 60, 2000):
        found.append(lanes_for(away, 60))
    assert found == [1, 2, 67]
    # here the number of workers must not decide what is drawn
    assert lanes_for(Canned(Target("tests.losses.sound_numpy:LOGISTIC")), 1) == 1


def test_a_file_travels_only_to_a_cluster(near, tmp_path):
    path = tmp_path / "wrong.py"
    path.write_text(WRONG)
    _, executor = near
    shard = Shard(0, Target(f"{path}:SUBJECT"), Limits(), "describe")
    assert executor.submit(files_of, shard).result(timeout=20) == {"wrong.py": WRONG}
    assert not shard.files


def files_of(shard):
    return dict(shard.files)
