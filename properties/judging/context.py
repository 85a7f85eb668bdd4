"""What a law sees: one problem, the layer that it is put to, and what the contract says, as protocols.

A law needs no more than this, so a law does not depend on the classes that put it to a layer, and a contract may have
laws of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from properties.judging.conventions import Conventions
from properties.judging.finding import Finding
from properties.judging.observation import Failure, Observation
from properties.judging.tolerance import Match
from properties.problems.domain import Choice, Domain
from properties.problems.precision import Array
from properties.problems.problem import Problem
from reference import Answer

Transform = Callable[[Array], Array]


def unchanged(array: Array) -> Array:
    """The transform of two answers that must be the same."""
    return array


class ContractView(Protocol):
    """What a law may ask of the contract that its layer is held to; each is explained in ``Contract``."""

    @property
    def name(self) -> str: ...

    @property
    def domain(self) -> Domain: ...

    @property
    def argument_names(self) -> tuple[str, ...]: ...

    @property
    def bad_arguments(self) -> Mapping[str, tuple[Any, ...]]: ...

    @property
    def oracle(self) -> Callable[..., Answer] | None: ...

    @property
    def divisor(self) -> Callable[[Problem], float]: ...

    @property
    def divisor_words(self) -> str: ...

    @property
    def choices(self) -> Mapping[str, Choice]: ...

    @property
    def conventions(self) -> Conventions: ...

    @property
    def jumps(self) -> Callable[[Problem, Problem], bool] | None: ...

    @property
    def gradient(self) -> str: ...

    @property
    def granularity(self) -> str: ...

    @property
    def claims_detached(self) -> bool: ...

    @property
    def detaches(self) -> bool: ...

    @property
    def bases(self) -> tuple[Callable[[Problem], Answer], ...]: ...

    def answer(self, problem: Problem, **more: Any) -> Answer: ...

    def limit_at(self, problem: Problem) -> str: ...

    def known_answer(self, problem: Problem) -> Answer | None: ...


class Case(Protocol):
    """One example of one law.

    ``takes`` are the contract arguments that the layer has, ``domain`` what may be made of the problem: nothing outside
    is put to the layer. ``effective`` are the names of what some example of the run showed to have an effect; a law
    adds to them. ``used`` is the largest part of the error budget that any comparison of this case used and that
    still held.

    Where no ``problem`` is given, each method is about the case's own. All that put a problem to the layer raise
    OutsideDomain for one that may not be put to it, and NotApplicable where the layer has nothing for the probe.
    """

    used: float
    effective: set[str]

    @property
    def problem(self) -> Problem: ...

    @property
    def contract(self) -> ContractView: ...

    @property
    def takes(self) -> frozenset[str]: ...

    @property
    def domain(self) -> Domain: ...

    def on(self, problem: Problem) -> Case:
        """The case of another problem for the same law and layer."""
        ...

    def require(self, problem: Problem, about: Collection[str] = ()) -> None:
        """Raise OutsideDomain for a problem that may not be put to the layer, whatever it is in ``about``."""
        ...

    def attempt(
        self, problem: Problem | None = None, probe: str = "plain", about: Collection[str] = ()
    ) -> Observation | Failure:
        """The layer's answer, or how it failed."""
        ...

    def observe(self, problem: Problem | None = None, probe: str = "plain") -> Observation:
        """The layer's answer; raises LayerFailed where it gives none."""
        ...

    def answer(self, problem: Problem | None = None) -> Answer:
        """The oracle's answer."""
        ...

    def known(self, problem: Problem) -> Answer | None:
        """The oracle's answer; None where there is no oracle, or it refuses the problem."""
        ...

    def matches(
        self,
        problem: Problem | None = None,
        *,
        answer: Answer | None = None,
        value: bool = True,
        gradient: bool = True,
        message: str = "",
    ) -> Iterator[Finding]:
        """A finding unless the layer gives one of the oracle's admissible answers (or of ``answer``)."""
        ...

    def agree(
        self,
        accused: Problem,
        witness: Problem,
        message: str,
        *,
        value: Transform | None = unchanged,
        gradient: Transform | None = unchanged,
    ) -> Iterator[Finding]:
        """A finding unless the answer to ``accused`` is that to ``witness``, transformed (None: not compared)."""
        ...

    def same(
        self,
        problem: Problem,
        got: Array,
        other: Array,
        quantity: str,
        message: str,
        scale: Array | float | None = None,
    ) -> Iterator[Finding]:
        """A finding unless two numbers of the layer's agree within its error budget (or within ``scale``)."""
        ...

    def due(
        self,
        problem: Problem,
        got: Array,
        expected: Array,
        quantity: str,
        message: str,
        scale: Array | float | None = None,
    ) -> Iterator[Finding]:
        """A finding unless the layer has numbers that are known, within the oracle's budget (or within ``scale``)."""
        ...

    def finding(self, match: Match, calls: tuple[Problem, ...], message: str) -> Finding:
        """A finding with the numbers of a comparison."""
        ...

    def error_scale(self, quantity: str, problem: Problem, observation: Observation) -> Array:
        """The scale of the error of each number that the layer gave."""
        ...


def zeros_inserted(mask: NDArray[np.bool_]) -> Callable[[Any], Any]:
    """Put the rows of the chosen elements back among rows of zeros."""

    def insert(kept: Any) -> Any:
        full = np.zeros((mask.size, *kept.shape[1:]))
        full[mask.reshape(-1)] = kept
        return full

    return insert
