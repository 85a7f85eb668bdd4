"""Puts every law to every mutant and prints which laws refute which, and which mutants survive.

    python -m docs.make.kill_matrix [--examples 100] [--markdown FILE]

``--markdown`` writes the table of laws and mutants that docs/laws.md holds.
"""

import argparse
import time
from collections import defaultdict
from pathlib import Path

from properties import Target, certify
from properties.contracts import contracts
from properties.engine.description import laws_of
from tests.mutants.registry import mutants


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--examples", type=int, default=100)
    parser.add_argument("--markdown", metavar="FILE", help="write the table of laws and mutants here")
    arguments = parser.parse_args()
    killers, killed = defaultdict(list), {}
    made = mutants()
    for made_for, loss in made.items():
        began, text = time.monotonic(), loss.text
        found = certify(Target(text, loss.contract), max_examples=arguments.examples)
        killed[text] = [law.id for law in found.failed]
        for law in killed[text]:
            killers[law].append(text)
        verdict = f"refuted by {len(killed[text])} laws" if killed[text] else "SURVIVES"
        missed = "" if made_for in killed[text] else f", but not by {made_for}"
        print(f"{loss.name:28} {verdict}{missed}, {time.monotonic() - began:.0f} s", flush=True)
    laws = {law.id: law for contract in contracts().values() for law in laws_of(contract)}
    lines = ["| law | what it says | made for it | mutants it refutes |", "| --- | --- | --- | --- |"]
    for law_id, law in laws.items():
        loss = made[law_id]
        mutant = loss.name + (" (alone)" if killed[loss.text] == [law_id] else "")
        print(f"{law_id:36} {mutant}, {len(killers[law_id])} in all")
        lines.append(f"| `{law_id}` | {law.sentence} | {mutant} | {len(killers[law_id])} |")
    if arguments.markdown:
        Path(arguments.markdown).write_text("\n".join(lines) + "\n", encoding="utf-8")
    survivors = [text for text, laws_found in killed.items() if not laws_found]
    print(f"{len(killed) - len(survivors)} of {len(killed)} mutants refuted; surviving: {survivors or 'none'}")


if __name__ == "__main__":
    main()
