"""What is assumed in place of an argument that a layer lacks stands beside the verdict; what matters is asked for."""

import pytest
from click.testing import CliRunner

from properties import Subject, Target, certify
from properties.certificates.certificate import Certificate
from properties.command.cli import main
from properties.contracts import contract_named, contracts
from properties.engine.result import FAILED
from properties.judging.assumptions import assumed, unsaid
from properties.pytest_suite import parametrize
from tests.losses.layers import SHIPPED

CE = "paddle_impl:CrossEntropyLoss"
QUICK = {"max_examples": 10, "workers": 0}
COMMON = ("weight", "ignore_index", "reduction", "axis")


def words(contract, takes=COMMON, said=(), **domain):
    """What is said of a layer that takes these arguments, asked for these values."""
    found = contract_named(contract)
    subject = Subject(contract, lambda **given: None, arguments=tuple(takes), domain=domain)
    return assumed(found, subject.takes, subject.full_domain, {*domain, *said})


def lossproof(*arguments):
    return CliRunner().invoke(main, arguments, catch_exceptions=False, terminal_width=200)


@pytest.mark.parametrize(
    ("contract", "domain", "said"),
    [
        ("ghm", {"bins": [1]}, "as GHM with one region, which is cross entropy"),
        ("ghm", {"bins": [1.0]}, "as GHM with one region, which is cross entropy"),
        ("ghm", {"bins": [10]}, "as GHM with 10 regions"),
        ("ghm", {"bins": [0.1]}, "as GHM with regions of width 0.1"),
        ("ghm", {"bins": [1], "momentum": [0.9]}, "as GHM with one region and momentum 0.9"),
        ("sigmoid_ghm", {"bins": [1]}, "as sigmoid GHM with one region, which is binary cross entropy"),
        (
            "ghm_regression",
            {"bins": [1], "mu": [0.5]},
            "as GHM-R with mu 0.5 and one region, which is the smooth L1 loss sqrt(d^2 + mu^2) - mu",
        ),
        ("focal", {"gamma": [0]}, "as focal loss with gamma 0, which is cross entropy"),
        ("focal", {"gamma": [0.0]}, "as focal loss with gamma 0.0, which is cross entropy"),
        ("focal", {"gamma": [2.0]}, "as focal loss with gamma 2.0"),
        (
            "sigmoid_focal",
            {"gamma": [0], "alpha": [0.5]},
            "as sigmoid focal loss with gamma 0 and alpha 0.5, which is half the binary cross entropy",
        ),
        (
            "sigmoid_focal",
            {"gamma": [0], "alpha": [None]},
            "as sigmoid focal loss with gamma 0, which is binary cross entropy",
        ),
        (
            "average_top_k",
            {"top_k": [1.0], "k": [None], "individual": ["cross_entropy"]},
            "as the average of all losses, which is cross entropy",
        ),
        (
            "average_top_k",
            {"top_k": [1], "k": [None], "individual": ["hinge"]},
            "as the average of all hinge losses",
        ),
        (
            "average_top_k",
            {"k": [1], "top_k": [0.7], "individual": ["cross_entropy"]},
            "as the largest cross entropy loss",
        ),
        (
            "average_top_k",
            {"k": [None], "top_k": [0.7], "individual": ["cross_entropy"]},
            "as average top-k of cross entropy with top_k 0.7",
        ),
        (
            "cost_sensitive",
            {"num_class_list": ["equal"], "gamma": [1.0]},
            "as cost-sensitive cross entropy with equal class counts and gamma 1.0, which is cross entropy",
        ),
        (
            "cost_sensitive",
            {"num_class_list": [[5, 5]], "gamma": [1.0]},
            "as cost-sensitive cross entropy with class counts 5, 5 and gamma 1.0, which is cross entropy",
        ),
        (
            "cost_sensitive",
            {"num_class_list": ["steep"], "gamma": [0]},
            "as cost-sensitive cross entropy with steep class counts and gamma 0, which is cross entropy",
        ),
        ("cross_entropy", {"label_smoothing": [0.1]}, "as cross entropy with label_smoothing 0.1"),
        ("cross_entropy", {}, ""),
        ("free", {}, ""),
    ],
)
def test_a_contract_says_as_which_loss(contract, domain, said):
    takes = () if contract == "ghm_regression" else ("reduction",)
    assert words(contract, takes, **domain) == said


def test_what_nobody_said_can_be_said():
    assert words("ghm_regression", ("bins", "reduction")) == (
        "as GHM-R with mu 0.02; the layer takes no mu: `--domain mu=VALUE` says otherwise"
    )


