"""Value kinds: which kinds of values of an argument a layer takes, where it may take one kind alone.

``bins`` may be a count of regions or their width. Many layers know one of the two, and do anything with the other: an
index out of range, a loop without an end, a single region. That is an ability that they lack; asking them shows it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from properties.engine.inference_problems import Prober
from properties.judging.observation import Failure, Observer
from properties.problems.domain import Dimension, Domain, EmptyDomainError
from properties.problems.membership import reason_outside
from properties.problems.problem import Problem
from properties.subjects.subject import Subject

ASKED = 3
"""Values of each kind that are put to a layer."""

Answers = dict[Any, "Failure | np.ndarray[Any, Any]"]


def readings_taken(
    subject: Subject, observer: Observer, domain: Domain
) -> tuple[dict[str, tuple[Any, ...]], dict[str, str]]:
    """For each argument of which a layer takes one kind of values alone: the values to draw, and why, in words.

    A layer takes a kind if it answers some value of it; where it answers both kinds, it takes the one that changes its
    answer, if the other has a single answer for all of its values. Nothing is said of an argument of which the user
    chose the values.
    """
    kept: dict[str, tuple[Any, ...]] = {}
    narrowed: dict[str, str] = {}
    for name, dimension in domain.dimensions.items():
        if len(dimension.readings) == 2 and not dimension.chosen and name in subject.takes:
            batch = _batch(subject, domain)
            found = _alone(dimension, lambda value, name=name, batch=batch: _asked(observer, batch, name, value))  # type: ignore[misc]
            if found is not None:
                kept[name], narrowed[name] = found
    return kept, narrowed


def _alone(dimension: Dimension, ask: Callable[[Any], Failure | np.ndarray]) -> tuple[tuple[Any, ...], str] | None:
    values = tuple(dict.fromkeys(dimension.values))
    kinds = {kind: [v for v in values if tells(v)] for kind, tells in dimension.readings.items()}
    answers = {kind: _answers(listed[:ASKED], ask) for kind, listed in kinds.items()}
    for kind, other in (tuple(kinds), tuple(kinds)[::-1]):
        reason = _lacking(dimension.name, answers[kind], answers[other])
        if reason:
            unlike = dimension.readings[kind]
            left = tuple(v for v in values if dimension.readings[other](v) or not (unlike(v) or _fails(ask(v))))
            return left, f"{dimension.name} is taken as a {other} alone: {reason}"
    return None


def _answers(values: Sequence[Any], ask: Callable[[Any], Failure | np.ndarray]) -> Answers:
    found: Answers = {}
    for value in values:
        found[value] = ask(value)
        failure = found[value]
        if isinstance(failure, Failure) and failure.kind == "timed out":
            # one hang is waited for
            break
    return found


def _fails(answer: Failure | np.ndarray) -> bool:
    return isinstance(answer, Failure) or not np.isfinite(answer).all()


def _lacking(name: str, answers: Answers, others: Answers) -> str:
    """Why a layer does not take the first kind of values, where it takes the second; '' where it may take both."""
    if not answers or not others or all(map(_fails, others.values())):
        return ""
    if all(map(_fails, answers.values())):
        value, answer = next(iter(answers.items()))
        return f"with {name}={value} {_ending(answer)}"
    if any(map(_fails, (*answers.values(), *others.values()))) or len(answers) < 2:
        return ""
    if _all_alike(list(answers.values())) and not _all_alike(list(others.values())):
        return f"{', '.join(map(str, answers))} have one and the same answer"
    return ""


def _ending(answer: Failure | np.ndarray) -> str:
    if not isinstance(answer, Failure):
        return f"the loss is {answer.reshape(-1)[0]}"
    words = {"raised": "it raises", "crashed": "the process ends with", "timed out": "there is no answer after"}
    return f"{words.get(answer.kind, answer.kind)} {answer}"


def _all_alike(answers: Sequence[Any]) -> bool:
    return all(np.allclose(answer, answers[0], rtol=1e-6, atol=0.0) for answer in answers[1:])


def _asked(observer: Observer, batch: Problem, name: str, value: Any) -> Failure | np.ndarray:
    """What a layer answers with one value of an argument."""
    result = observer.observe(batch.configure(**{name: value}), "value")
    return result if isinstance(result, Failure) else result.value


def _batch(subject: Subject, domain: Domain) -> Problem:
    """A plain batch of several elements, in which another value of an argument would show."""
    plain, arguments = domain.open(domain.gates), subject.resolved.argument_names
    try:
        prober = Prober(plain, subject.takes, arguments, 0)
    except EmptyDomainError:
        prober = Prober(domain, subject.takes, arguments, 0)
    for problem in prober.smooth(plain["reduction"][:1], drawn=0):
        if not reason_outside(problem, domain):
            return problem
    return prober.plain
