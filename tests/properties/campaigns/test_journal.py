"""The journal: what it keeps, whatever happens to the process, the disk and the file."""

import json
import os
import random
import subprocess
import sys

import pytest

from properties.campaigns.journal.journal import Journal, JournalError, JournalFull
from tests.journals import ALONE, journal_of, process, values


def test_what_is_appended_comes_back_in_order(tmp_path):
    awkward = {"text": 'ä\n"crc"\0\ud800', "nested": {"record": [1.5, None, True]}, "crc": "0"}
    with Journal.open(tmp_path / "new" / "directory", resume=False) as journal:
        assert list(journal.records) == []
        journal.append(awkward)
        journal.append({})
    with Journal.open(tmp_path / "new" / "directory", resume=True) as journal:
        assert list(journal.records) == list(journal.records) == [awkward, {}]
        journal.append({"third": 3})
        assert len(list(journal.records)) == 2  # those that were there at opening
        assert journal.notes == []
    with Journal.open(tmp_path / "new" / "directory", resume=True) as journal:
        assert list(journal.records) == [awkward, {}, {"third": 3}]


def test_what_json_has_no_number_for_is_refused(tmp_path):
    with Journal.open(tmp_path, resume=False) as journal, pytest.raises(ValueError, match="not JSON compliant"):
        journal.append({"value": float("nan")})
    assert (tmp_path / "journal.jsonl").read_bytes() == b""


def test_a_new_journal_needs_a_place_without_one(tmp_path):
    before = journal_of(tmp_path, 3).read_bytes()
    with pytest.raises(JournalError, match=f"{tmp_path} holds a journal already, of 3 records: go on with it by --re"):
        Journal.open(tmp_path, resume=False)
    assert (tmp_path / "journal.jsonl").read_bytes() == before


@pytest.mark.parametrize("there", ["nothing", "a directory", "an empty journal"])
def test_without_records_there_is_nothing_to_resume(tmp_path, there):
    directory = tmp_path / "campaign"
    if there != "nothing":
        directory.mkdir()
    if there == "an empty journal":
        journal_of(directory, 0)
    with pytest.raises(JournalError, match=f"journal .*in {directory}"):
        Journal.open(directory, resume=True)
    Journal.open(directory, resume=False).close()


@pytest.mark.parametrize("resume", [False, True])
def test_a_file_that_is_no_journal_stays_as_it_is(tmp_path, resume):
    (tmp_path / "journal.jsonl").write_text("my diary\n")
    with pytest.raises(JournalError, match="is no journal, and stays as it is"):
        Journal.open(tmp_path, resume=resume)
    assert (tmp_path / "journal.jsonl").read_text() == "my diary\n"


