"""Changes of byte strings: a byte, an option, blocks of another string, a block once more; bytes say which."""

from __future__ import annotations

from typing import TYPE_CHECKING

from properties.strategies import MOST_BLOCKS, ROW

if TYPE_CHECKING:
    from properties.strings import Strings

CHANGE = 4
MOST = 4
CHANGES = CHANGE * MOST
"""Bytes that say up to four changes; zeros change nothing."""


def changed(one: bytes, other: bytes, changes: bytes, strings: Strings) -> bytes:
    """A string with changes, some of them taken from another one."""
    string = bytearray(one)
    for i in range(MOST):
        kind, where, what, more = changes[CHANGE * i : CHANGE * (i + 1)]
        if i and more % 2:
            # fewer changes more often than many
            break
        _change(string, other, kind, where, what, strings)
    return bytes(string)


def _change(string: bytearray, other: bytes, kind: int, where: int, what: int, strings: Strings) -> None:
    head, blocks = strings.head, strings.head + 1
    block = blocks + ROW * (where % MOST_BLOCKS)
    used = blocks + ROW * (where % _used(string, strings))
    kind %= 8
    if kind == 0:
        string[where % len(string)] = (string[where % len(string)] + what) % 256
    elif kind == 1:
        string[where % head] = what
    elif kind in (2, 3):
        # a number of an element that is there
        string[used + what % ROW] = (
            (where * 31 + what) % 256 if kind == 2 else string[used + what % ROW] ^ (1 << where % 8)
        )
    elif kind == 4:
        length = ROW * (1 + what % 4)
        string[block : block + length] = other[block : block + length]
        del string[len(other) :]
    elif kind == 5:
        target = blocks + ROW * (what % MOST_BLOCKS)
        string[target : target + ROW] = string[used : used + ROW]
    elif kind == 6:
        string[where % head] = other[where % head]
    else:
        string[strings.plain + where % (len(string) - strings.plain)] = what


def _used(string: bytearray, strings: Strings) -> int:
    return 1 + string[strings.head] % MOST_BLOCKS
