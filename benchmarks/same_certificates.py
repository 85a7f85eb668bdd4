"""Tells whether a change of the checker's code left what it says as it was.

    python -m benchmarks.same_certificates write DIR [--max-examples 20]
    python -m benchmarks.same_certificates compare BEFORE AFTER [--words WAS=IS ...]

``write`` certifies every layer, the layers of `examples/` and some wrong ones, and puts the laws to the museum, at seed
0; each becomes a JSON file without the times it took. ``compare`` names the files that are not equal byte for byte, and
the lines in which they differ; ``--words`` reads BEFORE with words replaced, where the change was one of wording.
Exit codes: 0 all are equal, 1 some are not, 2 usage.
"""

import difflib
import json
import sys
from pathlib import Path

from benchmarks.frame import Command
from properties import Target, certify
from properties.runs.selftest import exhibits_of, selftest
from tests.losses.layers import LAYERS

SUBJECTS = {
    **{name: Target(f"paddle_impl:{name}", contract) for contract, name in LAYERS.items()},
    "free": Target("paddle_impl:FocalLoss", "free"),
    "published": Target("examples/published_ghm.py:PublishedGHM", "ghm", {"width": "bins"}),
    "repaired": Target("examples/repaired_ghm.py:RepairedGHM", "ghm", {"width": "bins"}),
    "widths": Target("tests/hostile/looping_widths.py:LoopingWidths", "ghm"),
    "cross_entropy_of_paddle": Target("paddle.nn:CrossEntropyLoss", "cross_entropy"),
    "sigmoid_focal_of_paddle": Target("paddle.nn.functional:sigmoid_focal_loss", "sigmoid_focal"),
    "numpy": Target("tests.mutants.museum.classes:CrossEntropy", "cross_entropy", backend="numpy"),
}
MUSEUM = "museum"


def write(folder, max_examples):
    """Write all files; those that are there already are left, so that an interrupted run can go on."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, target in SUBJECTS.items():
        path = folder / f"{name}.json"
        if not path.exists():
            print(name, flush=True)
            put(path, certify(target, max_examples=max_examples, seed=0).to_dict())
    path = folder / f"{MUSEUM}.json"
    if not path.exists():
        print(MUSEUM, flush=True)
        rows = selftest(exhibits_of(()), max_examples=max_examples, quick=True)
        put(path, {row.id: vars(row) for row in sorted(rows, key=lambda row: row.id)})


def put(path, plain):
    """Plain data as JSON, one number a line, without times."""
    text = json.dumps(timeless(plain), indent=1, default=dict) + "\n"
    path.write_text(text, encoding="utf-8")


def timeless(plain):
    """The same without what a clock said."""
    if isinstance(plain, dict):
        return {name: timeless(value) for name, value in plain.items() if name != "seconds"}
    if isinstance(plain, list | tuple):
        return [timeless(value) for value in plain]
    return plain


def compare(before, after, words):
    """The names of the files that differ; says in which lines."""
    names = sorted({path.name for folder in (before, after) for path in folder.glob("*.json")})
    if not names:
        raise SystemExit(f"no files in {before} and {after}")
    different = []
    for name in names:
        one, other = (read(folder / name) for folder in (before, after))
        for was, now in words:
            one = one.replace(was, now)
        if one != other:
            different.append(name)
            lines = difflib.unified_diff(one.splitlines(), other.splitlines(), f"before/{name}", f"after/{name}", n=0)
            print(*list(lines)[:40], sep="\n")
    print(f"{len(names) - len(different)} of {len(names)} files are equal")
    return different


def read(path):
    """A file's text, '' where there is none."""
    return path.read_text(encoding="utf-8") if path.exists() else ""


def main():
    """Parse the command line."""
    parser = Command(__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    writing = commands.add_parser("write", doc="Certify, and write the certificates without times.")
    writing.add_argument("folder", type=Path)
    writing.numbers(max_examples=20)
    comparing = commands.add_parser("compare", doc="Name the files that differ, and their lines.")
    comparing.add_argument("before", type=Path)
    comparing.add_argument("after", type=Path)
    comparing.add_argument("--words", action="append", default=[], metavar="WAS=IS")
    told = parser.parse_args()
    if told.command == "write":
        write(told.folder, told.max_examples)
    else:
        pairs = [tuple(text.split("=", 1)) for text in told.words]
        sys.exit(1 if compare(told.before, told.after, pairs) else 0)


if __name__ == "__main__":
    main()
