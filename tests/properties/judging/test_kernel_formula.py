"""A contract of one's own says how its loss stands on kernels, and then what is wrong with those is not the layer's."""

import paddle.nn.functional as F
import pytest

from properties import Contract, ContractError, KernelFormula, Subject, certify
from reference import cross_entropy
from tests.hostile.own_kernels import on_the_kernel, poly1

CE = "paddle.nn.functional.cross_entropy"
BCE = "paddle.nn.functional.binary_cross_entropy"


def run(subject, *only):
    return certify(subject, max_examples=40, workers=0, only=only)


def test_without_a_formula_what_cannot_be_replaced_is_the_layers():
    failed = run(on_the_kernel(None), "oracle").failed
    assert failed
    assert not any(law.inherited for law in failed)


def test_with_one_it_is_the_kernels():
    failed = run(on_the_kernel(KernelFormula(lambda of: of.arguments["scale"] * of.losses)), "oracle").failed
    assert {law.id for law in failed} >= {"oracle/accuracy", "oracle/gradient"}
    assert all(law.inherited == BCE for law in failed)


@pytest.mark.parametrize("formula", [KernelFormula(), KernelFormula(lambda of: 2.9 * of.losses)])
def test_with_a_wrong_one_nothing_is(formula):
    assert not any(law.inherited for law in run(on_the_kernel(formula), "oracle/value", "oracle/gradient").failed)


LAWS = ("oracle/accuracy", "numerics/linear-past-64", "numerics/masked-classes", "conduct/second-backward")


@pytest.mark.parametrize("name", ["Poly1", "Poly1OfLosses"])
def test_the_clip_at_64_and_the_second_backward(name):
    failed = run(poly1(name), *LAWS).failed
    assert {law.id for law in failed} == set(LAWS)
    assert all((law.inherited, law.reason) == (CE, "") for law in failed)


@pytest.mark.parametrize(
    ("name", "law"),
    [
        ("Poly1Capped", "numerics/linear-past-64"),
        ("Poly1CappedAbove", "numerics/linear-past-64"),
        ("Poly1HalfGradient", "oracle/accuracy"),
        ("Poly1Forgetful", "conduct/second-backward"),
    ],
)
def test_a_formula_excuses_no_fault_of_the_layers_own(name, law):
    found = run(poly1(name), law).law(law)
    assert (found.outcome, found.inherited) == ("refuted", "")


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        (KernelFormula(lambda of: of.arguments["beta"]), "its kernel_formula raised KeyError: 'beta'"),
        (KernelFormula(lambda of: 3.0), "its kernel_formula returned a float"),
        (KernelFormula(lambda of: of.losses.sum()), "its kernel_formula returned a Tensor of shape []"),
    ],
)
def test_a_formula_that_cannot_be_computed_is_its_authors(formula, words):
    with pytest.raises(ContractError, match="contract poly1: ") as told:
        run(poly1("Poly1", formula), "numerics/linear-past-64")
    assert words in str(told.value)


def test_a_formula_is_a_kernel_formula():
    with pytest.raises(TypeError, match="kernel_formula must be a KernelFormula or None, got 'focal'"):
        poly1("Poly1", "focal")


def test_a_kernel_that_is_the_whole_loss():
    """The formula over losses is of no use here: it is the kernel as a whole that shows the same."""

    def told(arguments, soft):
        return None if soft else {name: arguments[name] for name in ("ignore_index", "reduction", "axis")}

    def layer(logits, labels):
        return F.cross_entropy(logits, labels)

    formula = KernelFormula(lambda of: 0.0 * of.losses, whole={CE: told})
    contract = Contract("mine", "A loss of mine.", ("oracle",), cross_entropy, kernel_formula=formula)
    domain = {"dtype": ("float64",), "rank": (2,), "logits": ["saturated"]}
    subject = Subject(contract, lambda: layer, arguments=(), domain=domain)
    found = run(subject, "oracle/accuracy").law("oracle/accuracy")
    assert (found.outcome, found.inherited) == ("refuted", CE)
