"""Journals and certificates that were written once are read as they are, and say the same when written again."""

import json
import shutil
from pathlib import Path

import pytest

from properties.campaigns.header import CampaignHeader
from properties.campaigns.journal.journal import Journal
from properties.certificates.causes import causes
from properties.certificates.certificate import Certificate, LawReport
from properties.certificates.required import DEFAULT
from properties.engine.description import LawInfo
from properties.engine.result import FAILED, LawResult

STORED = Path(__file__).parent / "stored"
"""A campaign of two layers, one of them wrong: its journal, and the certificate of the wrong one."""


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    """The records of the stored journal, the header first."""
    directory = tmp_path_factory.mktemp("stored")
    shutil.copy(STORED / "journal.jsonl", directory)
    with Journal.open(directory, resume=True) as journal:
        found = list(journal.records)
        assert journal.notes == []
    return found


@pytest.fixture(scope="module")
def certificate():
    return Certificate.read(STORED / "certificate-0.json")


def blocks(records):
    """The records of blocks of laws."""
    found = [record for record in records if record["kind"] == "law"]
    assert len(found) > 40
    return found


def test_the_header_is_written_again_as_it_was(records):
    header = CampaignHeader.from_dict(records[0])
    assert [target.text.rpartition(":")[2] for target in header.targets] == ["WeightInsideTheLog", "CrossEntropy"]
    written = header.to_dict()
    # which was not there yet
    assert written.pop("require") == ()
    assert json.dumps(written) == json.dumps(records[0])


def test_results_are_written_again_as_they_were(records):
    for record in blocks(records):
        again = json.loads(json.dumps(LawResult.from_record(record).to_record()))
        assert again == {name: record[name] for name in again}


def test_a_finding_has_its_problems_and_numbers_back(records):
    failed = [LawResult.from_record(record) for record in blocks(records)]
    failed = [result for result in failed if result.outcome in FAILED]
    assert {result.law for result in failed} >= {"oracle/value", "weights/scaling"}
    for result in failed:
        assert result.problem is not None
        assert result.finding.calls[0].classes >= 1
        assert result.finding.expected.shape == result.finding.got.shape


def test_the_certificate_says_of_each_law_what_its_first_finding_does(records, certificate):
    for law in certificate.failed:
        first = next(r for r in blocks(records) if r["id"] == f"0:{law.id}:0:0")
        info = LawInfo(law.id, law.sentence, law.level, law.grade, 0, {})
        line = LawReport.of(info, LawResult.from_record(first))
        assert (line.message, line.counterexample, line.script) == (law.message, law.counterexample, law.script)


def test_a_certificate_is_written_again_as_it_was(certificate, tmp_path):
    """What was not there yet has its default: then every finding was an error, and refusals were conduct."""
    certificate.write(tmp_path / "again.json")
    again, stored = (json.loads(path.read_text()) for path in (tmp_path / "again.json", STORED / "certificate-0.json"))
    # it was written when facts had another name, and nothing was adopted yet
    facts, inferred = again.pop("facts"), stored.pop("inferred")
    said = {name: again.pop(name) for name in ("required", "remarks", "call", "adopted", "claimable")}
    assert said == {"required": list(DEFAULT), "remarks": [], "call": {}, "adopted": {}, "claimable": {}}
    diagnosis = {name: again.pop(name) for name in ("departures", "unexplained", "explained_examples", "examples")}
    assert diagnosis == {"departures": [], "unexplained": [], "explained_examples": 0, "examples": 0}
    assert again.pop("source_hash") == ""
    # whoever writes it again does not sign what is not theirs
    assert (len(again.pop("digest")), again.pop("signature")) == (64, "")
    for law in again["laws"]:
        assert law.pop("explained") == []
        law["severity"] = law.pop("grade")
    assert again == stored
    assert facts.keys() == inferred.keys()
    for name, fact in inferred.items():
        assert facts[name] == {"value": fact.pop("found"), **fact}
    assert Certificate.read(tmp_path / "again.json").to_dict() == certificate.to_dict()
    assert (certificate.verdict, len(causes(certificate))) == ("refuted", 2)
