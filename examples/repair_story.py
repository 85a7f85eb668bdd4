"""Tells how a published GHM layer is refuted, repaired, replayed, compared and certified, as a page with real output.

    python examples/repair_story.py > docs/repair.md

Run from a source checkout; each block is what the command above it printed, cut where the page says so.
"""

import re
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
word for word (`examples/repair_story.py` writes it; the scripts and the long list of laws are cut).

## Refuted
"""

CAUSES = """
The cause comes first: the layer divides by the number of elements, where the contract (and Paddle's own cross
entropy) divides by the sum of their weights. Beside it stand faults that nobody had reported: ignored elements
enter the histogram, an unreduced loss loses the shape of its labels, a width that does not divide 1 raises.

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


def block(arguments, result, keep):
    """A command and what it printed, as Markdown."""
    lines = [line.rstrip() for line in keep(result.stdout).splitlines()]
    shown = " ".join(arguments)
    return f"\n```console\n$ lossproof {shown}\n" + "\n".join(lines) + f"\n$ echo $?\n{result.returncode}\n```\n"


def verdicts_and_causes(most):
    """The verdicts of the levels, and the first causes without their scripts."""

    def keep(text):
        head, _, rest = text.partition("\nlaw  ")
        head = "\n".join(line for line in head.splitlines() if not line.startswith("["))
        found = [line for line in rest.splitlines() if line.startswith(("  found:", "  the laws that ran"))]
        parts = re.split(r"\n(?=\d+  \S+/)", rest)
        causes = [re.split(r"\n +reproduce without lossproof:", part)[0] for part in parts[1 : most + 1]]
        verdict = re.split(r"\n(?=CERTIFIED|REFUTED|INCOMPLETE)", rest.rstrip())[-1]
        return "\n".join([head.strip(), *found, "", *causes, "", f"... {verdict}"])

    return keep


def main():
    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder, "before.json"), Path(folder, "after.json")

        def told(arguments, keep=str.strip):
            real = [{"before.json": str(before), "after.json": str(after)}.get(word, word) for word in arguments]
            return block(arguments, lossproof(*real), keep)

        print(INTRODUCTION + told(["certify", PUBLISHED, *OPTIONS, "--json", "before.json"], verdicts_and_causes(3)))
        print(CAUSES + told(["replay", "before.json", "--target", REPAIRED]))
        certified = ["certify", REPAIRED, *OPTIONS, "--forgive-inherited", "--json", "after.json"]
        print(CERTIFIED + told(certified, verdicts_and_causes(0)))
        print(COMPARED + told(["diff", "before.json", "after.json"]) + END)


if __name__ == "__main__":
    main()
