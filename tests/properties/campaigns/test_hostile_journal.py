"""Journals that somebody made to be read for ever, or into all memory: they are read in bounded time and memory."""

import json
import time

from properties.campaigns.journal.lines import HEAD, LONGEST, line_of
from tests.journals import journal_of, process, values

MEASURED = """
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with Journal.open(directory, resume=True) as journal:
    count = sum(1 for _ in journal.numbered)
print(count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_a_line_without_end_is_set_aside_in_bounded_memory(tmp_path):
    file = journal_of(tmp_path, 2)
    lines = file.read_bytes().splitlines(keepends=True)
    length = 4 * LONGEST
    with file.open("wb") as out:
        out.write(lines[0])
        for _ in range(length >> 20):
            out.write(b"x" * (1 << 20))
        out.write(b"\n" + lines[1])
    words = process(tmp_path, MEASURED).communicate()[0].split()
    assert words[0] == "2", words
    # lines are held a few times over, never the whole
    assert int(words[1]) < 3 * LONGEST // 1024
    assert (tmp_path / "journal.foreign").stat().st_size == length + 1
    assert file.read_bytes() == b"".join(lines)


def test_a_line_of_many_beginnings_is_read_soon(tmp_path):
    file = journal_of(tmp_path, 1)
    known = json.loads(file.read_bytes())
    beginning = HEAD + b'00000000","journal":"%b","n":1,"record":{' % known["journal"].encode()
    count = (LONGEST // 4) // len(beginning)
    with file.open("ab") as out:
        out.write(beginning * count + b"}}\n")
        out.write(HEAD * count + b"\n")
    began = time.process_time()
    found, notes = values(tmp_path)
    assert found == [0]
    assert "set aside" in notes[0]
    assert time.process_time() - began < 10.0


def test_a_record_after_foreign_bytes_without_end_of_line_is_found(tmp_path):
    file = journal_of(tmp_path, 1)
    known = json.loads(file.read_bytes())
    with file.open("ab") as out:
        out.write(b"from elsewhere " + HEAD + b" and " + HEAD + line_of(known["journal"], 1, '{"value":1}'))
    assert values(tmp_path)[0] == [0, 1]
