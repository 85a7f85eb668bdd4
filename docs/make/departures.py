"""Write what a diagnosis says of published layers, and of Paddle's own losses, into the pages about them.

    python -m docs.make.departures            both pages
    python -m docs.make.departures published  one of them

Each page ends with a section that is made anew; everything above it is written by hand.
"""

import sys
from pathlib import Path

from rich.console import Console

from properties import Target, certify
from properties.report.departures import closing_lines, departures_in_forms, title_of

DOCS = Path(__file__).parents[1]
HEAD = "## As departures\n"

WIDTHS = {"bins": (1.0, 0.5, 0.25, 0.1, 0.3)}
FOLDER = "examples/published"
PUBLISHED = (
    Target(f"{FOLDER}/ghm.py:PublishedGHM", "ghm", {"width": "bins"}, {}, WIDTHS),
    Target(f"{FOLDER}/average_top_k.py:PublishedTopK", "average_top_k", domain={"rank": (2,), "ignore_index": (-100,)}),
    Target(f"{FOLDER}/cost_sensitive.py:PublishedCostSensitive", "cost_sensitive", domain={"ignore_index": (-100,)}),
    Target(f"{FOLDER}/sigmoid_losses.py:PublishedSigmoidFocal", "sigmoid_focal", {"weight": "element_weight"}),
    Target(f"{FOLDER}/sigmoid_losses.py:PublishedGHMC", "sigmoid_ghm"),
)
OWN = "tests/losses/paddle_losses.py"
PADDLE = tuple(
    Target(f"{OWN}:{name}") for name in ("CROSS_ENTROPY", "NLL_ALL_VALID", "BCE_WITH_LOGITS", "SIGMOID_FOCAL")
)

PAGES = {
    "published": (
        "published.md",
        PUBLISHED,
        "What `lossproof certify` says of each, by the command above, with 40 examples.",
    ),
    "paddle": (
        "paddle-3.3.1.md",
        PADDLE,
        "Paddle's own losses (`tests/losses/paddle_losses.py`), each as its contract with departures.",
    ),
}
EXAMPLES = 40


def said_of(target):
    """What a report says of a layer's departures, as lines of a text block."""
    certificate = certify(target, max_examples=EXAMPLES)
    console = Console(width=118, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    if certificate.departures:
        console.print(title_of(certificate))
        for two_lines, _ in departures_in_forms(certificate):
            console.print(two_lines)
    for line in closing_lines(certificate):
        console.print(line)
    if certificate.unexplained:
        console.print(f"not explained: {', '.join(certificate.unexplained)}")
    return [line.rstrip() for line in console.export_text().strip().splitlines()]


def main():
    for name in sys.argv[1:] or PAGES:
        file, targets, words = PAGES[name]
        page = DOCS / file
        above = page.read_text(encoding="utf-8").partition(HEAD)[0].rstrip()
        blocks = ["\n".join(("```text", *said_of(target), "```")) for target in targets]
        page.write_text("\n\n".join([above, HEAD.rstrip(), words, *blocks]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
