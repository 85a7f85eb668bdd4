"""A campaign over the zoo of hostile layers: does each get its outcome, in bounded time, and is nothing left over?

python -m benchmarks.hostile [NAME ...] [--max-examples 100] [--max-time 1800]
"""

import sys
import tempfile
import time
from pathlib import Path

from benchmarks.frame import Command
from properties.campaigns.campaign import campaign
from properties.campaigns.options import CampaignOptions
from properties.certificates.events import CampaignEnded, Noted
from properties.engine.result import FAILED
from properties.subjects.target import Target
from properties.workers.fork_server import SERVER
from tests.hostile.zoo import EXPECTED
from tests.processes import descendants

ZOO = str(Path(__file__).parents[1] / "tests" / "hostile" / "zoo.py")
LAWS = ("oracle/value", "oracle/accuracy", "conduct/grad-mode", "conduct/global-state", "conduct/prints-nothing")
PLAIN = {
    "rank": (2,),
    "axis": (1,),
    "ignored": ("none",),
    "weight": ("absent",),
    "reduction": ("mean", "sum"),
    "layout": ("contiguous",),
    "label_dtype": ("int64",),
    "classes": (3, 4),
    "targets": ("hard",),
    "ignore_index": (-100,),
    "label_smoothing": (0.0,),
}
"""What is drawn: nothing that has a law of its own to run first, so that each harm is met once, and not ten times."""

BELONGS = {"journal.jsonl", "journal.foreign", "lock", "findings", "examples", "stray.jsonl", "stray.tmp"}
"""What may be in a campaign's directory; the stray files are those of a layer that leaves some."""


def put(names, directory, **options):
    """The campaign over these layers, to its end: the last event, and the notes."""
    told = {"WritesIntoJournal": {"directory": str(directory)}}
    targets = [Target(f"{ZOO}:{name}", "cross_entropy", settings=told.get(name, {}), domain=PLAIN) for name in names]
    asked = {"only": LAWS, "time_limit": 5.0, "block_seconds": 20.0, "memory": 2**30, **options}
    notes, ended = [], None
    for event in campaign(targets, CampaignOptions(str(directory), **asked)):
        if isinstance(event, Noted):
            notes.append(event.words)
        if isinstance(event, CampaignEnded):
            ended = event
    return ended, notes


def wrong(name, certificate):
    """What there is to say against the outcomes of a layer's laws; '' where they are those expected."""
    failed = [law for law in certificate.laws if law.outcome in FAILED]
    expected = EXPECTED[name]
    if not expected:
        return "; ".join(f"{law.id} {law.outcome}: {law.message}" for law in failed)
    for law in failed:
        words = f"{law.id} {law.message} {law.reason}"
        if law.outcome in expected and expected[law.outcome] in words:
            return ""
    return f"expected {expected}, got {[(law.id, law.outcome, law.message) for law in failed]}"


def left():
    """Processes that this one has started, and which still run; the fork server is always there."""
    return descendants() - {SERVER.pid}


def leftovers(directory):
    """Files in a campaign's directory that belong to nobody."""
    there = {path.name for path in Path(directory).iterdir() if not path.name.startswith("certificate-")}
    return sorted(there - BELONGS)


def main():
    """Run it; exit code 1 where anything is not as it ought to be."""
    parser = Command(__doc__)
    parser.add_argument("names", nargs="*", default=list(EXPECTED))
    parser.numbers(max_examples=100)
    parser.add_argument("--max-time", type=float, default=None)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        began = time.monotonic()
        ended, notes = put(asked.names, directory, max_examples=asked.max_examples, max_time=asked.max_time)
        bad = 0
        for name, certificate in zip(asked.names, ended.certificates, strict=True):
            against = wrong(name, certificate)
            bad += bool(against)
            outcomes = {law.outcome for law in certificate.laws}
            print(f"{name:20} {certificate.verdict:11} {', '.join(sorted(outcomes)):30} {against or 'as expected'}")
        time.sleep(1.0)
        processes, files = left(), leftovers(directory)
        print(f"{time.monotonic() - began:.0f} s, {ended.why}; left: processes {sorted(processes)}, files {files}")
        print("\n".join(notes))
    sys.exit(1 if bad or processes or files else 0)


if __name__ == "__main__":
    main()
