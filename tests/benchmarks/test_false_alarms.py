"""The benchmark of false alarms: it counts, it goes on where a journal ends, and it does raise the alarm."""

import json

import pytest

from benchmarks import false_alarms
from properties import Target
from tests.losses.sound_losses import Implementation

CHOSEN = ["--only", "textbook LOGISTIC", "--examples", "2", "--workers", "0"]
HALVED = Implementation(
    "halved", "numpy", Target("tests.properties.subjects.test_numpy_backend:SUBJECT", "cross_entropy"), "cross_entropy"
)


def run(tmp_path, total):
    files = ["--journal", str(tmp_path / "journal"), "--json", str(tmp_path / "figures")]
    failed = false_alarms.main([*CHOSEN, *files, "--examples-total", str(total)])
    return failed, json.loads((tmp_path / "figures").read_text())


def test_a_run_goes_on_where_its_journal_ends(tmp_path, capsys):
    failed, first = run(tmp_path, 10)
    assert not failed
    assert (first["alarms"], first["examples"] >= 10) == ([], True)
    assert set(first["budget_by_dtype"]) == {"float64", "float32", "float16", "bfloat16"}
    with (tmp_path / "journal").open("a") as journal:
        journal.write('{"name": "cut o')
    _, second = run(tmp_path, first["examples"] + 1)
    assert "was cut off" in capsys.readouterr().out
    assert second["implementations"]["textbook LOGISTIC"]["certificates"] == 2
    lines = [json.loads(line) for line in (tmp_path / "journal").read_text().splitlines()]
    assert [line["seed"] for line in lines] == [0, 1]


def test_a_wrong_loss_raises_the_alarm(monkeypatch, capsys):
    monkeypatch.setattr(false_alarms, "implementations", lambda: (HALVED,))
    monkeypatch.setattr(Implementation, "laws", ("oracle/value", "oracle/gradient"))
    assert false_alarms.main(["--examples-total", "1", "--examples", "20", "--workers", "0"])
    assert "ALARM oracle/gradient refuted" in capsys.readouterr().out


def test_an_unknown_name_is_refused():
    with pytest.raises(SystemExit, match="no implementation is named like 'keras'"):
        false_alarms.main(["--only", "keras"])
