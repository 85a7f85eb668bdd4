"""Departure: a known way to differ from a contract, as data: a name, a sentence, and what it changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from properties.problems.problem import Problem

Settings = Mapping[str, Any]
"""What a computation does otherwise than the contract, by what is changed; see ``properties.departures.model``."""

CHAINED = frozenset({"rewrite", "values", "slopes", "numerator", "logits", "entropy", "finish", "bce"})
"""Settings of which several apply one after another; of all others one excludes another."""


class Refused(Exception):  # noqa: N818 - an outcome
    """A layer that departs so has no answer to this problem: it raises."""


def everywhere(problem: Problem) -> bool:
    """Whether a departure may make a difference that may make one anywhere."""
    return True


def in_means(problem: Problem) -> bool:
    """Whether a problem asks for a mean by the loss' own denominator."""
    return problem.reduction == "mean" and problem.normalizer is None


def with_weights(problem: Problem) -> bool:
    """Whether a problem has class weights."""
    return problem.weight is not None


def with_ignored(problem: Problem) -> bool:
    """Whether a problem has ignored elements."""
    return not problem.valid.all()


def unreduced_only(problem: Problem) -> bool:
    """Whether a problem asks for unreduced losses."""
    return problem.reduction == "none"


@dataclass(frozen=True)
class Departure:
    """A known way to differ from a contract.

    Args:
        name: what reports, certificates and the command call it.
        sentence: what the layer does, in one sentence; ``{name}`` stands for a parameter.
        change: ``change(**parameters)`` gives the settings of the model; None: it has none, and ``refuses`` or a law
            says what it is.
        parameters: by name, values to try; the nearest one is then made exact.
        inherited: the kernel of Paddle whose doing it is; '' where it is the layer's own.
        needs: arguments of the contract without which it makes no sense.
        harm: its place in a report: what makes every training wrong comes before what shows in a corner.
        refuses: ``refuses(problem)`` says on which problems the layer raises where it should answer.
        law: the law that tells of it, where it is no change of numbers.
        applies: ``applies(problem)`` says where it may make a difference at all; elsewhere nobody looks.
    """

    name: str
    sentence: str
    change: Callable[..., Settings] | None = None
    parameters: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    inherited: str = ""
    needs: tuple[str, ...] = ()
    harm: int = 50
    refuses: Callable[[Problem], bool] | None = None
    law: str = ""
    applies: Callable[[Problem], bool] = everywhere

    def fitted(self, **parameters: Any) -> Fitted:
        """Return this departure with values for its parameters; the first of each where none is given."""
        unknown = set(parameters) - set(self.parameters)
        if unknown:
            raise ValueError(f"departure {self.name} has no parameter {sorted(unknown)[0]!r}")
        values = {name: tried[0] for name, tried in self.parameters.items()}
        return Fitted(self, {**values, **parameters})


@dataclass(frozen=True)
class Fitted:
    """A departure with the values of its parameters."""

    departure: Departure
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The departure's name."""
        return self.departure.name

    @property
    def sentence(self) -> str:
        """The departure's sentence with the values of the parameters in it."""
        return self.departure.sentence.format(**{k: number_in_words(v) for k, v in self.parameters.items()})

    @property
    def settings(self) -> Settings:
        """What it changes."""
        return {} if self.departure.change is None else self.departure.change(**self.parameters)

    def to_dict(self) -> dict[str, Any]:
        """Return name and parameters as plain data."""
        return {"name": self.name, "parameters": dict(self.parameters)}


def number_in_words(value: Any) -> str:
    """Return a number in as many digits as it takes."""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def combined(departures: Sequence[Fitted]) -> Settings | None:
    """Return what several departures change together; None where one excludes another."""
    found: dict[str, Any] = {}
    for fitted in departures:
        for key, value in fitted.settings.items():
            if key in CHAINED:
                found[key] = (*found.get(key, ()), *value)
            elif key in found:
                return None
            else:
                found[key] = value
    return found
