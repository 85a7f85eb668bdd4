"""What the benchmarks share: their options, the tables that they print, and the file of figures."""

import argparse
import json
import time
from pathlib import Path

from rich import box
from rich.table import Table

from properties.engine.description import laws_of


class Command(argparse.ArgumentParser):
    """The command line of a benchmark: ``__doc__`` of its module, and options that mean the same in all of them."""

    def __init__(self, doc, **options):
        super().__init__(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter, **options)

    def numbers(self, *, least=1, words="", **usual):
        """An option for each keyword: a whole number, with this default; None where the benchmark has its own."""
        for name, number in usual.items():
            option = f"--{name.replace('_', '-')}"
            self.add_argument(option, type=whole(least), default=number, metavar="N", help=words)

    def seed(self):
        """``--seed``: of everything that is drawn."""
        self.numbers(least=0, words="of what is drawn", seed=0)

    def quick(self, words):
        """``--quick``: what is left out to be done soon."""
        self.add_argument("--quick", action="store_true", help=words)

    def json(self):
        """``--json FILE``: where the figures go, beside the table."""
        self.add_argument("--json", type=Path, metavar="FILE", help="write the figures here")


def whole(least):
    """The parser of a whole number."""

    def parse(text):
        if not text.isdigit() or int(text) < least:
            raise argparse.ArgumentTypeError(f"must be a whole number >= {least}, got {text!r}")
        return int(text)

    return parse


def listed(choices):
    """The parser of names with commas between them."""

    def parse(text):
        names = tuple(text.split(","))
        for name in names:
            if name not in choices:
                raise argparse.ArgumentTypeError(f"must be of {', '.join(choices)}, got {name!r}")
        return names

    return parse


def table(title, *words, numbers=()):
    """A table without rows: columns of words, then columns of numbers."""
    found = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for head in words:
        found.add_column(head, no_wrap=True)
    for head in numbers:
        found.add_column(head, justify="right", no_wrap=True)
    return found


def write(path, plain):
    """Figures as JSON; nothing where no file was asked for."""
    if path is not None:
        path.write_text(json.dumps(plain, indent=1) + "\n", encoding="utf-8")


def law_named(contract, law_id):
    """A law of a contract by its id."""
    return next(law for law in laws_of(contract) if law.id == law_id)


def say_seconds(began):
    """Print the time since then."""
    print(f"{time.monotonic() - began:.0f} s", flush=True)
