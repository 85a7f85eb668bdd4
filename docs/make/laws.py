"""Writes the table of all laws in docs/laws.md: what each says, and the wrong loss that was made for it.

    python -m docs.make.laws

What stands above the heading of the table is written by hand, and stays.
"""

from pathlib import Path

from properties.contracts import contracts
from properties.laws import LAWS
from tests.mutants.registry import mutants

PAGE = Path(__file__).parents[1] / "laws.md"
HEAD = "| law | what it says | mutant made for it |\n| --- | --- | --- |\n"


def rows():
    """A row for each law: those that any contract may promise, then those of single contracts."""
    made = mutants()
    own = (law for contract in contracts().values() for law in contract.own)
    for law in {law.id: law for law in (*LAWS, *own)}.values():
        if law.id not in made:
            # a law of a loss that does not ship yet; the tests see that every other one has a mutant
            continue
        loss = made[law.id]
        yield f"| `{law.id}` | {law.sentence} | {loss.name} ({loss.contract}) |\n"


def page():
    """The text of the page as it should be."""
    above, head, _ = PAGE.read_text(encoding="utf-8").partition(HEAD)
    if not head:
        raise ValueError(f"{PAGE} has no table with the head {HEAD!r}")
    return above + head + "".join(rows())


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
