"""Command lines that nobody should write, over all options of all commands, and damaged files; and what came of each.

No process is started: where a worker would begin, the layer cannot be loaded.
"""

import contextlib
import json
import os
import traceback
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from unittest import mock

import click
from click.testing import CliRunner

from properties.command.cli import main
from properties.command.exit_codes import INTERNAL, MEANINGS
from properties.errors import UsageError
from properties.workers.inline import Inline
from properties.workers.worker import Worker

STORED = Path(__file__).parents[1] / "certificates" / "stored"

ODD = (
    *("", " ", ".", "..", "/", "~", "-", "--", "=", "a=", "=a", "a=b=c", "²", "٣", "½", "\x00", "a\nb", "\x1b[31mred"),
    *("\udcff", "a\udcffb", "\u202eevil", "\u200b", "\ufeff", "\x9b31m", "[red]x[/red]", "[link=x]", "{}", "[", "None"),
    *("nan", "inf", "-inf", "1e308", "1e999", "-0", "0x10", "1_000", "10**30", str(10**40), "9" * 5000, "-1", "0"),
    *("--help", "%s%n", "$(id)", "`id`", "../../etc/passwd", "x" * 20_000, "-" * 9_000 + "1", "(" * 5_000, "é" * 300),
)
"""Texts that are no value of most options."""

TARGETS = (
    "paddle_impl:GHMLoss",
    "no_such:Thing",
    "no/file.py:X",
    "../planted/source.py:Layer",
    "a:b:c",
    ":x",
    "x:",
    "os:a b",
)

FILES = (
    *("new.json", "../planted/source.py", "../planted/certificate.json", "../planted/link.json", "../planted", "."),
    *("../planted/notes.txt", "no/such/folder/file", "/dev/full", "/dev/null", "/proc/x", "n" * 300, "out"),
)

PAIRS = {
    "--map": ("width=bins", "a=weight", "b=weight", "bins=bins", "x=nothing"),
    "--set": ("bins=5", "bins=[1,2]", "temperature=1", "bins={1:2}", "bins=" + "[" * 3_000, "weight=1"),
    "--domain": (
        *("rank=2", "rank=1e9", "axis=5", "size=few", "size=10**9", "bins=1,2", "dtype=float32", "classes={}"),
        *(
            "ignore_index=99999999999999999999",
            "bins=[[1],[2]]",
            "rank=[]",
            "rank=()",
            "rank=,",
            "dtype=" + "," * 5_000,
        ),
    ),
    "--claim": ("gradient=live", "gradient=detached", "denominator=count+1e-5", "denominator=" + "+" * 3_000),
    "--call": ("labels=one-hot", "output=1", "order=labels", "class_axis=²", "x=y"),
}

PLAIN = {
    "--contract": ("ghm", "cross_entropy", "free", "gmh"),
    "--only": ("oracle/value", "limit", "B001", "oracle", "x"),
    "--promise": ("shift", "sign", "x"),
    "--require": ("all", "formula,remarks", "x,,y", ","),
    "--max-time": ("1s", "8h", "99999999d", "1.5.5h", "٣h"),
    "--workers": ("1", "2", "auto", "10000000000"),
    "--scheduler": ("tcp://127.0.0.1:1", "zzz://", "tcp://[", ":::"),
    "--accept-less": ("a reason",),
    "--out": ("out", "../planted", "../planted/notes.txt"),
    "--examples": (".", "../planted", "no"),
    "--scripts": ("scripts", "../planted/folder", "../planted/notes.txt"),
    "--max-examples": ("1", "5"),
    "--seed": ("0", "7"),
}


@cache
def leaves(command=main, path=()):
    """All commands that do something, each by the words that name it."""
    if not isinstance(command, click.Group):
        return {path: command}
    return {name: leaf for word, one in command.commands.items() for name, leaf in leaves(one, (*path, word)).items()}


def command_line(random):
    """A command with a few options, about half of them wrong."""
    path = random.choice(often())
    words = list(path)
    if path == ("selftest",) and random.random() < 0.98:
        # the whole museum is the same again, a hundred times over
        words += ["--only", random.choice(["B001", "B002", "B999"])]
    for parameter in leaves()[path].params:
        if isinstance(parameter, click.Argument):
            most = 3 if parameter.nargs == -1 else parameter.nargs
            for _ in range(random.choice([most, most, most, most + 1, 0])):
                words.append(argument(random, parameter))
            continue
        if random.random() < 0.2:
            for _ in range(random.choice([1, 1, 1, 2])):
                words += option(random, parameter)
    if random.random() < 0.05:
        words.insert(random.randrange(len(words) + 1), random.choice(ODD))
    return words


@cache
def often():
    """The names of all commands, most of them many times: lists take long, and have few options."""
    return [path for path in sorted(leaves()) for _ in range(1 if path[0] in ("list", "demo") else 20)]


def argument(random, parameter):
    """What may stand where a target or a file is expected."""
    if random.random() < 0.2:
        return random.choice(ODD)
    return random.choice(FILES if isinstance(parameter.type, click.Path) else TARGETS)


