"""Optional values: what a layer is asked only where it was meant for it, such as targets between 0 and 1.

Nobody says in code whether a loss is meant for targets of 0.5, or for rows that sum to 2. One that is wrong there may
never have been meant for them, so they are drawn where somebody asks for them, or where the layer is right about some.
"""

from __future__ import annotations

import numpy as np

from properties.engine.call_attempt import alike, ratio
from properties.engine.inference_problems import SHAPES, Prober
from properties.judging.observation import Failure, Observer
from properties.problems.dimensions import ANY_ROWS
from properties.problems.domain import Dimension, Domain, EmptyDomainError, within
from properties.problems.membership import reason_outside
from properties.problems.problem import Problem
from properties.subjects.subject import Subject

BATCHES = 3
"""Batches of one shape over which a layer has to be right."""


def values_meant(
    subject: Subject, observer: Observer, domain: Domain
) -> tuple[dict[str, tuple[object, ...]], dict[str, str]]:
    """For each dimension with optional values that the layer is not right about: what is left to draw, and words."""
    kept: dict[str, tuple[object, ...]] = {}
    words: dict[str, str] = {}
    for name, dimension in domain.dimensions.items():
        missing = [] if dimension.chosen else [v for v in dimension.optional if v in dimension.values]
        missing = [value for value in missing if not _is_right(subject, observer, domain, dimension, value)]
        if name == "targets" and subject.style.labels == "one-hot" and not dimension.chosen:
            # rows of zeros and ones do not say that other rows are meant
            soft = [
                value for value in dict.fromkeys(dimension.values) if dimension.kind and dimension.kind(value) == "soft"
            ]
            unsaid = [value for value in soft if value not in missing and value not in dimension.optional]
            missing += [value for value in unsaid if not _is_right(subject, observer, domain, dimension, value)]
        left = tuple(value for value in dimension.values if value not in missing)
        if missing and left:
            kept[name] = left
            asked = ",".join(map(str, dict.fromkeys((*left, *missing))))
            told = " and ".join(dimension.optional.get(value, f"{value} labels") for value in missing)
            words[name] = f"{told} are not asked about: `--domain {name}={asked}` asks"
    return kept, words


def _is_right(subject: Subject, observer: Observer, domain: Domain, dimension: Dimension, value: object) -> bool:
    if subject.resolved.oracle is None:
        return False
    try:
        plain = domain.open(frozenset(gate for gate in domain.gates if gate != dimension.gate(value)))
        narrowed = plain.narrowed_to({dimension.name: within(dimension.kind(value) if dimension.kind else value)})
        prober = Prober(narrowed, subject.takes, subject.resolved.argument_names, 0)
    except EmptyDomainError:
        return False
    rank = next((rank for rank in (2, 4, 3, 5, 6) if rank in prober.able.ranks), 0)
    ratios = []
    for number in range(BATCHES if rank else 0):
        problem = prober.make(rank, SHAPES[rank][0])
        problem = _with_any_rows(problem, number) if value == ANY_ROWS else problem
        result = None if reason_outside(problem, domain) else observer.observe(problem, "value")
        if result is None or isinstance(result, Failure):
            return False
        ratios.append(ratio(subject, problem, result))
    return alike(ratios)


def _with_any_rows(problem: Problem, seed: int) -> Problem:
    """The problem with rows that do not sum to 1."""
    factors = np.random.default_rng(seed).choice([0.25, 1.0, 2.0, 3.0], (problem.size, 1))
    return problem.with_labels(problem.label_rows * factors)
