"""A journal that is open, and what somebody else does to its files meanwhile."""

import os

import pytest

from properties.campaigns.journal.journal import Journal
from tests.journals import process, values


def appended(file):
    with file.open("ab") as other:
        other.write(b"from elsewhere")


def removed(file):
    file.unlink()


def removed_with_its_directory(file):
    for one in file.parent.iterdir():
        one.unlink()
    file.parent.rmdir()


def edited(file):
    text = file.read_bytes()
    file.unlink()
    file.write_bytes(b"from elsewhere" + text[:200])


def lock_removed(file):
    (file.parent / "lock").unlink()


@pytest.mark.parametrize(
    ("deed", "told"),
    [
        (appended, ["set aside in journal.foreign: 14 bytes"]),
        (removed, ["somebody removed"]),
        (removed_with_its_directory, ["somebody removed the lock", "somebody removed"]),
        (edited, ["set aside in journal.foreign: 14 bytes", "somebody replaced"]),
        (lock_removed, ["somebody removed the lock"]),
    ],
)
def test_an_open_journal_heals(tmp_path, deed, told):
    heard = []
    directory = tmp_path / "campaign"
    with Journal.open(directory, resume=False, on_note=heard.append) as journal:
        for value in range(4):
            journal.append({"value": value})
        deed(directory / "journal.jsonl")
        journal.append({"value": 4})
        journal.append({"value": 5})
        assert journal.notes == heard
        assert [any(note.startswith(words) for note in heard) for words in told] == [True] * len(told)
        assert len(heard) == len(told)
        assert process(directory, "Journal.open(directory, resume=True)").wait() == 1
    assert values(directory) == ([0, 1, 2, 3, 4, 5], [])
    foreign = directory / "journal.foreign"
    assert foreign.exists() == (deed in (appended, edited))
    assert not foreign.exists() or foreign.read_bytes() == b"from elsewhere"


def test_an_open_journal_says_what_was_cut_off(tmp_path):
    with Journal.open(tmp_path, resume=False) as journal:
        for value in range(4):
            journal.append({"value": value})
        file = tmp_path / "journal.jsonl"
        os.truncate(file, file.stat().st_size // 2 + 5)
        journal.append({"value": 4})
        torn, cut = journal.notes
    assert "written in part" in torn
    assert cut == f"somebody cut off the end of {file}, and with it 2 records"
    assert values(tmp_path) == ([0, 1, 4], ["somebody removed 2 records from the journal"])
