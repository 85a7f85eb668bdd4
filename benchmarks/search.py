"""Measures what a search that knows the source, the worst so far and crowds finds beyond chance.

Each defect is searched by as many examples either way: plain ones, and generations that hand on their worst.

python -m benchmarks.search [--seeds 5] [--generations 5] [--examples 400] [--largest 100000] [NAME...]
"""

import statistics

from benchmarks.frame import Command, law_named
from properties.drawing.guided import Guidance
from properties.engine.description import domain_of
from properties.engine.search import SearchOptions, run_law
from properties.engine.trial import Trial
from properties.subjects.numpy_backend.observer import NumpyObserver
from properties.subjects.source import source_of
from properties.subjects.source_constants import constants_of
from tests.losses.planted import PLANTED


def examples_to_find(planted, seed, generations, examples, seek):
    """Examples up to the first contradiction; None where there was none."""
    subject = planted.subject
    contract = subject.resolved
    law = law_named(contract, planted.law)
    observer, domain = NumpyObserver(subject), domain_of(subject, tuple(subject.full_domain["dtype"]))
    corpus = ()
    trial = Trial(law, contract, observer, subject.takes, domain)
    for generation in range(generations):
        known = None if seek is None else Guidance(seek.constants, corpus, seek.largest)
        options = SearchOptions(seed=seed * 1000 + generation, max_examples=examples, shrinks=False, seek=known)
        result = run_law(trial, options)
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
    parser = Command(__doc__)
    parser.add_argument("names", nargs="*")
    parser.numbers(seeds=5, generations=5, examples=400, largest=100_000)
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
