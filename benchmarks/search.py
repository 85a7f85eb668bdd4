"""Measures what a search that knows the source, the worst so far and crowds finds beyond chance.

Each defect is searched by as many examples either way: plain ones, and generations that hand on their worst.

python benchmarks/search.py [--seeds 5] [--generations 5] [--examples 400] [--largest 100000] [NAME...]
"""

import argparse
import statistics

from benchmarks.planted import PLANTED
from properties.drawing.guided import Guidance
from properties.engine.execution import domain_of, laws_of
from properties.engine.search import run_law
from properties.subjects.numpy_backend.observer import NumpyObserver
from properties.subjects.source import source_of
from properties.subjects.source_constants import constants_of


def examples_to_find(planted, seed, generations, examples, seek):
    """Examples up to the first contradiction; None where there was none."""
    subject = planted.subject
    contract = subject.resolved
    law = next(law for law in laws_of(contract) if law.id == planted.law)
    observer, domain = NumpyObserver(subject), domain_of(subject, tuple(subject.full_domain["dtype"]))
    corpus = ()
    for generation in range(generations):
        result = run_law(
            law,
            contract=contract,
            observer=observer,
            takes=subject.takes,
            domain=domain,
            seed=seed * 1000 + generation,
            max_examples=examples,
            shrinks=False,
            seek=None if seek is None else Guidance(seek.constants, corpus, seek.largest),
        )
        corpus = result.corpus
        if result.finding is not None:
            return generation * examples + result.examples
    return None


def measured(planted, options, seek):
    runs = [
        examples_to_find(planted, seed, options.generations, options.examples, seek) for seed in range(options.seeds)
    ]
    counts = [count for count in runs if count is not None]
    return f"{len(counts)} of {options.seeds} | {f'{statistics.median_low(counts):,}' if counts else ''}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*")
    for name, usual in (("seeds", 5), ("generations", 5), ("examples", 400), ("largest", 100_000)):
        parser.add_argument(f"--{name}", type=int, default=usual)
    options = parser.parse_args()
    print("| defect | shows at | by chance | after | seeking | after |")
    print("| --- | --- | --- | --- | --- | --- |")
    for planted in PLANTED:
        if options.names and planted.name not in options.names:
            continue
        seek = Guidance(constants_of(source_of(planted.subject)), (), options.largest)
        cells = [measured(planted, options, known) for known in (None, seek)]
        print(f"| {planted.name} | {planted.met} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
