"""Writes the table of all laws in docs/laws.md: what each says, its level and grade, and the wrong loss made for it.

    python -m docs.make.laws

What stands above the heading "Remarks" is written by hand, and stays.
"""

from pathlib import Path

from properties.contracts import contracts
from properties.laws import LAWS
from tests.mutants.registry import mutants

PAGE = Path(__file__).parents[1] / "laws.md"
REMARKS = """## Remarks

These are the laws of which a finding may be a remark, and why it hurts nobody; every other finding of theirs is an
error.

| law | what is a remark, and why |
| --- | --- |
"""
TABLE = """
## All laws

Each law has a mutant, a sound loss with one change, that it must refute, and sound losses of another make for every
contract, which it must hold (`tests/mutants/`). Beside them stand wrong twins, made without a law in mind, which some
law must refute. `docs/make/kill_matrix.py` puts every mutant to every law of its contract and prints which laws refute
it, and which one alone.

| law | what it says | level | grade | mutant made for it |
| --- | --- | --- | --- | --- |
"""


def laws():
    """All laws: those that any contract may promise, then those of single contracts."""
    own = (law for contract in contracts().values() for law in contract.own)
    found = {law.id: law for law in (*LAWS, *own)}
    # a law without a mutant is one of a loss that does not ship yet; the tests see that every other one has one
    return [law for law in found.values() if law.id in mutants()]


def rows():
    """A row for each law."""
    for law in laws():
        loss = mutants()[law.id]
        grade = f"{law.grade}, or remark" if law.remark else law.grade
        yield f"| `{law.id}` | {law.sentence} | {law.level} | {grade} | {loss.name} ({loss.contract}) |\n"


def remarks():
    """A row for each law of which a finding may be a remark."""
    for law in laws():
        if law.remark:
            yield f"| `{law.id}` | {law.remark} |\n"


def page():
    """The text of the page as it should be."""
    heading = REMARKS.partition("\n")[0]
    above, head, _ = PAGE.read_text(encoding="utf-8").partition(heading)
    if not head:
        raise ValueError(f"{PAGE} has no heading {heading!r}")
    return above + REMARKS + "".join(remarks()) + TABLE + "".join(rows())


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
