"""Tells how a published GHM layer is refuted, repaired, replayed, compared and certified, as a page with real output.

    python examples/repair_story.py > docs/repair.md

Run from a source checkout; each block is what the command above it printed.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

PUBLISHED = "examples/published_ghm.py:PublishedGHM"
REPAIRED = "examples/repaired_ghm.py:RepairedGHM"
OPTIONS = [
    "--contract",
    "ghm",
    "--map",
    "width=bins",
    "--domain",
    "bins=1.0,0.5,0.25,0.1,0.3",
    "--domain",
    "rank=2,3,4",
]

INTRODUCTION = """# A repair, proved

A GHM layer that many projects copied equals cross entropy with a single region, as it should; but with a class
weight and `reduction="mean"` it does not, and its author could not say why. This page is what lossproof says of it,
word for word (`examples/repair_story.py` writes it).

## Refuted
"""

CAUSES = """
What hurts most comes first, and nobody had reported it: ignored elements enter the histogram. Then what raises, or is
NaN at a corner; then what the author asked about: the layer divides by the number of elements, where the contract (and
Paddle's own cross entropy) divides by the sum of their weights. That is a convention, on which sound losses differ.

## Repaired

`examples/repaired_ghm.py` mends each: the mean divides by the sum of the valid elements' weights, only valid
elements are counted, and what is ignored never reaches the kernel. First the old counterexamples, on the new layer:
"""

CERTIFIED = """
What still fails is not the layer's own. It stands on Paddle's kernel, which clips at 64 and frees what a second
backward would need. A certificate says so, and with `--forgive-inherited` leaves it out of the verdict:

## Certified
"""

COMPARED = """
## Compared
"""

END = """
Exit code 3: nothing is broken, but something is no longer looked at. The repaired layer reads its labels back to check
them, and can be no static program any more; what it had no answer for before is drawn now.
"""


def lossproof(*arguments):
    """What the command prints, and how it ends."""
    command = [sys.executable, "-c", "from properties.command.cli import main; main(prog_name='lossproof')", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def block(arguments, printed, code):
    """A command, what it printed, and its exit code, as Markdown."""
    lines = [line.rstrip() for line in printed.strip().splitlines()]
    shown = " ".join(arguments)
    return f"\n```console\n$ lossproof {shown}\n" + "\n".join(lines) + f"\n$ echo $?\n{code}\n```\n"


def main():
    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder, "before.json"), Path(folder, "after.json")

        def told(arguments):
            real = [{"before.json": str(before), "after.json": str(after)}.get(word, word) for word in arguments]
            done = lossproof(*real)
            return block(arguments, done.stdout.replace(f"{folder}/", ""), done.returncode)

        print(INTRODUCTION + told(["certify", PUBLISHED, *OPTIONS, "--json", "before.json"]))
        print(CAUSES + told(["replay", "before.json", "--target", REPAIRED]))
        certified = ["certify", REPAIRED, *OPTIONS, "--forgive-inherited", "--json", "after.json"]
        print(CERTIFIED + told(certified))
        print(COMPARED + told(["diff", "before.json", "after.json"]) + END)


if __name__ == "__main__":
    main()
