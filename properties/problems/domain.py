"""Domain: which values each ingredient of a problem may take, and which law must hold before a value is drawn at large.

A layer that fails on an empty batch would fail every law that draws one. So hard ingredients stand behind a *gate*: the
law whose business they are draws them first, and only where it holds do all other laws draw them too. What was left out
is said in the certificate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from properties.errors import did_you_mean
from properties.texts import cut

SIZES = {"empty": (0, 0), "one": (1, 1), "few": (1, 6), "several": (2, 12), "square": (1, 6), "many": (2, 6)}
"""Elements of a problem of each size; a square then has as many as there are classes, ``many`` forty times so many."""

Precondition = Mapping[str, Callable[[Any], bool]]
"""What a law wants of its problems: for some dimensions, which of their values will do."""


class EmptyDomainError(ValueError):
    """No value of a dimension is left; the message says of which, and why."""


def _ungated(value: Any) -> str | None:
    return None


@dataclass(frozen=True)
class Choice:
    """What implementations of one loss do differently, each for good, as an argument with a few values.

    A layer is asked which of them it follows, and where another one than the contract's explains a contradiction, the
    report says so.

    Args:
        subject: the question, as in "which regions count".
        sentence: what a layer does, with ``{}`` in place of one of the ``words``: "the weights are shared out {}".
        words: each value in words: ``{"occupied": "over the number of occupied regions", ...}``.
        apart: what the values must do in a problem for it to tell them apart, as in "occupied and all of them differ".
        neither: what a layer does that follows none of them; empty: that, in general words.
    """

    subject: str
    sentence: str
    words: Mapping[str, str]
    apart: str = "they differ"
    neither: str = ""

    def says(self, value: str) -> str:
        """What a layer does that follows this value."""
        return self.sentence.format(self.words[value])


@dataclass(frozen=True)
class Dimension:
    """One ingredient of problems: an argument of a loss, or something else that varies, such as the size of a batch.

    Args:
        name: as the contract, the oracle and reports call it.
        values: what is drawn, the simplest first; a value that is drawn more often stands there more often.
        gate: ``gate(value)`` names the law that must hold before other laws draw the value; None: nothing must.
        accepts: whether a user may name a value; None: one of ``values``.
        expected: which values a user may name, in words; empty: they are listed.
        absent: the value that a layer has which does not take the argument at all. Reports leave the argument out where
            it has this value.
        kind: ``kind(value)`` says which kind of labels a value stands for, on the one dimension that decides on it;
            None on all others.
        expand: ``expand(value, C)`` makes the argument itself of a value and the number of classes; None: they are the
            same.
        law: the one law that draws more than the simplest value; empty: all do.
        readings: kinds of values (counts, widths) of which a layer may take one alone, by what tells them; empty: a
            layer that takes the argument takes all its values.
        chosen: whether somebody chose among the values: then nothing else may be asked, whatever a law makes of it.
        always_shown: whether reports show the argument at its ``absent`` value too, since without it nobody can read a
            case.
        tacit: whether nobody would say of a layer that it has the ``absent`` value: sentences about which loss it is
            checked as leave it out.
        plain: whether what else a layer does shows well beside a value; only such values are drawn to find that out,
            where there are any. None: any value will do.
        feature: ``feature(value)`` says what is special about a value, in words, where that may be the cause by which
            one fault is told from another; '' where it is nothing. None: no value tells anything of a cause.
        claimable: whether a subject may claim one of the values for good (see ``Subject.claims``).
        optional: values that are drawn only where somebody names them, or where the layer is right about them, each
            with what it stands for in words.
        choice: what the values stand for, where a layer is to be asked which of them it follows; then it may be claimed
            as well. None: nobody asks.
    """

    name: str
    values: tuple[Any, ...]
    gate: Callable[[Any], str | None] = _ungated
    accepts: Callable[[Any], bool] | None = None
    expected: str = ""
    absent: Any = None
    kind: Callable[[Any], str] | None = None
    expand: Callable[[Any, int], Any] | None = None
    law: str = ""
    readings: Mapping[str, Callable[[Any], bool]] = field(default_factory=dict)
    chosen: bool = False
    always_shown: bool = False
    tacit: bool = False
    plain: Callable[[Any], bool] | None = None
    feature: Callable[[Any], str] | None = None
    claimable: bool = False
    optional: Mapping[Any, str] = field(default_factory=dict)
    choice: Choice | None = None

    @property
    def claims(self) -> tuple[str, ...]:
        """The values of which a subject may claim one; empty where nothing may be claimed."""
        return tuple(dict.fromkeys(self.values)) if self.claimable or self.choice is not None else ()

    def is_absent(self, value: Any, classes: int) -> bool:
        """Whether an argument, of so many classes, is as in a layer that does not take it at all."""
        if self.expand is None and isinstance(value, np.ndarray):
            return False
        absent = self.absent
        if self.expand is not None and absent is not None and value is not None:
            return bool(np.array_equal(self.expand(absent, classes), value))
        alike = isinstance(value, bool) == isinstance(absent, bool) and bool(value == absent)
        # where the type says what a value means, 1 and 1.0 are not the same
        return alike and (not self.readings or type(value) is type(absent))

    def allows(self, value: Any) -> bool:
        """Whether a user may name this value."""
        return value in self.values if self.accepts is None else self.accepts(value)

    def only(self, values: Sequence[Any]) -> Dimension:
        """This dimension with a user's choice of values."""
        for value in values:
            if _is_beyond(value):
                raise ValueError(f"domain {self.name} takes whole numbers of 64 bits, got {cut(repr(value), 100)}")
            if not self.allows(value):
                expected = self.expected or "one of " + ", ".join(str(v) for v in dict.fromkeys(self.values))
                close = did_you_mean(value, [v for v in dict.fromkeys(self.values) if isinstance(v, str)])
                raise ValueError(f"domain {self.name} takes {expected}, got {cut(repr(value), 100)}{close}")
        return replace(self, values=tuple(values), chosen=True)


