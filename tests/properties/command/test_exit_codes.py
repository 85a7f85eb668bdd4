"""Exit codes: each has one meaning, and a command ends with one of them whatever becomes of its output."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from unittest import mock

import click
import pytest
from click.testing import CliRunner

from properties.certificates.certificate import Certificate
from properties.certificates.events import Ended, Started
from properties.command import cli
from properties.command.cli import main
from properties.command.commands import Commands
from properties.command.exit_codes import IN_WORDS, INCOMPLETE, INTERNAL, INTERRUPTED, MEANINGS, REFUTED, USAGE
from properties.errors import Broken
from tests.properties.certificates.failures import SEVERAL, certificate, failed, held

ROOT = Path(__file__).parents[3]
CERTIFIED = certificate(held())
REFUTING = certificate(held(), failed("shape/rank", SEVERAL, 1.0, 2.0))
COMMAND = ("certify", "paddle_impl:GHMLoss", "--contract", "ghm", "--scripts", "scripts")

# a run that ends at once, in a process whose streams are real
RUN = """
import sys
from unittest import mock
from properties.certificates.events import Ended
from properties.command import cli
from tests.properties.command.test_exit_codes import CERTIFIED, REFUTING
found = REFUTING if sys.argv.pop(1) == "refuted" else CERTIFIED
with mock.patch.object(cli, "run", lambda *_: (event for event in [Ended(found)])):
    cli.main()