def option(random, parameter):
    """An option with a value, good or bad."""
    name = random.choice(parameter.opts)
    if parameter.is_flag:
        return [name]
    known = PAIRS.get(name) or PLAIN.get(name) or (FILES if isinstance(parameter.type, click.Path) else ())
    if isinstance(parameter.type, click.Choice):
        known = tuple(map(str, parameter.type.choices))
    value = random.choice(known) if known and random.random() < 0.6 else random.choice(ODD)
    if name in PAIRS and random.random() < 0.2:
        value = f"{random.choice(ODD)}={random.choice(ODD)}"
    return [f"{name}={value}"] if name.startswith("--") and random.random() < 0.2 else [name, value]


def damaged(random, whole):
    """A file with a fault: other bytes, a part of it missing or twice, or a value of its JSON replaced."""
    if random.random() < 0.6:
        with contextlib.suppress(ValueError):
            lines = whole.split(b"\n") if whole.count(b"\n{") else [whole]
            number = random.randrange(len(lines))
            lines[number] = json.dumps(_replaced(random, json.loads(lines[number]))).encode()
            return b"\n".join(lines)
    place = random.randrange(len(whole) + 1)
    other = min(place + random.choice([1, 2, 8, 100, 10_000]), len(whole))
    junk = random.choice([b"", b"\x00", b"\xff", b'"', b"{", b"]", b"NaN", b"1e999", b"-" * 50, whole[place:other] * 2])
    return whole[:place] + junk + whole[other:]


VALUES = (
    None,
    True,
    0,
    -1,
    1.5,
    1e308,
    float("nan"),
    10**30,
    "",
    "x",
    "\x1b[31m",
    "\udcff",
    [],
    {},
    [[]],
    {"x": 1},
    "9" * 999,
)


def _replaced(random, plain):
    """Plain data with one value of it replaced, left out or renamed."""
    if isinstance(plain, dict) and plain and random.random() < 0.9:
        name = random.choice(sorted(plain))
        if random.random() < 0.1:
            return {key: value for key, value in plain.items() if key != name}
        if random.random() < 0.05:
            return {("x" if key == name else key): value for key, value in plain.items()}
        return {**plain, name: _replaced(random, plain[name])}
    if isinstance(plain, list) and plain and random.random() < 0.9:
        place = random.randrange(len(plain))
        return [*plain[:place], _replaced(random, plain[place]), *plain[place + 1 :]]
    return random.choice(VALUES)


@dataclass
class Outcome:
    """What came of a command line; ``faults`` say in words what should not have been."""

    code: int
    output: str
    faults: list


class Sandbox:
    """A folder with files of somebody else's, and one that commands may write to."""

    def __init__(self, root):
        self.root = Path(root)
        self.chosen, planted = self.root / "chosen", self.root / "planted"
        self.chosen.mkdir(parents=True)
        (planted / "folder").mkdir(parents=True)
        (planted / "source.py").write_text("class Layer:\n    pass\n")
        (planted / "notes.txt").write_text("notes\n")
        (planted / "certificate.json").write_bytes((STORED / "certificate-0.json").read_bytes())
        (planted / "link.json").symlink_to("notes.txt")
        self._before = self.state()

    def state(self):
        """Every file outside of what may be written to, with what tells that it was written."""
        found = {}
        for folder, folders, files in os.walk(self.root):
            if Path(folder) == self.root:
                folders.remove("chosen")
            for name in (*folders, *files):
                status = os.lstat(os.path.join(folder, name))
                found[os.path.join(folder, name)] = (status.st_ino, status.st_size, status.st_mtime_ns)
        # a temporary file that comes and goes leaves a trace in the time of its folder alone
        return {path: (ino, size, when * (not os.path.isdir(path))) for path, (ino, size, when) in found.items()}

    def run(self, words):
        """Carry out a command line in this process."""
        with contextlib.chdir(self.chosen), nothing_starts():
            result = CliRunner().invoke(main, list(words))
        faults = []
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            faults.append("".join(traceback.format_exception(result.exception)))
        if result.exit_code not in MEANINGS or result.exit_code == INTERNAL:
            faults.append(f"exit code {result.exit_code}: {result.output[-600:]}")
        if "Traceback" in result.output:
            faults.append("a traceback is printed")
        if not all(line.isprintable() for line in result.output.split("\n")):
            faults.append("a control character is printed")
        after = self.state()
        if after != self._before:
            faults.append(f"files changed: {sorted(set(after.items()) ^ set(self._before.items()))[:4]}")
            self._before = after
        return Outcome(result.exit_code, result.output, faults)


@contextlib.contextmanager
def nothing_starts():
    """Let every layer fail to be loaded where its process would start."""

    def refuse(*_):
        raise UsageError("no process is started here")

    with (
        mock.patch.object(Worker, "_start", refuse),
        mock.patch.object(Inline, "describe", refuse),
        mock.patch("properties.command.fuzz.cluster", refuse),
    ):
        yield
