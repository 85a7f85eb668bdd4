"""The global random generators: whether a layer sets their seeds, found out by seeding them twice."""

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
    """One generator of a process: how to seed it, keep its state, put it back, and draw a number from it."""

    name: str
    seed: Callable[[int], object]
    state: Callable[[], Any]
    restore: Callable[[Any], object]
    draw: Callable[[], object]


PYTHON_GENERATORS = (
    RandomGenerator("random", random.seed, random.getstate, random.setstate, random.random),
    RandomGenerator("numpy.random", np.random.seed, np.random.get_state, np.random.set_state, np.random.random),
)
"""Those that any loss can reach."""


def call_under_two_seeds(
    call: Callable[[], Answer], generators: Sequence[RandomGenerator]
) -> tuple[Answer, tuple[str, ...]]:
    """What ``call`` returns, and the generators that go on alike after it, whichever seed they had before it.

    A generator that was only drawn from goes on as its seed has it. All states are put back, also when ``call``
    raises.
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
    for generator in generators:
        generator.seed(seed)
    answer = call()
    return answer, [generator.draw() for generator in generators]
