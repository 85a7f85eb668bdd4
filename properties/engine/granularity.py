"""Granularity, found out: whether a loss that no oracle knows is one of elements, entries, images or batches.

Moderate logits and certain ones are put to the layer, all together and each element by itself, then in another order.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from properties.engine.call_attempt import ALIKE
from properties.engine.inference_problems import Prober
from properties.judging.observation import Failure, Observation, Observer
from properties.problems.domain import Domain, EmptyDomainError
from properties.problems.membership import reason_outside
from properties.problems.problem import Problem
from properties.subjects.subject import Subject

SHAPES = {4: (3, 2, 2), 3: (3, 4), 5: (3, 1, 2, 2), 6: (3, 1, 2, 1, 2), 2: (6,)}
"""The shape of the elements by the rank of the logits, those ranks first that say most: several images of several."""

SPREADS = (1.5, 1.5, 5.0, 0.5)
"""Sizes of logits: where elements are hard, and where they are certain."""


def granularity_of(subject: Subject, observer: Observer, domain: Domain) -> str:
    """What has a loss of its own, as far as the layer answers; ``element`` where nothing tells."""
    ranks = [rank for rank in SHAPES if rank in domain["rank"]]
    if subject.resolved.oracle is not None or subject.resolved.of_entries or not ranks:
        return "element"
    try:
        probes = _Probes(subject, observer, domain, ranks[0])
    except EmptyDomainError:
        return "element"
    return probes.found()


class _Probes:
    """Batches of one rank, and what a layer answers to them and to their parts."""

    def __init__(self, subject: Subject, observer: Observer, domain: Domain, rank: int) -> None:
        plain = domain.open(domain.gates - {"shape/rank"})
        self._observer, self._reductions, self._domain = observer, tuple(domain["reduction"]), domain
        prober = Prober(plain, subject.takes, subject.resolved.argument_names, 0)
        reduction = next((known for known in ("mean", "sum") if known in self._reductions), None)
        self._batches = [prober.make(rank, SHAPES[rank], spread=spread, reduction=reduction) for spread in SPREADS]

    def found(self) -> str:
        """The finest granularity that no batch contradicts."""
        if any(
            reason_outside(problem, self._domain) for batch in self._batches for problem in (batch, batch.take([0]))
        ):
            return "element"
        asked = [batch for batch in self._batches if self._loss(batch) is not None]
        if not asked or all(self._adds_up(batch) for batch in asked):
            return "entry" if asked and self._counts_entries(asked[0]) else "element"
        if len(asked[0].shape) > 1 and not all(self._mixes(batch) for batch in asked):
            return "image"
        return "batch"

    def _loss(self, problem: Problem) -> float | None:
        result = self._observer.observe(problem, "value")
        if isinstance(result, Failure) or not isinstance(result, Observation) or result.value.size != 1:
            return None
        loss = float(result.value.reshape(-1)[0])
        return loss if np.isfinite(loss) else None

    def _adds_up(self, batch: Problem) -> bool:
        """Whether the loss is the mean, or the sum, of the losses of its elements by themselves."""
        parts = [self._loss(batch.take([index])) for index in range(batch.size)]
        known = [part for part in parts if part is not None]
        if len(known) < len(parts):
            return False
        total = sum(known)
        return self._same(batch, total if batch.reduction == "sum" else total / len(known))

    def _mixes(self, batch: Problem) -> bool:
        """Whether the loss is the same where elements have changed places between images."""
        orders: Iterator[np.ndarray] = (np.roll(np.arange(batch.size), step) for step in (1, 2, 3))
        return all(self._same(batch, self._loss(batch.reordered(order))) for order in orders)

    def _same(self, batch: Problem, loss: float | None) -> bool:
        whole = self._loss(batch)
        if whole is None or loss is None:
            return False
        return abs(whole - loss) <= ALIKE * max(abs(whole), abs(loss))

    def _counts_entries(self, batch: Problem) -> bool:
        """Whether the mean of one element is its sum over the number of classes."""
        if not {"mean", "sum"} <= set(self._reductions):
            return False
        one = batch.take([0])
        mean, total = (self._loss(one.replace(reduction=reduction)) for reduction in ("mean", "sum"))
        if mean is None or total is None:
            return False
        return abs(total - one.classes * mean) <= ALIKE * abs(total) and abs(total) > 0
