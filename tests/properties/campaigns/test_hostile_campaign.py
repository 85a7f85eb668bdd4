"""A campaign over layers that harm their checker: each gets its outcome, and nothing is left over."""

import pytest

from benchmarks import hostile

NAMES = ("Exits0", "LoopsInC", "WritesIntoJournal")
# hangs are waited for, on a busy machine too
pytestmark = [pytest.mark.timeout(600), pytest.mark.xdist_group("hostile campaign")]


@pytest.fixture(scope="module")
def campaign(tmp_path_factory):
    directory = tmp_path_factory.mktemp("hostile")
    ended, notes = hostile.put(NAMES, directory, only=("oracle/value",), max_examples=60, workers=2, time_limit=2.0)
    return directory, ended, notes


def test_each_has_its_outcome(campaign):
    _, ended, _ = campaign
    assert ended.why == "every law is done"
    assert {n: hostile.wrong(n, c) for n, c in zip(NAMES, ended.certificates, strict=True)} == dict.fromkeys(NAMES, "")


def test_what_ended_a_process_is_small_and_happens_again(campaign):
    _, ended, _ = campaign
    law = ended.certificates[0].law("oracle/value")
    assert (law.outcome, law.repeatable) == ("crashed", True)
    assert law.repetitions == ("crashed (exit code 0)",) * 3
    assert len(law.counterexample["problems"][0]["labels"]) == 5


def test_the_journal_bears_what_others_write_into_it(campaign):
    directory, ended, notes = campaign
    assert any("set aside in journal.foreign" in words for words in notes)
    assert (directory / "journal.foreign").stat().st_size > 0
    assert ended.certificates[2].verdict == "certified"


def test_nothing_is_left(campaign):
    directory, _, _ = campaign
    assert hostile.left() == set()
    assert hostile.leftovers(directory) == []
