"""Layers that attack what runs them: sound cross entropy, until they are given class weights.

Each does its harm whenever it is called with class weights, so that ``conduct/takes-weights`` meets it at once, and
what is asked before that does not. ``OUTCOMES`` says how that law may end, and what its words hold.
"""

import builtins
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from typing import ClassVar

import numpy as np
import paddle

from tests.mutants.sound import SoundCrossEntropy


class Attacker(SoundCrossEntropy):
    """Attacks, and then answers."""

    def forward(self, logits, labels, normalizer=None):
        if self.weight is None:
            return super().forward(logits, labels, normalizer)
        self.harm()
        return self.answer(super().forward(logits, labels, normalizer))

    def harm(self):
        """What it does before it answers."""

    def answer(self, loss):
        """What it returns."""
        return loss


class Forks(Attacker):
    """Forks, and both processes return."""

    def harm(self):
        os.fork()


class ForksAndEnds(Attacker):
    """Forks, and the new process alone returns."""

    def harm(self):
        if os.fork():
            os._exit(0)


class Daemon(Attacker):
    """Puts a process into the background: a session of its own, and no parent."""

    def harm(self):
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                time.sleep(3600)
            os._exit(0)


class Breeds(Attacker):
    """Starts processes that start others, each in a session of its own."""

    def harm(self):
        if os.fork() == 0:
            for _ in range(3):
                if os.fork() == 0:
                    os.setsid()
            time.sleep(3600)
            os._exit(0)


class PrintsOn(Attacker):
    """Leaves threads that go on printing."""

    started: ClassVar[list] = []

    def harm(self):
        def talk():
            while True:
                with contextlib.suppress(ValueError, OSError):
                    print("still here")
                    os.write(1, b"still here\n")
                time.sleep(0.001)

        while len(self.started) < 4:
            self.started.append(threading.Thread(target=talk, daemon=True))
            self.started[-1].start()


class IgnoresTerm(Attacker):
    """Ignores every signal that can be ignored, and never answers."""

    def harm(self):
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
            signal.signal(number, signal.SIG_IGN)
        time.sleep(3600)


class ChangesFolder(Attacker):
    """Goes to another folder."""

    def harm(self):
        os.chdir("/")


class DeletesFolder(Attacker):
    """Goes to a folder that is no more."""

    def harm(self):
        folder = tempfile.mkdtemp()
        os.chdir(folder)
        os.rmdir(folder)


class PatchesNumpy(Attacker):
    """Takes NumPy's functions away."""

    def harm(self):
        for name in ("asarray", "array_equal", "zeros", "ones", "abs"):
            setattr(np, name, None)


class PatchesPaddle(Attacker):
    """Takes Paddle's functions away."""

    def harm(self):
        for name in ("to_tensor", "set_grad_enabled", "seed", "in_dynamic_mode"):
            setattr(paddle, name, None)


class PatchesClock(Attacker):
    """Stops the clocks."""

    def harm(self):
        for name in ("monotonic", "time", "perf_counter"):
            setattr(time, name, lambda: 0.0)


class PatchesJson(Attacker):
    """Takes away json, print and open."""

    def harm(self):
        json.dumps = json.loads = None
        builtins.print = builtins.open = None


class ClosesDescriptors(Attacker):
    """Closes whatever is open."""

    def harm(self):
        os.closerange(3, 256)


class UsesUpDescriptors(Attacker):
    """Opens files until there are no more, and keeps them."""

    kept: ClassVar[list] = []

    def harm(self):
        with contextlib.suppress(OSError):
            while len(self.kept) < 100_000:
                self.kept.append(os.open(os.devnull, os.O_RDONLY))


class WritesIntoDescriptors(Attacker):
    """Writes into whatever is open."""

    def harm(self):
        for number in range(3, 64):
            with contextlib.suppress(OSError):
                os.set_blocking(number, False)
                os.write(number, b"\xff" * 100)


class StopsParent(Attacker):
    """Stops its parent."""

    def harm(self):
        os.kill(os.getppid(), signal.SIGSTOP)


class KillsParent(Attacker):
    """Kills its parent."""

    def harm(self):
        os.kill(os.getppid(), signal.SIGKILL)


class KillsGroup(Attacker):
    """Kills its process group."""

    def harm(self):
        os.kill(0, signal.SIGKILL)


