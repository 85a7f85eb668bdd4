"""Study: a layer under questions, and the facts that are found by asking it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from properties.engine.inference_problems import Prober
from properties.judging.conventions import Conventions, Divisor
from properties.judging.finding import LayerFailed, OutsideDomain, Undecided
from properties.judging.observation import Observer
from properties.judging.observed_case import ObservedCase
from properties.judging.restated import restated
from properties.problems.domain import Domain
from properties.problems.problem import Problem
from properties.subjects.subject import Subject

UNKNOWN = "undecided"


@dataclass(frozen=True)
class Inquiry:
    """What is to be found out is always the same; which problems may be put to the layer is not."""

    seed: int
    dtypes: tuple[str, ...]
    shut: frozenset[str] = frozenset()
    kept: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    style: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Fact:
    """What was found, by name and in words, in so many problems; what the contract (or a claim) says; do they agree.

    ``agrees`` is None where the contract leaves it open, or nothing was found. ``claim`` is what a subject would have
    to claim to be held to what was found; empty where it need not, or cannot.
    """

    value: str
    contract: str
    words: str
    examples: int = 0
    agrees: bool | None = None
    claim: str = ""


Facts = dict[str, dict[str, Any]]
Tick = Callable[[int], None]


class Lost(Exception):  # noqa: N818 - an outcome
    """The layer crashed or hung: it is asked nothing more."""


class Study:
    """A layer under questions: what it takes, problems for it, and its answers.

    ``divisor`` is what its mean was found to divide by, where that is not what its contract says.
    """

    def __init__(self, subject: Subject, observer: Observer, domain: Domain, seed: int, tick: Tick) -> None:
        self.contract, self.takes, self.domain = subject.resolved, subject.takes, domain
        self.prober = Prober(domain, self.takes, self.contract.argument_names, seed)
        self.lost = ""
        self.divisor: Divisor = self.contract.conventions.divisor
        self.added_inside = False
        self._observer, self._tick = observer, tick

    def reductions(self, *wanted: str) -> tuple[str, ...]:
        """Those of the reductions that the layer has."""
        return tuple(r for r in wanted if r in self.domain["reduction"])

    def cases(self, problems: Iterator[Problem], plain: bool = False) -> Iterator[ObservedCase]:
        """A case for each problem that the layer answers with finite numbers; restated by its divisor unless plain."""
        for case in self.answered(problems, plain):
            if bool(np.isfinite(case.observe().value).all()):
                yield case

    def answered(self, problems: Iterator[Problem], plain: bool = False) -> Iterator[ObservedCase]:
        """A case for each problem that the layer answers."""
        contract = replace(self.contract, conventions=Conventions() if plain else Conventions(self.divisor))
        for number, problem in enumerate(problems):
            self._tick(number)
            case = ObservedCase(problem, contract, restated(self._observer, contract), self.takes, self.domain)
            if self.asked(case.observe) is not None:
                yield case

    def asked(self, question: Callable[[], Any]) -> Any:
        """The answer to a question, None where the layer raises, or the example proves nothing or may not be asked."""
        try:
            return question()
        except LayerFailed as failed:
            if failed.failure.kind != "raised":
                self.lost = f"the layer {failed.failure.kind} ({failed.failure})"
                raise Lost(self.lost) from None
        except (Undecided, OutsideDomain):
            pass
        return None
