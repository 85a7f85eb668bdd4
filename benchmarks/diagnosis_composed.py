"""Fits departures to losses with several at once, composed at random: are they found again, all of them?

    python -m benchmarks.diagnosis_composed [--count 200] [--seed 0] [--workers 2] [--json FILE]

A loss is a contract's model with two or three departures of its catalogue, each of which changes at least one in twenty
of the answers. It is *explained* where what is fitted agrees with it on every observed problem, and *named* where that
is the departures it has; *fewer or as many* says that an explanation in other words takes no more of them.
"""

import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np

from benchmarks.frame import Command, say_seconds, write
from properties.contracts import contracts
from properties.departures.departure import exclusive
from properties.engine.agreement import Model
from properties.engine.fitting import fit
from properties.engine.modelled_layer import FittedLayer, ModelObserver
from properties.engine.observed_problems import observed, problems

SHARE = 0.05
"""Part of the answers that a departure must change, to be worth naming."""

TRIES = 200


def quiet(number):
    """Nobody waits for a sign of life."""


def composed(seed):
    """A contract, departures of it that go together, and what is observed of the loss that they make."""
    rng = np.random.default_rng(seed)
    known = [contract for contract in contracts().values() if contract.oracle is not None]
    contract = known[rng.integers(len(known))]
    domain = contract.domain.only(dtype=("float64",))
    asked = list(problems(domain, contract, seed))
    plain = observed(asked, contract, ModelObserver(contract, FittedLayer()), quiet)
    able = [d for d in contract.catalogue.values() if d.change is not None]
    chosen = []
    wanted = 2 + seed % 2
    for number in rng.permutation(len(able))[:TRIES]:
        fitted = able[number].fitted()
        changed = len(Model(contract, plain).unexplained([fitted]))
        if "precision" in fitted.settings or changed < SHARE * len(plain) or exclusive([*chosen, fitted]):
            continue
        chosen.append(fitted)
        if len(chosen) == wanted:
            break
    return contract, chosen, observed(asked, contract, ModelObserver(contract, FittedLayer(tuple(chosen))), quiet)


def refitted(seed):
    """What is found of one composed loss, as plain data."""
    contract, chosen, seen = composed(seed)
    model = Model(contract, seen)
    began = time.process_time()
    found = fit(model)
    return {
        "seed": seed,
        "contract": contract.name,
        "has": sorted(fitted.name for fitted in chosen),
        "found": sorted(fitted.name for fitted in found),
        "examples": len(seen),
        "explained": model.explained(found),
        "seconds": round(time.process_time() - began, 2),
    }


def main():
    """Compose, fit, print, and write the figures."""
    parser = Command(__doc__)
    parser.numbers(count=200, words="losses")
    parser.seed()
    parser.numbers(workers=2)
    parser.json()
    asked = parser.parse_args()
    began = time.monotonic()
    lines = []
    seeds = range(asked.seed * 10_000, asked.seed * 10_000 + asked.count)
    with ProcessPoolExecutor(asked.workers, mp_context=get_context("spawn")) as pool:
        for line in pool.map(refitted, seeds):
            lines.append(line)
            whole = line["explained"] == line["examples"]
            mark = "named" if line["has"] == line["found"] else "explained" if whole else "LEFT"
            print(
                f"{mark:10}{line['contract']:17}{line['seconds']:5.1f} s  {line['has']}  found {line['found']}",
                flush=True,
            )
    whole = [line for line in lines if line["explained"] == line["examples"]]
    figures = {
        "losses": len(lines),
        "explained": len(whole),
        "named": sum(line["has"] == line["found"] for line in lines),
        "explained by fewer or as many": sum(len(line["found"]) <= len(line["has"]) for line in whole),
    }
    print("  ".join(f"{name} {number}" for name, number in figures.items()))
    write(asked.json, {"figures": figures, "losses": lines})
    say_seconds(began)


if __name__ == "__main__":
    main()