"""


def lossproof(*words):
    return CliRunner(env={"COLUMNS": "120"}).invoke(main, words)


def shell(line, **more):
    """Exit code, standard output and error of a line of bash; ``$L`` is the command, ``$R`` one that ends at once."""
    env = {
        **os.environ,
        "L": f"{sys.executable} -c 'from properties.command.cli import main; main()'",
        "PYTHONPATH": str(ROOT),
        **more,
    }
    done = subprocess.run(["bash", "-c", line], cwd=ROOT, env=env, capture_output=True, timeout=120, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def ending(verdict, *words):
    return [sys.executable, "-c", RUN, verdict, *COMMAND, *words]


def runs(monkeypatch, *events):
    """Let ``certify`` have these events; an exception among them is raised."""

    def run(target, options):
        for event in events:
            if isinstance(event, BaseException):
                raise event
            yield event

    monkeypatch.setattr(cli, "run", run)


def test_the_table_is_the_same_everywhere():
    words = " ".join(lossproof("--help").output.split())
    assert IN_WORDS in words
    for page in ("README.md", "docs/fuzzing.md"):
        listed = re.findall(r"^\| (\d+) \| ", (ROOT / page).read_text(), re.MULTILINE)
        assert [int(code) for code in listed[: len(MEANINGS)]] == list(MEANINGS), page


@pytest.mark.parametrize(
    ("found", "code"),
    [(CERTIFIED, 0), (REFUTING, REFUTED), (certificate(), INCOMPLETE)],
)
def test_a_verdict_has_its_code(monkeypatch, tmp_path, found, code):
    monkeypatch.chdir(tmp_path)
    runs(monkeypatch, Ended(found))
    done = lossproof(*COMMAND)
    assert done.exit_code == code, done.output
    assert found.verdict.upper() in done.output


def test_a_failure_of_ours_is_70_and_its_traceback_is_in_a_file(monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    runs(monkeypatch, Started("x", "ghm", 1, 1), ZeroDivisionError("ours\n\x1b[31m"))
    done = lossproof(*COMMAND)
    assert done.exit_code == INTERNAL
    assert "lossproof itself failed in the command: ZeroDivisionError: ours" in done.output
    assert "Traceback" not in done.output
    (file,) = tmp_path.glob("lossproof-error-*.txt")
    assert f"its traceback is in {file}" in "".join(done.output.split("\n"))
    assert "Traceback (most recent call last)" in file.read_text()


def test_a_traceback_that_cannot_be_written_hides_nothing(monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    runs(monkeypatch, ZeroDivisionError("ours"))
    done = lossproof(*COMMAND)
    assert done.exit_code == INTERNAL
    assert "ZeroDivisionError: ours" in done.output
    assert "its traceback could not be written" in done.output


def test_what_a_command_cannot_foresee_is_70_in_each(monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for name, words in (
        ("exhibits_of", ("selftest",)),
        ("tell", ("demo",)),
    ):
        for error in (RecursionError("deep"), EOFError(), Broken("x"), KeyError("x")):
            monkeypatch.setattr(cli, name, mock.Mock(side_effect=error))
            assert lossproof(*words).exit_code == INTERNAL, (words, error)
        monkeypatch.setattr(cli, name, mock.Mock(side_effect=OSError(28, "No space left on device")))
        done = lossproof(*words)
        assert (done.exit_code, "the machine failed" in done.output) == (INCOMPLETE, True)
        monkeypatch.setattr(cli, name, mock.Mock(side_effect=KeyboardInterrupt))
        done = lossproof(*words)
        assert (done.exit_code, "interrupted" in done.output) == (INTERRUPTED, True)


def test_what_was_done_before_a_failure_is_written_down(monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("properties.engine.gates.GateSchedule.end", mock.Mock(side_effect=ZeroDivisionError("ours")))
    file = tmp_path / "certificate.json"
    asked = ("--only", "oracle/value", "--backend", "numpy", "--max-examples", "5", "--workers", "0")
    target = "tests.mutants.museum.classes:CrossEntropy"
    done = lossproof("certify", target, "--contract", "cross_entropy", *asked, "--json", str(file))
    assert done.exit_code == INTERNAL, done.output
    found = Certificate.read(file)
    assert found.verdict == "incomplete"
    assert any("ZeroDivisionError: ours" in law.reason for law in found.laws)


@pytest.mark.parametrize(("found", "code"), [(CERTIFIED, INCOMPLETE), (REFUTING, REFUTED)])
def test_a_certificate_that_cannot_be_written_never_certifies(monkeypatch, tmp_path, found, code):
    monkeypatch.chdir(tmp_path)
    runs(monkeypatch, Ended(found))
    done = lossproof(*COMMAND, "--json", "/dev/full")
    assert done.exit_code == code
    assert "Error: /dev/full cannot be written: No space left on device" in done.output
    assert found.verdict.upper() in done.output


@pytest.mark.parametrize("words", [("list", "laws"), ("--help",)], ids=" ".join)
def test_lists_end_quietly_where_nobody_reads_on(words):
    listed = " ".join(words)
    code, _, error = shell(f"eval $L {listed} | head -1; exit ${{PIPESTATUS[0]}}")
    assert (code, error) == (0, "")
    code, _, error = shell(f"eval $L {listed} > /dev/full")
    assert (code, error) == (INCOMPLETE, "Error: standard output cannot be written: No space left on device\n")
    # without any standard output nobody wants to read
    assert shell(f"eval $L {listed} >&-")[0] == 0
    assert shell(f"eval $L {listed} 2>&-")[0] == 0


@pytest.mark.parametrize(("verdict", "code"), [("certified", 0), ("refuted", REFUTED)])
def test_a_verdict_survives_its_output(tmp_path, verdict, code):
    """Neither a closed pipe nor a full device changes a verdict for the better, or into another one."""
    for end, expected in ((os.pipe(), code), (None, code or INCOMPLETE)):
        if end is None:
            out = os.open("/dev/full", os.O_WRONLY)
        else:
            os.close(end[0])
            out = end[1]
        file = tmp_path / "certificate.json"
        done = subprocess.run(
            ending(verdict, "--json", str(file)),
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=out,
            stderr=subprocess.PIPE,
            timeout=120,
            check=False,
        )
        os.close(out)
        assert done.returncode == expected, done.stderr
        assert b"Traceback" not in done.stderr
        assert json.loads(file.read_text())["verdict"] == verdict
        file.unlink()


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "gbk"])
def test_a_terminal_of_any_encoding_will_do(encoding):
    more = {"PYTHONIOENCODING": encoding, "LC_ALL": "C", "PYTHONUTF8": "0"}
    for words in ("list departures", "explain é"):
        code, _, error = shell(f"eval $L {words} | cat; exit ${{PIPESTATUS[0]}}", **more)
        assert code in (0, USAGE), error
        assert "Traceback" not in error


def interrupted(words, when):
    """Start a command, and interrupt it after it has printed something or so many seconds have passed."""
    process = subprocess.Popen(
        [sys.executable, "-c", f"import sys; from properties.command.cli import main; {when}; main()", *words],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "GLOG_minloglevel": "3"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    line = process.stdout.readline()
    time.sleep(0.5)
    began = time.monotonic()
    os.kill(process.pid, signal.SIGINT)
    code = process.wait(timeout=60)
    seconds = time.monotonic() - began
    # nothing that it started keeps its output open
    words = line + process.communicate(timeout=60)[0]
    return code, seconds, words.decode()


@pytest.mark.parametrize(
    "words",
    [
        ("certify", "paddle_impl:GHMLoss", "--contract", "ghm", "--max-examples", "2000"),
        ("certify", "paddle_impl:GHMLoss", "--contract", "ghm", "--max-examples", "2000", "--workers", "0"),
        ("selftest", "--max-examples", "500", "--workers", "2"),
        ("demo",),
        ("replay", "--trust", str(ROOT / "tests/properties/certificates/stored/certificate-0.json")),
    ],
    ids=lambda words: words[0] + words[-1][-1],
)
def test_ctrl_c_ends_a_command_soon(words):
    code, seconds, output = interrupted(words, "print('begun', flush=True)")
    assert code == INTERRUPTED, output
    assert "Traceback" not in output
    assert "interrupted" in output
    # within a second on a quiet machine; a busy one takes its time, and a command that waits for its work takes minutes
    assert seconds < 30.0


def test_ctrl_c_is_130_in_each_command(monkeypatch):
    def leaves(command):
        return (
            [c for one in command.commands.values() for c in leaves(one)]
            if isinstance(command, click.Group)
            else [command]
        )

    for command in leaves(main):
        assert isinstance(main, Commands)
        monkeypatch.setattr(command, "callback", mock.Mock(side_effect=KeyboardInterrupt))
        monkeypatch.setattr(command, "params", [])
    for words in (["certify"], ["replay"], ["selftest"], ["diff"], ["list", "laws"], ["explain"], ["demo"], ["fuzz"]):
        done = lossproof(*words)
        assert (done.exit_code, done.output.strip()) == (INTERRUPTED, "interrupted"), words
