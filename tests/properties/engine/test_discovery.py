"""How a layer is called is found out by trying, stands in the description, and what it does not take is set aside."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from properties import Subject, Target, certify
from properties.engine.description import describe
from properties.engine.inference_problems import Prober
from properties.judging.observation import Failure, Observation
from properties.laws.conduct_kinds import ANSWERS_ALL
from properties.problems.kinds import IGNORED_AND_WEIGHTED, SQUARE
from properties.subjects.backend import in_style, observer_of
from properties.subjects.call_style import VALUES, CallStyle, styles
from properties.subjects.target import UsageError
from tests.losses.layers import contracts_with_layers, layer_of
from tests.mutants.sound import SoundCrossEntropy

LAYERS = "tests.hostile.call_styles"


def described(name, contract="cross_entropy", **more):
    return describe(Target(f"{LAYERS}:{name}", contract, **more).load())


@pytest.mark.parametrize(
    ("name", "contract", "style", "ranks"),
    [
        ("InADict", "cross_entropy", {"output": "loss"}, [4]),
        (
            "LabelsFirst",
            "cross_entropy",
            {"order": "labels, logits", "labels": "one-hot", "class_axis": "-1", "output": "0"},
            [1, 2, 3, 4, 5, 6],
        ),
        ("OfProbabilities", "cross_entropy", {"input": "softmax", "weight": "list"}, [2, 3, 4, 5, 6]),
        ("ClassesLast", "cross_entropy", {"label_dtype": "int32", "class_axis": "-1"}, [1, 2, 3, 4, 5, 6]),
        ("WithBackground", "sigmoid_focal", {"labels": "background ids"}, [2]),
    ],
)
def test_the_call_is_found(name, contract, style, ranks):
    known = described(name, contract)
    assert dict(known.style) == style
    assert known.call["ranks"] == ranks
    assert known.call["words"]
    for said, value in style.items():
        assert f"{said}={value}" in known.call["command"]


def test_what_was_found_can_be_said_and_is_then_not_looked_for():
    found = described("LabelsFirst")
    said = described("LabelsFirst", call=dict(found.style))
    assert said.style == found.style
    wrong = described("LabelsFirst", call={"order": "logits, labels", "labels": "class ids"})
    assert not wrong.call["answers"]
    assert wrong.call["words"][0].startswith("tried: ")


@pytest.mark.parametrize("call", [{"order": "sideways"}, {"colour": "red"}, {"class_axis": "7"}])
def test_what_cannot_be_said_of_a_call_is_a_usage_error(call):
    with pytest.raises(UsageError, match="call"):
        Target(f"{LAYERS}:InADict", "cross_entropy", call=call).load()


def test_a_plain_layer_is_called_plainly():
    for name, contract in contracts_with_layers().items():
        known = describe(Target(f"paddle_impl:{layer_of(contract)}", name).load())
        assert (dict(known.style), known.call["not_taken"], known.call["words"]) == ({}, [], [])
        assert known.call["ranks"] == sorted(set(contract.domain["rank"]))


def test_names_that_mean_one_thing_are_taken_and_can_be_refused():
    assert described("OfProbabilities").call["arguments"] == {"weight": "class_weight"}
    assert "weight" not in described("OfProbabilities", mapping={"class_weight": "nothing"}).takes


def test_a_layer_without_an_answer_shows_what_was_tried():
    found = certify(Target(f"{LAYERS}:NoneOfThem", "cross_entropy"), max_examples=5, workers=0)
    assert found.verdict == "refuted"
    assert not found.call["answers"]
    assert len(found.call["words"]) == 3
    assert "self.tables[labels]" in found.call["words"][0]
    shown = found.law("conduct/answers").counterexample
    assert any(line.endswith("return self.tables[labels]") for line in shown["traceback"])


def outcomes(name, contract, *laws):
    found = certify(Target(f"{LAYERS}:{name}", contract), max_examples=15, workers=0, only=laws)
    return {law.id: law.outcome for law in found.laws}, found


def test_labels_as_long_as_there_are_classes_are_one_finding_and_all_else_is_asked():
    laws = (SQUARE.gate, "oracle/value", "shape/permutation", "softmax/shift")
    found, certificate = outcomes("LikeSoftLabels", "cross_entropy", *laws)
    assert found == {law: "raised" if law == SQUARE.gate else "held" for law in laws}
    assert certificate.set_aside[SQUARE.gate] == {"kind": [SQUARE.words]}


def test_ignored_and_weighted_together_are_one_finding_and_each_alone_is_asked():
    laws = (IGNORED_AND_WEIGHTED.gate, "oracle/value", "weights/scaling", "ignore/zero-gradient")
    found, _ = outcomes("LooksUpIgnored", "cross_entropy", *laws)
    assert found == {law: "raised" if law == IGNORED_AND_WEIGHTED.gate else "held" for law in laws}


def test_an_exception_that_one_law_tells_of_is_left_out_by_the_others():
    laws = (ANSWERS_ALL, "oracle/value", "oracle/gradient", "aggregate/fraction")
    found, certificate = outcomes("TruncatedK", "average_top_k", *laws)
    assert found == {
        ANSWERS_ALL: "raised",
        "oracle/value": "held",
        "oracle/gradient": "held",
        "aggregate/fraction": "refuted",
    }
    shown = certificate.law(ANSWERS_ALL).counterexample
    assert "paddle.topk(losses" in shown["line"]


def test_targets_that_nobody_meant_are_not_asked_about_unless_somebody_says_so():
    known = described("HardTargets", "sigmoid_focal")
    assert set(known.domain["targets"]) == {"binary"}
    assert "targets between 0 and 1" in known.call["words"][-1]
    asked = described("HardTargets", "sigmoid_focal", domain={"targets": ("binary", "probability")})
    assert set(asked.domain["targets"]) == {"binary", "probability"}
    ours = describe(Target("paddle_impl:SigmoidFocalLoss", "sigmoid_focal").load())
    assert set(ours.domain["targets"]) == {"binary", "probability"}


def style_values():
    said_apart = ("labels", "granularity")
    plain = {name: st.sampled_from(values) for name, values in VALUES.items() if name not in said_apart}
    return st.fixed_dictionaries({**plain, "labels": st.sampled_from(VALUES["labels"][:-1])})


@given(style_values())
def test_a_style_is_what_is_said_of_it(said):
    style = CallStyle.of(said)
    assert CallStyle.of(style.said) == style
    assert style.plain == (style == CallStyle())
    assert len(style.words) == len(style.said)


def test_styles_come_in_the_order_of_their_changes_and_none_twice():
    listed = list(styles(CallStyle(), {"weight": "list"}, {"order": VALUES["order"], "labels": VALUES["labels"]}))
    changes = [len(style.said) for style in listed]
    assert changes == sorted(changes)
    assert len(set(listed)) == len(listed) == len(VALUES["order"]) * len(VALUES["labels"])


@given(st.sampled_from(["class axis", "last axis", "one-hot"]), st.sampled_from(["1", "-1"]), st.booleans())
def test_a_layer_in_any_style_answers_as_the_plain_one(labels, axis, labels_first):
    style = CallStyle(labels=labels, class_axis=axis, order=VALUES["order"][labels_first])

    def call(layer, first, second):
        logits, given = (second, first) if labels_first else (first, second)
        place = int(axis) if labels != "last axis" else -1
        ids = given.argmax(axis=int(axis)) if labels == "one-hot" else given.squeeze(place)
        return layer(logits, ids)

    subject = Subject("cross_entropy", lambda axis: SoundCrossEntropy(axis=axis), call, arguments=("axis",))
    prober = Prober(subject.full_domain.only(axis=[int(axis)]), subject.takes, frozenset({"axis"}), 0)
    for rank, shape in ((2, (5,)), (3, (2, 4)), (4, (2, 2, 4))):
        problem = prober.make(rank, shape)
        answer = observer_of(in_style(subject, style.said)).observe(problem)
        assert isinstance(answer, Observation), answer
        assert np.allclose(answer.value, subject.resolved.answer(problem).value)
        assert np.allclose(answer.gradient, subject.resolved.answer(problem).gradient)


def test_a_refusal_of_the_layers_own_is_told_from_a_kernels_error():
    subject = Target(f"{LAYERS}:InADict", "cross_entropy").load()
    problem = Prober(subject.full_domain, subject.takes, frozenset(), 0).make(2, (5,))
    own = observer_of(subject).observe(problem)
    assert isinstance(own, Failure)
    assert own.declined
    assert own.line.endswith('assert logit.ndim == 4, "logit must have 4 axes"')
    other = observer_of(Target(f"{LAYERS}:TruncatedK", "average_top_k").load())
    kernel = other.observe(problem.configure(top_k=0.1))
    assert isinstance(kernel, Failure)
    assert not kernel.declined
    assert "paddle.topk" in kernel.line
