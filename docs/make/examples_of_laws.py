"""Puts each law to the mutant that was made for it, and records the shrunk case that refutes the mutant.

    python -m docs.make.examples_of_laws [LAW ...] [--examples 200]

Writes properties/examples.json, from which `lossproof explain` shows a law at work; with laws named, only those anew.
"""

import argparse
import json
import re
from pathlib import Path

from properties import Target
from properties.certificates.certificate import LawReport
from properties.engine.gates import aside
from properties.engine.task import Task
from properties.workers.inline import Inline
from tests.mutants.registry import mutants

FILE = Path(__file__).parents[2] / "properties" / "examples.json"


def described(loss):
    """What a mutant does: its docstring, or its name in words."""
    return loss.what.rstrip(".") or re.sub(r"(?<=[a-z])(?=[A-Z0-9])", " ", loss.name).lower()


def example_of(law_id, loss, examples):
    performer = Inline(Target(loss.text, loss.contract))
    known = performer.describe()
    info = next(law for law in known.laws if law.id == law_id)
    gates = {law.id: law.gate for law in known.laws if law.gate}
    task = Task(law_id, 0, examples, known.dtypes, aside(info, gates, frozenset()))
    report = LawReport.of(info, performer.run(task, lambda done: None))
    if report.counterexample is None:
        raise SystemExit(f"{law_id} does not refute {loss.text}: {report.outcome}")
    return {
        "contract": loss.contract,
        "mutant": loss.name,
        "what": described(loss),
        "outcome": report.outcome,
        "message": report.message,
        "condition": list(report.condition),
        **report.counterexample,
    }


def written(record):
    """The file's text: one line a law, in the order of their names, so that a law made anew changes one line."""
    lines = [f"{json.dumps(name)}: {json.dumps(record[name], allow_nan=False)}" for name in sorted(record)]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("laws", nargs="*", metavar="LAW")
    parser.add_argument("--examples", type=int, default=200)
    arguments = parser.parse_args()
    made = mutants()
    before = json.loads(FILE.read_text(encoding="utf-8")) if arguments.laws else {}
    record = {law_id: example for law_id, example in before.items() if law_id in made}
    for law_id in arguments.laws or made:
        record[law_id] = example_of(law_id, made[law_id], arguments.examples)
        print(f"{law_id}: {record[law_id]['message']}", flush=True)
        FILE.write_text(written(record), encoding="utf-8")


if __name__ == "__main__":
    main()
