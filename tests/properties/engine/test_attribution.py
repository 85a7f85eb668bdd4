"""Whose a contradiction is: the layer's own, or that of the kernel it stands on. Neither is taken for the other."""

import json

import pytest
from click.testing import CliRunner

from properties import Target, certify
from properties.certificates.causes import causes
from properties.certificates.certificate import Certificate
from properties.command.cli import main
from properties.contracts import contract_named
from properties.drawing.decoding import simplest_problem
from properties.engine.task import Task
from properties.problems.kinds import KINDS
from properties.subjects.paddle_backend.kernels import kernels_of
from properties.workers.inline import Inline

LAYERS = "tests/hostile/on_kernels.py"
KERNEL = "paddle.nn.functional.cross_entropy"


def run(name, contract, law, examples=60):
    domain = {} if contract == "sigmoid_focal" else {"rank": (2,)}
    performer = Inline(Target(f"{LAYERS}:{name}", contract, {}, {}, {"dtype": ("float64", "float32"), **domain}))
    description = performer.describe()
    kinds = {kind.gate for kind in KINDS}
    gates = frozenset(info.id for info in description.laws if info.gate) - {law} - kinds
    return performer.run(Task(law, 0, examples, description.dtypes, gates), lambda done: None)


@pytest.mark.parametrize(
    ("name", "contract", "law", "kernel"),
    [
        ("KernelLosses", "cross_entropy", "numerics/linear-past-64", "cross_entropy"),
        ("KernelLosses", "cross_entropy", "numerics/nan-stays-nan", "cross_entropy"),
        ("KernelLosses", "cross_entropy", "numerics/masked-classes", "cross_entropy"),
        ("KernelLosses", "cross_entropy", "oracle/accuracy", "cross_entropy"),
        ("KernelLosses", "cross_entropy", "conduct/second-backward", "cross_entropy"),
        ("KernelLosses", "cross_entropy", "refusals/label-out-of-range", "cross_entropy"),
        ("LogSoftmax", "cross_entropy", "numerics/linear-past-64", "log_softmax"),
        ("Focal", "focal", "numerics/linear-past-64", "cross_entropy"),
        ("Focal", "focal", "conduct/second-backward", "cross_entropy"),
        ("TopK", "average_top_k", "numerics/linear-past-64", "cross_entropy"),
        ("label_smoothed", "cross_entropy", "numerics/linear-past-64", "cross_entropy"),
        ("sigmoid_focal", "sigmoid_focal", "oracle/gradient", "binary_cross_entropy_with_logits"),
    ],
)
def test_what_the_kernel_does_is_inherited(name, contract, law, kernel):
    result = run(name, contract, law)
    assert result.outcome == "refuted"
    assert result.inherited == f"paddle.nn.functional.{kernel}"


@pytest.mark.parametrize(
    ("name", "contract", "law"),
    [
        # a cap below the kernel's, and one that is nearly the kernel's
        ("Capped", "cross_entropy", "numerics/linear-past-64"),
        ("CappedAbove", "cross_entropy", "numerics/linear-past-64"),
        ("CappedFocal", "focal", "numerics/linear-past-64"),
        # an overflow, where the kernel has a number
        ("NotShifted", "cross_entropy", "numerics/linear-past-64"),
        ("NotShifted", "cross_entropy", "numerics/finite-at-saturation"),
        # wrong where the kernel is right
        ("HalfGradient", "cross_entropy", "oracle/gradient"),
        # of the kernel's type, in other words
        ("Refuses", "cross_entropy", "refusals/label-out-of-range"),
        # class weights that no kernel is told
        ("KernelLosses", "cross_entropy", "refusals/weight-length"),
        ("KernelLosses", "cross_entropy", "refusals/bad-reduction"),
    ],
)
def test_what_the_layer_does_is_its_own(name, contract, law):
    result = run(name, contract, law)
    assert result.outcome == "refuted"
    assert result.inherited == ""


def test_a_fault_of_its_own_is_not_hidden_behind_the_kernels():
    """The smallest counterexample is the kernel's; another one is not."""
    result = run("NaNBeyond500", "cross_entropy", "numerics/linear-past-64")
    assert result.inherited == ""
    assert result.reason == f"another counterexample is inherited from {KERNEL}"
    assert abs(result.finding.calls[0].logits).max() > 500


def test_the_kernel_under_another_contract_is_no_excuse():
    """Plain cross entropy is no GHM, and the kernel is not to blame for that."""
    result = run("KernelLosses", "ghm", "oracle/value")
    assert result.outcome == "refuted"
    assert result.inherited == ""


LAWS = ("numerics", "softmax", "conduct/second-backward")

