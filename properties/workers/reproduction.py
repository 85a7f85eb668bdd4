"""Reproduction: a contradiction is tried again, each time in a new process, to tell a fault from chance."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from properties.engine.execution import perform
from properties.engine.result import FAILED, LawResult
from properties.engine.task import Task
from properties.subjects.subject import Subject
from properties.subjects.written_numbers import short
from properties.workers.forked_observer import ForkedObserver


def reproduced(task: Task, result: LawResult, subject: Subject, fresh: Callable[[], ForkedObserver]) -> LawResult:
    """Return the result with the outcomes of its problem when the layer is asked again, ``task.repetitions`` times."""
    if result.problem is None:
        return result
    again = replace(task, example=result.problem, suspect=None, shrink=False, guard=True)
    seen = []
    for _ in range(task.repetitions):
        with contextlib.closing(fresh()) as observer:
            seen.append(perform(again, subject, observer, lambda examples, problem: True))
    words = tuple(outcome_in_words(one) for one in seen)
    if all(_alike(result, one) for one in seen):
        return replace(result, repetitions=words)
    number = sum(one.outcome in FAILED for one in seen)
    reason = (
        f"seen as {outcome_in_words(result)}; shown {len(seen)} times more it failed {number} times: {'; '.join(words)}"
    )
    return replace(result, repetitions=words, repeatable=False, reason=reason)


def outcome_in_words(result: LawResult) -> str:
    """Return an outcome with the number or the error that the layer gave."""
    finding = result.finding
    if finding is None:
        return result.outcome
    if finding.failure is not None:
        return f"{result.outcome} ({finding.failure.error})"
    return result.outcome if finding.got is None else f"{result.outcome}, got {short(finding.got, 8)}"


def _alike(one: LawResult, other: LawResult) -> bool:
    """Return whether two results have the same outcome and the same numbers."""
    if one.finding is None or other.finding is None or one.outcome != other.outcome:
        return False
    got = (one.finding.got, other.finding.got)
    if got[0] is None or got[1] is None:
        return got[0] is got[1]
    return np.array_equal(got[0], got[1], equal_nan=True)
