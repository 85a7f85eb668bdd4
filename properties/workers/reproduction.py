"""Repetition: a contradiction shown again, each time in a process of its own, to tell a fault from chance."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from properties.engine.execution import Task, perform
from properties.engine.result import FAILED, LawResult
from properties.subjects.script import short
from properties.subjects.subject import Subject
from properties.workers.forked_observer import ForkedObserver


def repeated(task: Task, result: LawResult, subject: Subject, fresh: Callable[[], ForkedObserver]) -> LawResult:
    """The result with what came of its problem when it was put to the layer again, ``task.repetitions`` times."""
    if result.problem is None:
        return result
    again = replace(task, example=result.problem, suspect=None, shrink=False, guard=True)
    seen = []
    for _ in range(task.repetitions):
        with contextlib.closing(fresh()) as guard:
            seen.append(perform(again, subject, guard, lambda examples, problem: True))
    words = tuple(words_of(one) for one in seen)
    if all(_alike(result, one) for one in seen):
        return replace(result, repetitions=words)
    number = sum(one.outcome in FAILED for one in seen)
    reason = f"seen as {words_of(result)}; shown {len(seen)} times more it failed {number} times: {'; '.join(words)}"
    return replace(result, repetitions=words, repeatable=False, reason=reason)


def words_of(result: LawResult) -> str:
    """An outcome with the number or the error that came."""
    finding = result.finding
    if finding is None:
        return result.outcome
    if finding.failure is not None:
        return f"{result.outcome} ({finding.failure.error})"
    return result.outcome if finding.got is None else f"{result.outcome}, got {short(finding.got, 8)}"


def _alike(one: LawResult, other: LawResult) -> bool:
    """Whether two results are of one kind, with the same numbers."""
    if one.finding is None or other.finding is None or one.outcome != other.outcome:
        return False
    got = (one.finding.got, other.finding.got)
    if got[0] is None or got[1] is None:
        return got[0] is got[1]
    return np.array_equal(got[0], got[1], equal_nan=True)
