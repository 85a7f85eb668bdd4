"""The smallest relative error that is caught, in value, gradient, class weight or denominator of losses else right.

    python -m benchmarks.sensitivity [--examples 200] [--only ghm] [--dtypes float64,float32] [--quick] [--json FILE]

An error e multiplies the value, the gradient, the weight of the first class, or the denominator of the mean, by 1 + e.
Looked for is the smallest e, of 1 and 3 times a power of ten, that some law refutes in so many examples: by bisection
with the laws that hold numbers against the oracle, then downwards with every other law of formula and numerics
(``--quick`` leaves that out). Losses are NumPy's, and Paddle's where NumPy has no such loss or no such precision.
"""

import time
from dataclasses import replace
from functools import partial

import numpy as np
from rich.console import Console

from benchmarks.frame import Command, listed, say_seconds, table, write
from properties import Subject
from properties.engine.description import laws_of
from properties.engine.result import FAILED
from properties.engine.search import SearchOptions, run_law
from properties.engine.trial import Trial
from properties.subjects.backend import observer_of
from properties.subjects.target import Target
from tests.mutants.museum import classes, entries, largest, regions
from tests.mutants.registry import sounds

QUANTITIES = ("value", "gradient", "class weight", "denominator")
DTYPES = ("float64", "float32", "float16", "bfloat16")
ERRORS = sorted(mantissa * 10.0**exponent for exponent in range(-16, 1) for mantissa in (1, 3))
"""What is injected; 3 stands for what is beyond all reach."""

LOSSES = {
    "cross_entropy": classes.CrossEntropy,
    "ghm": regions.GHM,
    "focal": classes.Focal,
    "sigmoid_focal": entries.SigmoidFocal,
    "ghm_regression": regions.GHMRegression,
    "average_top_k": largest.TopK,
    "cost_sensitive": None,
}
"""Sound losses in NumPy by contract; None: Paddle's alone."""

FIRST = ("oracle/value", "oracle/gradient", "oracle/accuracy", "oracle/vjp")
"""The laws that see the smallest errors; the others are asked where these see nothing."""


def scaled(array, factor):
    """Multiplied in float64, so that nothing but the product is rounded."""
    return np.asarray(np.asarray(array, np.float64) * factor, array.dtype)


class Off:
    """A loss in NumPy with one quantity off by a factor."""

    def __init__(self, loss, quantity, factor, **arguments):
        weight = arguments.get("weight")
        if quantity == "class weight" and weight is not None:
            arguments["weight"] = weight * np.where(np.arange(len(weight)) == 0, factor, 1.0)
        self.loss = loss(**arguments)
        divided = quantity == "denominator" and self.loss.reduction == "mean"
        self.value = factor if quantity == "value" else 1 / factor if divided else 1.0
        self.gradient = factor if quantity == "gradient" else 1 / factor if divided else 1.0

    def __call__(self, logits, labels, **given):
        value, backward = self.loss(logits, labels, **given)
        return scaled(value, self.value), lambda upstream: scaled(backward(upstream), self.gradient)


def wrong(contract, dtype, quantity, error):
    """A subject with one quantity off, or None where the loss has no such quantity."""
    loss, backend = LOSSES[contract], "numpy"
    off = Off
    if loss is None or dtype == "bfloat16":
        from benchmarks import sensitivity_paddle

        module, _, name = sounds()[contract].text.partition(":")
        loss = getattr(__import__(module, fromlist=[name]), name)
        off, backend = sensitivity_paddle.Off, "paddle"
    plain = Target(f"{loss.__module__}:{loss.__qualname__}", contract, backend=backend).load()
    if quantity == "class weight" and "weight" not in plain.takes:
        return None
    return Subject(
        contract=contract,
        build=partial(off, loss, quantity, 1.0 + error),
        call=plain.call,
        arguments=tuple(sorted(plain.takes)),
        domain={**plain.domain, "dtype": [dtype]},
        backend=backend,
    )


