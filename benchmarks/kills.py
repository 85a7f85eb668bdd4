"""Kills a campaign's supervisor at random moments and resumes it each time: does it end where an undisturbed one does?

    python -m benchmarks.kills [--kills 20] [--workers-killed 100] [--max-examples 150]

Compared are the certificates, times aside, and the names of the findings, which follow from their cases.
"""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.frame import Command
from properties.certificates.certificate import Certificate
from tests.processes import children

TARGETS = ("tests.mutants.museum.of_paddle:MeanOfAllElements", "tests.mutants.museum.classes:CrossEntropy")
"""One that is wrong and one that is not; both by NumPy, which is quick."""
COMMAND = (sys.executable, "-W", "ignore", "-c", "from properties.command.cli import main; main()")


def started(directory, options, resume):
    """The campaign, in a process of its own."""
    words = ["fuzz", *options, "--out", str(directory)]
    environment = {**os.environ, "GLOG_minloglevel": "3", "PYTHONPATH": os.pathsep.join(["."])}
    return subprocess.Popen(
        [*COMMAND, *words, *(["--resume"] if resume else [])],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def outcome(directory):
    """What a campaign came to, without what differs from run to run."""
    certificates = [
        Certificate.read(path).timeless().to_dict() for path in sorted(Path(directory).glob("certif*.json"))
    ]
    return certificates, sorted(path.name for path in Path(directory, "findings").glob("*.json"))


def workers_of(supervisor):
    """The workers: each has a keeper, which the fork server that the supervisor started has forked."""
    keepers = (keeper for server in children(supervisor) for keeper in children(server))
    return sorted(worker for keeper in keepers for worker in children(keeper))


def journaled(directory):
    """How many records the journal has."""
    path = Path(directory, "journal.jsonl")
    return path.read_bytes().count(b"\n") if path.exists() else 0


def undisturbed(directory, options):
    """Seconds of a campaign that is left alone."""
    began = time.monotonic()
    words, _ = started(directory, options, False).communicate()
    if not list(Path(directory).glob("certif*.json")):
        raise SystemExit(words)
    return time.monotonic() - began


def killed(directory, options, kills, seconds, rng):
    """Kill the supervisor so many times, each after a random time; then let it end. Records at each kill."""
    seen = []
    for number in range(kills + 1):
        process = started(directory, options, resume=journaled(directory) > 0)
        if number == kills:
            words, _ = process.communicate()
            return seen, words
        # every other time it has journaled something since it began
        before = journaled(directory)
        while number % 2 and process.poll() is None and journaled(directory) == before:
            time.sleep(0.01)
        try:
            process.wait(timeout=rng.random() * 2.0 * seconds / kills)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        process.communicate()
        seen.append(journaled(directory))
    return seen, ""


def workers_killed(directory, options, kills, rng):
    """Kill a worker so many times, at random moments of one campaign."""
    process, done = started(directory, options, False), 0
    while process.poll() is None and done < kills:
        time.sleep(rng.random() * 0.3)
        workers = workers_of(process.pid)
        if workers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(rng.choice(workers), signal.SIGKILL)
                done += 1
    words, _ = process.communicate()
    return done, words


def compared(name, found, calm):
    """Whether two outcomes are the same; where they are not, both are kept."""
    if found != calm:
        Path(f"{name}.json").write_text(json.dumps(found, indent=1))
        Path("calm.json").write_text(json.dumps(calm, indent=1))
    return found == calm


def main():
    """Run, disturb, compare."""
    parser = Command(__doc__)
    parser.add_argument("targets", nargs="*", default=TARGETS)
    parser.numbers(kills=20, max_examples=150)
    parser.numbers(least=0, workers_killed=100)
    parser.add_argument("--only", action="append", default=[])
    parser.seed()
    asked = parser.parse_args()
    options = [*asked.targets, "--contract", "cross_entropy", "--backend", "numpy"]
    options += ["--max-examples", str(asked.max_examples), "--workers", "2"]
    for law in asked.only or ("oracle", "weights", "ignore"):
        options += ["--only", law]
    rng = random.Random(asked.seed)
    with tempfile.TemporaryDirectory() as there:
        seconds = undisturbed(f"{there}/calm", options)
        calm = outcome(f"{there}/calm")
        print(
            f"undisturbed: {seconds:.0f} s, {journaled(f'{there}/calm')} records, {len(calm[1])} findings", flush=True
        )
        seen, _ = killed(f"{there}/killed", options, asked.kills, seconds, rng)
        same = outcome(f"{there}/killed") == calm
        print(
            f"supervisor killed {asked.kills} times, at {seen} records: {'the same' if same else 'DIFFERENT'}",
            flush=True,
        )
        if asked.workers_killed:
            done, _ = workers_killed(f"{there}/workers", options, asked.workers_killed, rng)
            equal = compared("workers", outcome(f"{there}/workers"), calm)
            print(f"workers killed {done} times: {'the same' if equal else 'DIFFERENT'}")
            same = same and equal
    sys.exit(0 if same else 1)


if __name__ == "__main__":
    main()
