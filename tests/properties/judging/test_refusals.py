"""What a layer does not refuse is told all at once, and whole messages are searched for what was wrong."""

import itertools
from dataclasses import replace

import numpy as np
import paddle
import pytest

from properties import Subject
from properties.certificates.certificate import LawReport
from properties.contracts import contract_named
from properties.drawing.decoding import simplest_problem
from properties.engine.description import laws_of
from properties.engine.execution import perform
from properties.engine.task import Task
from properties.engine.trial import Trial
from properties.judging.observation import LONGEST_KEPT, LONGEST_SHOWN, Failure
from properties.subjects.numpy_backend.observer import NumpyObserver
from properties.subjects.paddle_backend.observer import PaddleObserver
from tests.mutants.sound import SoundCrossEntropy, SoundGHM

BAD = contract_named("ghm").bad_arguments
"""What the contract says a GHM layer must refuse."""

SOUND = {"bins": 10, "normalize": "occupied", "momentum": 0.0, "ema": "corrected", "denominator": "weights"}


def lenient(*accepted):
    """A GHM loss that takes these arguments, whatever their values, for their defaults."""
    arguments = ("weight", "ignore_index", "reduction", "axis", *SOUND)

    def build(**given):
        for name in accepted:
            if any(value is given[name] or value == given[name] for value in BAD[name]):
                given[name] = SOUND[name]
        return SoundGHM(**given)

    return Subject("ghm", build, arguments=arguments)


def put(subject, law_id, max_examples=20, observer=PaddleObserver):
    task = Task(law_id, 0, max_examples, ("float64",))
    return perform(task, subject, observer(subject), lambda examples, problem: True)


def told(result):
    """Which arguments a finding is about, each with how many of its values."""
    names = [next(n for n in BAD if item.startswith(f"{n}=")) for item in result.finding.items]
    return {name: names.count(name) for name in names}


@pytest.mark.parametrize("accepted", [*itertools.combinations(BAD, 1), *itertools.combinations(BAD, 2), tuple(BAD)])
def test_every_value_that_is_taken_is_told_at_once(accepted):
    result = put(lenient(*accepted), "refusals/bad-arguments")
    assert result.outcome == "refuted"
    assert told(result) == {name: len(BAD[name]) for name in accepted}
    # each is a call of the certificate, and is named in the message
    assert len(result.finding.calls) == sum(len(BAD[name]) for name in accepted)
    for name in accepted:
        assert all(f"{name}={value!r}" in result.finding.message for value in BAD[name])
    assert result.finding.calls[0].labels.size == 1


def test_a_strict_layer_holds():
    assert put(lenient(), "refusals/bad-arguments").outcome == "held"


class AnyWeights(SoundCrossEntropy):
    """Takes NaN and negative weights, and refuses infinite ones."""

    def check_weight(self, weight):
        if np.isinf(weight).any():
            raise ValueError("weight must be finite, got inf")


def test_what_is_refused_is_not_told():
    subject = Subject("cross_entropy", lambda **given: AnyWeights(**given), arguments=("weight",))
    result = put(subject, "refusals/bad-weight")
    assert result.finding.message == "A class weight of -1.0 gets a number; so does a class weight of nan."


def far(before, after):
    """Cross entropy that refuses labels in a long message, with the label somewhere in it."""

    class Talks(SoundCrossEntropy):
        def check_range(self, labels, classes):
            valid = labels[labels != self.ignore_index]
            for label in valid[(valid < 0) | (valid >= classes)].reshape(-1)[:1]:
                raise ValueError(f"{'x ' * before}got {int(label)}{' y' * after}")

    return Subject("cross_entropy", lambda **given: Talks(**given), arguments=("ignore_index", "reduction"))


@pytest.mark.parametrize(("before", "after"), [(0, 0), (315, 0), (4000, 4000), (0, LONGEST_KEPT), (LONGEST_KEPT, 0)])
def test_a_message_is_searched_to_its_end(before, after):
    result = put(far(before, after), "refusals/label-out-of-range", 5)
    assert result.outcome == "held", result.finding.message


def test_a_message_that_does_not_say_it_is_still_accused():
    subject = replace(far(400, 0), build=lambda **given: Silent(**given))
    result = put(subject, "refusals/label-out-of-range", 5)
    assert result.outcome == "refuted"
    assert "without saying what was wrong" in result.finding.message


class Silent(SoundCrossEntropy):
    def check_range(self, labels, classes):
        valid = labels[labels != self.ignore_index]
        if ((valid < 0) | (valid >= classes)).any():
            raise ValueError("x " * 400)