class PrintsMuch(Attacker):
    """Writes 200 MB to standard output."""

    def harm(self):
        block = b"x" * 2**20
        for _ in range(200):
            os.write(1, block)


class Returns(Attacker):
    """Returns a value of a wrong type, another one each time."""

    VALUES = (None, "1.0", 1, 1.0, [1.0], {"loss": object()}, object(), b"", np.float64, lambda: 0)
    calls: ClassVar[list] = []

    def answer(self, loss):
        self.calls.append(0)
        return self.VALUES[len(self.calls) % len(self.VALUES)]


class Raises(Attacker):
    """Raises what a class says."""

    error: ClassVar[object] = RuntimeError

    def harm(self):
        raise self.error


class RaisesSystemExit(Raises):
    """Ends the interpreter, as it were with success."""

    error = SystemExit(0)


class RaisesKeyboardInterrupt(Raises):
    """Raises what a user's Ctrl-C raises."""

    error = KeyboardInterrupt


class RaisesGeneratorExit(Raises):
    """Raises what the end of a generator raises."""

    error = GeneratorExit


class MuteError(Exception):
    """Raises where its words are asked for."""

    def __str__(self):
        raise SystemExit(0)

    __repr__ = __str__


class RaisesMute(Raises):
    """Raises an exception whose words end the interpreter."""

    error = MuteError


class LongError(Exception):
    """Has 50 MB of words."""

    def __str__(self):
        return "word " * 10_000_000


class RaisesLong(Raises):
    """Raises an exception with 50 MB of words."""

    error = LongError


class RaisesLongName(Raises):
    """Raises an exception whose name has 50 MB, and lines."""

    error = type("Name\n" * 10_000_000, (Exception,), {})


class RaisesSurrogates(Raises):
    """Raises an exception with characters that nothing can encode."""

    error = RuntimeError("\udcff\ud800 odd")


class StartsProcesses(Attacker):
    """Starts a program that sleeps, and leaves it."""

    def harm(self):
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"], start_new_session=True)


OUTCOMES: dict[str, dict[str, str]] = {
    "Forks": {"held": ""},
    "ForksAndEnds": {"crashed": "exit code 0"},
    "Daemon": {"held": ""},
    "Breeds": {"held": ""},
    "PrintsOn": {"held": ""},
    "IgnoresTerm": {"timed out": "No answer after"},
    "ChangesFolder": {"held": ""},
    # Paddle ends the process where it looks for a library and there is no current folder
    "DeletesFolder": {"held": "", "crashed": "exit code"},
    "PatchesNumpy": {"raised": "", "gave up": "", "crashed": "", "broken": "lossproof itself failed"},
    "PatchesPaddle": {"raised": "", "gave up": "", "crashed": "", "broken": "lossproof itself failed"},
    "PatchesClock": {"held": ""},
    "PatchesJson": {"held": "", "gave up": "", "crashed": "", "broken": "lossproof itself failed"},
    "ClosesDescriptors": {"crashed": "exit code"},
    # the machine's trouble, where nobody can tell that it is the layer that has the files
    "UsesUpDescriptors": {"held": "", "raised": "Too many open files", "machine": "Too many open files"},
    "WritesIntoDescriptors": {"held": "", "crashed": ""},
    "StopsParent": {"held": ""},
    "KillsParent": {"crashed": "SIGKILL"},
    "KillsGroup": {"crashed": "SIGKILL"},
    "PrintsMuch": {"held": ""},
    "Returns": {"raised": "must return a Tensor"},
    "RaisesSystemExit": {"raised": "SystemExit"},
    "RaisesKeyboardInterrupt": {"raised": "KeyboardInterrupt"},
    "RaisesGeneratorExit": {"raised": "GeneratorExit"},
    "RaisesMute": {"raised": "its message cannot be read"},
    "RaisesLong": {"raised": "word word"},
    "RaisesLongName": {"raised": "Name Name"},
    "RaisesSurrogates": {"raised": "\\udcff\\ud800 odd"},
    "StartsProcesses": {"held": ""},
}
"""For each, the outcomes that ``conduct/takes-weights`` may have, with a part of the words. ``machine`` and
``broken`` are no results: the machine failed, or we did."""
