"""Fork server: a process with Paddle preloaded, from which workers are forked; started again where it is lost.

It is asked over a pair of sockets, so that there is no address and no file. What it forks are keepers (see ``keeper``),
which live on without it: a lost server costs the next worker the time of a start, and nobody else anything.
"""

from __future__ import annotations

import contextlib
import errno
import os
import pickle
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from properties.errors import MachineTrouble, is_machines
from properties.workers.channel import Channel
from properties.workers.keeper import HANDSHAKE, Kept, become_keeper
from properties.workers.processes import (
    LINUX,
    adopt_orphans,
    children,
    end_descendants,
    handle_of,
    reap,
    release,
    withhold,
)

STARTING = 120.0
"""Seconds that importing Paddle and the layer's module may take."""

MOST_STARTS = 3
"""Times that a server is started for one worker."""

PRELOADED = "properties.workers.preload"

GLANCE = 1.0
"""Seconds between two looks of the server for its supervisor, and for what was left behind."""

Life = Callable[..., None]


class ForkServer:
    """The supervisor's end: starts the server when the first worker is asked for, and again where it is lost."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None

    @property
    def pid(self) -> int | None:
        """The process, for those who look at it from outside; None while there is none."""
        return None if self._process is None else self._process.pid

    def start(self, life: Life, *arguments: Any) -> tuple[Kept, Channel]:
        """Start a kept process in which ``life(channel, *arguments)`` runs; MachineTrouble where none can be started.

        The life is a function of a module, and the arguments can be pickled.
        """
        words = ""
        for _ in range(MOST_STARTS):
            with self._lock:
                try:
                    kept, ours = self._forked()
                except (TimeoutError, EOFError, ConnectionError) as error:
                    # a server that was killed, or stopped: another one is started in its place
                    words = str(error) or type(error).__name__
                    self._end()
                    continue
                except OSError as error:
                    if is_machines(error) or error.errno == errno.EAGAIN:
                        raise MachineTrouble(f"no worker can be started: {error}") from error
                    raise
            try:
                ours.send((_surroundings(), pickle.dumps((life, arguments))), STARTING)
            except OSError as error:
                words = str(error)
                kept.close()
                ours.close()
                continue
            return kept, ours
        raise MachineTrouble(f"the process that starts workers failed {MOST_STARTS} times: {words}")

    def close(self) -> None:
        """End the server; workers go on."""
        with self._lock:
            self._end()

    def forget(self) -> None:
        """In a process just forked: leave the server to the parent."""
        if self._socket is not None:
            release(self._socket.fileno())
            self._socket.close()
        if self._process is not None:
            # it is no child of this process, which must not wait for it
            self._process.returncode = 0
        self.__init__()  # type: ignore[misc]

    def _forked(self) -> tuple[Kept, Channel]:
        """Let the server fork a keeper with its process, and return them."""
        server = self._ready()
        control, theirs = socket.socketpair()
        ours, its = Channel.pair()
        watched = handle_of(os.getpid())
        handed = [theirs.fileno(), its.fileno(), *([] if watched is None else [watched])]
        try:
            server.settimeout(HANDSHAKE)
            socket.send_fds(server, [b"fork"], handed)
            answer = server.recv(8)
            if not answer:
                raise EOFError("the process that starts workers was lost")
            keeper = int.from_bytes(answer, "big", signed=True)
            if keeper < 0:
                raise OSError(-keeper, os.strerror(-keeper))
            kept = Kept(control, keeper, own=False)
            try:
                kept.started()
            except (OSError, EOFError):
                kept.close()
                raise
        except BaseException:
            control.close()
            ours.close()
            raise
        finally:
            theirs.close()
            its.close()
            if watched is not None:
                os.close(watched)
        return kept, ours

    def _ready(self) -> socket.socket:
        """Return the socket of a server that runs, started if need be."""
        if self._process is not None and self._process.poll() is not None:
            self._end()
        if self._socket is not None:
            return self._socket
        ours, theirs = socket.socketpair()
        try:
            # -P: the current folder may hold a file of the name of any module; it is no place to import from
            code = f"import sys; sys.path[:] = {_path()!r}; from {__name__} import main; main({theirs.fileno()})"
            flags = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
            self._process = subprocess.Popen(
                [sys.executable, *flags, "-P", "-c", f"{code}  # forkserver"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
            self._socket = ours
            withhold(ours.fileno())
            ours.settimeout(STARTING)
            if ours.recv(1) != b"r":
                raise EOFError("the process that starts workers ended while it was started")
        except BaseException:
            if self._socket is None:
                ours.close()
            raise
        finally:
            theirs.close()
        return ours

    def _end(self) -> None:
        if self._socket is not None:
            release(self._socket.fileno())
            self._socket.close()
        if self._process is not None:
            self._process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(5.0)
        self._process = self._socket = None


def _path() -> list[str]:
    """Where this process imports from, without the current folder, and with that of this package at the end."""
    own = str(Path(__file__).resolve().parents[2])
    return list(dict.fromkeys([*(each for each in sys.path if each not in ("", ".")), own]))


def _surroundings() -> dict[str, Any]:
    try:
        folder = os.getcwd()
    except OSError:
        folder = None
    return {"path": _path(), "folder": folder, "arguments": sys.argv}


def main(number: int) -> None:
    """The life of the server: fork a keeper for each request, until the supervisor is gone."""
    parent = os.getppid()
    for each in (signal.SIGINT, signal.SIGQUIT):
        signal.signal(each, signal.SIG_IGN)
    end = socket.socket(fileno=number)
    os.set_inheritable(number, False)
    withhold(number)
    adopt_orphans()
    with contextlib.suppress(OSError):
        # wherever the command was started, that folder may vanish
        os.chdir("/")
    _preload()
    awake, wake = os.pipe()
    for descriptor in (awake, wake):
        os.set_blocking(descriptor, False)
        withhold(descriptor)
    signal.signal(signal.SIGCHLD, lambda *ignored: None)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    keepers: set[int] = set()
    try:
        end.sendall(b"r")
        while os.getppid() == parent:
            select.select([end.fileno(), awake], [], [], GLANCE)
            if _woken(awake):
                keepers -= reap().keys()
                _sweep(keepers)
            if select.select([end], [], [], 0)[0] and not _forks(end, keepers):
                break
    except OSError:
        # the supervisor is gone
        pass
    if LINUX:
        # keepers see by themselves that the supervisor is gone, and end what they keep
        keepers -= reap().keys()
        _wait_for(keepers)
        end_descendants(os.getpid())
    os._exit(0)


def _wait_for(keepers: Iterable[int]) -> None:
    left = set(keepers)
    end = time.monotonic() + 5.0
    while left and time.monotonic() < end:
        time.sleep(0.01)
        left -= reap().keys()


def _woken(awake: int) -> bool:
    with contextlib.suppress(BlockingIOError):
        return bool(os.read(awake, 4096))
    return False


def _sweep(keepers: set[int]) -> None:
    """Kill what a layer left behind where it killed its keeper first."""
    if LINUX and children() - keepers:
        end_descendants(os.getpid(), spared=keepers)


def _forks(end: socket.socket, keepers: set[int]) -> bool:
    """Fork one keeper as asked; False where the supervisor is gone."""
    asked, handed, _, _ = socket.recv_fds(end, 4, 3)
    if not asked:
        return False
    if len(handed) < 2:
        # no room for more descriptors
        for descriptor in handed:
            os.close(descriptor)
        end.sendall((-errno.EMFILE).to_bytes(8, "big", signed=True))
        return True
    control, its = (socket.socket(fileno=descriptor) for descriptor in handed[:2])
    watched = handed[2] if len(handed) > 2 else None
    try:
        keeper = os.fork()
    except OSError as error:
        keeper = -(error.errno or errno.EAGAIN)
    if keeper == 0:
        become_keeper(control, Channel(its), watched, _begin)
    if keeper > 0:
        keepers.add(keeper)
    control.close()
    its.close()
    if watched is not None:
        os.close(watched)
    end.sendall(keeper.to_bytes(8, "big", signed=True))
    return True


def _begin(channel: Channel) -> None:
    """What a process forked by the server does: take what it is to be, and be it."""
    around, packed = channel.receive()
    sys.path[:], sys.argv[:] = around["path"], around["arguments"]
    with contextlib.suppress(OSError, TypeError):
        os.chdir(around["folder"])
    life, arguments = pickle.loads(packed)
    life(channel, *arguments)


def _preload() -> None:
    """Import what workers need; where that fails, the worker that needs it tells of it."""
    with warnings.catch_warnings(), contextlib.suppress(Exception):
        warnings.simplefilter("ignore")
        __import__(PRELOADED)


SERVER = ForkServer()
"""The server of this process."""

os.register_at_fork(after_in_child=SERVER.forget)
