"""Published layers, each certified by one plain command: is the report about the loss, and is it right?

python -m benchmarks.published_layers [NAME ...] [--venv DIR] [--max-examples 40] [--json FILE]

Two toolboxes are installed from PyPI into an environment of their own, beside what they import, and fifteen of their
losses are put to ``lossproof certify`` without a domain, a map or a Subject. Beside what came stands what the loss's
own documentation says, and what is to be expected of it.
"""

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console

from benchmarks.frame import Command, table, write
from benchmarks.published_layers_expected import LAYERS
from properties.certificates.causes import causes
from properties.certificates.certificate import Certificate
from properties.engine.result import FAILED

ROOT = Path(__file__).parents[1]
TOOLBOXES = ("paddleseg==2.8.0", "paddledet==2.6.0")
IMPORTED = (
    *("matplotlib", "opencv-python-headless", "pandas", "pillow", "psutil", "pycocotools", "pyyaml", "requests"),
    *("scikit-learn", "scipy", "setuptools<81", "six", "tqdm"),
)
"""What the toolboxes import on the way to their losses; what else they ask for asks for older versions of NumPy."""

PADDLE = "paddlepaddle==3.3.1"
LEAST_LAWS = 20
"""A report is about a loss where so many laws at least came to an end; where only the call was tried, one or two do."""

SETTLED = ("held", *FAILED)


@dataclass(frozen=True)
class Outcome:
    """What came of one command."""

    name: str
    command: str
    verdict: str
    about: str
    settled: int
    failed: int
    causes: int
    leading: str
    words: str
    seconds: float
    agrees: bool
    fault: str
    documented: str


def environment(directory):
    """The Python of an environment with both toolboxes, which is made where there is none."""
    python = directory / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(directory)], check=True)
    install = [str(python), "-m", "pip", "install", "--quiet"]
    if not (directory / "complete").exists():
        subprocess.run([*install, PADDLE, *IMPORTED, str(ROOT)], check=True)
        subprocess.run([*install, "--no-deps", *TOOLBOXES], check=True)
        (directory / "complete").touch()
    return python


def command_of(layer, examples, certificate):
    """The words of the command after ``lossproof``."""
    told = [word for name, value in layer.settings.items() for word in ("--set", f"{name}={value}")]
    asked = ["--contract", layer.contract, *told, "--max-examples", str(examples)]
    return ["certify", layer.target, *asked, "--json", str(certificate)]


def certified(python, layer, examples, directory, limit):
    """Carry out one command; its certificate, None where it left none, with the seconds and its last words."""
    file = directory / f"{layer.name}.json"
    file.unlink(missing_ok=True)
    words = command_of(layer, examples, file)
    script = "from properties.command.cli import main; main()"
    began, env = time.monotonic(), {**os.environ, "PYTHONPATH": str(ROOT)}
    try:
        done = subprocess.run(
            [str(python), "-W", "ignore", "-c", script, *words],
            cwd=directory,
            env=env,
            capture_output=True,
            text=True,
            timeout=limit,
            check=False,
        )
        said = done.stdout + done.stderr
    except subprocess.TimeoutExpired as late:
        said = f"no end after {late.timeout:.0f} s"
    (directory / f"{layer.name}.txt").write_text(said, encoding="utf-8")
    found = Certificate.read(file) if file.exists() else None
    return found, time.monotonic() - began, said.strip().splitlines()[-1:]


def told(layer, words, certificate, seconds, last):
    """The outcome of a command."""
    agreed = {"documented": layer.documented, "fault": layer.fault}
    plain = " ".join(word for word in words if not word.endswith(".json")).removesuffix(" --json")
    if certificate is None:
        return Outcome(
            layer.name, plain, "none", "call", 0, 0, 0, "", " ".join(last), round(seconds, 1), False, **agreed
        )
    settled = [law for law in certificate.laws if law.outcome in SETTLED]
    answers = next(law for law in certificate.laws if law.id == "conduct/answers")
    found = causes(certificate)
    law = found[0].law if found else None
    # a loss that raises whatever it is given is told of by the one law that asks whether it answers
    asked = answers.outcome == "held" and len(settled) >= LEAST_LAWS
    about = "loss" if asked or (layer.fault and agrees(layer, certificate, found)) else "call"
    return Outcome(
        layer.name,
        plain,
        certificate.verdict,
        about,
        len(settled),
        len(certificate.failed),
        len(found),
        law.id if law else "",
        " ".join(law.message.split()) if law else "",
        round(seconds, 1),
        about == "loss" and agrees(layer, certificate, found),
        **agreed,
    )


def agrees(layer, certificate, found):
    """Whether a verdict is the one that the loss's documentation gives, for a cause that breaks it."""
    if not layer.fault:
        return certificate.verdict == "certified"
    texts = [f"{law.id} {law.message}" for cause in found for law in map(certificate.law, (cause.law.id, *cause.also))]
    return certificate.verdict == "refuted" and any(word in text for text in texts for word in layer.leads)


def report(outcomes):
    """Print a table of outcomes, and under it who is right."""
    found = table("published layers", "loss", "verdict", "about", "leading", numbers=("laws", "failed", "causes", "s"))
    for one in outcomes:
        numbers = (one.settled, one.failed, one.causes, one.seconds)
        found.add_row(one.name, one.verdict, one.about, one.leading, *map(str, numbers))
    console = Console(width=max(100, Console().width))
    console.print(found)
    for one in outcomes:
        console.print(f"{one.name}: {one.words or one.verdict}", style="bold" if one.agrees else "", markup=False)
        console.print(f"    says of itself: {one.documented}", markup=False)
        console.print(f"    right: {one.fault or 'as documented'}", markup=False)
    about = sum(one.about == "loss" for one in outcomes)
    print(f"{about} of {len(outcomes)} reports are about the loss, {sum(one.agrees for one in outcomes)} as expected")


def main(arguments=None):
    command = Command(__doc__)
    command.add_argument("names", nargs="*", metavar="NAME", help="of " + ", ".join(one.name for one in LAYERS))
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    command.add_argument("--venv", type=Path, default=cache / "lossproof" / "published", metavar="DIR")
    command.add_argument("--reports", type=Path, metavar="DIR", help="where certificates and texts of reports are left")
    command.numbers(max_examples=40, time_limit=1200)
    command.json()
    options = command.parse_args(arguments)
    for name in set(options.names) - {one.name for one in LAYERS}:
        command.error(f"NAME must be of {', '.join(one.name for one in LAYERS)}, got {name!r}")
    python = environment(options.venv.absolute())
    outcomes = []
    with tempfile.TemporaryDirectory() as scratch:
        directory = (options.reports or Path(scratch)).absolute()
        directory.mkdir(parents=True, exist_ok=True)
        for layer in (one for one in LAYERS if not options.names or one.name in options.names):
            words = command_of(layer, options.max_examples, directory / f"{layer.name}.json")
            found = certified(python, layer, options.max_examples, directory, options.time_limit)
            outcomes.append(told(layer, ["lossproof", *words], *found))
            print(f"{layer.name}: {outcomes[-1].verdict}, {outcomes[-1].seconds:.0f} s", flush=True)
            write(options.json, [asdict(one) for one in outcomes])
    report(outcomes)


if __name__ == "__main__":
    main()
