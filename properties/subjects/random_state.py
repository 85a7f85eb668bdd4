"""Random state: whether a layer sets the seeds of global random generators, found by calling it under two seeds."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

SEEDS = (1, 2)

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class RandomGenerator:
    """A global random generator: how to seed it, get its state, restore that, and draw a number from it."""

    name: str
    seed: Callable[[int], object]
    state: Callable[[], Any]
    restore: Callable[[Any], object]
    draw: Callable[[], object]


PYTHON_GENERATORS = (
    RandomGenerator("random", random.seed, random.getstate, random.setstate, random.random),
    RandomGenerator("numpy.random", np.random.seed, np.random.get_state, np.random.set_state, np.random.random),
)
"""The generators that every loss in Python can use."""


def call_under_two_seeds(
    call: Callable[[], Answer], generators: Sequence[RandomGenerator]
) -> tuple[Answer, tuple[str, ...]]:
    """Return the result of ``call``, and the names of the generators whose seeds it sets.

    After a call that sets its seed, a generator gives the same number whichever seed it had before; one that is only
    drawn from does not. All states are restored, also when ``call`` raises.
    """
    states = [generator.state() for generator in generators]
    try:
        (answer, first), (_, second) = [_after(call, generators, seed) for seed in SEEDS]
    finally:
        for generator, state in zip(generators, states, strict=True):
            generator.restore(state)
    alike = zip(generators, first, second, strict=True)
    return answer, tuple(generator.name for generator, one, other in alike if one == other)


def _after(call: Callable[[], Answer], generators: Sequence[RandomGenerator], seed: int) -> tuple[Answer, list[object]]:
    """Return the result of ``call`` after seeding all generators, and the next number of each."""
    for generator in generators:
        generator.seed(seed)
    answer = call()
    return answer, [generator.draw() for generator in generators]
