"""Channel: messages between two processes, of which a broken or unfinished one blocks nobody for good."""

from __future__ import annotations

import contextlib
import pickle
import select
import socket
import struct
import time
from collections.abc import Sequence
from typing import Any, Protocol

from properties.workers.processes import release, withhold

_HEAD = struct.Struct("!8sQ")
_SIGN = b"lossprf1"

LARGEST = 1 << 33
"""Bytes of a message beyond which it is none: somebody else wrote into the descriptor."""

_PIECE = 1 << 20


class Awaited(Protocol):
    """What can be waited for."""

    def fileno(self) -> int:
        """Return a descriptor that is readable once there is something."""
        ...


def first_ready(awaited: Sequence[Awaited], seconds: float) -> list[Awaited]:
    """Return which of these are readable, as soon as one is; none where the time is over."""
    poller = select.poll()
    by_descriptor = {each.fileno(): each for each in awaited}
    for descriptor in by_descriptor:
        poller.register(descriptor, select.POLLIN)
    return [by_descriptor[descriptor] for descriptor, _ in poller.poll(max(seconds, 0.0) * 1000)]


class Channel:
    """One end of a pair of sockets. What arrives and is no message counts as the end of the other side."""

    def __init__(self, end: socket.socket) -> None:
        self._socket = end
        withhold(end.fileno())

    @classmethod
    def pair(cls) -> tuple[Channel, Channel]:
        """Return both ends of a new channel."""
        ours, theirs = socket.socketpair()
        return cls(ours), cls(theirs)

    def fileno(self) -> int:
        """Return the descriptor, to be waited for."""
        return self._socket.fileno()

    def send(self, message: Any, seconds: float | None = None) -> None:
        """Send a message; TimeoutError where nobody takes it for so long, OSError where nobody is there."""
        content = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
        self._socket.settimeout(seconds)
        self._socket.sendall(_HEAD.pack(_SIGN, len(content)) + content)

    def receive(self, seconds: float | None = None) -> Any:
        """Return the next message; TimeoutError where it is not complete by then, EOFError where there is none."""
        end = None if seconds is None else time.monotonic() + seconds
        sign, length = _HEAD.unpack(self._exactly(_HEAD.size, end))
        if sign != _SIGN or length > LARGEST:
            raise EOFError("what arrived is no message")
        return pickle.loads(self._exactly(length, end))

    def _exactly(self, number: int, end: float | None) -> bytearray:
        content = bytearray()
        while len(content) < number:
            left = None if end is None else end - time.monotonic()
            if left is not None and left <= 0:
                raise TimeoutError("a message is not complete")
            self._socket.settimeout(left)
            piece = self._socket.recv(min(number - len(content), _PIECE))
            if not piece:
                raise EOFError("the other side has ended")
            content += piece
        return content

    def hand_over(self) -> socket.socket:
        """Return the socket itself, which is no longer this channel's."""
        release(self._socket.fileno())
        return self._socket

    def close(self) -> None:
        """Close this end; a second time it does nothing."""
        if self._socket.fileno() >= 0:
            release(self._socket.fileno())
            with contextlib.suppress(OSError):
                self._socket.close()
