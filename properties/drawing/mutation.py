"""Changes of byte strings: a byte, an option, blocks of another string, a block once more; bytes say which."""

from __future__ import annotations

from typing import TYPE_CHECKING

from properties.drawing.decoding import ELEMENT_BYTES, MOST_BLOCKS

if TYPE_CHECKING:
    from properties.drawing.encoding import ExtendedEncoding

BYTES_OF_ONE = 4
MOST_MUTATIONS = 4
MUTATION_BYTES = BYTES_OF_ONE * MOST_MUTATIONS
"""Bytes that say up to four changes; zeros change nothing."""


def mutated(one: bytes, other: bytes, changes: bytes, strings: ExtendedEncoding) -> bytes:
    """A string with changes, some of them taken from another one."""
    string = bytearray(one)
    for i in range(MOST_MUTATIONS):
        kind, where, what, more = changes[BYTES_OF_ONE * i : BYTES_OF_ONE * (i + 1)]
        if i and more % 2:
            # fewer changes more often than many
            break
        _change(string, other, kind, where, what, strings)
    return bytes(string)


def _change(string: bytearray, other: bytes, kind: int, where: int, what: int, strings: ExtendedEncoding) -> None:
    head, blocks = strings.head, strings.head + 1
    block = blocks + ELEMENT_BYTES * (where % MOST_BLOCKS)
    used = blocks + ELEMENT_BYTES * (where % _used(string, strings))
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
        size = min(ELEMENT_BYTES * (1 + what % 4), strings.plain - block)
        string[block : block + size] = other[block : block + size]
    elif kind == 8:
        target = blocks + ELEMENT_BYTES * (what % MOST_BLOCKS)
        string[target : target + ELEMENT_BYTES] = string[used : used + ELEMENT_BYTES]
    else:
        string[strings.plain + where % (len(string) - strings.plain)] = what


def _used(string: bytearray, strings: ExtendedEncoding) -> int:
    return 1 + string[strings.head] % MOST_BLOCKS
