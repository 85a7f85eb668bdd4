"""A process that a user or the machine kills or stops is nobody's fault: the law runs again, and says the truth."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from properties import Subject, Target, certify
from properties.engine.task import Task
from properties.errors import MachineTrouble
from properties.judging.observation import Failure
from properties.subjects import captured_output
from properties.workers import fork_server, heartbeat, keeper
from properties.workers.fork_server import SERVER
from properties.workers.forked_observer import ForkedObserver
from properties.workers.limits import Limits
from properties.workers.pool import performed
from properties.workers.processes import descendants as below
from properties.workers.worker import Worker
from tests.mutants.museum.classes import CrossEntropy
from tests.processes import living

SLOW = Target("tests.properties.workers.test_lost_processes:Slow", "cross_entropy", backend="numpy")
REPOSITORY = Path(__file__).parents[3]


class Slow(CrossEntropy):
    """Takes a twentieth of a second for every call."""

    def loss(self, *given):
        time.sleep(0.05)
        return super().loss(*given)


class Hangs(CrossEntropy):
    """Never answers where there are three elements or more."""

    def loss(self, logits, labels, normalizer):
        while labels.size >= 3:
            time.sleep(3600)
        return super().loss(logits, labels, normalizer)


def task(law="oracle/value", examples=40, **how):
    return Task(law, 0, examples, ("float64",), **how)


def when(worker, harm, after=0.6):
    """Do harm to a worker while it runs a law; returns the thread that does."""

    def do():
        while worker._process is None:
            time.sleep(0.01)
        time.sleep(after)
        harm(worker._process)

    thread = threading.Thread(target=do)
    thread.start()
    return thread


def stopped(process):
    os.kill(process.pid, signal.SIGSTOP)


def stopped_for_a_while(process):
    os.kill(process.pid, signal.SIGSTOP)
    time.sleep(3.0)
    with contextlib.suppress(ProcessLookupError):
        os.kill(process.pid, signal.SIGCONT)


@pytest.mark.parametrize(
    "harm",
    [
        lambda process: os.kill(SERVER.pid, signal.SIGKILL),
        lambda process: os.kill(process.pid, signal.SIGKILL),
        lambda process: os.kill(process._keeper, signal.SIGKILL),
        stopped,
        stopped_for_a_while,
    ],
    ids=["server killed", "worker killed", "keeper killed", "worker stopped", "worker stopped for a while"],
)
def test_a_law_that_holds_is_held_whatever_becomes_of_its_processes(harm):
    with contextlib.closing(Worker(SLOW, 1.5)) as worker:
        worker.describe()
        thread = when(worker, harm)
        assert worker.run(task(), lambda examples: None).outcome == "held"
        thread.join()
        assert worker.run(task(examples=2), lambda examples: None).outcome == "held"


def test_a_hang_is_still_found_shrunk_and_told():
    target = Target("tests.properties.workers.test_lost_processes:Hangs", "cross_entropy", backend="numpy")
    with contextlib.closing(Worker(target, 1.0)) as worker:
        worker.describe()
        found = worker.run(task(), lambda examples: None)
    assert found.outcome == "timed out"
    assert found.repeatable
    assert found.problem.labels.size <= 4


def test_a_server_that_is_stopped_is_replaced_in_bounded_time(monkeypatch):
    monkeypatch.setattr(fork_server, "HANDSHAKE", 1.0)
    with contextlib.closing(Worker(SLOW, 5.0)) as worker:
        worker.describe()
        old = SERVER.pid
        os.kill(old, signal.SIGSTOP)
        worker.close()
        began = time.monotonic()
        worker.describe()
        assert SERVER.pid != old
        assert old not in living()
        assert time.monotonic() - began < 60


class Stopped:
    """Stops its own process for good the first ``times`` that it is asked, in whatever process."""

    def __init__(self, folder, times):
        self.folder, self.times = folder, times

    def observe(self, problem, probe="plain"):
        before = len(list(self.folder.iterdir()))
        if before < self.times:
            (self.folder / str(before)).touch()
            os.kill(os.getpid(), signal.SIGSTOP)
        return Failure("raised", "Answer", "")


def test_a_call_that_did_not_end_is_asked_once_more(tmp_path):
    with contextlib.closing(ForkedObserver(Stopped(tmp_path, 1), 0.5)) as guard:
        assert guard.observe(None).error == "Answer"
    with contextlib.closing(ForkedObserver(Stopped(tmp_path, 3), 0.5)) as guard:
        assert guard.observe(None).kind == "timed out"
        # it is known by now to hang
        assert guard.observe(None).error == "Answer"


@pytest.fixture
def no_room(monkeypatch):
    """The machine has no room for the record of the running example."""

    def refuse(*ignored):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(heartbeat, "write_running", refuse)
    return refuse


SUBJECT = Subject("cross_entropy", lambda *, weight, reduction: CrossEntropy(weight, -100, reduction), backend="numpy")


def test_a_full_disk_is_no_result(no_room, tmp_path):
    limits = Limits(5.0, record=str(tmp_path / "running.example"))
    with contextlib.closing(Worker(SUBJECT, 5.0, limits)) as worker:
        worker.describe()
        with pytest.raises(MachineTrouble, match="No space left"):
            worker.run(task(), lambda examples: None)


def test_what_the_machine_has_no_room_for_is_tried_again_and_then_given_up(no_room, tmp_path, monkeypatch):
    monkeypatch.setattr("properties.workers.pool.PAUSES", (0.0, 0.0))
    limits = Limits(5.0, record=str(tmp_path / "running.example"))
    with contextlib.closing(Worker(SUBJECT, 5.0, limits)) as worker:
        found = performed(worker, task(), lambda examples: None)
        assert (found.outcome, "No space left" in found.reason) == ("gave up", True)
        assert "machine failed 3 times" in found.reason
        heartbeat.write_running = lambda *ignored: None
        assert performed(worker, task(), lambda examples: None).outcome == "held"


def test_files_that_we_do_not_get_are_not_the_layers_fault(monkeypatch):
    def refuse():
        raise OSError(24, "Too many open files")

    monkeypatch.setattr("properties.workers.pool.PAUSES", (0.0,))
    monkeypatch.setattr(captured_output, "_nameless_file", refuse)
    found = certify(SUBJECT, only=["conduct/prints-nothing"], max_examples=3, workers=1)
    law = found.law("conduct/prints-nothing")
    assert (law.outcome, found.verdict) == ("gave up", "incomplete")
    assert "Too many open files" in law.reason


COMMAND = (
    "from properties.workers.worker import Worker; from properties.workers.limits import Limits;"
    "from tests.properties.workers.test_lost_processes import SLOW, task;"
    "worker = Worker(SLOW, 10.0); worker.describe(); print('ready', flush=True);"
    "worker.run(task(examples=2000), lambda examples: None)"
)


def test_a_supervisor_that_is_killed_leaves_no_process_and_no_file(tmp_path):
    around = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": str(REPOSITORY)}
    supervisor = subprocess.Popen([sys.executable, "-c", COMMAND], env=around, stdout=subprocess.PIPE, text=True)
    assert supervisor.stdout.readline() == "ready\n"
    time.sleep(0.3)
    started = below(supervisor.pid)
    assert len(started) >= 3
    supervisor.kill()
    supervisor.communicate()
    end = time.monotonic() + 20
    while started & living().keys() and time.monotonic() < end:
        time.sleep(0.05)
    assert not started & living().keys()
    assert list(tmp_path.iterdir()) == []


def test_a_keeper_outlives_nobody():
    process, channel = keeper.fork_kept(lambda channel: channel.receive())
    assert process.is_alive()
    channel.close()
    assert process.join(5.0) == 0 or process.join(5.0) == 1
    process.close()
    assert process.pid not in living()


def tells_of_itself(channel):
    """The life of a process that says what it has of others."""
    open_files = []
    for number in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            open_files.append(os.readlink(f"/proc/self/fd/{number}").partition(":")[0])
    channel.send((sorted(open_files), os.getsid(0) == os.getpid(), os.getppid()))


def test_a_process_of_a_layer_has_nothing_of_others_but_its_channel():
    with contextlib.closing(Worker(SLOW, 5.0)) as beside:
        beside.describe()
        process, channel = SERVER.start(tells_of_itself)
        files, leads, parent = channel.receive(60.0)
        assert [name for name in files if name != "/dev/null" and not name.startswith("/proc/")] == ["socket"]
        assert leads
        assert parent == process._keeper
        channel.close()
        process.close()


def test_what_a_forked_process_says_is_no_answer_to_the_next_question():
    class Forks:
        def observe(self, problem, probe="plain"):
            os.fork()
            return Failure("raised", str(problem), "")

    with contextlib.closing(ForkedObserver(Forks(), 5.0)) as guard:
        assert [guard.observe(number).error for number in range(20)] == [str(number) for number in range(20)]
