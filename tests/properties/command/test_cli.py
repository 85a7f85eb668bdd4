"""The command as a user meets it: exit codes, files, messages, the same seed twice."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from properties.certificates.certificate import Certificate
from properties.command.cli import main
from properties.contracts import contracts
from properties.engine.description import laws_of

ROOT = Path(__file__).parents[3]
PUBLISHED = f"{ROOT / 'examples' / 'published_ghm.py'}:PublishedGHM"
WIDTHS = ("--map", "width=bins", "--domain", "bins=1.0,0.5,0.3")
QUICK = ("--max-examples", "20")


PROGRAMS = {"modes/to-static", "modes/full-graph", "modes/static-program"}
"""They take most of the time, and put a problem as it was drawn."""
OF_PROBLEMS_OF_THEIR_OWN = [law.id for law in laws_of(contracts()["cross_entropy"]) if law.id not in PROGRAMS]


def lossproof(*arguments):
    return CliRunner(env={"COLUMNS": "120"}).invoke(main, arguments)


def test_certified_is_0_and_the_certificate_says_what_ran(tmp_path):
    file = tmp_path / "certificate.json"
    only = ("--only", "softmax", "--only", "oracle/value", "--seed", "3")
    done = lossproof(
        "certify", "paddle_impl:CrossEntropyLoss", "--contract", "cross_entropy", *QUICK, *only, "--json", str(file)
    )
    assert done.exit_code == 0, done.output
    assert "CERTIFIED" in done.output
    plain = json.loads(file.read_text())
    assert plain["format"] == "lossproof-certificate-1"
    assert plain["verdict"] == "certified"
    assert plain["levels"] == {"formula": "certified"}
    assert plain["subject"] == "CrossEntropyLoss"
    assert plain["contract"] == "cross_entropy"
    assert plain["seed"] == 3
    assert plain["environment"]["paddlepaddle"].startswith("3.3")
    assert {law["id"] for law in plain["laws"]} >= {"oracle/value", "softmax/shift"}
    assert all(law["examples"] >= 20 and law["outcome"] == "held" for law in plain["laws"])
    assert Certificate.read(file).to_dict() == plain


def test_refuted_is_1_and_shows_case_and_script(tmp_path):
    asked = ("--contract", "ghm", *WIDTHS, *QUICK, "--only", "limit", "--scripts", str(tmp_path / "scripts"))
    done = lossproof("certify", PUBLISHED, *asked, "-v")
    assert done.exit_code == 1, done.output
    whole, _, last = done.output.rpartition("PublishedGHM against contract ghm")
    assert "only with a class weight, reduction=mean" in whole
    assert "expected 0.6931   got 1.386" in whole
    assert "from published_ghm import PublishedGHM" in whole
    # and once more on the last screen, in three lines
    assert "1.386 for 0.6931 (off by 100 %), float64" in " ".join(last.split())
    assert "only with a class weight, reduction=mean:  logits [[0, 0]]" in last
    assert "from published_ghm import PublishedGHM" not in last
    script = tmp_path / "scripts" / "PublishedGHM-limit-one-region-is-cross-entropy.py"
    assert str(script) in "".join(last.split())
    shown = subprocess.run([sys.executable, str(script)], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert shown.returncode == 1
    assert "AssertionError" in shown.stderr


def test_incomplete_is_3():
    # a law about one region, and a layer that claims to take two: nothing is left to be certified
    two = ("--domain", "bins=2", "--only", "limit/one-region-is-cross-entropy")
    done = lossproof("certify", "paddle_impl:GHMLoss", "--contract", "ghm", *two, *QUICK)
    assert done.exit_code == 3, done.output
    assert "INCOMPLETE" in done.output
    assert "bins is drawn from 2 alone" in done.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nothing",), "TARGET must be package.module:Name or path/file.py:Name, got 'nothing'"),
        (("no_such_package:Layer", "--contract", "ghm"), "no_such_package cannot be imported: ModuleNotFoundError"),
        (("no/such/file.py:Layer", "--contract", "ghm"), "there is no file no/such/file.py"),
        (("paddle_impl:Nothing", "--contract", "ghm"), "paddle_impl has no 'Nothing'"),
        (("paddle_impl:GHMLoss",), "--contract is required for a class or a function"),
        (("paddle_impl:GHMLoss", "--contract", "gmh"), f"one of {', '.join(contracts())}, got 'gmh'"),
        (("paddle_impl:GHMLoss", "--contract", "ghm", "--map", "bins"), "--map takes NAME=VALUE, got 'bins'"),
        (("paddle_impl:GHMLoss", "--contract", "ghm", "--map", "x=bins"), "--map x=bins: the layer takes bins"),
        (("paddle_impl:GHMLoss", "--contract", "ghm", "--map", "bins=x"), "--map bins=x: contract ghm has weight"),
        (("paddle_impl:GHMLoss", "--contract", "ghm", "--set", "x=1"), "--set x: GHMLoss takes bins"),
        (("paddle_impl:GHMLoss", "--contract", "ghm", "--domain", "x=1"), "domain has no 'x'"),
        (
            ("paddle_impl:GHMLoss", "--contract", "ghm", "--domain", "rank=7"),
            "domain rank takes ints from 1 to 6, got 7",
        ),
        (("paddle_impl:GHMLoss", "--contract", "ghm", "--only", "limits"), "no law or family 'limits'"),
        (("paddle_impl:GHMLoss", "--contract", "ghm", "--max-examples", "0"), "0 is not in the range"),
        (("paddle_impl:GHMLoss", "--contract", "ghm", "--json", "no/such/dir/file"), "there is no directory"),
        (
            ("paddle_impl:GHMLoss", "--contract", "ghm", "--claim", "gradient=frozen"),
            "claim gradient must be one of live, detached, got 'frozen'",
        ),
        (("tests/hostile/layers.py:NeedsArgument", "--contract", "ghm"), "write --set temperature=VALUE, or --map"),
    ],
)
def test_usage_is_2_and_says_what_to_write(arguments, words):
    done = lossproof("certify", *arguments)
    assert done.exit_code == 2
    assert words in " ".join(done.output.split())


def test_the_same_seed_gives_the_same_certificate(tmp_path):
    found = []
    # laws that hold, are refuted, raise and do not apply; each draws from a stream of its own
    families = ("limit", "ignore", "shape/none-shape", "aggregate", "conduct", "numerics/result-dtype", "modes/amp")
    only = [word for family in families for word in ("--only", family)]
    for name in ("one", "two"):
        file = tmp_path / name
        lossproof("certify", PUBLISHED, "--contract", "ghm", *WIDTHS, *QUICK, *only, "--json", str(file))
        found.append(Certificate.read(file).timeless().to_dict())
    assert found[0] == found[1]
    assert found[0]["verdict"] == "refuted"


def test_a_required_argument_can_be_set():
    done = lossproof(
        *("certify", "tests/hostile/layers.py:NeedsArgument", "--contract", "cross_entropy", "--set", "temperature=1"),
        *(*QUICK, "--only", "oracle/value", "--domain", "rank=2", "--domain", "targets=hard"),
    )
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize(
    ("setting", "law"),
    [("reduction=sum", "oracle/value"), ("ignore_index=255", "ignore"), ("bins=5", "aggregate/edges")],
)
def test_setting_a_contract_argument_pins_it(setting, law):
    done = lossproof("certify", "paddle_impl:GHMLoss", "--contract", "ghm", "--set", setting, *QUICK, "--only", law)
    assert done.exit_code == 0, done.output
    assert "takes no" not in done.output


def test_weights_are_not_set():
    done = lossproof("certify", "paddle_impl:GHMLoss", "--contract", "ghm", "--set", "weight=[1,2]")
    assert done.exit_code == 2
    assert "write --domain weight=absent" in done.output


def test_a_repeated_domain_has_both_values():
    rank = ("--domain", "rank=4", "--domain", "rank=3")
    done = lossproof(
        "certify",
        "tests/hostile/picky.py:ThreeOrFour",
        "--contract",
        "cross_entropy",
        *rank,
        *QUICK,
        "--level",
        "formula",
    )
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize(
    ("name", "domain"),
    [
        ("NoWeights", "weight=absent"),
        ("Nineteen", "classes=19"),
        ("ClassesFirst", "axis=0"),
        ("OnlyBfloat16", "dtype=bfloat16"),
        ("Ignores19", "ignore_index=19"),
        ("RankFour", "rank=4"),
    ],
)
def test_nothing_outside_the_declared_domain_is_asked(name, domain):
    target = f"tests/hostile/picky.py:{name}"
    only = [word for law in OF_PROBLEMS_OF_THEIR_OWN for word in ("--only", law)]
    done = lossproof("certify", target, "--contract", "cross_entropy", "--domain", domain, *QUICK, *only)
    assert "outside the declared domain" not in done.output, done.output
    assert done.exit_code == 0, done.output


def test_a_certificate_that_cannot_be_written_is_a_usage_error():
    only = ("--only", "softmax/shift")
    done = lossproof(
        "certify",
        "paddle_impl:CrossEntropyLoss",
        "--contract",
        "cross_entropy",
        *QUICK,
        *only,
        "--json",
        "/proc/x.json",
    )
    assert done.exit_code == 2
    assert "--json: /proc/x.json cannot be written" in done.output


def test_a_function_is_a_target_too():
    done = lossproof(
        *("certify", "paddle.nn.functional:cross_entropy", "--contract", "cross_entropy", *QUICK),
        *("--only", "limit", "--domain", "ignore_index=255", "--domain", "label_smoothing=0.0"),
        *("--domain", "size=few,several"),
    )
    assert done.exit_code == 0, done.output


def test_the_supervisor_never_imports_paddle():
    script = (
        "import sys; from properties.subjects.target import Target; from properties.runs.certify import certify\n"
        "certify(Target('paddle_impl:CrossEntropyLoss', 'cross_entropy'), max_examples=5, only=['softmax'])\n"
        "sys.exit('paddle' in sys.modules)"
    )
    # nor does a script without a main guard run twice
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT, timeout=120).returncode == 0


@pytest.mark.usefixtures("shipped_alone")
def test_lists(snapshot):
    for what in ("contracts", "laws"):
        done = lossproof("list", what)
        assert done.exit_code == 0
        assert done.output == snapshot(name=what)
    assert "softmax/monotone" not in lossproof("list", "laws", "--contract", "ghm").output
    assert lossproof("list", "laws", "--contract", "nothing").exit_code == 2


def test_the_demo_tells_the_story():
    done = lossproof("demo")
    assert done.exit_code == 0, done.output
    ours, published, half = done.output.split("contract ghm: ")[1:]
    assert "formula      CERTIFIED" in ours
    assert "no departure" in ours
    assert "The mean divides by the number of valid elements." in published
    assert "The mean divides by the number of valid elements." not in half
    for story in (published, half):
        assert "Ignored elements enter the histogram, with gradient norm 1." in story
        assert "Unreduced losses lack the ignored elements" in story
        assert "an element beyond the last one raises" in story
        assert "nothing else" in story


def test_the_laws_of_anybodys_layer_as_a_pytest_suite():
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "tests/test_laws.py", "-p", "no:cacheprovider", "-n0", "-q"),
            *("-k", "conventions", "--loss", PUBLISHED, "--contract", "ghm", *WIDTHS),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 1, done.stdout
    assert "only with a class weight" in done.stdout
    assert "np.testing.assert_allclose" in done.stdout
    # and once more as a test that Hypothesis itself runs, for whatever else knows those
    assert "test_law_by_example[PublishedGHM-conventions/denominator]" in done.stdout
    assert "LawBroken: conventions/denominator" in done.stdout
