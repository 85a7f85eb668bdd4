"""Grades of findings: an error is looked for where a remark was found, and is not made smaller to one."""

import paddle
import pytest

from properties import Subject
from properties.engine.execution import perform
from properties.engine.task import Task
from properties.pytest_suite import BoundLaw, Suite
from properties.subjects.paddle_backend.observer import PaddleObserver
from tests.mutants.sound import SoundCrossEntropy

ARGUMENTS = ("weight", "ignore_index", "reduction")


def put(layer, law, max_examples=30):
    subject = Subject("cross_entropy", lambda **given: layer(**given), arguments=ARGUMENTS, domain={"rank": [2]})
    task = Task(law, 0, max_examples, ("float64",))
    return perform(task, subject, PaddleObserver(subject), lambda examples, problem: True)


class NaNWhenEmpty(SoundCrossEntropy):
    def forward(self, logits, labels, normalizer=None):
        found = super().forward(logits, labels, normalizer)
        return found if labels.size else found + float("nan")


class FiveWhenEmpty(NaNWhenEmpty):
    def forward(self, logits, labels, normalizer=None):
        found = super().forward(logits, labels, normalizer)
        return found if labels.size or self.reduction == "mean" else paddle.full_like(found, 5.0)


class RaisesWhenEmpty(SoundCrossEntropy):
    def forward(self, logits, labels, normalizer=None):
        assert labels.size, "nothing to learn from"
        return super().forward(logits, labels, normalizer)


class Asserts(SoundCrossEntropy):
    """Refuses bad weights as an assertion does: without a word."""

    def check_weight(self, weight):
        assert (weight >= 0).all()
        assert abs(weight).max() < float("inf")


class SaysTheRule(SoundCrossEntropy):
    """Refuses bad weights by their rule, not by their number."""

    def check_weight(self, weight):
        if not ((weight >= 0).all() and abs(weight).max() < float("inf")):
            raise RuntimeError("weights must be finite and not negative")


class NaNWeights(Asserts):
    def check_weight(self, weight):
        super().check_weight(paddle.nan_to_num(paddle.to_tensor(weight)).numpy())


@pytest.mark.parametrize(
    ("layer", "law", "grade"),
    [
        (NaNWhenEmpty, "shape/empty", "remark"),
        (RaisesWhenEmpty, "shape/empty", "remark"),
        (FiveWhenEmpty, "shape/empty", ""),
        (Asserts, "refusals/bad-weight", "remark"),
        (SaysTheRule, "refusals/bad-weight", "remark"),
        (NaNWeights, "refusals/bad-weight", ""),
    ],
)
def test_an_error_goes_before_a_remark(layer, law, grade):
    result = put(layer, law)
    assert result.finding.grade == grade
    assert result.remarked == (grade == "remark")


def test_the_type_of_an_exception_is_a_remark_and_a_rule_without_its_number_none():
    assert "raises AssertionError where" in put(Asserts, "refusals/bad-weight").finding.message
    message = put(SaysTheRule, "refusals/bad-weight").finding.message
    assert "raises RuntimeError where" in message
    assert "without saying" not in message


def test_an_error_tells_of_errors_alone():
    assert (
        put(NaNWeights, "refusals/bad-weight").finding.message
        == "A class weight of nan gets a number; so does a class weight of inf."
    )


@pytest.mark.parametrize(("require", "fails"), [((), False), ("refusals", False), ("all", True)])
def test_a_remark_fails_no_test_unless_it_is_required(require, fails):
    subject = Subject("cross_entropy", lambda **given: Asserts(**given), arguments=ARGUMENTS, domain={"rank": [2]})
    law = BoundLaw(Suite(subject, max_examples=5, require=require), "refusals/bad-weight")
    if fails:
        with pytest.raises(pytest.fail.Exception, match="raises AssertionError where"):
            law.check()
    else:
        assert law.check().grade == "remark"
