"""Discovery: how a layer is called, found out by putting plain problems to it in one style after another."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from properties.engine.call_attempt import Attempt
from properties.engine.call_attempts import MOST_SECONDS, Observing, Trials
from properties.judging.observation import Failure
from properties.problems.domain import EmptyDomainError
from properties.subjects.call_style import CallStyle
from properties.subjects.subject import Subject

MOST_TOLD = 3
"""Ways to call a layer that never answers of which is told how they end."""

PLAIN = 2
"""The rank of plain logits."""

LONGEST = 200
"""Characters of a failure that are told."""


@dataclass(frozen=True)
class Discovered:
    """How a layer is called.

    ``ranks`` are those that may be drawn, ``refused`` those that it does not take, each with how it failed. ``answers``
    is False where no style gets an answer; then ``best`` are the attempts that came nearest to one. ``kept`` are values
    of dimensions without which there is none. ``weightless`` is how it fails given class weights, where it takes none.
    """

    style: CallStyle = field(default_factory=CallStyle)
    ranks: tuple[int, ...] = ()
    refused: Mapping[int, Failure] = field(default_factory=dict)
    answers: bool = True
    best: tuple[Attempt, ...] = ()
    kept: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    weightless: Failure | None = None


def discover(subject: Subject, observing: Observing) -> Discovered:
    """Find out how a subject is called."""
    attempts: list[Attempt] = []
    for number, narrowed in enumerate(_narrowings(subject)):
        try:
            trials = Trials(subject, observing, narrowed, MOST_SECONDS / (1 + number))
        except EmptyDomainError:
            continue
        found = trials.best()
        if found.answered:
            kept = {name: values for name, values in narrowed.items() if name == "classes"}
            return _discovered(subject, trials, found, kept)
        attempts += trials.attempts
    if not attempts:
        return Discovered(CallStyle.of(subject.calling))
    tried = sorted(attempts, key=lambda attempt: len(attempt.style.said))
    tried = _different(sorted(tried, key=lambda attempt: attempt.progress, reverse=True))
    # what is shown of a layer that never answers is how the most promising call ends
    first = tried[0]
    ranks = () if first.deepest is None or first.deepest[0] == PLAIN else (first.deepest[0],)
    return Discovered(first.style, ranks, answers=False, best=tuple(tried[:MOST_TOLD]))


def _different(attempts: list[Attempt]) -> list[Attempt]:
    """Attempts of which no two end in the same way in the same style."""
    ends: dict[tuple[CallStyle, str], Attempt] = {}
    for attempt in attempts:
        ends.setdefault((attempt.style, str(attempt.deepest)), attempt)
    return list(ends.values())


def _narrowings(subject: Subject) -> Iterator[dict[str, tuple[Any, ...]]]:
    """What the layer may be asked: anything; else two classes alone; else the other kind of an argument's values."""
    yield {}
    domain = subject.full_domain
    if not domain.dimensions["classes"].chosen and 2 in domain["classes"] and len(set(domain["classes"])) > 1:
        yield {"classes": (2,)}
    for name, dimension in domain.dimensions.items():
        if len(dimension.readings) == 2 and not dimension.chosen and name in subject.takes:
            for tells in dimension.readings.values():
                yield {name: tuple(value for value in dimension.values if tells(value))[-1:]}


def _discovered(subject: Subject, trials: Trials, found: Attempt, kept: Mapping[str, tuple[Any, ...]]) -> Discovered:
    """What is known of a layer that answers in a style, once it was asked at all ranks and with class weights."""
    found, weightless = trials.weighted(trials.at_all_ranks(found))
    unsteady = trials.unsteady(found)
    if found.answered - {1} <= unsteady.keys():
        # it is the batch that the layer does not take, and not the rank
        unsteady = {}
    base = min((rank for rank in found.answered - unsteady.keys() if rank > 1), default=2)
    if base > 2:
        unsteady |= trials.apart(found, base)
    taken = tuple(rank for rank in trials.ranks if rank in found.answered - unsteady.keys())
    # of a rank beside plain ones that gets no answer, the law of that rank tells
    plain = 2 in taken and not found.style.said
    failures = {**found.failures, **unsteady}
    refused = {rank: f for rank, f in failures.items() if rank == 1 or f.declined or not plain}
    left = tuple(rank for rank in trials.ranks if rank in taken or rank not in refused)
    if subject.resolved.oracle is not None or subject.full_domain.dimensions["weight"].chosen:
        # a contract with an oracle promises class weights: that they are not taken is a finding
        weightless = None
    weight = {} if weightless is None else {"weight": ("absent",)}
    return Discovered(found.style, left, refused, best=(found,), kept={**kept, **weight}, weightless=weightless)


def short(failure: Failure) -> str:
    """A failure without the hints and the place in C++ that Paddle adds."""
    text = re.split(r" \[Hint| \(at /| \[operator", str(failure))[0]
    return text if len(text) <= LONGEST else text[: LONGEST - 4] + " ..."


def tried_in_words(found: Discovered) -> Iterator[str]:
    """How the most promising ways to call a layer ended that does not answer at all."""
    for attempt in found.best:
        called = ", ".join(attempt.style.words) or "called with logits and class ids"
        if attempt.deepest is not None:
            rank, failure = attempt.deepest
            yield f"{called}, rank {rank}: {short(failure)}" + "".join(f"\n    {line}" for line in failure.trace[-3:])
