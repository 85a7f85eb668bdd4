"""Certifies our layers (and sound losses of another make) over many seeds, and prints every alarm.

    python benchmarks/false_alarms.py [--seeds 10] [--examples 200]

An alarm is a law that does not hold for a loss that is right: a fault of the checker, until proved otherwise.
"""

import argparse
import time
from collections import defaultdict

from properties import Target, certify
from tests.mutants import SOUND
from tests.test_laws import OURS


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--examples", type=int, default=200)
    parser.add_argument("--ours", action="store_true", help="our layers alone")
    arguments = parser.parse_args()
    examples = alarms = undecided = 0
    worst = defaultdict(float)
    began = time.monotonic()
    for text, contract in OURS if arguments.ours else (*OURS, *((text, contract) for contract, text in SOUND.items())):
        for seed in range(arguments.seeds):
            found = certify(Target(text, contract), seed=seed, max_examples=arguments.examples)
            examples += sum(law.examples for law in found.laws)
            undecided += sum(law.undecided for law in found.laws)
            least = min(law.examples for law in found.laws if law.outcome == "held")
            for law in found.laws:
                worst[law.id] = max(worst[law.id], law.budget_used)
                if law.outcome not in ("held", "not applicable"):
                    alarms += 1
                    print(f"ALARM {text} seed {seed} {law.id} {law.outcome}: {law.message}\n{law.script}", flush=True)
            print(f"{text} seed {seed}: {found.verdict}, least {least} examples, {found.seconds:.0f} s", flush=True)
    print(f"{examples:,} examples, {undecided:,} undecided, {alarms} alarms, {time.monotonic() - began:.0f} s")
    print("largest budget used:")
    for law, used in sorted(worst.items(), key=lambda item: -item[1])[:12]:
        print(f"  {law:36} {used:.2f}")


if __name__ == "__main__":
    main()
