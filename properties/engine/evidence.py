"""Evidence: the problems by which a convention was found, put to the law that tells of it where its search saw none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from properties.engine.inference_problems import Prober
from properties.engine.pipeline import Found, Job, put
from properties.engine.result import FAILED
from properties.judging.conventions import telling
from properties.problems.domain import EmptyDomainError
from properties.problems.membership import reason_outside
from properties.problems.problem import Problem


def with_evidence(job: Job, found: Found) -> Found:
    """What the search found; where that is nothing and all other laws run with a convention, what shows it."""
    if (
        found.result.outcome in FAILED
        or job.task.example is not None
        or job.trial.law.id not in telling(job.task.adopted)
    ):
        return found
    for problem in _problems(job):
        if not reason_outside(problem, job.trial.askable):
            shown = put(job, problem)
            if shown.result.outcome in FAILED:
                examples = found.result.examples + 1
                return Found(replace(shown.result, examples=examples, seen=found.result.seen), found.excuses)
    return found


def _problems(job: Job) -> Iterator[Problem]:
    """What was asked when it was found out what the layer does."""
    trial = job.trial
    try:
        prober = Prober(trial.askable, trial.takes, trial.contract.argument_names, job.task.seed)
    except EmptyDomainError:
        return
    if "mean" in trial.askable["reduction"]:
        yield from prober.batches("mean")
    yield from prober.smooth(trial.askable["reduction"][:3])
