"""Puts every law to losses that are right, of as different make as there are, until so many examples have been checked.

    python -m benchmarks.false_alarms --examples-total 1000000 [--journal FILE] [--json FILE] [--only layer,torch]

An alarm is a law that does not hold for a loss that is right: a fault of the checker, until proved otherwise. Rounds go
over all implementations with one seed after the other. ``--journal`` keeps a line for each certificate, and a run that
finds its lines goes on where they end.
"""

import json
import time
from collections import Counter, defaultdict
from pathlib import Path

from rich.console import Console

from benchmarks.frame import Command, table, write
from properties import certify
from reference import BUDGET
from tests.losses.sound_losses import implementations

DTYPES = ("float64", "float32", "float16", "bfloat16")
FINE = ("held", "not applicable")
TIME_LIMIT = 120.0
"""Seconds for an example: to be slow on a busy machine is no fault, and PyTorch's first call takes its time."""


class Tally:
    """What many certificates say together: the lines of a journal, added up."""

    def __init__(self):
        self.seconds = 0.0
        self.counts = defaultdict(Counter)
        self.laws, self.makes = defaultdict(Counter), defaultdict(Counter)
        self.alarms = []

    def add(self, line):
        """Count one certificate."""
        self.seconds += line["seconds"]
        self.alarms += line["alarms"]
        for law in line["laws"]:
            self.counts[line["name"]].update(examples=law["examples"], undecided=law["undecided"])
            for dtype, used in law["budget_by_dtype"].items():
                for most, row in ((self.laws, law["id"]), (self.makes, line["name"])):
                    most[row][dtype] = max(most[row][dtype], used)
        self.counts[line["name"]].update(alarms=len(line["alarms"]), certificates=1)

    def total(self, what):
        """A count over all implementations."""
        return sum(counts[what] for counts in self.counts.values())

    def most(self):
        """The largest budget used, by dtype."""
        return {dtype: max((row[dtype] for row in self.makes.values()), default=0.0) for dtype in DTYPES}

    def to_dict(self):
        """Plain data."""
        return {
            "examples": self.total("examples"),
            "alarms": self.alarms,
            "undecided": self.total("undecided"),
            "seconds": round(self.seconds, 1),
            "budget": BUDGET,
            "budget_by_dtype": self.most(),
            "implementations": {name: {**counts, "budget": self.makes[name]} for name, counts in self.counts.items()},
            "laws": self.laws,
        }


def line_of(implementation, seed, examples, workers):
    """Certify once; what a journal keeps of it."""
    found = certify(
        implementation.target,
        seed=seed,
        max_examples=examples,
        workers=workers,
        only=implementation.laws,
        time_limit=TIME_LIMIT,
    )
    alarms = [
        {"name": implementation.name, "seed": seed, "law": law.id, "outcome": law.outcome, "message": law.message}
        | {"reason": law.reason, "script": law.script}
        for law in found.laws
        if law.outcome not in FINE
    ]
    laws = [
        {key: getattr(law, key) for key in ("id", "outcome", "examples", "undecided", "budget_by_dtype")}
        for law in found.laws
    ]
    return {
        "name": implementation.name,
        "seed": seed,
        "max_examples": examples,
        "seconds": found.seconds,
        "alarms": alarms,
        "laws": laws,
    }


def say(line):
    """One line for a certificate, and each alarm in full."""
    examples = sum(law["examples"] for law in line["laws"])
    held = sum(law["outcome"] == "held" for law in line["laws"])
    words = f"{len(line['alarms'])} ALARMS" if line["alarms"] else "no alarm"
    counted = f"{examples:7,} examples of {held} laws in {line['seconds']:.0f} s"
    print(f"{line['name']:32} seed {line['seed']:3}  {counted}, {words}", flush=True)
    for alarm in line["alarms"]:
        print(f"ALARM {alarm['law']} {alarm['outcome']}: {alarm['message']} {alarm['reason']}\n{alarm['script']}")


def budget_table(title, rows, counts=None, least=0.0):
    """The largest budget used, by dtype; rows that used more than ``least``, the largest first."""
    counted = ("examples", "undecided", "alarms") if counts else ()
    found = table(title, "", numbers=(*counted, *DTYPES))
    for name, used in sorted(rows.items(), key=lambda item: -max(item[1].values(), default=0.0)):
        if max(used.values(), default=0.0) < least:
            continue
        cells = [f"{counts[name][key]:,}" for key in counted]
        found.add_row(name, *cells, *(f"{used[d]:.2f}" if used[d] else "" for d in DTYPES))
    return found


def report(tally):
    """The tables."""
    console = Console(width=120)
    console.print(budget_table("\nLargest budget used by each implementation", tally.makes, tally.counts))
    console.print(budget_table("Largest budget used in each law", tally.laws, least=0.5))
    most = tally.most()
    console.print("largest of all: " + ", ".join(f"{dtype} {used:.2f}" for dtype, used in most.items()))
    verdict = "more than a tenth of it is used" if max(most.values()) > BUDGET / 10 else "it is too large: tighten it"
    console.print(f"of a budget of {BUDGET:g}: {verdict}")
    console.print(
        f"{tally.total('examples'):,} examples, {len(tally.alarms)} alarms, {tally.total('undecided'):,} undecided, "
        f"{tally.seconds:.0f} s",
        highlight=False,
    )


def journaled(path):
    """The lines of a journal, less a last one that was cut off."""
    lines = []
    for text in path.read_text(encoding="utf-8").splitlines() if path and path.exists() else ():
        try:
            lines.append(json.loads(text))
        except json.JSONDecodeError:
            print(f"a line of {path} was cut off; its certificate is made again", flush=True)
    return lines


def work(chosen, done, first):
    """Implementations and seeds that have no line yet, without end."""
    seed = first
    while True:
        yield from ((each, seed) for each in chosen if (each.name, seed) not in done)
        seed += 1


def options(arguments):
    parser = Command(__doc__)
    parser.numbers(examples_total=50_000, words="stop when so many have been checked")
    parser.numbers(examples=200, words="of each law in one certificate")
    parser.numbers(least=0, workers=None, words="processes (default: one for each core)")
    parser.seed()
    parser.json()
    parser.add_argument("--only", default="", metavar="WORDS", help="implementations whose names have one of these")
    parser.add_argument("--journal", type=Path, metavar="FILE", help="keep each certificate's counts here, and go on")
    return parser.parse_args(arguments)


def main(arguments=None):
    arguments = options(arguments)
    chosen = [each for each in implementations() if any(word in each.name for word in arguments.only.split(","))]
    if not chosen:
        raise SystemExit(f"no implementation is named like {arguments.only!r}")
    lines = journaled(arguments.journal)
    if arguments.journal:
        arguments.journal.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    tally = Tally()
    for line in lines:
        tally.add(line)
    began = time.monotonic()
    for each, seed in work(chosen, {(line["name"], line["seed"]) for line in lines}, arguments.seed):
        if tally.total("examples") >= arguments.examples_total:
            break
        line = line_of(each, seed, arguments.examples, arguments.workers)
        say(line)
        tally.add(line)
        if arguments.journal:
            with arguments.journal.open("a", encoding="utf-8") as journal:
                journal.write(json.dumps(line) + "\n")
    report(tally)
    print(f"this run: {time.monotonic() - began:.0f} s")
    write(arguments.json, tally.to_dict())
    return bool(tally.alarms)


if __name__ == "__main__":
    raise SystemExit(main())