def test_an_argument_that_is_taken_and_pinned_is_in_the_words_too():
    assert words("ghm", (*COMMON, "bins", "momentum"), bins=[1]) == (
        "as GHM with one region, which is cross entropy where there is no momentum"
    )
    assert words("ghm", (*COMMON, "bins")) == ""


@pytest.mark.parametrize("name", sorted(contracts()))
def test_each_essential_argument_is_asked_for_until_it_is_taken_or_said(name):
    contract = contract_named(name)
    for group in contract.essential:
        assert set(group) <= set(contract.argument_names)
        for argument in group:
            others = {each for other in contract.essential if other != group for each in other}
            assert len(unsaid(contract, others, set(), True)) == 1
            assert unsaid(contract, {*others, argument}, set(), True) == ()
            assert unsaid(contract, others, {argument}, True) == ()
    if name in SHIPPED:
        assert bool(contract.essential) == (name not in ("free", "cross_entropy"))


@pytest.mark.parametrize("name", sorted(contracts()))
def test_words_are_there_for_whatever_a_contract_draws(name):
    contract = contract_named(name)
    for argument in (d.name for d in contract.arguments):
        for value in dict.fromkeys(contract.domain[argument]):
            said = words(name, set(), **{argument: [value]})
            assert said == "" or said.startswith("as ")
            assert "drawn" not in said


def test_cross_entropy_is_no_ghm_for_want_of_bins():
    found = certify(Target(CE, "ghm"), only=["softmax/shift"], **QUICK)
    assert found.law("softmax/shift").outcome == "held"
    assert found.verdict == "incomplete"
    assert found.gaps == (
        "contract ghm says nothing of its own without bins: `--map YOURS=bins`, or `--domain bins=VALUE` "
        "for the value that the layer has",
    )


def test_it_may_be_certified_as_what_it_is(tmp_path):
    file = tmp_path / "c.json"
    done = lossproof(
        *("certify", CE, "--contract", "ghm", "--only", "oracle/value", "--max-examples", "10"),
        *("--domain", "bins=1", "--json", str(file)),
    )
    assert done.exit_code == 0, done.output
    lines = [line.strip() for line in done.output.splitlines()]
    verdict = next(place for place, line in enumerate(lines) if line.startswith("formula"))
    assert lines[verdict + 1] == "as GHM with one region, which is cross entropy"
    assert any(line.startswith("CERTIFIED as GHM with one region, which is cross entropy") for line in lines)
    found = Certificate.read(file)
    assert (found.assumed, found.gaps) == ("as GHM with one region, which is cross entropy", ())


def test_without_it_the_command_ends_with_3():
    done = lossproof("certify", CE, "--contract", "focal", "--only", "softmax/shift", "--max-examples", "5")
    assert done.exit_code == 3, done.output
    assert "contract focal says nothing of its own without gamma: `--map YOURS=gamma`" in done.output


def test_a_refutation_stands():
    found = certify(Target(CE, "ghm"), only=["oracle/value"], max_examples=20, workers=0)
    assert found.law("oracle/value").outcome in FAILED
    assert found.verdict == "refuted"


@pytest.mark.parametrize(
    "layer",
    [
        Target("paddle_impl:GHMLoss", "ghm"),
        Target("paddle_impl:GHMLoss", "ghm", settings={"bins": 5}),
        Target("paddle_impl:TopKLoss", "average_top_k", domain={"k": (3,)}),
    ],
)
def test_nothing_is_asked_for_that_is_there(layer):
    assert certify(layer, only=["softmax/shift"], **QUICK).gaps == ()


def test_a_suite_fails_for_it_too():
    parameters = parametrize(Target(CE, "ghm"), max_examples=5).args[1]
    assert [p.id for p in parameters if not isinstance(p.id, str) or p.id.endswith("not-certified")] == [
        "CrossEntropyLoss-not-certified"
    ]
    with pytest.raises(pytest.fail.Exception, match="not certified: contract ghm says nothing of its own without bins"):
        parameters[-1].values[0].check()
    pinned = parametrize(Target(CE, "ghm", domain={"bins": (1,)}), max_examples=5).args[1]
    assert not any(p.id.endswith("not-certified") for p in pinned)


def test_a_subject_made_by_hand_is_told_what_it_can_do():
    contract = contract_named("ghm")
    assert "let `build` take bins, or `--domain bins=VALUE`" in unsaid(contract, set(), set(), by_words=False)[0]
