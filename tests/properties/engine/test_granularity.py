"""What has a loss of its own is found out, and laws of sums of elements are put to no loss that is none."""

import numpy as np
import paddle
import pytest

from properties.engine.description import describe
from properties.engine.inference import Inquiry
from properties.judging.finding import Undecided
from properties.judging.granularity import WITHOUT
from properties.judging.observed_case import ObservedCase
from properties.laws.promises import PROMISES
from properties.laws.shape import permutation
from properties.problems.problem import Problem
from properties.report.cases import outcome_of
from properties.runs.certify import certify
from properties.subjects.backend import in_style, observer_of
from properties.subjects.target import Target
from properties.workers.inline import Inline
from tests.losses.region_losses import GRANULARITY, SOUND
from tests.losses.region_twins import WRONG, VarifocalDetached

ASKED = ("shape/permutation", "shape/one-element", "ignore/deleting-is-masking", "ignore/all-ignored", "ignore/poison")
"""Laws that accuse a sound loss of regions where they take it for a sum over elements."""


def target(loss, **claims):
    return Target(f"{loss.__module__}:{loss.__name__}", "free", claims=claims)


def granularity(loss):
    return describe(target(loss).load()).style.get("granularity", "element")


@pytest.mark.parametrize("loss", SOUND, ids=lambda loss: loss.__name__)
def test_granularity_of_a_sound_loss(loss):
    assert granularity(loss) == GRANULARITY[loss.__name__]


@pytest.mark.parametrize("loss", WRONG, ids=lambda loss: loss.__name__)
def test_a_wrong_twin_is_of_the_same_granularity(loss):
    assert granularity(loss) == GRANULARITY[loss.__mro__[1].__name__]


@pytest.mark.parametrize("loss", SOUND, ids=lambda loss: loss.__name__)
def test_a_sound_loss_is_not_accused(loss):
    left = tuple(law for law in ASKED if law not in WITHOUT[GRANULARITY[loss.__name__]])
    certificate = certify(target(loss), max_examples=8, workers=0, only=left)
    assert [(law.id, law.message) for law in certificate.failed] == []
    assert any(law.outcome == "held" for law in certificate.laws)


@pytest.mark.parametrize("loss", SOUND, ids=lambda loss: loss.__name__)
def test_a_granularity_leaves_out_laws_of_sums_alone(loss):
    promised = {law.id for law in describe(target(loss).load()).laws}
    assert promised.isdisjoint(WITHOUT[GRANULARITY[loss.__name__]])
    assert {"shape/permutation", "ignore/poison", "ignore/all-ignored", "oracle/finite-difference"} <= promised


@pytest.mark.parametrize("loss", WRONG, ids=lambda loss: loss.__name__)
def test_a_wrong_twin_is_refuted(loss):
    laws = WRONG[loss]
    promised = [law.removeprefix("promise/") for law in laws if law.startswith("promise/")]
    claims = {"promises": ",".join(promised)} if promised else {}
    certificate = certify(target(loss, **claims), max_examples=40, workers=0, only=laws)
    assert {law.id for law in certificate.failed} & set(laws)


def test_a_gradient_of_frozen_weights_is_a_fact_where_no_contract_says_more():
    certificate = certify(target(VarifocalDetached), max_examples=40, workers=0, only=["oracle/finite-difference"])
    assert (certificate.verdict, certificate.facts["gradient"]["value"]) == ("certified", "detached")


def test_a_promise_is_asked_only_where_it_was_made():
    loss = next(loss for loss in WRONG if loss.__name__ == "LovaszByPrecedence")
    assert not any(law.id.startswith("promise/") for law in describe(target(loss).load()).laws)
    with pytest.raises(ValueError, match=r"promise must be one of .*, got 'shiift'"):
        target(loss, promises="shiift").load()


def test_what_may_be_promised_is_counted():
    loss = next(loss for loss in WRONG if loss.__name__ == "LovaszByPrecedence")
    inline = Inline(target(loss))
    known = inline.describe()
    task = Inquiry(0, known.dtypes, kept=known.kept, style=known.style)
    words = inline.infer(task)["promises"]["words"]
    assert "never below 0 in 12 of 12 problems" in words
    assert f"{PROMISES['certain'].fails} in 12 of 12 problems" in words


def test_at_a_tie_any_subgradient_is_right():
    hinge = next(loss for loss in SOUND if loss.__name__ == "LovaszHinge")
    subject = in_style(target(hinge).load(), {"granularity": "batch"})
    problem = Problem(logits=np.zeros((3, 2)), labels=np.array([0, 0, 1]), ignore_index=255)
    case = ObservedCase(problem, subject.resolved, observer_of(subject), subject.takes)
    with pytest.raises(Undecided, match="gradient jumps here"):
        list(permutation.check(case))


PERMUTATION = ("shape/permutation",)


class SeesOrder(paddle.nn.Layer):
    """The first element counts twice."""

    def forward(self, logits, labels):
        losses = paddle.nn.functional.cross_entropy(logits, labels, reduction="none", axis=1).flatten()
        return (losses.sum() + losses[:1].sum()) / max(losses.size, 1)


def test_of_two_calls_none_is_called_expected():
    certificate = certify(
        Target(f"{__name__}:SeesOrder", "free"), max_examples=20, workers=0, only=("shape/permutation",)
    )
    (law,) = certificate.failed
    (line,) = outcome_of(law.counterexample)
    assert "one call gives" in line
    assert "the other" in line
    assert "expected" not in line
    assert "# the other call gives" in law.script
