"""Keeper: a small process between one in which a layer runs and the one that asks it, which cleans up behind the layer.

The keeper is the parent of the layer's process. It tells how that ended, adopts what the layer started and put into the
background, and kills all of it at the end: when the layer's process has ended, when nobody wants it any more, or when
the process that asked for it is gone. A layer that kills or stops its parent meets the keeper, and nobody else.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable
from typing import NoReturn

from properties.errors import MachineTrouble, is_machines
from properties.workers.channel import Channel, first_ready
from properties.workers.processes import (
    LINUX,
    adopt_orphans,
    die_with_parent,
    drop_withheld,
    end_descendants,
    handle_of,
    reap,
    release,
    silence,
    withhold,
)

NUMBER = struct.Struct("!q")
"""What a keeper tells: first the layer's process, at last how that ended."""

HANDSHAKE = 20.0
"""Seconds that a fork may take."""

ENDING = 10.0
"""Seconds that a keeper may take to end everything, before it is ended itself."""

GLANCE = 1.0
"""Seconds between two looks of a keeper for orphans that have ended."""

IGNORED = (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP, signal.SIGTSTP)


class Kept:
    """A process with its keeper, seen from the process that asked for it. It is readable once the process has ended."""

    def __init__(self, control: socket.socket, keeper: int, own: bool) -> None:
        self._control, self._keeper, self._own = control, keeper, own
        self._handle = handle_of(keeper)
        self._told: int | None = None
        self.pid = 0
        for descriptor in (control.fileno(), self._handle):
            if descriptor is not None:
                withhold(descriptor)

    def fileno(self) -> int:
        """Return the descriptor that is readable when the process has ended."""
        return self._control.fileno()

    @property
    def exitcode(self) -> int | None:
        """How the process ended, negative by a signal; None while it runs."""
        return self.join(0.0)

    def is_alive(self) -> bool:
        """Return whether the process runs."""
        return self.exitcode is None

    def started(self) -> None:
        """Wait until the process is there; OSError or EOFError where it does not come."""
        self.pid = self._number(HANDSHAKE)

    def join(self, seconds: float) -> int | None:
        """Wait for the end of the process and return how it ended; None where it runs on."""
        if seconds > 0:
            self._signal(signal.SIGCONT)
        if self._told is None and self._control.fileno() >= 0 and first_ready([self._control], seconds):
            try:
                self._told = self._number(seconds)
            except TimeoutError:
                return None
            except (OSError, EOFError):
                # without its keeper the process has been killed too
                self._told = -signal.SIGKILL
        return self._told

    def close(self) -> None:
        """End the process, and everything that it started."""
        if self._control.fileno() < 0:
            return
        with contextlib.suppress(OSError):
            # not only closed: a process forked meanwhile may hold this end too
            self._control.shutdown(socket.SHUT_WR)
        # the layer may have stopped it, as its parent
        self._signal(signal.SIGCONT)
        if not self._gone(ENDING):
            # a keeper that was stopped: it is killed last, for what it keeps is found by it
            end_descendants(self._keeper)
            self._signal(signal.SIGKILL)
        if self._own:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self._keeper, 0)
        release(self._control.fileno())
        self._control.close()
        if self._handle is not None:
            release(self._handle)
            os.close(self._handle)
            self._handle = None

    def _gone(self, seconds: float) -> bool:
        """Wait until the keeper has let go of its end, which it does when nothing is left."""
        end = time.monotonic() + seconds
        with contextlib.suppress(OSError):
            while (left := end - time.monotonic()) > 0:
                self._control.settimeout(left)
                if not self._control.recv(NUMBER.size):
                    return True
            return False
        return time.monotonic() < end

    def _signal(self, number: int) -> None:
        """Send the keeper a signal, and nobody else who may have its number by now."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if self._handle is not None:
                signal.pidfd_send_signal(self._handle, number)
            elif self._own:
                os.kill(self._keeper, number)

    def _number(self, seconds: float) -> int:
        content = b""
        while len(content) < NUMBER.size:
            self._control.settimeout(max(seconds, 0.1))
            piece = self._control.recv(NUMBER.size - len(content))
            if not piece:
                raise EOFError("the keeper has ended")
            content += piece
        number: int = NUMBER.unpack(content)[0]
        return number


def fork_kept(life: Callable[[Channel], None]) -> tuple[Kept, Channel]:
    """Fork a process, with a keeper, that leads a life on the other end of a channel; returns it with this end.

    The process ends when the life does. Raises MachineTrouble where the machine has no room for it.
    """
    ends: list[socket.socket] = []
    watched = None
    try:
        watched = handle_of(os.getpid())
        control, theirs = socket.socketpair()
        ends += [control, theirs]
        ours, its = Channel.pair()
        keeper = os.fork()
    except OSError as error:
        for end in ends:
            end.close()
        if watched is not None:
            os.close(watched)
        if is_machines(error) or error.errno == errno.EAGAIN:
            raise MachineTrouble(f"no process can be started: {error}") from error
        raise
    if keeper == 0:
        become_keeper(theirs, its, watched, life)
    theirs.close()
    its.close()
    if watched is not None:
        os.close(watched)
    kept = Kept(control, keeper, own=True)
    try:
        kept.started()
    except (OSError, EOFError) as error:
        kept.close()
        ours.close()
        raise MachineTrouble(f"a process could not be started: {error}") from error
    return kept, ours


def become_keeper(
    control: socket.socket, channel: Channel, watched: int | None, life: Callable[[Channel], None]
) -> NoReturn:
    """Go on as a keeper, in a process just forked for it, until there is nothing left to keep."""
    try:
        drop_withheld({channel.fileno()})
        os.setpgid(0, 0)
        for each in IGNORED:
            signal.signal(each, signal.SIG_IGN)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        silence()
        adopt_orphans()
        home = os.getpid()
        pid = os.fork()
        if pid == 0:
            _live(home, control, channel, watched, life)
        channel.close()
        control.sendall(NUMBER.pack(pid))
        code = _until_the_end(pid, control, watched)
        if code is not None:
            with contextlib.suppress(OSError):
                control.sendall(NUMBER.pack(code))
        if LINUX:
            end_descendants(home)
        elif code is None:
            os.kill(pid, signal.SIGKILL)
    finally:
        # whatever happened, this process must never return to what it was forked from
        os._exit(0)


def _live(
    keeper: int, control: socket.socket, channel: Channel, watched: int | None, life: Callable[[Channel], None]
) -> NoReturn:
    """The life of the process that is kept."""
    code = 1
    try:
        # a session of its own: no terminal, and no signal to its group reaches anybody else
        os.setsid()
        die_with_parent(keeper)
        control.close()
        if watched is not None:
            os.close(watched)
        for each in IGNORED[1:]:
            signal.signal(each, signal.SIG_DFL)
        life(channel)
        code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
        os._exit(code)


def _until_the_end(pid: int, control: socket.socket, watched: int | None) -> int | None:
    """Wait for the end of the kept process and return its exit code; None where nobody waits for it any more."""
    poller = select.poll()
    poller.register(control, select.POLLIN)
    ending = handle_of(pid)
    for descriptor in (watched, ending):
        if descriptor is not None:
            poller.register(descriptor, select.POLLIN)
    parent = os.getppid()
    glance = GLANCE if ending is not None else 0.02
    while True:
        ready = {descriptor for descriptor, _ in poller.poll(glance * 1000)}
        ended = reap()
        if pid in ended:
            return ended[pid]
        # nothing is ever sent to a keeper: what is readable has been closed
        if control.fileno() in ready or watched in ready:
            return None
        if watched is None and os.getppid() != parent:
            return None
