"""A zoo of hostile layers: each is sound cross entropy that does harm in one way, and two do none.

Most do it only where there are five elements or more and a logit lies far out: no law that must hold before others are
asked draws that, so a search comes upon it in the middle. ``EXPECTED`` says what a checker must report of each.
"""

import ctypes
import itertools
import os
import random
import sys
import threading
import time
from pathlib import Path
from typing import ClassVar

import numpy as np
import paddle

from paddle_impl.cross_entropy import CrossEntropyLoss
from tests.mutants.sound import SoundCrossEntropy

Honest = SoundCrossEntropy
HonestToo = CrossEntropyLoss

MEGABYTE = 2**20


def provoked(logits, labels):
    """Whether a problem is one of those that bring out the worst; in a program nothing is known of it."""
    if not paddle.in_dynamic_mode() or labels.size < 5:
        return False
    return float(logits.detach().astype("float32").abs().max()) > 16.0


class Hostile(SoundCrossEntropy):
    """Does harm before it answers."""

    def forward(self, logits, labels, normalizer=None):
        if provoked(logits, labels):
            self.harm()
        return super().forward(logits, labels, normalizer)

    def harm(self):
        """What a layer does when it is provoked; each says it for itself."""
        raise NotImplementedError


class Aborts(Hostile):
    """Ends the process by SIGABRT."""

    def harm(self):
        os.abort()


class Segfaults(Hostile):
    """Reads from address 0."""

    def harm(self):
        ctypes.string_at(0)


class Exits0(Hostile):
    """Ends the process as if all were well, with nothing cleaned up."""

    def harm(self):
        os._exit(0)


class LoopsInPython(Hostile):
    """Never answers; other threads run on, and signals arrive."""

    def harm(self):
        while True:
            pass


class LoopsInC(Hostile):
    """Never answers nor gives up the interpreter: no thread beside it runs, no handler of a signal is called."""

    def harm(self):
        sum(itertools.repeat(0))


class Allocates(Hostile):
    """Grows until it is refused, and writes to every page.

    At ``MOST`` bytes it gives up, so that a checker without a limit costs no machine.
    """

    STEP = 64 * MEGABYTE
    MOST = 4096 * MEGABYTE

    def harm(self):
        held = []
        while len(held) * self.STEP < self.MOST:
            held.append(np.ones(self.STEP, np.uint8))
        raise RuntimeError(f"nobody refused {self.MOST} bytes")


class Reserves(Hostile):
    """Grows until it is refused, and writes to none of it: that is done in a moment, limit or no limit."""

    STEP = 16 * 1024 * MEGABYTE

    def harm(self):
        held = []
        while True:
            held.append(np.empty(self.STEP, np.uint8))


class AllocatesByNumpy(Hostile):
    """Asks NumPy for more at one go than an address can tell apart."""

    def harm(self):
        np.empty(2**50, np.uint8)


class AllocatesByPaddle(Hostile):
    """Asks Paddle for as much."""

    def harm(self):
        paddle.empty([2**50], "uint8")


class Leaks(SoundCrossEntropy):
    """Keeps a megabyte of every call."""

    kept: ClassVar[list[np.ndarray]] = []

    def forward(self, logits, labels, normalizer=None):
        self.kept.append(np.ones(MEGABYTE, np.uint8))
        return super().forward(logits, labels, normalizer)


class ThousandThreads(Hostile):
    """Starts a thousand threads, once in a process, that sleep for as long as it lives."""

    started: ClassVar[list[threading.Thread]] = []

    def harm(self):
        while len(self.started) < 1000:
            thread = threading.Thread(target=threading.Event().wait, daemon=True)
            thread.start()
            self.started.append(thread)


class ClosesStdout(Hostile):
    """Closes standard output and error, as Python's files and as descriptors."""

    def harm(self):
        for file in (sys.stdout, sys.stderr):
            file.close()
        os.closerange(1, 3)