class Seen(BaseException):
    """Raised inside a search to leave it: nobody wants the smallest example."""


def hasty(law):
    """The same law, which ends the search at the first finding."""

    def check(case):
        for _ in law.check(case):
            raise Seen
        return ()

    return replace(law, check=check)


def caught(subject, laws, examples, seed=0):
    """The first of these laws that refutes the subject, or None."""
    contract, observer = subject.resolved, observer_of(subject)
    for law in laws:
        trial = Trial(hasty(law), contract, observer, subject.takes, subject.full_domain)
        try:
            result = run_law(trial, SearchOptions(seed=seed, max_examples=examples))
        except Seen:
            return law.id
        if result.outcome in FAILED:
            raise RuntimeError(f"{law.id} is no judge of {subject.title}: {result.finding.message}")
    return None


def numeric_laws(contract):
    """The laws that look at numbers: those that see the smallest errors, and the others."""
    laws = [law for law in laws_of(contract) if law.level != "conduct"]
    first = sorted((law for law in laws if law.id in FIRST), key=lambda law: FIRST.index(law.id))
    return first, [law for law in laws if law.id not in FIRST]


def smallest(contract, dtype, quantity, examples=200, quick=False):
    """The smallest error that is caught, and the law that does it; None where there is no such quantity."""
    sound = wrong(contract, dtype, quantity, 0.0)
    if sound is None:
        return None
    first, others = numeric_laws(sound.resolved)
    if seen := caught(sound, first, examples):
        raise RuntimeError(f"{seen} refutes {contract} in {dtype} without any error: nothing can be measured")
    if quantity == "gradient":
        first = [law for law in first if law.id != "oracle/value"]
    low, high, law = -1, len(ERRORS) - 1, None
    while high - low > 1:
        middle = (low + high) // 2
        seen = caught(wrong(contract, dtype, quantity, ERRORS[middle]), first, examples)
        low, high, law = (low, middle, seen) if seen else (middle, high, law)
    while not quick and low >= 0:
        seen = caught(wrong(contract, dtype, quantity, ERRORS[low]), others, examples)
        if seen is None:
            break
        low, high, law = low - 1, low, seen
    return {"error": ERRORS[high], "law": law}


def errors_table(rows):
    """Smallest errors by loss and dtype, a column for each quantity."""
    found = table("Smallest relative error that is caught", "loss", "precision", *QUANTITIES)
    for (contract, dtype), cells in rows.items():
        words = [f"{cells[q]['error']:.0e}" if cells[q] else "-" for q in QUANTITIES]
        found.add_row(contract, dtype, *words)
    return found


def options(arguments):
    parser = Command(__doc__)
    parser.numbers(examples=200, words="of each law")
    parser.add_argument("--only", type=listed(LOSSES), default=tuple(LOSSES), metavar="LOSSES")
    parser.add_argument("--dtypes", type=listed(DTYPES), default=DTYPES, metavar="DTYPES")
    parser.quick("no other laws than those of the oracle")
    parser.json()
    return parser.parse_args(arguments)


def main(arguments=None):
    arguments = options(arguments)
    rows, began = {}, time.monotonic()
    for contract in arguments.only:
        for dtype in arguments.dtypes:
            row = rows[contract, dtype] = {}
            for quantity in QUANTITIES:
                row[quantity] = smallest(contract, dtype, quantity, arguments.examples, arguments.quick)
                found = row[quantity]
                words = f"{found['error']:.0e} by {found['law']}" if found else "no such quantity"
                print(f"{contract:16} {dtype:9} {quantity:13} {words}", flush=True)
    Console(width=100).print(errors_table(rows))
    say_seconds(began)
    write(arguments.json, [{"loss": loss, "dtype": dtype, **cells} for (loss, dtype), cells in rows.items()])


if __name__ == "__main__":
    main()
