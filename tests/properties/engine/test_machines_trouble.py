"""What the machine has no room for is no answer of a layer, and no failure of ours: it is raised, to be tried again."""

import errno

import pytest

from properties.engine.execution import perform
from properties.engine.inference import infer
from properties.engine.study import Inquiry
from properties.engine.task import Task
from properties.errors import MachineTrouble
from properties.subjects.backend import observer_of
from properties.subjects.target import Target

SOUND = Target("tests.mutants.museum.classes:CrossEntropy", "cross_entropy", backend="numpy")


class Failing:
    """An observer of whose machine the disk, or the like, is full, from so many questions on."""

    def __init__(self, observer, error, after):
        self._observer, self._error, self._left = observer, error, after

    def observe(self, problem, probe="plain"):
        self._left -= 1
        if self._left < 0:
            raise self._error
        return self._observer.observe(problem, probe)


def failing(subject, number, after=0):
    return Failing(observer_of(subject), OSError(number, "no room"), after)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EMFILE])
@pytest.mark.parametrize("after", [0, 7])
def test_no_law_gives_up_for_it(number, after):
    subject = SOUND.load()
    with pytest.raises(MachineTrouble, match="no room"):
        perform(Task("oracle/value", 0, 20, ("float64",)), subject, failing(subject, number, after), lambda n, p: True)


def test_nothing_is_undecided_for_it():
    subject = SOUND.load()
    with pytest.raises(MachineTrouble, match="no room"):
        infer(Inquiry(0, ("float64",)), subject, failing(subject, errno.ENOSPC))


def test_another_error_is_ours():
    subject = SOUND.load()
    observer = failing(subject, errno.EPERM)
    result = perform(Task("oracle/value", 0, 20, ("float64",)), subject, observer, lambda n, p: True)
    assert result.outcome == "gave up"
    assert "lossproof itself failed" in result.reason
