"""Promises found: what holds of a loss that no oracle knows, counted over plain problems."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from properties.engine.inference_problems import Prober
from properties.judging.contract import Contract
from properties.judging.finding import LayerFailed, NotApplicable, Undecided
from properties.judging.granularity import WORDS
from properties.judging.observation import Observer
from properties.judging.observed_case import ObservedCase
from properties.laws.promises import PROMISES, Promise
from properties.problems.domain import Domain, EmptyDomainError
from properties.problems.problem import Problem

PROBLEMS = 12
SHAPES = {2: ((4,), (6,)), 3: ((2, 3), (3, 2)), 4: ((2, 2, 2), (1, 2, 3)), 5: ((2, 1, 2, 1),), 6: ((2, 1, 1, 2, 1),)}
"""Shapes of the elements by the rank of the logits."""


def facts_without_oracle(
    contract: Contract, observer: Observer, domain: Domain, takes: frozenset[str], seed: int
) -> Iterator[tuple[str, str, str, int]]:
    """Facts by name: what was found, in words, and in how many problems."""
    yield "granularity", contract.granularity, WORDS[contract.granularity], 1
    words = _promises(contract, observer, domain, takes, seed)
    if words:
        yield "promises", "counted", words, PROBLEMS


def _promises(contract: Contract, observer: Observer, domain: Domain, takes: frozenset[str], seed: int) -> str:
    """What may be promised, in words; '' where nothing could be asked."""
    try:
        problems = list(_problems(contract, domain, takes, seed))
    except EmptyDomainError:
        return ""
    told = []
    for promise in PROMISES.values():
        held, asked = _counted(promise, [ObservedCase(p, contract, observer, takes, domain) for p in problems])
        if asked:
            share = f" in {held if held else asked} of {asked} problems"
            told.append((promise.holds if held else promise.fails) + share)
    return "the loss is " + "; ".join(told) if told else ""


def _problems(contract: Contract, domain: Domain, takes: frozenset[str], seed: int) -> Iterator[Problem]:
    """Plain problems of two ranks at most, of logits of several sizes."""
    prober = Prober(domain, takes, contract.argument_names, seed)
    shapes = [(rank, shape) for rank in prober.able.ranks[:2] for shape in SHAPES[rank]]
    for number in range(PROBLEMS if shapes else 0):
        rank, shape = shapes[number % len(shapes)]
        yield prober.make(rank, shape, spread=(0.5, 1.5, 4.0)[number % 3])


def _counted(promise: Promise, cases: list[ObservedCase]) -> tuple[int, int]:
    """In how many problems a promise holds, of how many that show whether it does."""
    held = asked = 0
    for case in cases:
        try:
            if not np.isfinite(case.observe().value).all():
                continue
            broken = next(iter(promise.law.check(case)), None)
        except (LayerFailed, NotApplicable, Undecided):
            continue
        asked += 1
        held += broken is None
    return held, asked
