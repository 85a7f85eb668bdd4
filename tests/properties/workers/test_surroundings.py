"""The folder that lossproof is started in, and the temporary one: neither is run, needed or written to."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]

LAYER = """
import queue
import helper
from tests.mutants.museum.classes import CrossEntropy


class Mine(CrossEntropy):
    assert helper.HERE and queue.Queue
"""

NAMES = ("numpy", "json", "queue", "paddle", "hypothesis", "secrets", "socket", "scipy", "properties", "random")

ASKED = ("--contract", "cross_entropy", "--backend", "numpy", "--only", "oracle/value", "--max-examples", "3")


def lossproof(*words, cwd, before=None, **around):
    """The command, started as its script is: the current folder is none of those that it imports from."""
    code = "from properties.command.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-P", "-W", "ignore", "-c", code, *words],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "PYTHONDONTWRITEBYTECODE": "1", **around},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
        preexec_fn=before,
    )


def target(folder):
    """A layer that imports a module beside it."""
    folder.mkdir(exist_ok=True)
    (folder / "mine.py").write_text(LAYER)
    (folder / "helper.py").write_text("HERE = True\n")
    return f"{folder / 'mine.py'}:Mine"


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_no_file_of_the_current_folder_is_run_in_place_of_a_module(tmp_path):
    text = target(tmp_path)
    for name in NAMES:
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'run')!r}, 'a').write('{name} ')\n")
    before = names(tmp_path)
    done = lossproof("certify", text, *ASKED, cwd=tmp_path)
    assert names(tmp_path) == before, (tmp_path / "run").read_text()
    assert "1 held" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize("temporary", ["t" * 120, "missing/folder"])
def test_no_temporary_folder_is_needed(temporary, tmp_path):
    (tmp_path / ("t" * 120)).mkdir()
    folder = tmp_path / "folder"
    text = target(folder)
    done = lossproof(
        "certify", text, *ASKED, "--only", "conduct/prints-nothing", cwd=folder, TMPDIR=str(tmp_path / temporary)
    )
    assert "2 held" in done.stdout or done.stdout.count("1 held") == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    # nor is anything left in the folder that it was started in
    assert names(folder) == ["helper.py", "mine.py"]


def test_a_current_folder_that_was_deleted_is_no_traceback(tmp_path):
    text = target(tmp_path / "kept")
    gone = tmp_path / "gone"
    gone.mkdir()
    done = lossproof("certify", text, *ASKED, cwd=gone, before=gone.rmdir)
    assert "1 held" in done.stdout, done.stdout + done.stderr
    gone.mkdir()
    done = lossproof("certify", "mine.py:Mine", *ASKED, cwd=gone, before=gone.rmdir)
    assert done.returncode == 2
    assert "there is no file mine.py" in done.stderr
    assert "Traceback" not in done.stderr
