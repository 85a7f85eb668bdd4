"""A layer that says what no terminal may obey: its certificate, its report and its scripts are as good as any."""

import ast

import pytest
from click.testing import CliRunner

from properties.certificates.certificate import Certificate
from properties.command.cli import main

LAYERS = r"""
import os

def missing(logits, labels):
    raise FileNotFoundError(os.fsdecode(b"/data/\xff.npy"))

def surrogate(logits, labels):
    raise ValueError("\udcff")

def recolors(logits, labels):
    raise ValueError("\x1b[31m\x1b]0;title\x07\x9b2J\u202e[red]CERTIFIED[/red]\n\rprint(1)")

def named(logits, labels):
    raise type("X\nimport os\n", (ValueError,), {})("no\nimport os")

def long(logits, labels):
    raise ValueError("x" * 5_000_000)

def silent(logits, labels):
    class Silent(Exception):
        def __str__(self):
            raise RuntimeError("\x1b[31m")
    raise Silent
"""


@pytest.mark.parametrize("name", ["missing", "surrogate", "recolors", "named", "long", "silent"])
def test_what_a_layer_raises_is_told_and_written_down(tmp_path, name):
    (tmp_path / "odd_layers.py").write_text(LAYERS)
    file, scripts = tmp_path / "certificate.json", tmp_path / "scripts"
    done = CliRunner(env={"COLUMNS": "120"}).invoke(
        main,
        [
            *("certify", f"{tmp_path}/odd_layers.py:{name}", "--contract", "cross_entropy", "--backend", "numpy"),
            *("--workers", "0", "--only", "conduct/answers", "--max-examples", "5", "-v"),
            *("--json", str(file), "--scripts", str(scripts)),
        ],
    )
    assert done.exit_code == 1, done.output
    assert all(line.isprintable() for line in done.output.split("\n"))
    assert len(done.output) < 50_000
    found = Certificate.read(file)
    assert found.verdict == "refuted"
    (script,) = scripts.iterdir()
    code = script.read_text(encoding="utf-8")
    assert len(code) < 20_000
    # what the layer said stands in comments
    imported = {
        alias.name for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Import) for alias in node.names
    }
    assert imported == {"numpy", "sys"}
