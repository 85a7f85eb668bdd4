"""Layers that attack what runs them: each ends by itself, is told truthfully, and leaves no process and no file."""

import contextlib
import os
import time

import pytest

from properties import Target, UsageError
from properties.engine.task import Task
from properties.errors import Broken, MachineTrouble
from properties.judging.observation import LONGEST_KEPT
from properties.workers.fork_server import SERVER
from properties.workers.worker import Worker
from tests.hostile.attackers import OUTCOMES, Attacker, Raises
from tests.processes import descendants

LIMIT = 2.0
LONGEST = 60.0
"""Seconds in which each must end, on a machine that does other things too."""


def left_behind():
    """Processes of this one but the fork server, once those that are about to end have done so."""
    end = time.monotonic() + 5.0
    while left := descendants() - {SERVER.pid}:
        if time.monotonic() > end:
            return left
        time.sleep(0.01)
    return set()


def put(target, law="conduct/takes-weights", contract="cross_entropy", **how):
    """What a law says of a target in a worker of its own, and the words of it."""
    with contextlib.closing(Worker(Target(target, contract), LIMIT)) as worker:
        try:
            worker.describe()
            found = worker.run(Task(law, 0, 5, ("float64",), **how), lambda examples: None)
        except MachineTrouble as trouble:
            return "machine", str(trouble)
        except Broken as failure:
            return "broken", str(failure)
    words = found.reason if found.finding is None else f"{found.finding.message} {found.finding.failure.words}"
    return found.outcome, words


def test_every_attacker_has_an_outcome():
    def kinds(kind):
        return {each for sub in kind.__subclasses__() for each in (sub.__name__, *kinds(sub))}

    assert set(OUTCOMES) == kinds(Attacker) - {Raises.__name__}


@pytest.mark.parametrize("name", OUTCOMES)
def test_it_ends_and_leaves_nothing(name, tmp_path, monkeypatch):
    began = time.monotonic()
    folder, temporary = tmp_path / "folder", tmp_path / "temporary"
    folder.mkdir()
    temporary.mkdir()
    monkeypatch.chdir(folder)
    outcome, words = put(f"tests.hostile.attackers:{name}")
    assert outcome in OUTCOMES[name], words
    assert OUTCOMES[name][outcome] in words
    assert len(words) < 3 * LONGEST_KEPT
    words.encode()
    assert left_behind() == set()
    assert list(folder.iterdir()) == []
    assert time.monotonic() - began < LONGEST


SOUND = "from tests.hostile.layers import Honest\n"

MODULES = {
    "starts.py": "import subprocess\nsubprocess.Popen(['sleep', '3600'], start_new_session=True)\n" + SOUND,
    "forks.py": "import os\nos.fork()\n" + SOUND,
    "wrong syntax.py": "class Honest(:\n",
    "relative.py": "from . import other\n",
    "circle.py": "from around import other\n",
    "around.py": "from circle import Honest\n",
    "损失 层.py": SOUND,
    "exits.py": "raise SystemExit(0)\n",
    "long.py": "raise RuntimeError('word\\n' * 10_000_000)\n",
}


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("starts.py", ""),
        ("forks.py", ""),
        ("wrong syntax.py", "SyntaxError"),
        ("relative.py", "ImportError"),
        ("circle.py", "ImportError"),
        ("损失 层.py", ""),
        ("exits.py", "SystemExit"),
        ("long.py", "RuntimeError: word word"),
    ],
)
def test_a_module_is_loaded_or_told_of(file, words, tmp_path):
    folder = tmp_path / "a folder 目录"
    folder.mkdir()
    for name, text in MODULES.items():
        (folder / name).write_text(text, encoding="utf-8")
    told = ""
    try:
        with contextlib.closing(Worker(Target(f"{folder / file}:Honest", "cross_entropy"), LIMIT)) as worker:
            worker.describe()
    except UsageError as error:
        told = str(error)
    assert (words in told) if words else told == ""
    assert len(told) < 2 * LONGEST_KEPT
    assert left_behind() == set()
    assert {path.name for path in folder.iterdir()} - {"__pycache__"} == set(MODULES)
    assert os.getcwd()
