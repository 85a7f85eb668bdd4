"""A kernel replaced while the layer runs: what vanishes then was the kernel's, and nothing else."""

from dataclasses import replace

import numpy as np
import paddle
import paddle.nn.functional as F
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from properties import Contract, Subject, Target, certify
from properties.drawing.decoding import simplest_problem
from properties.engine.task import Task
from properties.problems.kinds import KINDS
from properties.subjects.paddle_backend.exact_kernels import OPERATIONS, REPLACEABLE, Replaced
from properties.workers.inline import Inline
from reference import cross_entropy
from tests.hostile.own_contracts import SUBJECTS

CE = "paddle.nn.functional.cross_entropy"
LOG_SOFTMAX = "paddle.nn.functional.log_softmax"
BCE = "paddle.nn.functional.binary_cross_entropy_with_logits"


def put(subject, law, examples=60, seed=0):
    performer = Inline(subject)
    description = performer.describe()
    opened = {law, "conduct/takes-ignored", *(kind.gate for kind in KINDS)}
    gates = frozenset(info.id for info in description.laws if info.gate) - opened
    return performer.run(Task(law, seed, examples, description.dtypes, gates), lambda done: None)


def of_own_contract(name, law, **domain):
    rank = {} if name.startswith("Tempered") else {"rank": (2,)}
    return put(replace(SUBJECTS[name], domain={"dtype": ("float64", "float32"), **rank, **domain}), law)


def on_kernels(name, law, contract="cross_entropy", **domain):
    target = f"tests/hostile/on_kernels.py:{name}"
    return put(Target(target, contract, {}, {}, {"dtype": ("float64", "float32"), **domain}), law)


ON_CROSS_ENTROPY = ("Poly1", "Poly1OfLosses", "Poly1OfALayer")


@pytest.mark.parametrize(
    ("name", "law", "kernel"),
    [
        *(
            (name, law, CE)
            for name in ON_CROSS_ENTROPY
            for law in (
                "oracle/accuracy",
                "numerics/linear-past-64",
                "numerics/nan-stays-nan",
                "numerics/masked-classes",
                "conduct/second-backward",
                "refusals/label-out-of-range",
            )
        ),
        ("Poly1OfLogSoftmax", "oracle/accuracy", LOG_SOFTMAX),
        ("Poly1OfLogSoftmax", "numerics/linear-past-64", LOG_SOFTMAX),
        ("Poly1Mixed", "numerics/linear-past-64", f"{CE} and {LOG_SOFTMAX}"),
        ("Poly1Mixed", "conduct/second-backward", CE),
        ("Poly1OfTheMean", "ignore/deleting-is-masking", CE),
        ("Tempered", "oracle/gradient", BCE),
        ("Tempered", "oracle/finite-difference", BCE),
    ],
)
def test_under_a_contract_of_ones_own_a_kernel_is_known(name, law, kernel):
    result = of_own_contract(name, law)
    assert result.outcome == "refuted"
    assert result.inherited == kernel
    assert result.reason == ""


@pytest.mark.parametrize(
    ("name", "law"),
    [
        # a cap below the kernel's, one next to it, another loss, half a gradient
        ("Poly1Capped", "numerics/linear-past-64"),
        ("Poly1CappedAbove", "numerics/linear-past-64"),
        ("Poly1Capped", "numerics/masked-classes"),
        ("Poly1Shifted", "oracle/value"),
        ("Poly1Shifted", "oracle/accuracy"),
        ("Poly1HalfGradient", "oracle/gradient"),
        ("Poly1HalfGradient", "oracle/accuracy"),
        # the kernel's rounding, which is small, made large
        ("Poly1Amplified", "oracle/value"),
        ("Poly1Amplified", "oracle/accuracy"),
        # a second backward that would be wrong on a sound kernel too
        ("Poly1Forgetful", "conduct/second-backward"),
        # behind the kernel's fault there is another one
        ("Poly1NaNBeyond500", "numerics/linear-past-64"),
        ("TemperedOtherSlope", "oracle/gradient"),
        ("TemperedOtherSlope", "oracle/finite-difference"),
    ],
)
def test_under_a_contract_of_ones_own_the_layers_own_faults_stay_so(name, law):
    result = of_own_contract(name, law)
    assert result.outcome == "refuted"
    assert result.inherited == ""


