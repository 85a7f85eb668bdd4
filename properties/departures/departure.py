"""Departure: a known way to differ from a contract, as data: a name, a sentence, and what it changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from properties.departures.conditions import CONDITIONS, holds, in_words
from properties.problems.problem import Problem

WHERE = "where"
"""The parameter that every departure may have: on which problems alone the layer departs."""

Settings = Mapping[str, Any]
"""What a computation does otherwise than the contract, by what is changed; see ``properties.departures.model``."""

CHAINED = frozenset(
    {
        "rewrite",
        "values",
        "slopes",
        "numerator",
        "denominator",
        "logits",
        "entropy",
        "bce",
        "element",
        "penalty",
        "turn",
        "finish",
        "added",
    }
)
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


def with_normalizer(problem: Problem) -> bool:
    """Whether a problem has a denominator of the caller's own."""
    return problem.normalizer is not None


def with_smoothing(problem: Problem) -> bool:
    """Whether the labels of a problem are smoothed."""
    return bool(problem.config.get("label_smoothing"))


def with_soft_labels(problem: Problem) -> bool:
    """Whether the labels of a problem are probabilities."""
    return problem.targets == "soft"


def with_shares(problem: Problem) -> bool:
    """Whether the labels of a problem are rows of shares, given or smoothed."""
    return with_soft_labels(problem) or with_smoothing(problem)


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
        """Return this departure with values for its parameters; the first of each where none is given.

        ``where`` names a condition beside which it makes no difference: see ``properties.departures.conditions``.
        """
        unknown = set(parameters) - set(self.parameters) - {WHERE}
        if unknown:
            raise ValueError(f"departure {self.name} has no parameter {sorted(unknown)[0]!r}")
        strange = set(parameters.get(WHERE, "").split("+")) - {*CONDITIONS, ""}
        if strange:
            raise ValueError(f"departure {self.name}: there is no condition {sorted(strange)[0]!r}")
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
        said = self.departure.sentence.format(**{k: number_in_words(v) for k, v in self.parameters.items()})
        return f"{said.rstrip('.')} - {in_words(self.where)} alone." if self.where else said

    @property
    def where(self) -> str:
        """The condition beside which it makes no difference; '' where there is none."""
        return str(self.parameters.get(WHERE, ""))

    def applies(self, problem: Problem) -> bool:
        """Whether it may make a difference to a problem."""
        return self.departure.applies(problem) and holds(self.where, problem)

    def only(self, where: str) -> Fitted:
        """Return it on such problems alone; on all of them where nothing is said."""
        others = {name: value for name, value in self.parameters.items() if name != WHERE}
        return replace(self, parameters={**others, WHERE: where} if where else others)

    @property
    def settings(self) -> Settings:
        """What it changes."""
        if self.departure.change is None:
            return {}
        return self.departure.change(**{name: value for name, value in self.parameters.items() if name != WHERE})

    def to_dict(self) -> dict[str, Any]:
        """Return name and parameters as plain data."""
        return {"name": self.name, "parameters": dict(self.parameters)}


def number_in_words(value: Any) -> str:
    """Return a number in as many digits as it takes."""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def active(departures: Sequence[Fitted], problem: Problem) -> list[Fitted]:
    """Return those departures that may make a difference to the numbers of a problem."""
    return [f for f in departures if f.departure.change is not None and f.applies(problem)]


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


def exclusive(departures: Sequence[Fitted]) -> bool:
    """Whether one of several departures excludes another; those of different conditions may stand side by side."""
    seen: dict[str, list[str]] = {}
    for fitted in departures:
        for key in set(fitted.settings) - CHAINED:
            if any(not where or not fitted.where or where == fitted.where for where in seen.get(key, ())):
                return True
            seen.setdefault(key, []).append(fitted.where)
    return False