def test_a_place_that_can_hold_no_journal(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(JournalError, match=f"{tmp_path}/file/inside cannot hold a journal: Not a directory"):
        Journal.open(tmp_path / "file" / "inside", resume=False)


def test_every_beginning_of_the_last_line_is_cut_off(tmp_path):
    file = journal_of(tmp_path, 3)
    whole = file.read_bytes()
    last = whole.rindex(b"\n", 0, -1) + 1
    for end in range(last, len(whole)):
        file.write_bytes(whole[:end])
        found, notes = values(tmp_path)
        assert found == [0, 1]
        assert [f"({end - last} byte" in note for note in notes] == [True] * (end > last)
        assert file.read_bytes() == whole[:last]
        assert not (tmp_path / "journal.foreign").exists()


def test_zeros_that_a_power_loss_leaves_are_cut_off(tmp_path):
    file = journal_of(tmp_path, 2)
    whole = file.read_bytes()
    file.write_bytes(whole + whole[:20] + b"\0" * 300)
    assert values(tmp_path)[0] == [0, 1]
    assert file.read_bytes() == whole


def test_one_wrong_bit_costs_one_record(tmp_path):
    file = journal_of(tmp_path, 3)
    lines = file.read_bytes().splitlines(keepends=True)
    damaged = lines[1].replace(b'"value":1', b'"value":7')
    file.write_bytes(lines[0] + damaged + lines[2])
    found, notes = values(tmp_path)
    assert found == [0, 2]
    assert (tmp_path / "journal.foreign").read_bytes() == damaged
    assert "set aside in journal.foreign" in notes[0]
    assert notes[1] == "somebody removed 1 record from the journal"


@pytest.mark.parametrize(
    ("garbage", "place"),
    [(garbage, place) for garbage in (b"hello\n", b"no end", b"\xff\0\n\n{}\n", b"x" * 3_000_000) for place in range(3)]
    # at the end this would be a record that was written in part
    + [(b'{"crc":"', 0), (b'{"crc":"', 1)],
)
def test_foreign_bytes_between_records_are_set_aside(tmp_path, garbage, place):
    file = journal_of(tmp_path, 2)
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join([*lines[:place], garbage, *lines[place:]]))
    found, notes = values(tmp_path)
    assert found == [0, 1]
    assert file.read_bytes() == b"".join(lines)
    assert (tmp_path / "journal.foreign").read_bytes() == garbage
    size = len(garbage)
    assert notes == [f"set aside in journal.foreign: {size} bytes in {file} that the journal has not written"]


def test_records_of_another_journal_and_second_copies_are_foreign(tmp_path):
    file, other = journal_of(tmp_path / "one", 3), journal_of(tmp_path / "two", 9)
    mine, theirs = file.read_bytes(), other.read_bytes()
    file.write_bytes(mine + theirs + mine)
    assert values(tmp_path / "one")[0] == [0, 1, 2]
    assert file.read_bytes() == mine
    assert (tmp_path / "one" / "journal.foreign").read_bytes() == theirs + mine


def test_records_after_a_gap_keep_their_numbers(tmp_path):
    file = journal_of(tmp_path, 5)
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(lines[0] + lines[3] + lines[4])
    found, notes = values(tmp_path)
    assert (found, notes) == ([0, 3, 4], ["somebody removed 2 records from the journal"])
    with Journal.open(tmp_path, resume=True) as journal:
        journal.append({"value": 5})
    assert b'"n":5,' in file.read_bytes().splitlines()[-1]


def test_the_second_of_two_is_refused_until_the_first_is_killed(tmp_path):
    code = (
        'journal = Journal.open(directory, resume=False)\njournal.append({"value": 0})\nprint(1, flush=True)\ninput()'
    )
    first = process(tmp_path, code, stdin=subprocess.PIPE)
    assert first.stdout.readline() == "1\n"
    with pytest.raises(JournalError, match=rf"{tmp_path} is in use by process {first.pid} on \S+, since 2.* UTC"):
        Journal.open(tmp_path, resume=True)
    first.kill()
    first.wait()
    assert values(tmp_path) == ([0], [])


def test_a_process_cannot_open_a_journal_twice(tmp_path):
    with Journal.open(tmp_path, resume=False) as journal:
        journal.append({"value": 0})
        with pytest.raises(JournalError, match="in use by this very process"):
            Journal.open(tmp_path, resume=True)
        second = process(tmp_path, "Journal.open(directory, resume=True)")
        assert f"in use by process {os.getpid()}" in second.communicate()[0]  # the attempt did not cost the lock
    journal.close()
    with pytest.raises(JournalError, match="is closed"):
        journal.append({})
    assert values(tmp_path) == ([0], [])


def test_a_forked_child_neither_writes_nor_takes_the_lock_along(tmp_path):
    code = """
journal = Journal.open(directory, resume=False)
child = os.fork()
if child == 0:
    try:
        journal.append({"value": 1})
    except JournalError as error:
        print(error, flush=True)
    journal.close()
    os._exit(0)
os.waitpid(child, 0)
journal.append({"value": 2})
print("ready", flush=True)
input()
"""
    parent = process(tmp_path, code, stdin=subprocess.PIPE)
    assert f"is that of process {parent.pid}" in parent.stdout.readline()
    assert parent.stdout.readline() == "ready\n"
    with pytest.raises(JournalError, match=f"in use by process {parent.pid}"):
        Journal.open(tmp_path, resume=True)
    parent.communicate("\n")
    assert values(tmp_path) == ([2], [])


