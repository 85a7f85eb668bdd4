"""Measures what a search that knows the source, the worst so far and crowds finds beyond chance.

python benchmarks/search.py [--seeds 5] [--generations 5] [--examples 400] [--largest 100000] [NAME...]
"""

import argparse
import statistics
import time

from benchmarks.planted import PLANTED
from properties.engine import run_law
from properties.harvest import harvest, source_of
from properties.numpy_adapter import NumpyObserver
from properties.seek import Seek
from properties.work import domain_of, laws_of


def examples_to_find(planted, seed, generations, examples, seek):
    """Examples up to the first contradiction (None: there was none), and the seconds of the whole search."""
    subject = planted.subject
    contract = subject.resolved
    law = next(law for law in laws_of(contract) if law.id == planted.law)
    observer, domain = NumpyObserver(subject), domain_of(subject, tuple(subject.full_domain["dtype"]))
    corpus, start = (), time.perf_counter()
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
            seek=None if seek is None else Seek(seek.constants, corpus, seek.largest),
        )
        corpus = result.corpus
        if result.finding is not None:
            return generation * examples + result.examples, time.perf_counter() - start
    return None, time.perf_counter() - start


def measured(planted, options, seek):
    runs = [
        examples_to_find(planted, seed, options.generations, options.examples, seek) for seed in range(options.seeds)
    ]
    counts = [count for count, _ in runs if count is not None]
    rate = [seconds / (count or options.generations * options.examples) for count, seconds in runs]
    median = f"{statistics.median_low(counts):,}" if counts else "-"
    return len(counts), median, 1000 * statistics.median(rate)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*")
    for name, usual in (("seeds", 5), ("generations", 5), ("examples", 400), ("largest", 100_000)):
        parser.add_argument(f"--{name}", type=int, default=usual)
    options = parser.parse_args()
    print("| defect | shows at | by chance | after | ms | seeking | after | ms |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for planted in PLANTED:
        if options.names and planted.name not in options.names:
            continue
        seek = Seek(harvest(source_of(planted.subject)), (), options.largest)
        cells = []
        for known in (None, seek):
            found, after, cost = measured(planted, options, known)
            cells.append(f"{found} of {options.seeds} | {after} | {cost:.1f}")
        print(f"| {planted.name} | {planted.met} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
