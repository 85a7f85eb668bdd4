"""Certificates: verdicts, and the way to JSON and back."""

import json

import pytest

from properties.certificates.certificate import FORMAT, Certificate, LawReport, verdict_of


def report(outcome, level="formula", **more):
    return LawReport(f"family/{outcome}", level, "error", "A sentence.", outcome, examples=5, **more)


@pytest.mark.parametrize(
    ("outcomes", "verdict"),
    [
        (["held"], "certified"),
        (["held", "not applicable"], "certified"),
        (["held", "refuted"], "refuted"),
        (["held", "raised"], "refuted"),
        (["held", "crashed"], "refuted"),
        (["held", "timed out"], "refuted"),
        (["held", "undecided"], "incomplete"),
        (["held", "gave up"], "incomplete"),
        (["not applicable"], "incomplete"),
        (["gave up", "refuted"], "refuted"),
        ([], "incomplete"),
    ],
)
def test_the_verdict(outcomes, verdict):
    assert verdict_of([report(outcome) for outcome in outcomes]) == verdict


def test_levels_are_judged_apart():
    laws = (report("held"), report("refuted", "numerics"))
    found = Certificate("Layer", "ghm", laws, seed=0, max_examples=5)
    assert found.levels == {"formula": "certified", "numerics": "refuted"}
    assert found.verdict == "refuted"


def test_json_and_back(tmp_path):
    counterexample = {"quantity": "value", "expected": "inf", "got": ["nan", 1.0], "error": None, "problems": []}
    laws = (report("held", budget_used=1.5), report("refuted", counterexample=counterexample, condition=("a weight",)))
    found = Certificate("Layer", "ghm", laws, seed=0, max_examples=5, domain={"rank": [2]}, seconds=1.0)
    found.write(tmp_path / "file.json")
    assert Certificate.read(tmp_path / "file.json") == found
    assert json.loads((tmp_path / "file.json").read_text())["verdict"] == "refuted"


def test_another_format_is_refused():
    with pytest.raises(ValueError, match=f"a certificate has format '{FORMAT}', got 'other'"):
        Certificate.from_dict({"format": "other"})
