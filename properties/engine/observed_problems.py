"""Observed problems: a few hundred problems of all kinds, small ones first, and what a layer answered to each."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from properties.drawing.decoding import ELEMENT_BYTES, decode, header_length, number_of_blocks
from properties.engine.study import Tick
from properties.errors import ContractError
from properties.judging.contract import Contract
from properties.judging.observation import Failure, Observation, Observer
from properties.problems.domain import Domain, EmptyDomainError, within
from properties.problems.precision import Array
from properties.problems.problem import Problem
from reference import Answer

OBSERVED = 240
"""Problems that a layer is observed on."""

MOST_LOST = 3
"""Crashes and hangs after which it is asked nothing more."""

PLAIN_WEIGHTS = (1.0, 2.0, 0.5, 3.0, 1.5, 4.0)
"""Weights that anybody can calculate with."""


@dataclass(frozen=True)
class Observed:
    """A problem, what the layer answered, and what the contract's oracle answers."""

    problem: Problem
    shown: Observation | Failure
    due: Answer

    @property
    def effort(self) -> tuple[int, int, float]:
        """How much there is to read: elements, options that are not at rest, the size of the numbers."""
        return effort(self.problem)


def effort(problem: Problem) -> tuple[int, int, float]:
    """Return how much there is to read in a problem."""
    options = (problem.weight is not None) + (not problem.valid.all()) + (problem.logits.ndim > 2)
    options += (problem.reduction != "mean") + (problem.axis != 1) + (problem.normalizer is not None)
    odd = 0 if problem.weight is None else int((~np.isin(problem.weight, PLAIN_WEIGHTS)).sum())
    finite = problem.logits[np.isfinite(problem.logits)]
    return problem.logits.size, options + odd, float(np.abs(finite).sum())


KINDS: tuple[tuple[float, dict[str, tuple[object, ...]]], ...] = (
    (
        0.25,
        {
            "size": ("one", "few"),
            "classes": (2, 3),
            "logits": ("lattice", "ties"),
            "rank": (2,),
            "layout": ("contiguous",),
        },
    ),
    (0.2, {"size": ("few", "square"), "classes": (2, 3, 4, 5), "logits": ("normal", "lattice", "spread")}),
    (
        0.16,
        {
            "size": ("few", "several"),
            "classes": (2, 3, 4, 5),
            "targets": ("hard",),
            "reduction": ("mean",),
            "ignored": ("some", "most"),
            "ignore_index": (-100, 255, -1, 0),
            "weight": ("absent", "small"),
            "logits": ("normal", "lattice"),
        },
    ),
    (0.24, {"logits": ("normal", "ties", "spread", "certain", "edges", "lattice")}),
    (0.2, {"logits": ("edges",), "size": ("one", "few")}),
    (0.06, {"size": ("many",), "logits": ("normal", "spread"), "rank": (2, 3)}),
    (0.12, {"logits": ("saturated", "huge", "offset"), "size": ("one", "few")}),
)
"""Shares of the problems, and what they are limited to, as far as the layer is asked that."""

NORMALIZERS = (1.0, 2.0, 0.5, 7.0)
"""Denominators of the caller's own, for one in six of the means where the layer takes one."""


def problems(
    domain: Domain, contract: Contract, seed: int, count: int = OBSERVED, takes: Container[str] = ()
) -> Iterator[Problem]:
    """Yield problems for a layer, of every kind that its domain has; the same for the same seed.

    ``takes`` are the arguments that the layer takes, beside those that its domain tells of.
    """
    rng = np.random.default_rng(seed)
    finest = next(d for d in ("float64", "float32", "bfloat16", "float16") if d in domain["dtype"])
    domain = domain.narrowed_to({"dtype": within(finest)})
    for share, wishes in KINDS:
        narrowed = _narrowed(domain, wishes)
        for _ in range(max(int(share * count), 1)):
            problem = _drawn(narrowed, contract, rng)
            if "normalizer" in takes and problem.reduction == "mean" and rng.integers(0, 6) == 0:
                problem = problem.replace(normalizer=float(rng.choice(NORMALIZERS)))
            yield problem
            if problem.size > 1 and not problem.valid.all() and problem.valid.any() and rng.integers(0, 8) == 0:
                yield _poisoned(problem)


def _narrowed(domain: Domain, wishes: dict[str, tuple[object, ...]]) -> Domain:
    for name, values in wishes.items():
        if name not in domain.dimensions:
            continue
        try:
            domain = domain.narrowed_to({name: within(*values)})
        except EmptyDomainError:
            continue
    return domain


def _drawn(domain: Domain, contract: Contract, rng: np.random.Generator) -> Problem:
    header = rng.integers(0, 256, header_length(domain), dtype=np.uint8).tobytes()
    count = number_of_blocks(header, int(rng.integers(0, 256)), domain)
    blocks = [rng.integers(0, 256, ELEMENT_BYTES, dtype=np.uint8).tobytes() for _ in range(count)]
    problem = decode(header, blocks, domain, contract.hard_logits)
    if problem.reduction == "none" and rng.integers(0, 2):
        problem = problem.replace(cotangent=rng.integers(-4, 5, problem.loss_shape) / 2.0)
    return problem


def _poisoned(problem: Problem) -> Problem:
    rows: Array = problem.rows.copy()
    rows[~problem.valid.reshape(-1)] = np.nan
    return problem.with_rows(rows)


def observed(asked: Iterable[Problem], contract: Contract, observer: Observer, tick: Tick) -> list[Observed]:
    """Ask a layer about problems; what the oracle does not answer is left out."""
    found: list[Observed] = []
    lost = 0
    for number, problem in enumerate(asked):
        tick(number)
        try:
            due = contract.answer(problem)
        except ContractError:
            continue
        shown = observer.observe(problem)
        if problem.cotangent is not None and isinstance(shown, Failure):
            # a loss of another shape is looked at without an upstream gradient
            problem = problem.replace(cotangent=None)
            shown, due = observer.observe(problem), contract.answer(problem)
        if isinstance(shown, Failure) and shown.kind != "raised":
            lost += 1
            if lost >= MOST_LOST:
                break
            continue
        found.append(Observed(problem, shown, due))
    return sorted(found, key=lambda one: one.effort)
