"""What a layer does is found out, with and without an oracle, and said in words; claims hold it to another choice."""

import contextlib

import pytest

from properties import Certificate, Subject, Target, UsageError, certify
from properties.engine.gates import aside
from properties.engine.study import UNKNOWN, Inquiry
from properties.engine.task import Task
from properties.pytest_suite import Suite
from properties.report.facts import in_lines
from properties.workers.inline import Inline
from properties.workers.worker import Worker
from tests.losses.layers import SHIPPED
from tests.mutants.registry import sounds
from tests.test_laws import OURS

CHOICES = "tests.mutants.choices:"
CONSTANT = ("cross_entropy", "average_top_k", "cost_sensitive")
HARMONIZED = ("ghm", "sigmoid_ghm", "ghm_regression")


def facts(text, contract, **options):
    performer = Inline(Target(text, contract, **options))
    return performer.infer(Inquiry(0, performer.describe().dtypes))


def run(text, contract, law, examples=40, **options):
    performer = Inline(Target(text, contract, **options))
    description = performer.describe()
    infos = {info.id: info for info in description.laws}
    gates = {info.id: info.gate for info in infos.values() if info.gate}
    task = Task(law, 0, examples, description.dtypes, aside(infos[law], gates, frozenset()))
    return performer.run(task, lambda done: None)


@pytest.mark.parametrize(("text", "contract"), [*OURS, *((loss.text, loss.contract) for loss in sounds().values())])
def test_sound_losses_do_what_their_contract_says(text, contract):
    found = facts(text, contract)
    if contract not in SHIPPED:
        # which choices a new loss leaves, and which can be told, its contract says and no list of ours
        assert all(fact["agrees"] or fact["value"] == UNKNOWN for fact in found.values()), in_lines(found)
        return
    if contract == "free":
        # it says nothing that a layer could contradict
        assert all(fact["agrees"] is None for fact in found.values()), in_lines(found)
        return
    assert all(fact["agrees"] for fact in found.values()), in_lines(found)
    assert found["gradient"]["value"] == ("both" if contract in (*CONSTANT, *HARMONIZED) else "live")
    # regression has no class weights, so that the two are one
    assert found["denominator"]["value"] == ("count or weights" if contract == "ghm_regression" else "weights")
    assert ("normalize" in found) == (contract in HARMONIZED)
    if "normalize" in found:
        assert found["normalize"]["value"] == "occupied"
    assert all(fact["examples"] >= 2 for fact in found.values())


@pytest.mark.parametrize(
    ("name", "gradient"),
    [
        ("FactorHeld", "detached"),
        ("FactorFollowed", "live"),
        ("HalfHeld", "neither"),
        ("SingleOnly", "detached"),
        ("EntriesHeld", "detached"),
        ("MeanAlone", "both"),
    ],
)
def test_the_gradient_is_found_without_an_oracle(name, gradient):
    assert facts(CHOICES + name, "free")["gradient"]["value"] == gradient


@pytest.mark.parametrize(
    ("name", "outcome"),
    [("FactorHeld", "held"), ("FactorFollowed", "held"), ("EntriesHeld", "held"), ("HalfHeld", "refuted")],
)
def test_without_an_oracle_either_gradient_will_do_and_no_third(name, outcome):
    result = run(CHOICES + name, "free", "oracle/finite-difference", domain={"rank": (2, 3)})
    assert result.outcome == outcome
    if outcome == "refuted":
        assert "nor that of frozen weights" in result.finding.message


@pytest.mark.parametrize(("name", "claim"), [("FactorHeld", "live"), ("FactorFollowed", "detached")])
def test_a_claim_is_held_against_a_layer_without_an_oracle(name, claim):
    result = run(CHOICES + name, "free", "oracle/finite-difference", claims={"gradient": claim})
    assert result.outcome == "refuted"
    assert "weights" in result.finding.message


@pytest.mark.parametrize("law", ["oracle/gradient", "oracle/finite-difference", "limit/two-classes-is-sigmoid-focal"])
def test_a_detached_focal_loss_is_refuted_in_words_and_holds_where_it_is_claimed(law):
    text = "tests.mutants.twins_softmax:FactorDetached"
    refuted = run(text, "focal", law)
    assert refuted.outcome == "refuted"
    words = "The gradient is that of a loss with frozen weights; the contract differentiates through them."
    assert words in refuted.finding.message
    assert run(text, "focal", law, claims={"gradient": "detached"}).outcome == "held"
    live = run(sounds()["focal"].text, "focal", law, claims={"gradient": "detached"})
    assert live.outcome == "refuted"
    assert "differentiates through the weights; the claim holds them fixed" in live.finding.message


@pytest.mark.parametrize("law", ["oracle/gradient", "oracle/vjp", "oracle/accuracy", "oracle/finite-difference"])
def test_a_claimed_gradient_is_checked_for_entries_too(law):
    text = "tests.mutants.twins:EntryFactorDetached"
    assert run(text, "sigmoid_focal", law).outcome == "refuted"
    assert run(text, "sigmoid_focal", law, claims={"gradient": "detached"}).outcome == "held"