@pytest.mark.parametrize("rank", [3, 4])
@pytest.mark.parametrize("name", ["Flattened", "LastAxis"])
@pytest.mark.parametrize("size", ["several", "square"])
def test_a_nan_that_the_kernel_hides_at_higher_ranks(name, rank, size):
    """Along an axis that is contiguous in memory the kernel's maximum is vectorised, and forgets a NaN."""
    result = on_kernels(name, "numerics/nan-stays-nan", rank=(rank,), classes=(10, 19), size=(size,))
    assert (result.outcome, result.inherited, result.reason) == ("refuted", CE, "")


@pytest.mark.parametrize("name", ["EpsilonBelow", "EpsilonBehind", "EpsilonBefore", "EpsilonInFloat32"])
def test_a_second_backward_behind_an_epsilon(name):
    result = on_kernels(name, "conduct/second-backward", rank=(2,))
    assert (result.outcome, result.inherited) == ("refuted", CE)


@pytest.mark.parametrize(
    ("name", "contract", "law"),
    [
        ("sigmoid_focal", "sigmoid_focal", "oracle/finite-difference"),
        ("sigmoid_focal", "sigmoid_focal", "oracle/vjp"),
        ("logistic", "free", "oracle/finite-difference"),
    ],
)
def test_the_slope_at_a_logit_of_zero_is_the_kernels(name, contract, law):
    result = on_kernels(name, law, contract)
    assert (result.outcome, result.inherited, result.reason) == ("refuted", BCE, "")


def test_a_slope_of_its_own_at_zero_is_not():
    result = on_kernels("logistic_steep", "oracle/finite-difference", "free")
    assert (result.outcome, result.inherited) == ("refuted", "")


def test_forgiven_the_layer_is_certified():
    """Certificates of a contract of one's own leave out what is the kernel's, too."""
    subject = replace(SUBJECTS["Poly1OfLosses"], domain={"dtype": ("float64", "float32"), "rank": (2,)})
    only = ("oracle", "numerics/linear-past-64", "conduct/second-backward")
    certificate = certify(subject, max_examples=40, only=only, workers=0, forgive_inherited=True)
    assert {law.id for law in certificate.failed} >= {"numerics/linear-past-64", "conduct/second-backward"}
    assert all(law.inherited == CE for law in certificate.failed)
    assert certificate.verdict == "certified"


def raw(operation):
    """The operation as Paddle has it, now."""
    return getattr(operation.places[0], operation.name)


def test_paddle_is_as_it_was_afterwards():
    before = [raw(operation) for operation in OPERATIONS]
    seen = []

    class Looking:
        def __init__(self, **options):
            pass

        def __call__(self, logits, labels):
            seen.append([raw(operation) for operation in OPERATIONS])
            raise RuntimeError("on the way")

    subject = replace(SUBJECTS["Poly1"], build=Looking, arguments=())
    assert Replaced(subject, REPLACEABLE).observe(simplest_problem(subject.full_domain)).kind == "raised"
    assert all(one is not other for one, other in zip(seen[0], before, strict=True))
    assert all(raw(operation) is one for operation, one in zip(OPERATIONS, before, strict=True))


moderate = st.lists(st.floats(-20.0, 20.0), min_size=6, max_size=6).map(lambda z: np.reshape(z, (2, 3)))


def both(function, logits):
    """Value and gradient of a kernel, and of what replaces it."""
    found = []
    for kernels in ((), REPLACEABLE):
        leaf = paddle.to_tensor(logits, dtype="float64", stop_gradient=False)
        with Replaced(SUBJECTS["Poly1"], kernels)._replaced():
            value = function(leaf)
        (value * paddle.to_tensor(1.0 + np.arange(value.size).reshape(value.shape))).sum().backward()
        found.append((value.numpy(), leaf.grad.numpy()))
    return found


