"""The benchmark of the layers: every row is measured, and the file has the promised entries. Figures are not judged."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import layers

ROOT = Path(__file__).parent.parent.parent
KEYS = {"loss", "shape", "ratio", "ratio_spread", "peak_ratio"}


@pytest.mark.parametrize("name", layers.ROWS)
def test_every_row_is_measured(name):
    entry = layers.measure(name, (6, 4, 3), rounds=3, seconds=1.0)
    assert entry.keys() >= KEYS
    assert (entry["loss"], entry["shape"], entry["rounds"]) == (name, [6, 4, 3], 3)
    assert all(entry[key] > 0 for key in ("ratio", "peak_ratio", "milliseconds", "yardstick_milliseconds"))
    assert entry["ratio_spread"] >= 0


def test_quick_writes_the_two_smaller_shapes(tmp_path):
    file = tmp_path / "layers.json"
    # a process of its own, since the command switches the garbage collector off
    script = [sys.executable, "-m", "benchmarks.layers"]
    options = ["--quick", "--only", "ghm", "--rounds", "1", "--json", str(file)]
    done = subprocess.run([*script, *options], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    entries = json.loads(file.read_text())
    assert [(entry["loss"], entry["shape"]) for entry in entries] == [
        ("ghm", [10, 5, 32, 32]),
        ("ghm", [4096, 1000]),
    ]
    assert all(entry.keys() >= KEYS for entry in entries)
    assert "F.cross_entropy" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["--only", "hinge"], "invalid choice: 'hinge'"), (["--rounds", "0"], "must be a whole number >= 1, got '0'")],
)
def test_usage(arguments, words, capsys):
    with pytest.raises(SystemExit) as left:
        layers.main(arguments)
    assert left.value.code == 2
    assert words in capsys.readouterr().err
