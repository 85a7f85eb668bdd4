"""Fits departures to losses that are wrong in a known way, and to sound ones: is the fault named, and nothing else?

    python -m benchmarks.diagnosis [--roles exhibit,twin,mutant,sound] [--contracts focal,...] [--ids B001,...]
                                   [--seeds 3] [--workers 2] [--json FILE]

A fault is named rightly where a departure is found that ``diagnosis_expected`` has for it; one that it has not is one
too many. What changes no numbers has no model: of it nothing is expected. Sound losses must get no departure.
"""

import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from rich.console import Console

from benchmarks.diagnosis_expected import EXPECTED
from benchmarks.frame import Command, listed, say_seconds, table, write
from properties.engine.agreement import Model
from properties.engine.description import describe
from properties.engine.fitting import fit, needed_by
from properties.engine.observed_problems import observed, problems
from properties.subjects.backend import in_style, observer_of
from properties.subjects.target import Target, loadable
from properties.workers.forked_observer import ForkedObserver
from tests.mutants import registry

WRONG = ("exhibit", "twin", "mutant")
ROLES = (*WRONG, "sound")
TIME_LIMIT = 10.0
"""Seconds for one answer of a loss."""


def losses(roles, contracts=(), ids=()):
    """The registered losses of some roles, of all contracts or these, all or those that go by these ids."""
    found = []
    of_role = {"exhibit": registry.exhibits, "twin": registry.twins, "mutant": registry.mutants}
    for role in roles:
        found += of_role[role]().values() if role != "sound" else registry.sounds().values()
        found += registry.sounds("numpy").values() if role == "sound" else ()
    return [loss for loss in found if (not contracts or loss.contract in contracts) and (not ids or loss.id in ids)]


def diagnosed(role, name, text, contract, backend, seed=0):
    """What is found of one loss, as plain data; None where its contract has no oracle."""
    subject = loadable(Target(text, contract if backend else None, backend=backend)).load()
    if subject.resolved.oracle is None:
        return None
    line = {"role": role, "id": name, "contract": contract, "seed": seed}
    try:
        description = describe(subject)
        subject = in_style(subject, description.style)
        observer = ForkedObserver(observer_of(subject), TIME_LIMIT)
        domain = subject.full_domain.only(dtype=description.dtypes, **description.kept)
        asked = problems(domain, subject.resolved, seed, takes=subject.takes)
        try:
            seen = observed(asked, subject.resolved, observer, lambda number: None)
        finally:
            observer.close()
    except Exception as error:
        # a loss that cannot be asked at all is a row like the others
        return {**line, "error": f"{type(error).__name__}: {error}"}
    began = time.process_time()
    model = Model(subject.resolved, seen)
    found = fit(model)
    needs = needed_by(model, found)
    return {
        **line,
        "examples": len(seen),
        "explained_without": model.explained([]),
        "explained": model.explained(found),
        "seconds": round(time.process_time() - began, 2),
        "departures": [{**f.to_dict(), "needs": needs[f.name], "sentence": f.sentence} for f in found],
    }


def judged(line):
    """A line with what it is worth: None where nothing is expected of it."""
    if "error" in line:
        return line
    names = [departure["name"] for departure in line["departures"]]
    whole = line["explained"] == line["examples"]
    if line["role"] == "sound":
        return {**line, "named": None, "whole": whole, "too_many": len(names)}
    expected = EXPECTED.get(line["id"])
    if not expected:
        # not in the table, or without a model
        return {**line, "named": None, "whole": whole, "too_many": None if expected is None else len(names)}
    too_many = sum(name not in expected for name in names)
    return {**line, "named": any(name in expected for name in names), "whole": whole, "too_many": too_many}


def _judged(job):
    line = diagnosed(*job)
    return None if line is None else judged(line)


def say(line):
    """One line for a loss."""
    if "error" in line:
        print(f"{line['role']:8}{line['id']:32}{line['error']}", flush=True)
        return
    found = ", ".join(f"{d['name']}{d['parameters'] or ''} ({d['needs']})" for d in line["departures"])
    marks = {True: "named", False: "MISSED", None: ""}[line["named"]]
    explained = f"{line['explained']}/{line['examples']}"
    print(f"{line['role']:8}{line['id']:32}{marks:8}{explained:9}{line['seconds']:5.1f} s  {found}", flush=True)


def share(lines, what):
    """How many of the lines of which it is known have it, in words."""
    known = [line[what] for line in lines if line[what] is not None]
    return f"{sum(bool(k) for k in known)}/{len(known)}"


def summary(lines):
    """Figures of one role."""
    seconds = [line["seconds"] for line in lines]
    return {
        "losses": len(lines),
        "named": share(lines, "named"),
        "explained completely": share(lines, "whole"),
        "a departure too many": share(lines, "too_many"),
        "seconds, median": round(statistics.median(seconds), 2),
        "seconds, worst": max(seconds),
    }


def main():
    """Diagnose, print, and write the figures."""
    parser = Command(__doc__)
    contracts = sorted({loss.contract for loss in losses(ROLES)})
    parser.add_argument("--roles", type=listed(ROLES), default=ROLES, metavar="ROLE,...")
    parser.add_argument("--contracts", type=listed(contracts), default=(), metavar="NAME,...")
    parser.add_argument("--ids", type=lambda text: tuple(text.split(",")), default=(), metavar="ID,...")
    parser.numbers(seeds=3, words="how many seeds the sound losses are observed with")
    parser.numbers(workers=2)
    parser.json()
    asked = parser.parse_args()
    began = time.monotonic()
    jobs = [
        (loss.role, loss.id, loss.text, loss.contract, loss.backend, seed)
        for loss in losses(asked.roles, asked.contracts, asked.ids)
        for seed in range(asked.seeds if loss.role == "sound" else 1)
    ]
    lines = []
    with ProcessPoolExecutor(asked.workers, mp_context=get_context("spawn")) as pool:
        for line in pool.map(_judged, jobs):
            if line is not None:
                lines.append(line)
                say(line)
    summaries = {}
    found = table("\nDiagnosis", "role", numbers=("losses", "named", "explained", "too many", "median s", "worst s"))
    for role in asked.roles:
        of_role = [line for line in lines if line["role"] == role and "error" not in line]
        if of_role:
            summaries[role] = summary(of_role)
            found.add_row(role, *map(str, summaries[role].values()))
    Console(width=120).print(found)
    write(asked.json, {"summaries": summaries, "losses": lines})
    say_seconds(began)


if __name__ == "__main__":
    main()