class WritesIntoJournal(Hostile):
    """Appends to a campaign's journal what no journal holds, and leaves files beside it."""

    def __init__(
        self,
        weight=None,
        ignore_index=-100,
        reduction="mean",
        axis=1,
        label_smoothing=0.0,
        soft_weight="paddle",
        denominator="weights",
        directory="",
    ):
        super().__init__(weight, ignore_index, reduction, axis, label_smoothing, soft_weight, denominator)
        self.directory = directory

    GARBAGE = b'{"event": "ShardEnded", "outco\n\x00\xff no line of a journal\n[1, 2'

    def harm(self):
        for journal in self.journals():
            with journal.open("ab") as file:
                file.write(self.GARBAGE)
            (journal.parent / "stray.jsonl").write_bytes(self.GARBAGE)
            (journal.parent / "stray.tmp").write_bytes(b"")

    def journals(self):
        """That of the directory it was told, else those of the current one's subdirectories."""
        return [Path(self.directory, "journal.jsonl")] if self.directory else sorted(Path.cwd().glob("*/journal.jsonl"))


class ReseedsGlobals(Hostile):
    """Sets the seed of every global generator."""

    def harm(self):
        random.seed(0)
        np.random.seed(0)
        paddle.seed(0)


class LeavesGradModeOff(SoundCrossEntropy):
    """Computes its loss as ever, and then switches gradients off for whoever comes after."""

    def forward(self, logits, labels, normalizer=None):
        loss = super().forward(logits, labels, normalizer)
        if labels.size > 1:
            paddle.set_grad_enabled(False)
        return loss


class Unspeakable(Exception):  # noqa: N818 - its name is all that can be said of it
    """Has no words."""

    def __str__(self):
        raise RuntimeError("no str")

    def __repr__(self):
        raise RuntimeError("no repr")


class UnspeakableError(Hostile):
    """Raises an exception that cannot be printed."""

    def harm(self):
        raise Unspeakable


class Random(SoundCrossEntropy):
    """Adds noise of the operating system's, which no seed repeats, one time in four."""

    def forward(self, logits, labels, normalizer=None):
        loss = super().forward(logits, labels, normalizer)
        drawn = os.urandom(2)
        if drawn[0] % 4 or not provoked(logits, labels):
            return loss
        return loss + 1.0 + drawn[1] / 256.0


class SlowBy1s(SoundCrossEntropy):
    """Takes a second for every call."""

    def forward(self, logits, labels, normalizer=None):
        time.sleep(1.0)
        return super().forward(logits, labels, normalizer)


EXPECTED: dict[str, dict[str, str]] = {
    "Honest": {},
    "HonestToo": {},
    "Aborts": {"crashed": "SIGABRT"},
    "Segfaults": {"crashed": "SIGSEGV"},
    "Exits0": {"crashed": "exit code 0"},
    "LoopsInPython": {"timed out": ""},
    "LoopsInC": {"timed out": ""},
    # a machine whose pages come slowly ends its time before its memory
    "Allocates": {"raised": "MemoryError", "timed out": "", "crashed": "SIGKILL"},
    "Reserves": {"raised": "MemoryError"},
    "AllocatesByNumpy": {"raised": "MemoryError"},
    "AllocatesByPaddle": {"raised": "MemoryError"},
    "Leaks": {},
    # their stacks are 8 GB, which a limit of memory refuses
    "ThousandThreads": {"raised": "can't start new thread"},
    "ClosesStdout": {"refuted": "conduct/prints-nothing"},
    "WritesIntoJournal": {},
    "ReseedsGlobals": {"refuted": "conduct/global-state"},
    "LeavesGradModeOff": {"refuted": "conduct/grad-mode"},
    "UnspeakableError": {"raised": "Unspeakable"},
    "Random": {"refuted": ""},
    "SlowBy1s": {},
}
"""For each, the outcomes of which some law must have one, with a part of the failure's name or of the law's.

Where there are none, every law holds: what the layer does is harm to its checker, not a wrong answer.
"""