def test_people_are_shown_a_short_message_and_the_certificate_has_it_all():
    failure = Failure("raised", "ValueError", "x" * 2000)
    assert len(str(failure)) < LONGEST_SHOWN + 30

    def raises(logits, labels):
        raise RuntimeError("x" * 2000)

    subject = Subject("cross_entropy", lambda: raises, backend="numpy")
    law = next(law for law in laws_of(subject.resolved) if law.id == "conduct/answers")
    result = put(subject, law.id, observer=NumpyObserver)
    info = type("Info", (), {"id": law.id, "level": law.level, "grade": law.grade, "sentence": law.sentence})
    report = LawReport.of(info, result)
    assert len(report.message) < LONGEST_SHOWN + 100
    assert "x" * 2000 in report.counterexample["error"]


def test_a_stack_of_paddles_hides_no_word_of_the_layers():
    stack = "-" * 38 + "\nC++ Traceback (most recent call last):\n" + "-" * 38 + "\n0 phi::f\n\n" + "-" * 22
    summary = f"{stack}\nError Message Summary:\n" + "-" * 22 + "\nInvalidArgumentError: no such shape"

    def raises(logits, labels):
        raise ValueError(f"gamma must be >= 0, got -1: {summary}")

    answer = PaddleObserver(Subject("free", lambda: raises)).observe(PROBLEM)
    assert answer.message == "gamma must be >= 0, got -1: InvalidArgumentError: no such shape"


PROBLEM = simplest_problem(contract_named("free").domain)


class WritesEverywhere(SoundCrossEntropy):
    """Writes into everything that it is given."""

    def forward(self, logits, labels, normalizer=None):
        found = super().forward(logits, labels, normalizer)
        labels[:] = 99
        logits.detach()[:] = 7.0
        return found * 1.0


def test_everything_that_is_written_into_is_told():
    subject = Subject(
        "cross_entropy",
        lambda **given: WritesEverywhere(**given),
        arguments=("ignore_index", "reduction"),
        domain={"logits": ["normal"], "layout": ["contiguous"], "rank": [2]},
    )
    result = put(subject, "conduct/inputs-not-mutated", 30)
    assert result.finding.message == "The layer writes into its labels and logits."
    with pytest.raises(AssertionError, match="labels"):
        exec(compile(result.script.replace("import here", "import"), "script", "exec"), {"build": subject.build})


class Deaf(SoundCrossEntropy):
    """Deaf to two arguments."""

    def __init__(self, weight=None, ignore_index=-100, reduction="mean", axis=1, soft_weight="paddle"):
        super().__init__(None, ignore_index, "mean", 1, 0.0, "paddle")


def test_every_dead_argument_that_a_case_shows_is_told():
    arguments = ("weight", "reduction", "soft_weight")
    subject = Subject("cross_entropy", lambda **given: Deaf(**given), arguments=arguments)
    law = next(law for law in laws_of(subject.resolved) if law.id == "arguments/has-effect")
    problem = simplest_problem(subject.full_domain).replace(
        logits=np.array([[0.0, 1.0], [2.0, 0.0]]), labels=np.array([0, 1])
    )
    finding = Trial(law, subject.resolved, PaddleObserver(subject), subject.takes, subject.full_domain).finding(problem)
    assert finding.items == {"weight", "reduction"}
    assert finding.message.count("has no effect") == 2


def of_kernel(mean):
    """A layer without ignore_index on a kernel that ignores -100 by itself; ``mean`` puts its losses together."""

    def layer(logits, labels):
        classes = logits.shape[1]
        if ((labels != -100) & ((labels < 0) | (labels >= classes))).any():
            wrong = labels[(labels != -100) & ((labels < 0) | (labels >= classes))]
            raise ValueError(f"labels must lie in [0, {classes}), got {int(wrong.reshape([-1])[0])}")
        losses = paddle.nn.functional.cross_entropy(logits, labels, reduction="none", axis=1).reshape(labels.shape)
        return mean(losses, labels)

    return Subject("cross_entropy", lambda: layer, domain={"rank": [2], "targets": ["hard"]})


def test_a_kernels_own_number_for_what_is_ignored_is_no_hiding_place():
    law = "refusals/label-out-of-range"
    assert put(of_kernel(lambda losses, labels: losses.sum() / (labels != -100).sum()), law, 40).outcome == "held"
    result = put(of_kernel(lambda losses, labels: losses.mean()), law, 40)
    assert result.finding.items == {"-100 gets a number"}
    assert "neither refused nor ignored" in result.finding.message
