"""Mutation: byte strings with a few changes, which themselves are given as bytes, so that a search can be repeated.

A change sets a byte, an option or a number of an element, copies a block of the string, or takes one from another
string.
"""

from __future__ import annotations

from properties.drawing.decoding import ELEMENT_BYTES, MOST_BLOCKS
from properties.drawing.encoding import ExtendedEncoding

BYTES_OF_ONE = 4
MOST_MUTATIONS = 4
MUTATION_BYTES = BYTES_OF_ONE * MOST_MUTATIONS
"""Bytes that describe up to four changes; zeros change nothing."""


def mutated(one: bytes, other: bytes, changes: bytes, encoding: ExtendedEncoding) -> bytes:
    """Return the string ``one`` with the changes that ``changes`` describe; some of them copy bytes of ``other``."""
    string = bytearray(one)
    for i in range(MOST_MUTATIONS):
        kind, where, what, more = changes[BYTES_OF_ONE * i : BYTES_OF_ONE * (i + 1)]
        if i and more % 2:
            # fewer changes more often than many
            break
        _mutate(string, other, kind, where, what, encoding)
    return bytes(string)


def _mutate(string: bytearray, other: bytes, kind: int, where: int, what: int, encoding: ExtendedEncoding) -> None:
    """Make one change of a string in place."""
    head, blocks = encoding.header_length, encoding.header_length + 1
    block = blocks + ELEMENT_BYTES * (where % MOST_BLOCKS)
    used = blocks + ELEMENT_BYTES * (where % _used_blocks(string, encoding))
    kind %= 10
    if kind == 0:
        string[where % len(string)] = (string[where % len(string)] + what) % 256
    elif kind in (1, 2, 3):
        string[where % head] = what
    elif kind == 4:
        string[where % head] = other[where % head]
    elif kind in (5, 6):
        # a number of an element that is there
        at = used + what % ELEMENT_BYTES
        string[at] = (where * 31 + what) % 256 if kind == 5 else string[at] ^ (1 << where % 8)
    elif kind == 7:
        size = min(ELEMENT_BYTES * (1 + what % 4), encoding.plain_length - block)
        string[block : block + size] = other[block : block + size]
    elif kind == 8:
        target = blocks + ELEMENT_BYTES * (what % MOST_BLOCKS)
        string[target : target + ELEMENT_BYTES] = string[used : used + ELEMENT_BYTES]
    else:
        string[encoding.plain_length + where % (len(string) - encoding.plain_length)] = what


def _used_blocks(string: bytearray, encoding: ExtendedEncoding) -> int:
    """Return how many blocks of a string its problem may use."""
    return 1 + string[encoding.header_length] % MOST_BLOCKS
