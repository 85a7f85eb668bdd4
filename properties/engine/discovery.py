"""Discovery: how a layer is called, found out by putting plain problems to it in one style after another."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from properties.engine.call_attempts import BATCHES, MOST_SECONDS, Attempt, Observing, Trials
from properties.judging.observation import Failure
from properties.problems.domain import EmptyDomainError
from properties.subjects.call_style import CallStyle
from properties.subjects.subject import Subject

LONGEST = 200
"""Characters of a failure that are told."""


@dataclass(frozen=True)
class Discovered:
    """How a layer is called.

    ``ranks`` are those that may be drawn, ``refused`` those that it does not take, each with how it failed. ``answers``
    is False where no style gets an answer; then ``best`` are the attempts that came nearest to one. ``kept`` are values
    of dimensions without which there is none.
    """

    style: CallStyle = field(default_factory=CallStyle)
    ranks: tuple[int, ...] = ()
    refused: Mapping[int, Failure] = field(default_factory=dict)
    answers: bool = True
    best: tuple[Attempt, ...] = ()
    kept: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)


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
            return _discovered(trials, found, kept)
        attempts += trials.attempts
    tried = sorted(attempts, key=lambda attempt: (-attempt.depth, len(attempt.style.said)))
    return Discovered(CallStyle.of(subject.calling), answers=not attempts, best=tuple(tried[:BATCHES]))


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


def _discovered(trials: Trials, found: Attempt, kept: Mapping[str, tuple[Any, ...]]) -> Discovered:
    """What is known of a layer that answers in a style, once it was asked at all ranks and with class weights."""
    found = trials.weighted(trials.at_all_ranks(found))
    taken = tuple(rank for rank in trials.ranks if rank in found.answered)
    # of a rank beside plain ones that gets no answer, the law of that rank tells
    plain = 2 in found.answered and not found.style.said
    refused = {rank: f for rank, f in found.failures.items() if rank == 1 or f.declined or not plain}
    left = tuple(rank for rank in trials.ranks if rank in taken or rank not in refused)
    return Discovered(found.style, left, refused, best=(found,), kept=kept)


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
