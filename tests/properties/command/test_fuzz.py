"""The command ``lossproof fuzz`` in processes of its own: killed, interrupted, on a full disk; exit codes; usage."""

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from properties.certificates.certificate import Certificate
from properties.command.cli import main
from tests.processes import of_session

SOUND = "tests.mutants.museum.classes:CrossEntropy"
WRONG = "tests.mutants.museum.of_paddle:WeightInsideTheLog"
NUMPY = ("--contract", "cross_entropy", "--backend", "numpy")
QUICK = ("--only", "oracle/value", "--workers", "2")
LONGEST = 240


def start(*words, before=None):
    """The command, in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", "from properties.command.cli import main; main()", "fuzz", *words],
        env={**os.environ, "GLOG_minloglevel": "3"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        preexec_fn=before,
    )


def ended(process):
    """Exit code and words; nothing that it started may be left."""
    words, _ = process.communicate(timeout=LONGEST)
    assert nobody_left(process.pid), words
    return process.returncode, words


def nobody_left(session):
    """Whether every process of a session has ended, the forked ones too."""
    for _ in range(100):
        if not of_session(session):
            return True
        time.sleep(0.1)
    return False


def records(directory):
    path = directory / "journal.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def wait_for(process, directory, count):
    """Until the journal has so many records."""
    end = time.monotonic() + LONGEST
    while records(directory) < count and process.poll() is None and time.monotonic() < end:
        time.sleep(0.02)
    assert process.poll() is None, process.communicate()[0]


def outcome(directory):
    found = [Certificate.read(path).timeless().to_dict() for path in sorted(directory.glob("certificate-*.json"))]
    return found, sorted(path.name for path in (directory / "findings").iterdir())


def leftovers(directory):
    """What is there beside what belongs there."""
    belongs = {"journal.jsonl", "lock", "findings", "examples"}
    return sorted(
        p.name for p in directory.iterdir() if p.name not in belongs and not p.name.startswith("certificate-")
    )


@pytest.fixture(scope="module")
def calm(tmp_path_factory):
    directory = tmp_path_factory.mktemp("calm")
    code, words = ended(start(WRONG, *NUMPY, *QUICK, "--max-examples", "300", "--out", str(directory)))
    return directory, code, words


def test_it_ends_with_a_certificate_and_its_exit_code(calm):
    directory, code, words = calm
    assert code == 1
    assert "every law is done" in words
    assert "REFUTED" in words
    assert Certificate.read(directory / "certificate-0.json").verdict == "refuted"
    assert leftovers(directory) == []


def test_killed_it_goes_on_where_it_was(calm, tmp_path):
    options, began = ["--max-examples", "300", "--out", str(tmp_path)], 0
    for count in (3, 11, 17):
        words = ["--resume"] if began else [WRONG, *NUMPY, *QUICK]
        process = start(*words, *options)
        wait_for(process, tmp_path, count)
        process.send_signal(signal.SIGKILL)
        ended(process)
        began = records(tmp_path)
    code, words = ended(start("--resume", *options))
    assert code == 1, words
    assert outcome(tmp_path) == outcome(calm[0])
    assert leftovers(tmp_path) == []


def test_interrupted_once_it_ends_cleanly(tmp_path):
    process = start(SOUND, *NUMPY, "--only", "oracle", "--out", str(tmp_path))
    wait_for(process, tmp_path, 5)
    second = CliRunner().invoke(main, ["fuzz", SOUND, *NUMPY, "--out", str(tmp_path)])
    assert (second.exit_code, "process " in second.output) == (2, True)
    assert str(process.pid) in second.output
    process.send_signal(signal.SIGINT)
    code, words = ended(process)
    assert code == 130
    assert "interrupted" in words
    assert f"lossproof fuzz --resume --out {tmp_path}" in words
    assert leftovers(tmp_path) == []


def test_interrupted_twice_it_ends_at_once(tmp_path):
    process = start(SOUND, *NUMPY, "--only", "oracle", "--out", str(tmp_path))
    wait_for(process, tmp_path, 3)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)
    code, _ = ended(process)
    assert code == 130


def test_a_full_disk_ends_it_with_a_message(tmp_path):
    def little():
        resource.setrlimit(resource.RLIMIT_FSIZE, (6000, resource.RLIM_INFINITY))

    options = ("--max-examples", "60", "--out", str(tmp_path))
    code, words = ended(start(SOUND, *NUMPY, *QUICK, *options, before=little))
    assert code == 3, words
    assert "cannot be written" in words
    assert "--resume" in words
    assert "Traceback" not in words
    code, words = ended(start("--resume", *options))
    assert code == 0, words


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "name at least one TARGET"),
        ([SOUND, "--max-time", "soon"], "soon"),
        ([SOUND, "--workers", "some"], "expected auto or a number"),
        ([SOUND, "--max-examples", "0"], "max-examples"),
        ([SOUND, "--scheduler", "nowhere"], "--scheduler"),
        (["--resume", "--out", "there/is/none"], "no journal to resume"),
        (["no.such.module:Loss", *NUMPY], "cannot be imported"),
        ([SOUND], "--contract is required"),
    ],
)
def test_usage(words, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(Path(__file__).parents[3])
    result = CliRunner().invoke(main, ["fuzz", *words])
    assert result.exit_code == 2, result.output
    assert message in result.output


def test_a_layer_that_changes_meanwhile_ends_it(tmp_path):
    source = tmp_path / "mine.py"
    source.write_text(
        "from tests.mutants.museum.classes import CrossEntropy\n\n\nclass Mine(CrossEntropy):\n    pass\n"
    )
    out = tmp_path / "out"
    process = start(f"{source}:Mine", *NUMPY, "--only", "oracle", "--out", str(out))
    wait_for(process, out, 4)
    source.write_text(source.read_text() + "\n\nBEYOND = 64.0\n")
    code, words = ended(process)
    assert code == 3
    assert "changed since the campaign began" in words
    assert "gave up" not in (out / "journal.jsonl").read_text()
