"""What is caught of standard output and error, whoever closes them, before or meanwhile."""

import io
import os
import sys
import tempfile

import numpy as np
import pytest

from properties import Subject, Target
from properties.contracts import contracts
from properties.engine.trial import Trial
from properties.laws.conduct import prints_nothing
from properties.problems.problem import Problem
from properties.subjects.captured_output import MOST_KEPT, captured_output
from properties.subjects.numpy_backend.observer import NumpyObserver
from properties.subjects.paddle_backend.observer import PaddleObserver

FAR = Problem(np.full((5, 2), 20.0), np.zeros(5, dtype=np.int64))
BOTH = ("standard output", "standard error")


@pytest.fixture
def descriptors():
    """Standard output and error of this process, put back afterwards."""
    saved = {number: os.dup(number) for number in (1, 2)}
    yield
    for number, fd in saved.items():
        os.dup2(fd, number)
        os.close(fd)


def test_words_of_python_and_of_c_are_caught():
    with captured_output() as caught:
        print("from Python")
        print("of an error", file=sys.stderr)
        os.write(1, b"from C\n")
    assert caught.printed == "from Python\nof an error\nfrom C\n"
    assert caught.closed == ()


@pytest.mark.parametrize(
    ("close", "closed"),
    [
        (lambda: sys.stdout.close(), BOTH[:1]),
        (lambda: os.close(2), BOTH[1:]),
        (lambda: os.dup2(0, 1), BOTH[:1]),
        (lambda: (sys.stdout.close(), sys.stderr.close(), os.closerange(1, 3)), BOTH),
    ],
    ids=["file", "descriptor", "led elsewhere", "all"],
)
def test_closing_is_noted_and_hides_nothing(close, closed, descriptors):
    with captured_output() as caught:
        print("before")
        os.write(1, b"before, from C\n")
        close()
        print("after")
    assert caught.printed == "before\nafter\nbefore, from C\n"
    assert caught.closed == closed
    os.fstat(1), os.fstat(2)
    print("and the process may print again")


def test_what_was_closed_before_is_nobodys_fault(monkeypatch, descriptors):
    gone = io.StringIO()
    gone.close()
    monkeypatch.setattr(sys, "stdout", gone)
    monkeypatch.setattr(sys, "stderr", None)
    os.closerange(1, 3)
    with captured_output() as caught:
        print("words")
        os.write(2, b"of C\n")
    assert (caught.printed, caught.closed) == ("words\nof C\n", ())


def test_an_exception_leaves_the_descriptors_as_they_were():
    def raises():
        os.close(1)
        raise RuntimeError

    before = os.fstat(1), os.fstat(2)
    with pytest.raises(RuntimeError), captured_output():
        raises()
    assert [os.path.samestat(one, os.fstat(number)) for number, one in enumerate(before, 1)] == [True, True]


def test_the_layer_of_the_zoo_closes_both_and_is_asked_again(descriptors):
    subject = Target("tests.hostile.zoo:ClosesStdout", "cross_entropy").load()
    observer = PaddleObserver(subject)
    trial = Trial(prints_nothing, subject.resolved, observer, subject.takes, contracts()["cross_entropy"].domain)
    for _ in range(2):
        finding = trial.finding(FAR)
        assert finding.message == "The layer closes standard output and standard error."
    quiet = FAR.replace(logits=np.zeros((5, 2)))
    assert trial.holds(quiet)


def test_a_loss_in_numpy_that_closes_is_asked_too():
    def closes(z, y):
        print("last words")
        sys.stdout.close()
        return 0.0, np.zeros_like(z)

    answer = NumpyObserver(Subject("free", lambda: closes, backend="numpy")).observe(FAR, "prints")
    assert answer.facts == {"printed": "last words\n", "closed": BOTH[:1]}


def test_of_much_output_the_beginning_is_kept():
    block = b"x" * 2**20
    with captured_output() as caught:
        for _ in range(64):
            os.write(1, block)
        print("y" * 10_000_000)
    assert MOST_KEPT <= len(caught.printed) <= 2 * MOST_KEPT
    assert set(caught.printed[:MOST_KEPT]) == {"y"}
    assert caught.closed == ()


def test_output_needs_no_folder(monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    with captured_output() as caught:
        os.write(2, b"said")
    assert caught.printed == "said"
