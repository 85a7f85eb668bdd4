"""A failure of ours is named as ours: the law gives up, the others run, and nothing is held against the layer."""

import subprocess
import sys
from dataclasses import replace

import pytest
from click.testing import CliRunner

from properties import Subject, certify
from properties.command.cli import main
from properties.drawing.decoding import simplest_problem
from properties.errors import BROKEN, Broken
from properties.judging.finding import Finding
from properties.laws import LAWS
from properties.laws.conduct import ANSWERS
from properties.workers.forked_observer import ForkedObserver
from tests.mutants.museum.classes import CrossEntropy
from tests.properties.judging.test_authored import raises, subject


def of_ours(source, **names):
    """A function whose code is one of the checker's, as far as a traceback tells."""
    space = {"__name__": "properties.laws.somewhere", **names}
    exec(compile(source, "somewhere.py", "exec"), space)
    return space["check"]


FAILING = of_ours("def check(case, **options):\n    case.observe()\n    yield from [][1]\n")


def broken_oracle_value(monkeypatch, check=FAILING):
    """The law oracle/value with another body."""
    laws = tuple(replace(law, check=check) if law.id == "oracle/value" else law for law in LAWS)
    monkeypatch.setattr("properties.engine.description.LAWS", laws)


SOUND = Subject("cross_entropy", CrossEntropy, backend="numpy")


@pytest.mark.parametrize("workers", [0, 1])
def test_a_failure_of_ours_is_named_so_and_the_other_laws_run(monkeypatch, workers):
    broken_oracle_value(monkeypatch)
    certificate = certify(SOUND, max_examples=10, only=("oracle/value", "oracle/gradient"), workers=workers)
    found = certificate.law("oracle/value")
    assert found.outcome == "gave up"
    assert found.reason == f"{BROKEN} in law oracle/value: IndexError: list index out of range (somewhere.py:3)"
    assert found.counterexample is None
    assert certificate.law("oracle/gradient").outcome == "held"
    assert certificate.verdict == "incomplete"


def test_under_a_contract_of_ones_own_it_is_ours_all_the_same(monkeypatch):
    broken_oracle_value(monkeypatch)
    found = certify(subject(), max_examples=10, only=("oracle/value",), workers=0).law("oracle/value")
    assert (found.outcome, found.reason.startswith(BROKEN)) == ("gave up", True)


def test_an_oracle_of_ours_that_raises_is_ours(monkeypatch):
    contract = replace(SOUND.resolved, oracle=raises)
    monkeypatch.setattr("properties.subjects.subject.contract_named", lambda name: contract)
    found = certify(SOUND, max_examples=10, only=("oracle/value",), workers=0).law("oracle/value")
    assert found.outcome == "gave up"
    assert found.reason.startswith(BROKEN)
    assert "contract cross_entropy: its oracle raised ZeroDivisionError" in found.reason


def test_the_command_says_incomplete(monkeypatch):
    broken_oracle_value(monkeypatch)
    target = "tests.mutants.museum.classes:CrossEntropy"
    options = ("--contract", "cross_entropy", "--backend", "numpy", "--workers", "0", "--max-examples", "5")
    done = CliRunner(env={"COLUMNS": "160"}).invoke(main, ["certify", target, *options, "--only", "oracle"])
    assert done.exit_code == 3, done.output
    assert f"{BROKEN} in law oracle/value" in done.output
    assert "REFUTED" not in done.output


def test_the_command_fails_with_a_code_of_its_own():
    """What fails outside of every law must not look like a refutation."""
    command = "['certify', 'tests.mutants.museum.classes:CrossEntropy']"
    code = f"import properties.command.cli as c\nc.run = None\nc.main({command})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 70, done.stderr
    assert f"Error: {BROKEN} in the command: TypeError" in done.stderr


def test_where_the_first_law_fails_by_us_the_layer_is_asked_all_the_same(monkeypatch):
    laws = tuple(replace(law, check=FAILING) if law.id == ANSWERS else law for law in LAWS)
    monkeypatch.setattr("properties.engine.description.LAWS", laws)
    certificate = certify(SOUND, max_examples=5, only=(ANSWERS, "oracle/value"), workers=0)
    assert certificate.law(ANSWERS).outcome == "gave up"
    assert certificate.law("oracle/value").outcome == "held"
    assert certificate.verdict == "incomplete"


LATER = of_ours(
    """
def check(case):
    case.observe()
    if case.problem.classes == 2 and case.problem.size > 1:
        raise RuntimeError("on the way down")
    if case.problem.classes > 2:
        yield Finding("More than two classes.", (case.problem,), "value")
""",
    Finding=Finding,
)


def test_what_was_contradicted_before_we_failed_stays_so(monkeypatch):
    """Whether the failure comes first or while the contradiction is made smaller, none of it is the layer's."""
    broken_oracle_value(monkeypatch, LATER)
    # 0 meets the contradiction first, 4 the failure
    for seed in (0, 4):
        found = certify(SOUND, max_examples=10, only=("oracle/value",), workers=0, seed=seed).law("oracle/value")
        assert found.outcome in ("refuted", "gave up")
        if found.outcome == "refuted":
            assert found.message == "More than two classes."
        else:
            assert found.reason.startswith(BROKEN)


def test_a_script_that_cannot_be_written_does_not_lose_the_contradiction(monkeypatch):
    check = of_ours(
        "def check(case):\n    case.observe()\n    yield Finding('No.', (case.problem,))\n", Finding=Finding
    )
    broken_oracle_value(monkeypatch, check)
    monkeypatch.setattr("properties.subjects.numpy_backend.backend.script_of", raises)
    found = certify(SOUND, max_examples=5, only=("oracle/value",), workers=0).law("oracle/value")
    assert found.outcome == "refuted"
    assert "there is no script of it" in found.reason


class Observing:
    """Fails as an observer of ours would."""

    def __init__(self, answer):
        self.answer = answer

    def observe(self, problem, probe="plain"):
        return self.answer()


@pytest.mark.parametrize("answer", [raises, lambda: lambda: "this cannot travel"])
def test_next_door_our_failure_is_no_crash_of_the_layer(answer):
    guard = ForkedObserver(Observing(answer), 30.0)
    with pytest.raises(Broken, match=f"^{BROKEN} in the process of the layer"):
        guard.observe(simplest_problem(SOUND.full_domain))
    guard.close()
