"""A repair, proved: replay of a certificate's counterexamples, and what changed between two certificates."""

from dataclasses import replace

import pytest
from click.testing import CliRunner

from properties import Target, UsageError, certify
from properties.certificates.causes import causes
from properties.certificates.certificate import Certificate
from properties.certificates.comparison import changes
from properties.command.cli import main
from properties.engine.result import LawResult
from properties.runs.replay import replay as replayed
from properties.workers.worker import Worker

LAWS = ("limit/one-region-is-cross-entropy", "shape/none-shape", "oracle/value")

pytestmark = pytest.mark.xdist_group("repair")
"""One worker has the certificate that they share."""


def published(name):
    text = f"examples/published_ghm.py:{name}"
    return Target(text, "ghm", {"width": "bins"}, {}, {"bins": (1.0, 0.5, 0.3)})


@pytest.fixture(scope="module")
def before(tmp_path_factory):
    certificate = certify(published("PublishedGHM"), max_examples=30, only=LAWS)
    path = tmp_path_factory.mktemp("certificates") / "before.json"
    certificate.write(path)
    return path


def lossproof(*arguments):
    return CliRunner(env={"COLUMNS": "120"}).invoke(main, list(map(str, arguments)))


def test_what_is_not_repaired_still_fails(before):
    done = lossproof("replay", before)
    assert done.exit_code == 1
    assert done.output.count("STILL FAILING") == 3


def test_a_repair_is_seen_law_by_law(before):
    half = lossproof("replay", before, "--target", "examples/published_ghm.py:HalfRepairedGHM")
    assert half.exit_code == 1
    assert "FIXED         limit/one-region-is-cross-entropy" in half.output
    assert "STILL FAILING shape/none-shape" in half.output


def test_all_fixed_is_0(before):
    certificate = Certificate.read(before)
    sound = Target("paddle_impl:GHMLoss", "ghm")
    assert [one.status for one in replayed(certificate, sound)] == ["fixed"] * 3


def test_another_failure_is_different(before):
    certificate = Certificate.read(before)
    raising = Target("tests.mutants.behaviour:WeightsRaise", "ghm")
    seen = {one.law: one for one in replayed(certificate, raising)}
    assert seen["limit/one-region-is-cross-entropy"].status == "different"
    assert "weights are not supported here" in seen["limit/one-region-is-cross-entropy"].words


def test_a_crash_does_not_end_the_replay(before):
    certificate = Certificate.read(before)
    seen = list(replayed(certificate, Target("tests.hostile.layers:Aborts", "ghm"), time_limit=5.0))
    assert {one.status for one in seen} == {"different"}
    assert len(seen) == 3


def test_another_contract_is_refused(before):
    certificate = Certificate.read(before)
    with pytest.raises(UsageError, match="certificate is of contract ghm, the layer of cross_entropy"):
        list(replayed(certificate, Target("paddle_impl:CrossEntropyLoss", "cross_entropy")))


def test_a_certificate_of_a_nameless_subject_wants_a_target(before):
    nameless = replace(Certificate.read(before), target=None)
    with pytest.raises(UsageError, match="does not say which layer"):
        list(replayed(nameless))


def test_no_certificate_is_a_usage_error(tmp_path):
    wrong = tmp_path / "wrong.json"
    wrong.write_text('{"format": "other"}')
    done = lossproof("replay", wrong)
    assert done.exit_code == 2
    assert "is no certificate: a certificate has format 'lossproof-certificate-1', got 'other'" in done.output


def test_changes_are_named(before):
    old = Certificate.read(before)
    new = certify(Target("paddle_impl:GHMLoss", "ghm", domain={"bins": (1.0, 0.5, 0.3)}), max_examples=30, only=LAWS)
    found = changes(old, new)
    assert set(found.repaired) == set(LAWS)
    assert not found.broken
    back = changes(new, old)
    assert set(back.broken) == set(LAWS)
    assert changes(old, old).still_failing == tuple(law.id for law in old.failed)
    assert not changes(old, old).coverage


