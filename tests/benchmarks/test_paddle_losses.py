"""Paddle's own losses as subjects: each is asked as its contract has it, and so agrees on the simplest problem."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks import paddle_losses
from properties import Subject
from properties.drawing.decoding import simplest_problem
from properties.judging.tolerance import judge
from properties.workers.worker_main import observer_of

SUBJECTS = {name: found for name, found in vars(paddle_losses).items() if isinstance(found, Subject)}


@pytest.mark.parametrize("name", SUBJECTS)
def test_the_simplest_problem_has_the_oracles_answer(name):
    subject = SUBJECTS[name]
    problem = simplest_problem(subject.full_domain)
    # at a logit of 0 some of them are wrong
    problem = replace(
        problem, logits=problem.logits + np.arange(1.0, problem.logits.size + 1).reshape(problem.logits.shape)
    )
    observed = observer_of(subject).observe(problem)
    assert judge(observed, subject.resolved.answer(problem), problem.dtype).holds, observed
