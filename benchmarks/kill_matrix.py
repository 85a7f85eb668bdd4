"""Puts every law to every mutant and prints which laws refute which, and which mutants survive.

    python benchmarks/kill_matrix.py [--examples 100] [--markdown]

``--markdown`` prints the table of laws and mutants that docs/laws.md holds.
"""

import argparse
import time
from collections import defaultdict

from properties import Target, certify
from properties.contracts import contracts
from properties.work import laws_of
from tests.mutants import MUTANTS


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--examples", type=int, default=100)
    parser.add_argument("--markdown", action="store_true")
    arguments = parser.parse_args()
    killers, killed = defaultdict(list), {}
    for made_for, (contract, text) in MUTANTS.items():
        began = time.monotonic()
        found = certify(Target(text, contract), max_examples=arguments.examples)
        killed[text] = [law.id for law in found.failed]
        for law in killed[text]:
            killers[law].append(text)
        if not arguments.markdown:
            name, seconds = text.split(":")[1], time.monotonic() - began
            verdict = f"refuted by {len(killed[text])} laws" if killed[text] else "SURVIVES"
            missed = "" if made_for in killed[text] else f", but not by {made_for}"
            print(f"{name:28} {verdict}{missed}, {seconds:.0f} s", flush=True)
    laws = {law.id: law for contract in contracts().values() for law in laws_of(contract)}
    if arguments.markdown:
        print("| law | what it says | made for it | mutants it refutes |\n| --- | --- | --- | --- |")
    for law_id, law in laws.items():
        mutant = MUTANTS[law_id][1].split(":")[1]
        alone = " (alone)" if killed[MUTANTS[law_id][1]] == [law_id] else ""
        if arguments.markdown:
            print(f"| `{law_id}` | {law.sentence} | {mutant}{alone} | {len(killers[law_id])} |")
        else:
            print(f"{law_id:36} {mutant}{alone}, {len(killers[law_id])} in all")
    survivors = [text for text, laws_found in killed.items() if not laws_found]
    if not arguments.markdown:
        print(f"{len(killed) - len(survivors)} of {len(killed)} mutants refuted; surviving: {survivors or 'none'}")


if __name__ == "__main__":
    main()