FUNCTIONS = {
    "hard": lambda z: F.cross_entropy(z, paddle.to_tensor([0, 2]), reduction="none"),
    "weighted": lambda z: F.cross_entropy(z, paddle.to_tensor([0, 2]), paddle.to_tensor([1.0, 2.0, 3.0], "float64")),
    "ignored": lambda z: F.cross_entropy(z, paddle.to_tensor([0, 255]), ignore_index=255),
    "ignored below 0": lambda z: F.cross_entropy(z, paddle.to_tensor([0, -100]), reduction="sum"),
    "first axis": lambda z: F.cross_entropy(z, paddle.to_tensor([0, 1, 1]), reduction="none", axis=0),
    "soft": lambda z: F.cross_entropy(z, paddle.to_tensor(SOFT), soft_label=True, reduction="none"),
    "by words": lambda z: F.cross_entropy(input=z, label=paddle.to_tensor([0, 2]), reduction="mean"),
    "with softmax": lambda z: F.softmax_with_cross_entropy(z, paddle.to_tensor([[0], [2]]), return_softmax=True)[0],
    "of probabilities": lambda z: F.cross_entropy(F.softmax(z), paddle.to_tensor([0, 2]), use_softmax=False),
    "log_softmax": lambda z: F.log_softmax(z, axis=0),
    "softmax": lambda z: F.softmax(z),
    "logistic": lambda z: F.binary_cross_entropy_with_logits(z + 0.5**30, paddle.to_tensor(SOFT), reduction="none"),
    "of positives": lambda z: F.binary_cross_entropy_with_logits(
        z + 0.5**30, paddle.to_tensor(SOFT), reduction="none", pos_weight=paddle.to_tensor([1.0, 2.0, 3.0], "float64")
    ),
}
SOFT = np.array([[0.5, 0.25, 0.25], [0.0, 1.0, 0.0]])


@pytest.mark.parametrize("name", FUNCTIONS)
@given(moderate)
@settings(max_examples=40, deadline=None, derandomize=True)
def test_where_a_kernel_is_sound_its_substitute_says_the_same(name, logits):
    (value, gradient), (exact, slope) = both(FUNCTIONS[name], logits)
    assert value.shape == exact.shape
    np.testing.assert_allclose(exact, value, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(slope, gradient, rtol=1e-9, atol=1e-12)


def test_where_it_is_not_the_substitute_is_right():
    far = np.array([[-1000.0, 0.0, 0.0], [0.0, 0.0, -np.inf]])
    (value, _), (exact, slope) = both(FUNCTIONS["hard"], far)
    np.testing.assert_allclose(value, [64.0 + np.log(2.0), 64.0 + np.log(2.0)])
    np.testing.assert_allclose(exact, [1000.0 + np.log(2.0), np.inf])
    np.testing.assert_allclose(slope[0], [-1.0, 0.5, 0.5])


def affine(scale, shift):
    """The contract of scale times cross entropy plus shift, for each element."""

    def oracle(*given, **named):
        answer = cross_entropy(*given, reduction="none", **named)
        return replace(
            answer,
            value=scale * answer.value + shift,
            gradient=scale * answer.gradient,
            value_scale=4.0 * (scale * answer.value_scale + shift),
            gradient_scale=4.0 * scale * answer.gradient_scale,
        )

    def unreduced(logits, labels, *, axis=1, cotangent=None, **rest):
        return oracle(logits, labels, axis=axis, cotangent=cotangent)

    return Contract(f"affine {scale} {shift}", "Any line of cross entropy.", ("oracle", "conduct"), unreduced)


FAULTS = {
    "none": lambda losses: losses,
    "a cap": lambda losses: losses.clip(max=60.0),
    "a floor": lambda losses: losses.clip(min=1e-3),
    "a little more": lambda losses: losses * 1.0001,
    "detached": lambda losses: losses.detach() + 0.0 * losses,
}


@given(
    st.sampled_from(sorted(FAULTS)),
    st.floats(0.25, 4.0),
    st.floats(0.0, 2.0),
    st.sampled_from([0.0, 1e-10, 1e-5]),
    st.sampled_from([65.0, 80.0, 300.0]),
    st.lists(st.floats(-3.0, 3.0), min_size=3, max_size=3),
)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_whatever_is_built_on_the_kernel_it_is_to_blame_for_its_own_part_alone(fault, scale, shift, before, gap, row):
    def layer(logits, labels):
        losses = F.cross_entropy(logits + before, labels, reduction="none")
        return scale * FAULTS[fault](losses.reshape(labels.shape)) + shift

    subject = Subject(affine(scale, shift), lambda: layer, arguments=(), domain={"reduction": ["none"]})
    far = np.array([row, row])
    far[0, 0] = min(row) - gap
    problem = simplest_problem(subject.full_domain).replace(logits=far, labels=np.array([0, 1]))
    result = Inline(subject).run(Task("oracle/accuracy", 0, 1, ("float64",), example=problem), lambda done: None)
    assert result.outcome == "refuted"
    # no loss here is as small as the floor
    assert result.inherited == (CE if fault in ("none", "a floor") else "")
