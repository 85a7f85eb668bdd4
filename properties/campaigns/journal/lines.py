"""The file of a journal: how a record is written as a line, and which bytes of a file are good lines.

One record is one line::

    {"crc":"<CRC-32 of the rest of the line>","journal":"<id>","n":<running number>,"record":{...}}

The checksum tells a torn or foreign line from a good one, the id the line of another journal, and the number a line
that is missing or out of order.
"""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

HEAD = b'{"crc":"'
_LINE = re.compile(
    rb'\{"crc":"(?P<crc>[0-9a-f]{8})",'
    rb'(?P<rest>"journal":"(?P<id>[0-9a-f]{8})","n":(?P<number>\d{1,18}),"record":(?P<record>\{.*\})\})\n',
    re.DOTALL,
)
CHUNK = 1 << 20

LONGEST = 1 << 26
"""Bytes of the longest line: 64 MiB. What is longer is no record, and is never in memory as a whole."""

MOST_HEADS = 64
"""Beginnings of a record that are tried in one line: each costs a checksum over all that follows."""

Piece = tuple[int, int]
"""Where some bytes of a file begin and end."""


@dataclass(frozen=True)
class Survey:
    """What a file holds.

    ``id`` is that of the journal, None where no record is good; ``number`` the one that its next record gets;
    ``missing`` how many before are not there. ``foreign`` are the pieces that are none of its lines; from ``torn``
    to ``end`` there is a line that was written in part.
    """

    id: str | None
    records: int
    number: int
    missing: int
    foreign: tuple[Piece, ...]
    torn: int
    end: int

    @property
    def good(self) -> tuple[Piece, ...]:
        """What is left between the pieces."""
        edges = [0, *(edge for piece in self.foreign for edge in piece), self.torn]
        pieces = zip(edges[::2], edges[1::2], strict=True)
        return tuple((start, end) for start, end in pieces if start < end)


def line_of(journal: str, number: int, record: str) -> bytes:
    """A record, given as JSON, as a line."""
    rest = f'"journal":"{journal}","n":{number},"record":{record}}}'.encode()
    return b'%b%08x",%b\n' % (HEAD, zlib.crc32(rest), rest)


def record_in(line: bytes) -> bytes:
    """The record in a good line, as JSON."""
    match = _LINE.fullmatch(line)
    assert match is not None
    return match["record"]


def survey(file: int, own: str | None = None) -> Survey:
    """Look through an open file for the records of one journal: that with the id, else that of the first record."""
    number = records = missing = end = 0
    foreign: list[Piece] = []
    last = b""
    for start, line in lines(file):
        end, last = start + len(line), line
        match = _good(line, own, number)
        _extend(foreign, start, end if match is None else start + match.start())
        if match is not None:
            own, found = match["id"].decode(), int(match["number"])
            missing, number, records = missing + found - number, found + 1, records + 1
    torn = end
    if foreign and foreign[-1][1] == end and _is_torn(last):
        torn = end - len(last)
        start, _ = foreign.pop()
        _extend(foreign, start, torn)
    return Survey(own, records, number, missing, tuple(foreign), torn, end)


def lines(file: int, most: int | None = None) -> Iterator[tuple[int, bytes]]:
    """The lines of an open file up to an offset, each with its own; memory holds one at a time.

    What is longer than the longest line comes in pieces, all but the last of which have no end of line.
    """
    offset = read = length = 0
    rest: list[bytes] = []
    while most is None or read < most:
        chunk = os.pread(file, CHUNK if most is None else min(CHUNK, most - read), read)
        if not chunk:
            break
        read += len(chunk)
        *whole, tail = chunk.split(b"\n")
        for text in whole:
            line = b"".join([*rest, text, b"\n"])
            yield offset, line
            offset, length, rest = offset + len(line), 0, []
        rest.append(tail)
        length += len(tail)
        if length > LONGEST:
            yield offset, b"".join(rest)
            offset, length, rest = offset + length, 0, []
    if length:
        yield offset, b"".join(rest)


def copy(source: int, pieces: Iterable[Piece], target: int) -> None:
    """Append pieces of one open file to another."""
    for start, end in pieces:
        while start < end:
            chunk = os.pread(source, min(CHUNK, end - start), start)
            if not chunk:
                break
            start += len(chunk)
            while chunk:
                chunk = chunk[os.write(target, chunk) :]


def _good(line: bytes, own: str | None, number: int) -> re.Match[bytes] | None:
    """The record in a line; what somebody else wrote without an end of line may stand before it."""
    start = line.find(HEAD)
    for _ in range(MOST_HEADS):
        if start < 0:
            break
        match = _LINE.fullmatch(line, start)
        if (
            match is not None
            and zlib.crc32(match["rest"]) == int(match["crc"], 16)
            and own in (None, match["id"].decode())
            and int(match["number"]) >= number
        ):
            return match
        start = line.find(HEAD, start + 1)
    return None


def _extend(pieces: list[Piece], start: int, end: int) -> None:
    """Add a piece at the end, joined to the last one where they touch."""
    if start < end:
        joined = pieces.pop()[0] if pieces and pieces[-1][1] == start else start
        pieces.append((joined, end))


def _is_torn(line: bytes) -> bool:
    """Whether the last line of a file may be the beginning of a record; a power loss may leave zeros in its place."""
    text = line.rstrip(b"\0")
    return not line.endswith(b"\n") and (text.startswith(HEAD) or HEAD.startswith(text))
