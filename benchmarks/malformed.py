"""Command lines and files with faults, put to every command in this process: how each ends, and how long it takes.

    python -m benchmarks.malformed --examples 100000

No process is started: where a worker would begin, the layer cannot be loaded. Half of the inputs are command lines over
all options of all commands, half are damaged files (certificates, journals, records), put to the commands that read
them. Each must end with a code of the table, without a traceback, without a control character on the terminal, and
without a change of any file that is not its own. The exit code is 1 where one does not.
"""

import contextlib
import multiprocessing
import os
import random
import resource
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from rich.console import Console

from benchmarks.frame import Command, say_seconds, table, write
from properties.command.cli import main as lossproof
from properties.runs.selftest import exhibits_of
from tests.properties.command.malformed import STORED, Sandbox, command_line, damaged

MOST_SHOWN = 10
"""Faults that are shown whole."""

BLOCK = 500
"""Inputs of one share of the work."""


def damaged_file(draw, box):
    """A damaged file in the sandbox, and the command line that has it read."""
    kind = draw.choice(["replay", "diff", "verify", "resume", "record"])
    certificate = (STORED / "certificate-0.json").read_bytes()
    file = box.chosen / "damaged"
    if kind == "resume":
        out = box.chosen / "campaign"
        out.mkdir(exist_ok=True)
        for name in os.listdir(out):
            with contextlib.suppress(OSError):
                (out / name).unlink()
        (out / "journal.jsonl").write_bytes(damaged(draw, (STORED / "journal.jsonl").read_bytes()))
        return ["fuzz", "--resume", "--out", "campaign"]
    if kind == "record":
        file.write_bytes(damaged(draw, (ROOT / "properties/record.json").read_bytes()[:4_000]))
        return ["selftest", "--only", "B001", "--quick", "--json", "damaged"]
    file.write_bytes(damaged(draw, certificate))
    if kind == "diff":
        return ["diff", *draw.sample(["damaged", "../planted/certificate.json"], 2)]
    return [kind if kind in lossproof.commands else "replay", "damaged"]


ROOT = Path(__file__).parents[1]


def block(task):
    """Put one share of the inputs, and count what comes of it."""
    seed, first, count = task
    codes, faults, worst = Counter(), [], (0.0, [])
    with tempfile.TemporaryDirectory() as root:
        box, kept = Sandbox(Path(root) / "box"), Path(root) / "kept"
        kept.mkdir()
        # what is written down of an internal error is no change of anybody's files
        tempfile.tempdir = str(kept)
        # the museum is imported once
        exhibits_of(())
        for number in range(first, first + count):
            draw = random.Random(f"{seed} {number}")
            words = damaged_file(draw, box) if number % 2 else command_line(draw)
            began = time.perf_counter()
            outcome = box.run(words)
            spent = time.perf_counter() - began
            codes[outcome.code] += 1
            faults += [(number, [word[:60] for word in words], fault[-500:]) for fault in outcome.faults]
            if spent > worst[0]:
                worst = (spent, [word[:60] for word in words])
            for left in kept.iterdir():
                left.unlink()
        tempfile.tempdir = None
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return codes, faults, worst, memory


def main():
    """Put all inputs, and print what came of them."""
    command = Command(__doc__)
    command.numbers(examples=10_000, words="inputs")
    command.numbers(workers=os.cpu_count() or 1, words="processes")
    command.seed()
    command.json()
    asked = command.parse_args()
    began = time.monotonic()
    tasks = [(asked.seed, first, min(BLOCK, asked.examples - first)) for first in range(0, asked.examples, BLOCK)]
    codes, faults, worst, memory = Counter(), [], (0.0, []), 0.0
    with multiprocessing.get_context("spawn").Pool(asked.workers) as pool:
        for some, wrong, slowest, held in pool.imap_unordered(block, tasks):
            codes += some
            faults += wrong
            worst, memory = max(worst, slowest), max(memory, held)
    shown = table(f"{asked.examples:,} inputs", "exit code", numbers=("inputs",))
    for code, number in sorted(codes.items()):
        shown.add_row(str(code), f"{number:,}")
    Console().print(shown)
    for number, words, fault in faults[:MOST_SHOWN]:
        print(f"input {number}: {words!r}\n{fault!r}\n")
    print(f"{len(faults):,} faults; slowest {worst[0]:.2f} s: {worst[1]!r}; at most {memory:,.0f} MiB")
    say_seconds(began)
    write(
        asked.json,
        {
            "examples": asked.examples,
            "seed": asked.seed,
            "codes": {str(code): number for code, number in sorted(codes.items())},
            "faults": len(faults),
            "worst_seconds": round(worst[0], 3),
            "megabytes": round(memory),
        },
    )
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