KILLED = """
import random, signal, threading
os.fdatasync = lambda descriptor: None  # a kill spares the cache, and not to wait has more of them come amid a write
with Journal.open(directory, resume=sys.argv[2] == "True") as journal:
    number = sum(1 for _ in journal.records)
    threading.Timer(float(sys.argv[3]), os.kill, (os.getpid(), signal.SIGKILL)).start()
    while True:
        journal.append({"value": number, "filler": "x" * random.randrange(1 << random.randrange(22))})
        os.write(1, b"%d\\n" % number)
        number += 1
"""


def test_a_kill_at_any_moment_costs_nothing_that_was_appended(tmp_path):
    chance = random.Random(0)
    acknowledged = -1
    for turn in range(6):
        arguments = [sys.executable, "-S", "-c", ALONE + KILLED, str(tmp_path), str(turn > 0)]
        done = subprocess.run([*arguments, str(chance.uniform(0.0, 0.06))], stdout=subprocess.PIPE, text=True)
        assert done.returncode == -9
        acknowledged = max([acknowledged, *map(int, done.stdout.split())])
        if acknowledged < 0:
            (tmp_path / "journal.jsonl").unlink()  # killed before the first record: it is begun anew
            continue
        found, _ = values(tmp_path)
        assert found == list(range(len(found)))
        assert len(found) - 1 in (acknowledged, acknowledged + 1)
    assert acknowledged > 10
    assert not (tmp_path / "journal.foreign").exists()


FULL = """
journal = Journal.open(directory, resume=False)
for value in range(10):
    journal.append({"value": value})
size = os.path.getsize(directory / "journal.jsonl")
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 40, resource.RLIM_INFINITY))
try:
    journal.append({"value": 10})
except JournalFull as error:
    print(error.errno, error, flush=True)
assert os.path.getsize(directory / "journal.jsonl") == size
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
journal.append({"value": 11})
"""


def test_a_full_disk_costs_the_one_record(tmp_path):
    words, _ = process(tmp_path, FULL).communicate()
    assert words == (
        f"27 {tmp_path}/journal.jsonl cannot be written: File too large. "
        "What it holds is safe: free some space, then go on with --resume\n"
    )
    assert values(tmp_path) == ([*range(10), 11], [])


def test_a_disk_that_fails_to_keep_is_no_success(tmp_path, monkeypatch):
    def fails(descriptor):
        raise OSError(5, "Input/output error")

    with Journal.open(tmp_path, resume=False) as journal:
        journal.append({"value": 0})
        with monkeypatch.context() as patched:
            patched.setattr(os, "fdatasync", fails)
            with pytest.raises(JournalFull, match=r"Input/output error. What it holds is safe: mend that, then go on"):
                journal.append({"value": 1})
        journal.append({"value": 2})
    assert values(tmp_path) == ([0, 2], [])


def test_memory_does_not_grow_with_the_journal(tmp_path):
    line = json.loads(journal_of(tmp_path, 1).read_text().replace("\n", ""))
    code = f"""
from properties.campaigns.journal.lines import line_of
with open(directory / "journal.jsonl", "wb") as file:
    for number in range(40_000):
        file.write(line_of({line["journal"]!r}, number, '{{"value":0,"filler":"%0100d"}}' % number))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with Journal.open(directory, resume=True) as journal:
    count = sum(1 for _ in journal.records)
print(count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    count, kilobytes = process(tmp_path, code).communicate()[0].split()
    assert int(count) == 40_000
    assert int(kilobytes) < 4_000  # the file has 8 MB