def test_a_histogram_that_carries_a_gradient_is_found_and_refuted():
    found = facts(CHOICES + "SoftHistogram", "ghm")["gradient"]
    assert (found["value"], found["contract"], found["agrees"]) == ("live", "detached", False)
    assert facts(CHOICES + "SoftHistogramHeld", "ghm")["gradient"]["value"] == "detached"
    assert run(CHOICES + "SoftHistogram", "ghm", "oracle/gradient").outcome == "refuted"
    result = run(CHOICES + "SoftHistogram", "ghm", "oracle/finite-difference")
    assert result.outcome == "refuted"
    assert "differentiates through the weights; the contract holds them fixed" in result.finding.message


@pytest.mark.parametrize(
    ("name", "contract", "found", "words"),
    [
        ("OverTheirNumber", "cross_entropy", "count", "the number of valid elements"),
        ("OverAll", "cross_entropy", "elements", "the number of all elements, ignored ones too"),
        ("OverTheBatch", "free", "batch", "the length of the first axis"),
        ("OverOneMore", "free", "other", "none of the usual numbers: 6 for 5 valid of 5 elements in shape [5]"),
        (
            "MeanAlone",
            "cross_entropy",
            "count or weights or elements",
            "the number of elements (valid and weighted and all cannot be told apart: the layer takes no class "
            "weights and no ignore_index)",
        ),
    ],
)
def test_the_denominator_is_found(name, contract, found, words):
    fact = facts(CHOICES + name, contract)["denominator"]
    assert (fact["value"], fact["words"]) == (found, f"the mean divides by {words}")


def test_what_cannot_be_known_is_said():
    fact = facts(CHOICES + "MeanAlone", "free")["denominator"]
    assert fact["value"] == "undecided"
    assert "no sum to compare with" in fact["words"]


def test_the_builtin_divides_by_another_number_where_the_ignore_index_is_negative():
    fact = facts(CHOICES + "Builtin", "cross_entropy")["denominator"]
    assert fact["value"] == "mixed"
    assert fact["agrees"] is False
    assert fact["words"] == (
        "the mean divides by the sum of the weights of the valid elements, but without class weights and with an "
        "ignore_index below 0 by the number of all elements, ignored ones too"
    )


def test_a_limit_names_the_denominator():
    result = run("tests.mutants.formula:MeanOverElements", "ghm", "limit/one-region-is-cross-entropy")
    assert (
        "The mean divides by the number of valid elements (1); the contract says by the sum" in result.finding.message
    )


def test_all_regions_are_found_refuted_and_hold_where_they_are_claimed():
    text = CHOICES + "AllRegions"
    fact = facts(text, "ghm")["normalize"]
    assert (fact["value"], fact["contract"], fact["agrees"]) == ("paper", "occupied", False)
    refuted = run(text, "ghm", "oracle/value")
    assert refuted.outcome == "refuted"
    assert "shared out over the number of all regions; the contract says" in refuted.finding.message
    claims = {"normalize": "paper"}
    assert run(text, "ghm", "oracle/value", claims=claims).outcome == "held"
    assert facts(text, "ghm", claims=claims)["normalize"]["agrees"] is True


def test_a_certificate_holds_the_facts_and_claims_go_with_its_target():
    target = Target(CHOICES + "OverTheirNumber", "cross_entropy", claims={"denominator": "count"})
    found = certify(target, max_examples=10, only=["shape/mean-over-denominator"], workers=1)
    assert found.verdict == "certified"
    assert found.facts["denominator"]["value"] == found.facts["denominator"]["contract"] == "count"
    plain = found.to_dict()
    assert Certificate.from_dict(plain).facts == found.facts
    assert Target.from_dict(plain["target"]) == target
    del plain["facts"]
    assert Certificate.from_dict(plain).facts == {}


def test_a_crash_ends_the_questions_alone():
    with contextlib.closing(Worker(Target(CHOICES + "AbortsOnFive", "free"), 10.0)) as worker:
        for _ in range(2):
            found = worker.infer(Inquiry(0, ("float64",)))
            assert {fact["value"] for fact in found.values()} == {"undecided"}
            assert "SIGABRT" in found["gradient"]["words"]


def test_a_suite_finds_them_too():
    suite = Suite(Target(CHOICES + "FactorHeld", "free"), max_examples=10)
    assert suite.facts["gradient"]["value"] == "detached"


@pytest.mark.parametrize(
    ("claims", "contract", "words"),
    [
        (
            {"slope": "live"},
            "ghm",
            "claim must be one of gradient, denominator, nothing, precision, normalize, got 'slope'",
        ),
        ({"gradient": "frozen"}, "ghm", "claim gradient must be one of live, detached, got 'frozen'"),
        ({"normalize": "paper"}, "focal", "claim normalize=paper: contract focal has no argument normalize"),
        ({"denominator": "all"}, "free", "claim denominator must be one of count, weights, elements, batch"),
        ({"nothing": "one"}, "free", "claim nothing must be one of zero, nan, got 'one'"),
    ],
)
def test_wrong_claims_are_refused(claims, contract, words):
    with pytest.raises(ValueError, match=words):
        Subject(contract=contract, build=lambda: None, claims=claims)
    with pytest.raises(UsageError, match=words):
        Target(CHOICES + "MeanAlone", contract, claims=claims).load()