def test_less_coverage_is_seen(before, tmp_path):
    old = Certificate.read(before)
    narrow = replace(old, laws=old.laws[:1], domain={**old.domain, "dtype": ["float64"]})
    found = changes(old, narrow)
    assert found.lost
    assert any("no longer run" in words for words in found.coverage)
    assert any(words.startswith("dtype float32") for words in found.coverage)
    narrow.write(tmp_path / "after.json")
    assert lossproof("diff", before, tmp_path / "after.json").exit_code == 3
    assert lossproof("diff", before, before).exit_code == 0


def test_different_contracts_are_refused(before, tmp_path):
    replace(Certificate.read(before), contract="focal").write(tmp_path / "other.json")
    done = lossproof("diff", before, tmp_path / "other.json")
    assert done.exit_code == 2
    assert "different contracts, ghm and focal" in done.output


def test_what_can_no_longer_be_asked_is_no_failure(before, monkeypatch):
    law = Certificate.read(before).failed[0]
    result = LawResult(law.id, "not applicable", reason="the layer refuses class ids")
    monkeypatch.setattr(Worker, "run", lambda self, task, tick: result)
    done = lossproof("replay", before)
    assert "NOT APPLICABLE" in done.output
    assert "the layer refuses class ids" in done.output
    assert done.exit_code == 0


def test_a_replay_goes_by_cause(before):
    certificate = Certificate.read(before)
    seen = list(replayed(certificate))
    groups = [(cause.law.id, *cause.also) for cause in causes(certificate)]
    assert [one.law for one in seen] == [law for group in groups for law in group]
    assert [one.cause for one in seen] == [group[0] for group in groups for _ in group]


def test_a_replay_forgives_what_is_a_kernels_where_asked_to(tmp_path):
    law = "numerics/linear-past-64"
    clipped = Target("tests.hostile.on_kernels:KernelLosses", "cross_entropy")
    certificate = certify(clipped, max_examples=30, only=[law], workers=0)
    assert certificate.law(law).inherited
    path = tmp_path / "clipped.json"
    certificate.write(path)
    assert lossproof("replay", path).exit_code == 1
    forgiving = lossproof("replay", path, "--forgive-inherited")
    assert (forgiving.exit_code, forgiving.output.split()[0]) == (0, "FORGIVEN")


@pytest.fixture
def departed(before, tmp_path):
    """The file of a certificate in which two departures have the counterexamples of laws of the oracle."""
    certificate = Certificate.read(before)
    shown = certificate.law("oracle/value").counterexample
    said = {"sentence": "It departs.", "parameters": {}, "inherited": "", "script": "", "needs": 3}
    nothing = {**shown, "problems": [], "example": None}
    departures = (
        {"name": "first", "counterexample": shown, **said},
        {"name": "without-a-case", "counterexample": nothing, **said},
    )
    path = tmp_path / "departed.json"
    replace(certificate, departures=departures, explained_examples=9, examples=9).write(path)
    return path


def test_a_departure_that_is_not_repaired_still_fails(departed):
    done = lossproof("replay", departed)
    assert done.exit_code == 1
    assert "STILL FAILING departure first" in done.output
    assert "DIFFERENT     departure without-a-case  the certificate holds no example of it" in done.output


def test_a_repaired_departure_is_fixed(departed):
    certificate = Certificate.read(departed)
    certificate = replace(certificate, departures=certificate.departures[:1])
    seen = list(replayed(certificate, Target("paddle_impl:GHMLoss", "ghm")))
    assert [(one.law, one.status) for one in seen if one.departure] == [("oracle/value", "fixed")]


def test_less_may_be_accepted_for_a_reason(before, tmp_path):
    narrow, certificate = tmp_path / "narrow.json", Certificate.read(before)
    replace(certificate, laws=certificate.laws[:-1]).write(narrow)
    assert lossproof("diff", before, narrow).exit_code == 3
    accepted = lossproof("diff", before, narrow, "--accept-less", "bins are gone")
    assert accepted.exit_code == 0
    assert "accepted      that less is checked: bins are gone" in accepted.output
    assert lossproof("diff", before, narrow, "--accept-less", " ").exit_code == 3
