"""How many examples a second a law checks on one core, and where the time goes.

    python -m benchmarks.throughput [--examples 1000] [--law oracle/value]

Drawing is Hypothesis and the decoding of its bytes; the oracle, Paddle (forward, backward and the copies around them)
and the comparison are what they say. Medians of five runs, for problems of up to six elements and five classes and for
the whole domain.
"""

import gc
import statistics
import time
import warnings
from collections import defaultdict

warnings.filterwarnings("ignore")

from benchmarks.frame import Command, law_named  # noqa: E402
from properties.drawing import strategies  # noqa: E402
from properties.engine.description import domain_of  # noqa: E402
from properties.engine.search import SearchOptions, run_law  # noqa: E402
from properties.engine.trial import Trial  # noqa: E402
from properties.judging import observed_case  # noqa: E402
from properties.judging.contract import Contract  # noqa: E402
from properties.subjects.paddle_backend.observer import PaddleObserver  # noqa: E402
from properties.subjects.subject import dtypes_taken  # noqa: E402
from properties.subjects.target import Target  # noqa: E402

SMALL = {"size": ["few", "few", "one", "square"], "classes": [2, 3, 4, 5]}
spent: dict[str, float] = defaultdict(float)


def timed(owner, name, part):
    """Add the time spent in a function to a part."""
    function = getattr(owner, name)

    def wrapper(*arguments, **options):
        began = time.perf_counter()
        try:
            return function(*arguments, **options)
        finally:
            spent[part] += time.perf_counter() - began

    setattr(owner, name, wrapper)


def measure(text, contract, law_id, examples, narrowed):
    """Seconds for one run, and its parts, in milliseconds an example."""
    subject = Target(text, contract, domain=narrowed).load()
    observer = PaddleObserver(subject)
    law = law_named(subject.resolved, law_id)
    domain = domain_of(subject, dtypes_taken(subject, observer)[0])
    rows = []
    for seed in range(5):
        spent.clear()
        began = time.perf_counter()
        trial = Trial(law, subject.resolved, observer, subject.takes, domain)
        result = run_law(trial, SearchOptions(seed=seed, max_examples=examples))
        whole = time.perf_counter() - began
        assert result.outcome == "held", result.finding
        drawing = whole - spent["oracle"] - spent["Paddle"] - spent["comparing"]
        rows.append({"rate": result.examples / whole, "drawing": drawing, **spent})
    return {key: statistics.median(row[key] / (1 if key == "rate" else examples) for row in rows) for key in rows[0]}


def main():
    parser = Command(__doc__)
    parser.numbers(examples=1000)
    parser.add_argument("--law", default="oracle/value")
    arguments = parser.parse_args()
    timed(Contract, "answer", "oracle")
    timed(PaddleObserver, "observe", "Paddle")
    timed(observed_case, "judge", "comparing")
    timed(strategies, "decode", "decoding")
    gc.collect()
    gc.freeze()
    print(f"{'layer':18}{'problems':10}{'examples/s':>11}  milliseconds an example")
    for text, contract in (("paddle_impl:CrossEntropyLoss", "cross_entropy"), ("paddle_impl:GHMLoss", "ghm")):
        for words, narrowed in (("small", SMALL), ("all", {})):
            found = measure(text, contract, arguments.law, arguments.examples, narrowed)
            parts = ", ".join(f"{part} {1000 * seconds:.2f}" for part, seconds in found.items() if part != "rate")
            print(f"{text.split(':')[1]:18}{words:10}{found['rate']:11.0f}  {parts}")


if __name__ == "__main__":
    main()
