"""Whether a layer sets the seeds of the global generators; they are as before, whatever it does."""

import random

import numpy as np
import paddle
import pytest
from paddle.autograd import PyLayer
from paddle.nn import functional

from properties import Subject, Target
from properties.engine.task import Task
from properties.judging.observation import Failure
from properties.problems.problem import Problem
from properties.subjects.numpy_backend.observer import NumpyObserver
from properties.subjects.paddle_backend.observer import GENERATORS, PaddleObserver
from properties.subjects.random_state import PYTHON_GENERATORS, call_under_two_seeds
from properties.workers.inline import Inline

PROBLEM = Problem(np.array([[0.0, 1.0], [2.0, 0.0]]), np.array([0, 1]))
NAMES = ("random", "numpy.random", "paddle")


def seeds(build, observer=PaddleObserver, backend="paddle"):
    return observer(Subject("free", build, backend=backend)).observe(PROBLEM, "seeds")


def plain(logits, labels):
    return functional.cross_entropy(logits, labels)


def drawn():
    return random.random(), np.random.random(), paddle.rand([3]).tolist()


def draws(logits, labels):
    noise = random.random() + np.random.random()
    return plain(functional.dropout(logits, 0.5) + noise, labels)


def borrows(logits, labels):
    before = random.getstate(), np.random.get_state(), paddle.get_rng_state()
    seeded()
    loss = draws(logits, labels)
    for restore, state in zip((random.setstate, np.random.set_state, paddle.set_rng_state), before, strict=True):
        restore(state)
    return loss


def seeded():
    random.seed(7)
    np.random.seed(7)
    paddle.seed(7)


class SeedsBackward(PyLayer):
    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, dy):
        np.random.seed(7)
        return dy


def built():
    random.seed(7)
    return plain


@pytest.mark.parametrize(
    ("build", "names"),
    [
        (lambda: draws, ()),
        (lambda: borrows, ()),
        (lambda: lambda z, y: seeded() or draws(z, y), NAMES),
        (lambda: lambda z, y: plain(SeedsBackward.apply(z), y), ("numpy.random",)),
        (built, ("random",)),
    ],
    ids=["draws", "borrows", "seeds and draws", "seeds in backward", "seeds when built"],
)
def test_only_a_layer_that_seeds_is_named(build, names):
    assert seeds(build).facts == {"reseeded": names}


def test_a_loss_in_numpy_is_asked_too():
    def seeding(z, y):
        np.random.seed(0)
        return np.random.random(), np.zeros_like(z)

    def drawing(z, y):
        return np.random.random(), np.zeros_like(z)

    assert seeds(lambda: seeding, NumpyObserver, "numpy").facts == {"reseeded": ("numpy.random",)}
    assert seeds(lambda: drawing, NumpyObserver, "numpy").facts == {"reseeded": ()}


def test_the_states_are_put_back():
    paddle.seed(3)
    states = random.getstate(), np.random.get_state(), paddle.get_rng_state()
    expected = drawn()
    for restore, state in zip((random.setstate, np.random.set_state, paddle.set_rng_state), states, strict=True):
        restore(state)
    assert call_under_two_seeds(seeded, GENERATORS) == (None, NAMES)
    assert drawn() == expected


def test_the_states_are_put_back_where_the_layer_raises():
    def raises():
        seeded()
        raise RuntimeError("after the seeds were set")

    states = random.getstate(), np.random.get_state()[1].tolist()
    answer = seeds(lambda: lambda z, y: raises())
    assert isinstance(answer, Failure)
    assert answer.message == "after the seeds were set"
    assert (random.getstate(), np.random.get_state()[1].tolist()) == states
    after = paddle.rand([3]).tolist()
    # the observer seeds Paddle's own from the problem
    paddle.seed(PROBLEM.salt)
    assert after == paddle.rand([3]).tolist()


def test_states_are_whole():
    random.seed(5)
    random.gauss(0.0, 1.0)
    np.random.seed(5)
    np.random.normal()
    # half of a pair of normal numbers is kept for the next call
    states = random.getstate(), np.random.get_state()
    call_under_two_seeds(lambda: (random.gauss(0.0, 1.0), np.random.normal()), PYTHON_GENERATORS)
    assert random.getstate() == states[0]
    assert np.random.get_state()[3:] == states[1][3:] == (1, states[1][4])


def test_a_search_comes_upon_a_layer_that_seeds_far_out():
    performer = Inline(Target("tests.hostile.zoo:ReseedsGlobals", "cross_entropy"))
    found = performer.run(Task("conduct/global-state", 0, 100, ("float64",), shrink=False), lambda done: None)
    assert found.outcome == "refuted"
    assert found.finding.message == "The layer sets the seed of random, numpy.random and paddle."
