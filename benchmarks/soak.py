"""One campaign over all layers of this package under fire: its supervisor killed again and again, its disk small.

    python -m benchmarks.soak [--max-time 3600] [--kills 50] [--max-examples 400] [--disk MB] [--out DIR] [--json FILE]

The kills (SIGKILL, to the supervisor alone) fall at random moments of ``--max-time`` seconds; after each the campaign
is resumed, and after the last one it runs to the end of its examples. Told are examples, findings, the size of the
journal, the supervisor's peak memory, how many kills it survived, and whether its certificates, times aside, and
findings are those of an undisturbed campaign of the same seed (``--alone`` leaves that one out). ``--disk`` puts the
campaign on a file system of so many MiB (this takes the right to mount); whenever that is full it is made larger by
half, and the campaign resumed.
"""

import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.frame import Command, say_seconds, write
from benchmarks.kills import journaled, outcome
from properties.campaigns.campaign import campaign
from properties.campaigns.options import CampaignOptions
from properties.certificates.events import CampaignEnded
from properties.subjects.target import Target
from tests.losses.layers import LAYERS

FAILED = 3
"""The exit code of a campaign that could not go on."""

POLL = 0.1
MIB = 2**20


def targets():
    """All layers of this package, each against its contract."""
    return [Target(f"paddle_impl:{layer}", name) for name, layer in LAYERS.items()]


def supervise(asked):
    """The campaign itself, begun or resumed: what a process of its own does until it is killed."""
    there = Path(asked.inner, "journal.jsonl")
    resume = there.exists() and there.stat().st_size > 0
    options = CampaignOptions(
        asked.inner,
        max_examples=asked.max_examples,
        seed=asked.seed,
        only=tuple(asked.only),
        workers=asked.workers,
        resume=resume,
    )
    for event in campaign(targets(), options):
        if isinstance(event, CampaignEnded):
            print(event.why, flush=True)
            sys.exit(FAILED if event.failed else 0)


class Runs:
    """Runs of the supervisor in one directory: how often each ended how, and the most memory that one took."""

    def __init__(self, directory, asked):
        self.directory, self.peak, self.killed, self.full = directory, 0, 0, 0
        only = [word for law in asked.only for word in ("--only", law)]
        numbers = ("max_examples", "seed", "workers")
        options = [word for name in numbers for word in (f"--{name.replace('_', '-')}", str(getattr(asked, name)))]
        self._command = [sys.executable, "-m", "benchmarks.soak", "--inner", str(directory), *options, *only]

    def once(self, seconds=None):
        """Begin or resume, and kill it after so many seconds: its exit code, and its last words."""
        with tempfile.TemporaryFile("w+") as words:
            environment = {**os.environ, "GLOG_minloglevel": "3"}
            process = subprocess.Popen(
                self._command, env=environment, stdout=words, stderr=subprocess.STDOUT, start_new_session=True
            )
            end = None if seconds is None else time.monotonic() + seconds
            try:
                while process.poll() is None:
                    self.peak = max(self.peak, memory_of(process.pid))
                    if end is not None and time.monotonic() >= end:
                        process.send_signal(signal.SIGKILL)
                        self.killed += 1
                        process.wait()
                    time.sleep(POLL)
            finally:
                process.kill()
            words.seek(0)
            return process.returncode, words.read()[-2000:]

    def to_the_end(self, disk):
        """Resume until it has ended, on a larger disk whenever it is full; its last words."""
        while True:
            code, words = self.once()
            if code == 0:
                return words.strip()
            self.made_room(code, words, disk)

    def made_room(self, code, words, disk):
        """Make a full disk larger; anything else is not what this is about."""
        if code != FAILED or disk is None or "No space left" not in words:
            raise SystemExit(f"the campaign ended with exit code {code}:\n{words}")
        self.full += 1
        disk.grow()


def memory_of(pid):
    """The most memory that a process has had, in bytes; 0 where it is gone."""
    with contextlib.suppress(OSError, StopIteration):
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    return 0


class Disk:
    """A small file system in memory."""

    def __init__(self, path, size):
        self.path, self.size = path, int(size * MIB)
        path.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={self.size}", "tmpfs", str(path)], check=True)

    def grow(self):
        """Make it larger by half."""
        self.size += self.size // 2
        subprocess.run(["mount", "-o", f"remount,size={self.size}", str(self.path)], check=True)

    def close(self):
        """Take it away, whatever is on it."""
        subprocess.run(["umount", "-l", str(self.path)], check=True)


def under_fire(directory, asked, disk):
    """The campaign, killed at random moments, then resumed to its end."""
    runs, rng = Runs(directory, asked), random.Random(asked.seed)
    for number in range(asked.kills):
        code, words = runs.once(rng.uniform(0.0, 2.0 * asked.max_time / asked.kills))
        if code == 0:
            print(f"it ended after {number} kills: give it more examples", flush=True)
            break
        if code != -signal.SIGKILL:
            runs.made_room(code, words, disk)
    return runs, runs.to_the_end(disk)


def figures(runs, why, seconds):
    """What is told of a campaign."""
    certificates, findings = outcome(runs.directory)
    journal = Path(runs.directory, "journal.jsonl")
    return {
        "why": why,
        "seconds": round(seconds),
        "examples": sum(sum(one["campaign"]["examples"].values()) for one in certificates),
        "findings": len(findings),
        "records": journaled(runs.directory),
        "journal MiB": round(journal.stat().st_size / MIB, 2),
        "supervisor MiB": round(runs.peak / MIB),
        "kills": runs.killed,
        "full disks": runs.full,
    }


def main():
    """Run it under fire, and undisturbed; exit code 1 where the two end differently."""
    parser = Command(__doc__)
    parser.add_argument("--max-time", type=float, default=3600.0, metavar="SECONDS")
    parser.numbers(kills=50, max_examples=400, workers=2)
    parser.add_argument("--disk", type=float, metavar="MB", help="MiB of the campaign's file system")
    parser.add_argument("--only", action="append", default=[], metavar="LAW")
    parser.add_argument("--alone", action="store_true", help="run no undisturbed campaign to compare it with")
    parser.add_argument("--out", type=Path, metavar="DIR", help="keep both campaigns here")
    parser.add_argument("--inner", help=argument_of_its_own)
    parser.seed()
    parser.json()
    asked = parser.parse_args()
    if asked.inner is not None:
        supervise(asked)
        return
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        there = asked.out or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        there.mkdir(exist_ok=True)
        disk = None
        if asked.disk is not None:
            disk = stack.enter_context(contextlib.closing(Disk(there / "disk", asked.disk)))
        runs, why = under_fire((there if disk is None else disk.path) / "fire", asked, disk)
        found = figures(runs, why, time.monotonic() - began)
        print("under fire:", ", ".join(f"{name} {value}" for name, value in found.items()), flush=True)
        same = True
        if not asked.alone:
            calm, began_calm = Runs(there / "calm", asked), time.monotonic()
            told = figures(calm, calm.to_the_end(None), time.monotonic() - began_calm)
            print("undisturbed:", ", ".join(f"{name} {value}" for name, value in told.items()), flush=True)
            same = outcome(runs.directory) == outcome(calm.directory)
            print("certificates and findings are", "the same" if same else "DIFFERENT", flush=True)
            found = {"under fire": found, "undisturbed": told, "same": same}
        write(asked.json, found)
    say_seconds(began)
    sys.exit(0 if same else 1)


argument_of_its_own = "carry out the campaign in this directory; what this benchmark starts"


if __name__ == "__main__":
    main()