def _is_beyond(value: Any) -> bool:
    """Whether a value is, or lists, a whole number that no tensor can hold."""
    if isinstance(value, tuple | list):
        return any(map(_is_beyond, value))
    return isinstance(value, int) and not -(2**63) <= value < 2**63


def _settled(config: dict[str, Any]) -> dict[str, Any]:
    return config


@dataclass(frozen=True)
class Domain:
    """All dimensions by name, in the order in which they are drawn.

    ``settle`` makes drawn arguments agree that exclude each other. ``shut`` are the gates behind which nothing may be
    asked.
    """

    dimensions: Mapping[str, Dimension]
    settle: Callable[[dict[str, Any]], dict[str, Any]] = _settled
    shut: frozenset[str] = frozenset()

    def __getitem__(self, name: str) -> tuple[Any, ...]:
        return self.dimensions[name].values

    def kind(self, pick: Mapping[str, Any]) -> str:
        """Which kind of labels a choice of values stands for."""
        decides = self.decides
        return "hard" if decides is None or decides.kind is None else decides.kind(pick[decides.name])

    @property
    def decides(self) -> Dimension | None:
        """The dimension that decides on the kind of labels."""
        return next((d for d in self.dimensions.values() if d.kind is not None), None)

    def _about(self, name: str, wanted: Callable[[Any], bool]) -> tuple[str, Callable[[Any], bool]]:
        """A condition on kinds of labels as one of the dimension that decides on them."""
        decides = self.decides
        if name != "targets" or decides is None:
            return name, wanted
        kind = decides.kind or str
        return decides.name, lambda value: wanted(kind(value))

    def only(self, **choices: Sequence[Any]) -> Domain:
        """The domain with a user's choice of values for some dimensions; ValueError for an unknown name or value."""
        dimensions = dict(self.dimensions)
        for name, values in choices.items():
            if name not in dimensions:
                raise ValueError(
                    f"domain has no {name!r}; it has {', '.join(dimensions)}{did_you_mean(name, dimensions)}"
                )
            # a list is one value here, and must be hashable
            dimensions[name] = dimensions[name].only([tuple(v) if isinstance(v, list) else v for v in values])
            if any(isinstance(v, tuple) for v in dimensions[name].values):
                _fit_classes(dimensions, name, "classes" in choices)
        return replace(self, dimensions=dimensions)

    def lacking(self, **absent: Any) -> Domain:
        """The domain of a layer that cannot be told some arguments: each has this value, without anybody's choice."""
        dimensions = {
            n: replace(d.only([absent[n]]), chosen=d.chosen) if n in absent else d for n, d in self.dimensions.items()
        }
        return replace(self, dimensions=dimensions)

    @property
    def gates(self) -> frozenset[str]:
        """Every gate that some value of the domain stands behind."""
        found = {d.gate(value) for d in self.dimensions.values() for value in d.values}
        return frozenset(gate for gate in found if gate is not None)

    def behind(self, gates: AbstractSet[str]) -> dict[str, list[Any]]:
        """The values that stand behind these gates, by dimension."""
        found: dict[str, list[Any]] = {}
        for name, dimension in self.dimensions.items():
            values = [v for v in dict.fromkeys(dimension.values) if dimension.gate(v) in gates]
            if values and len(values) < len(dict.fromkeys(dimension.values)):
                found[name] = values
        return found

    def open(self, shut: AbstractSet[str]) -> Domain:
        """The domain without what stands behind the gates ``shut``.

        Where a dimension has nothing else, what stands behind the same gate as its simplest value stays.
        """
        dimensions = {}
        for name, dimension in self.dimensions.items():
            kept = tuple(v for v in dimension.values if dimension.gate(v) not in shut)
            if not kept:
                simplest = dimension.gate(dimension.values[0])
                kept = tuple(v for v in dimension.values if dimension.gate(v) == simplest)
            dimensions[name] = replace(dimension, values=kept)
        return replace(self, dimensions=dimensions, shut=self.shut | shut)

    def for_law(self, law: str) -> Domain:
        """The domain of a law: what is reserved for another one has its simplest value."""
        dimensions = {
            n: d if d.law in ("", law) else replace(d, values=d.values[:1]) for n, d in self.dimensions.items()
        }
        return replace(self, dimensions=dimensions)

    def plainest(self) -> Domain:
        """The domain with the simplest value of every option; sizes and logits still vary."""
        varied = ("size", "logits", "classes")
        dimensions = {n: d if n in varied else replace(d, values=d.values[:1]) for n, d in self.dimensions.items()}
        return replace(self, dimensions=dimensions)

    def narrowed_to(self, precondition: Precondition) -> Domain:
        """The domain a law wants; EmptyDomainError where nothing is left of a dimension."""
        dimensions = dict(self.dimensions)
        for asked, condition in precondition.items():
            name, wanted = self._about(asked, condition)
            if name not in dimensions:
                raise EmptyDomainError(f"the contract has no argument {name}")
            dimension = dimensions[name]
            kept = tuple(v for v in dimension.values if wanted(v))
            if not kept:
                values = ", ".join(str(v) for v in dict.fromkeys(dimension.values))
                raise EmptyDomainError(f"{name} is drawn from {values} alone")
            dimensions[name] = replace(dimension, values=kept)
        return replace(self, dimensions=dimensions)


def _fit_classes(dimensions: dict[str, Dimension], name: str, chosen: bool) -> None:
    """As many classes as the lists have numbers that somebody wrote for ``name``."""
    lengths = tuple(dict.fromkeys(len(v) for v in dimensions[name].values if isinstance(v, tuple)))
    if chosen and not set(lengths) <= set(dimensions["classes"].values):
        listed = ", ".join(map(str, dimensions["classes"].values))
        raise ValueError(f"domain {name} has lists of {lengths[0]} numbers, and classes are {listed}")
    dimensions["classes"] = replace(dimensions["classes"], values=lengths, chosen=True)


def within(*values: Any) -> Callable[[Any], bool]:
    """A condition that these values meet."""
    return lambda value: any(value is v or (value == v and type(value) is type(v)) for v in values)


def outside(*values: Any) -> Callable[[Any], bool]:
    """A condition that any but these values meet."""
    inside = within(*values)
    return lambda value: not inside(value)


CLASSES = {"targets": within("hard", "soft")}
"""What a law about classes requires."""

NEVER_OCCURS = "a class that never occurs"


def counts_zero(value: Any) -> bool:
    """Whether an argument has a number for each class, and 0 for some."""
    return isinstance(value, np.ndarray) and bool((value == 0).any())