sharing = pytest.mark.xdist_group("inheritance")
"""One worker has the certificates that they share."""


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The same certificate twice: with what is inherited, and with that forgiven."""
    folder = tmp_path_factory.mktemp("certificates")
    found = {}
    for name, flag in (("plain", ()), ("forgiven", ("--forgive-inherited",))):
        file = folder / f"{name}.json"
        arguments = ("--contract", "cross_entropy", "--domain", "dtype=float64,float32", "--domain", "rank=2", *flag)
        only = [word for law in LAWS for word in ("--only", law)]
        target = f"{LAYERS}:KernelLosses"
        done = lossproof("certify", target, *arguments, *only, "--max-examples", "30", "--json", str(file), "-v")
        found[name] = (file, done)
    return found


def lossproof(*arguments):
    return CliRunner(env={"COLUMNS": "160"}).invoke(main, list(map(str, arguments)))


@sharing
def test_the_report_says_what_is_inherited(files):
    _, done = files["plain"]
    assert done.exit_code == 1, done.output
    assert f"inherited from {KERNEL}, which shows the same deviation on the same case" in done.output
    assert f"1 of them inherited from {KERNEL}" in done.output
    assert "refuted, inherited" in done.output


@sharing
def test_forgiven_it_counts_no_more(files):
    file, done = files["forgiven"]
    assert done.exit_code == 0, done.output
    assert "refuted, forgiven" in done.output
    certificate = Certificate.read(file)
    assert certificate.forgiven
    assert set(certificate.levels.values()) == {"certified"}
    assert {law.id for law in certificate.failed} >= {"numerics/linear-past-64", "conduct/second-backward"}
    assert Certificate.from_dict(certificate.to_dict()) == certificate


def test_a_fault_of_its_own_is_not_forgiven():
    capped = Target(f"{LAYERS}:Capped", "cross_entropy", {}, {}, {"dtype": ("float64",), "rank": (2,)})
    only = ("numerics/linear-past-64", "conduct/second-backward")
    certificate = certify(capped, max_examples=20, only=only, workers=0, forgive_inherited=True)
    assert certificate.levels == {"numerics": "refuted", "conduct": "certified"}
    assert certificate.verdict == "refuted"
    assert [bool(cause.law.inherited) for cause in causes(certificate)] == [False, True]


@sharing
def test_replay_and_diff_know_what_is_forgiven(files):
    plain, forgiven = files["plain"][0], files["forgiven"][0]
    again = lossproof("replay", plain)
    assert again.exit_code == 1
    assert "STILL FAILING conduct/second-backward" in again.output
    again = lossproof("replay", forgiven)
    assert again.exit_code == 0, again.output
    assert "FORGIVEN      conduct/second-backward" in again.output
    there, back = lossproof("diff", plain, forgiven), lossproof("diff", forgiven, plain)
    assert (there.exit_code, back.exit_code) == (0, 0)
    assert "forgiven      conduct/second-backward" in there.output
    assert "still failing conduct/second-backward" in back.output


@sharing
def test_older_certificates_can_be_read(files):
    plain = json.loads(files["plain"][0].read_text())
    del plain["forgiven"]
    for law in plain["laws"]:
        del law["inherited"]
    certificate = Certificate.from_dict(plain)
    assert not certificate.forgiven
    assert certificate.verdict == "refuted"


def test_a_second_backward_of_a_py_layer_is_paddles():
    target = Target(f"{LAYERS}:ByHand", "cross_entropy", domain={"dtype": ("float64",), "rank": (2,)})
    certificate = certify(target, only=["conduct/second-backward"], max_examples=5, workers=1)
    law = certificate.law("conduct/second-backward")
    assert law.outcome == "crashed"
    assert law.inherited == "paddle.autograd.PyLayer"


def test_who_ends_the_process_without_a_py_layer_is_to_blame():
    target = Target("tests/hostile/layers.py:AbortsWhenWeighted", "cross_entropy", domain={"rank": (2,)})
    certificate = certify(target, only=["conduct/second-backward", "weights/scaling"], max_examples=5, workers=1)
    assert not any(law.inherited for law in certificate.laws)


@pytest.mark.parametrize(
    ("text", "stands"),
    [(f"{LAYERS}:KernelLosses", True), ("tests/hostile/coincidence.py:CappedAsTheKernel", False)],
)
def test_a_layer_is_seen_to_stand_on_a_kernel(text, stands):
    contract = contract_named("cross_entropy")
    kernels = kernels_of(Target(text, "cross_entropy").load(), contract)
    assert (KERNEL in kernels.stands_on(simplest_problem(contract.domain))) == stands


def test_a_cap_of_its_own_is_not_inherited():
    domain = {"dtype": ("float64", "float32"), "rank": (2,)}
    performer = Inline(Target("tests/hostile/coincidence.py:CappedAsTheKernel", "cross_entropy", {}, {}, domain))
    description = performer.describe()
    law = "numerics/linear-past-64"
    kinds = {kind.gate for kind in KINDS}
    gates = frozenset(info.id for info in description.laws if info.gate) - {law} - kinds
    result = performer.run(Task(law, 0, 60, description.dtypes, gates), lambda done: None)
    assert (result.outcome, result.inherited) == ("refuted", "")
