"""The museum of wrong losses: each falls by the law on record, and the command says what came of it."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from properties import Target, certify
from properties.certificates.certificate import Certificate
from properties.certificates.museum_score import record, score_of
from properties.command.cli import main
from properties.contracts import contracts
from properties.engine.description import laws_of
from properties.engine.result import FAILED
from properties.engine.task import Task
from properties.runs import selftest as tested
from properties.runs.selftest import Row, Score, exhibits_of, museum
from properties.subjects.target import UsageError
from properties.workers.inline import Inline
from tests.mutants.registry import sounds

MUSEUM = museum()
EXAMPLES = 60


def put(exhibit, law):
    target = Target(exhibit.text, exhibit.contract if exhibit.backend else None, backend=exhibit.backend)
    performer = Inline(target)
    return performer.run(Task(law, 0, EXAMPLES, performer.describe().dtypes, shrink=False), lambda examples: None)


@pytest.mark.parametrize("name", MUSEUM)
def test_each_wrong_loss_falls_by_the_law_on_record(name):
    entry = record()[name]
    if MUSEUM[name].unseen:
        assert not entry.killers
    else:
        assert put(MUSEUM[name], entry.killers[0]).outcome in FAILED


def test_the_record_is_of_this_museum():
    assert set(record()) == set(MUSEUM)
    for name, entry in record().items():
        assert entry.contract == MUSEUM[name].contract


def test_exhibits_say_what_they_are():
    assert len(MUSEUM) >= 150
    for name, exhibit in MUSEUM.items():
        assert exhibit.id == name
        assert exhibit.reference
        assert exhibit.what.endswith(".")
    assert sum(bool(exhibit.unseen) for exhibit in MUSEUM.values()) <= 3


@pytest.mark.parametrize("loss", sounds("numpy").values(), ids=lambda loss: loss.text)
def test_sound_losses_hold_where_no_oracle_is_known(loss):
    performer = Inline(Target(loss.text, loss.contract, backend="numpy"))
    description = performer.describe()
    assert description.oracle_free
    for law in description.oracle_free:
        task = Task(law, 0, 25, description.dtypes, oracle=False)
        result = performer.run(task, lambda examples: None)
        assert result.outcome in ("held", "not applicable", "undecided", "gave up"), (law, result.finding)


def test_without_an_oracle_no_law_asks_for_one():
    for contract in contracts().values():
        left = laws_of(contract.without_oracle())
        assert left
        assert not any({"oracle", "reference"} & set(law.needs) for law in left)


def test_a_certificate_quotes_what_its_laws_are_worth():
    text = "tests.mutants.museum.classes:CrossEntropy"
    found = certify(Target(text, "cross_entropy", backend="numpy"), max_examples=2, workers=0, only=["softmax"])
    few = score_of("cross_entropy", [law.id for law in found.laws])
    everything = score_of("cross_entropy", [law.id for law in laws_of(contracts()["cross_entropy"])])
    assert found.score == few
    assert 0 < few["killed"] < everything["killed"] <= everything["mutants"]
    assert Certificate.from_dict(found.to_dict()).score == few


def test_free_is_worth_what_laws_without_an_oracle_refute():
    worth = score_of("free", [law.id for law in laws_of(contracts()["free"])])
    assert worth["mutants"] == len(MUSEUM)
    assert 0 < worth["killed"] < len(MUSEUM)


def run(*arguments):
    return CliRunner().invoke(main, ["selftest", *arguments])


def test_the_command_prints_and_writes_the_matrix(tmp_path):
    path = tmp_path / "matrix.json"
    result = run("--only", "B001", "--only", "B077", "--max-examples", "10", "--json", str(path))
    assert result.exit_code == 0
    assert "1 of 2 wrong losses are refuted; surviving: B077" in result.output
    plain = json.loads(path.read_text())
    assert (plain["mutants"], plain["killed"], plain["survivors"]) == (2, 1, ["B077"])
    assert plain["oracle_free_killed"] >= 1
    assert plain["median_examples"] > 0
    assert plain["median_seconds"] > 0
    row = plain["rows"][0]
    assert row["id"] == "B001"
    assert row["killers"][0] == row["law"]
    assert len(row["killers"]) > 1
    assert row["report"]["counterexample"]["problems"]


def test_quick_ends_with_the_first_law():
    (row,) = tested.selftest(exhibits_of(["B001"]), quick=True, workers=1)
    assert len(row.killers) == 1


def test_a_survivor_that_a_law_should_see_fails_the_command(monkeypatch):
    sound = replace(sounds("numpy")["cross_entropy"], id="X1", what="Nothing is wrong.")
    monkeypatch.setattr("properties.command.cli.exhibits_of", lambda names: [sound])
    result = run("--max-examples", "1")
    assert result.exit_code == 1
    assert "X1 SURVIVES  Nothing is wrong." in result.output


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--only", "B999"], "the museum has no exhibit 'B999'"),
        (["--json", "nowhere/matrix.json"], "there is no directory nowhere"),
        (["--quick", "--record", "record.json"], "leave out --only and --quick"),
        (["--max-examples", "0"], "0 is not in the range"),
    ],
)
def test_usage_errors(arguments, says):
    result = run(*arguments)
    assert result.exit_code == 2
    assert says in " ".join(result.output.split())


def test_an_installation_without_the_museum_says_so(monkeypatch):
    monkeypatch.setattr(tested, "REGISTRIES", ("there_is.no_such_package",))
    with pytest.raises(UsageError, match="not installed"):
        museum()


def test_the_score_counts():
    rows = (
        Row(
            "A", "", "", "", "ghm", False, ("oracle/value", "ignore/poison"), ("ignore/poison",), "oracle/value", 4, 2.0
        ),
        Row("B", "", "", "", "ghm", False, (), ()),
        Row("C", "", "", "", "ghm", False, (), (), unseen="it is too small"),
    )
    score = Score(rows)
    assert score.survivors == ("B", "C")
    assert score.missed == ("B",)
    assert score.laws == {"oracle/value": ["A"], "ignore/poison": ["A"]}
    assert score.to_dict()["median_seconds"] == 2.0


def test_a_wheel_can_carry_the_museum_under_another_name():
    """Its modules import each other by relative names alone."""
    folder = Path(__file__).parents[2] / "mutants"
    absolute = [
        path.name for path in folder.rglob("*.py") if re.search(r"^(from|import) tests\b", path.read_text(), re.M)
    ]
    assert not absolute
