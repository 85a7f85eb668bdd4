"""Tells how a published GHM layer is refuted, repaired, replayed, compared and certified, as a page with real output.

    python examples/repair_story.py > docs/repair.md

Run from a source checkout; each block is what the command above it printed.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

PUBLISHED = "examples/published/ghm.py:PublishedGHM"
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
That is the whole answer to what is different about this layer: the contract, and a list of departures. What hurts most
comes first, and nobody had reported it: ignored elements enter the histogram. What the author asked about is next: the
layer divides by the number of elements, where the contract (and Paddle's own cross entropy) divides by the sum of their
weights. The line below the list is tested like any law: with these departures the contract's oracle gives the layer's
numbers, value and gradient, in every example that was observed.

## One departure after another

`examples/published/ghm.py` mends them one by one, each class on top of the one before. What the report predicts comes
true: a repair takes its own departure away, and no other.
"""

STEPS = (
    ("HalfRepairedGHM", "The mean divides by the weights."),
    ("CountingValid", "Only valid elements are counted."),
    ("ExactEdges", "Regions are as wide as they say, and as many as it takes."),
    ("ShapedAsLabels", "Unreduced losses have the labels' shape."),
    ("TakingEverything", "int32 labels are taken, and the mean of nothing is 0: what is left is Paddle's."),
)

REPLAYED = """
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

        def told(arguments):
            real = [str(Path(folder, word)) if word.endswith(".json") else word for word in arguments]
            done = lossproof(*real)
            return block(arguments, done.stdout.replace(f"{folder}/", ""), done.returncode)

        print(INTRODUCTION + told(["certify", PUBLISHED, *OPTIONS, "--json", "before.json"]))
        print(CAUSES)
        known = "before.json"
        for number, (name, words) in enumerate(STEPS, 1):
            step = f"step{number}.json"
            lossproof("certify", f"{PUBLISHED.partition(':')[0]}:{name}", *OPTIONS, "--json", str(Path(folder, step)))
            print(f"\n{words} `{name}`, certified to `{step}`:\n" + told(["diff", known, step]))
            known = step
        print(REPLAYED + told(["replay", "before.json", "--target", REPAIRED]))
        certified = ["certify", REPAIRED, *OPTIONS, "--forgive-inherited", "--json", "after.json"]
        print(CERTIFIED + told(certified))
        print(COMPARED + told(["diff", "before.json", "after.json"]) + END)


if __name__ == "__main__":
    main()
