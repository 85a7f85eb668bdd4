"""What `lossproof explain` shows: words from the laws themselves, and recorded cases that still refute."""

import json
from dataclasses import replace
from functools import lru_cache

import pytest
from click.testing import CliRunner

from properties import Target
from properties.command.cli import main
from properties.contracts import contracts
from properties.engine.description import domain_of, laws_of
from properties.engine.examination import outcome_of
from properties.engine.trial import Trial
from properties.problems.serialization import problem_from_dict
from properties.report.explain import known_laws, law_records, recorded_examples
from properties.subjects.paddle_backend.observer import PaddleObserver
from tests.losses.layers import shipped_contracts
from tests.mutants.registry import mutants


def lossproof(*arguments):
    return CliRunner(env={"COLUMNS": "120"}).invoke(main, arguments)


@pytest.mark.parametrize("contract", contracts().values(), ids=contracts())
def test_every_law_says_what_it_rests_on_in_one_line(contract):
    for law in laws_of(contract):
        assert law.rests_on, law.id
        assert "\n" not in law.rests_on


def test_every_law_has_an_example():
    shipped = {law.id for contract in shipped_contracts().values() for law in laws_of(contract)}
    assert shipped <= set(recorded_examples()) <= set(known_laws())


@lru_cache
def loaded(contract, mutant):
    subject = Target(mutant, contract).load()
    return subject, PaddleObserver(subject)


@pytest.mark.parametrize("law_id", recorded_examples())
def test_a_recorded_example_still_refutes(law_id):
    example = recorded_examples()[law_id]
    mutant = mutants()[law_id]
    assert (example["contract"], example["mutant"]) == (mutant.contract, mutant.name)
    subject, observer = loaded(mutant.contract, mutant.text)
    law = next(law for law in laws_of(subject.resolved) if law.id == law_id)
    problem = problem_from_dict(example["example"])
    domain = domain_of(subject, (problem.dtype,))
    trial = Trial(law, subject.resolved, observer, subject.takes, domain)
    finding = replace(trial, effective=frozenset(example.get("effective", ()))).finding(problem)
    assert finding is not None
    assert outcome_of(finding) == example["outcome"]
    assert finding.message == example["message"]


@pytest.mark.parametrize(
    "law",
    [
        "shape/duplication",
        "ignore/deleting-is-masking",
        "shape/rank",
        "refusals/bad-weight",
        "conduct/takes-weights",
        "arguments/has-effect",
        "sigmoid/symmetry",
        "ignore",
    ],
)
@pytest.mark.usefixtures("shipped_alone")
def test_a_law_explained(law, snapshot):
    done = lossproof("explain", law)
    assert done.exit_code == 0, done.output
    assert done.output == snapshot


@pytest.mark.parametrize("law_id", known_laws())
def test_every_law_can_be_explained(law_id):
    law, having = known_laws()[law_id]
    done = lossproof("explain", law_id)
    assert done.exit_code == 0, done.output
    words = " ".join(done.output.split())
    assert law.sentence in words
    assert having[0].name in words
    # that each law of a shipped contract has an example is another test
    example = recorded_examples().get(law_id)
    if example is not None and contracts()[example["contract"]].oracle is not None:
        assert "a sound loss has" in words or "a sound loss refuses it" in words


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ignore/deleting", "no law, family or departure 'ignore/deleting'; did you mean 'ignore/deleting-is-masking'"),
        ("shap", "no law, family or departure 'shap'; did you mean 'shape'"),
        ("duplicaton", "did you mean 'shape/duplication'"),
        (
            "xyzzy",
            "no law, family or departure 'xyzzy'; `lossproof list laws` and `lossproof list departures` show them",
        ),
    ],
)
def test_an_unknown_law_is_a_usage_error_that_names_close_ones(name, words):
    done = lossproof("explain", name)
    assert done.exit_code == 2
    assert words in " ".join(done.output.split())


def test_laws_as_json():
    listed = json.loads(lossproof("list", "laws", "--json").output)
    assert listed == json.loads(json.dumps(law_records()))
    assert {one["id"] for one in listed} == set(known_laws())
    of_ghm = json.loads(lossproof("list", "laws", "--json", "--contract", "ghm").output)
    assert {one["id"] for one in of_ghm} == {law.id for law in laws_of(contracts()["ghm"])}
    printing = next(one for one in listed if one["id"] == "conduct/prints-nothing")
    assert printing["grade"] == "error"
    assert printing["remark"].startswith("printing, which changes no number")
