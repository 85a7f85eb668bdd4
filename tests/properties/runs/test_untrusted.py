"""A certificate is data: what a stranger's names is not imported, and never called with what it says."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest
from click.testing import CliRunner

from properties import Target, UsageError
from properties.certificates.certificate import Certificate
from properties.command.cli import main
from properties.runs.replay import replay as replayed
from tests.properties.certificates.failures import failed


def lossproof(*arguments):
    return CliRunner(env={"COLUMNS": "200"}).invoke(main, list(map(str, arguments)))


def certificate_of(folder, text, settings=None, *, signed=False):
    """The file of a certificate of a layer, as a stranger would write it: with a digest, and a signature of his."""
    target = {"text": text, "contract": "ghm", "mapping": {}, "settings": settings or {}, "domain": {}}
    law = failed("oracle/value")
    found = Certificate("X", "ghm", (law,), 0, 10, target={**target, "backend": None, "claims": {}})
    path = folder / "certificate.json"
    found.write(path)
    if not signed:
        plain = json.loads(path.read_text())
        path.write_text(json.dumps({**plain, "signature": "0" * 64}))
    return path


@pytest.fixture
def bait(tmp_path):
    """A module that leaves a mark when it is imported, and the mark."""
    mark = tmp_path / "mark"
    (tmp_path / "bait.py").write_text(
        f"import pathlib\npathlib.Path({str(mark)!r}).touch()\ndef loss(logits, labels):\n    return logits.sum()\n"
    )
    return tmp_path / "bait.py", mark


def test_a_command_in_a_certificate_is_not_run(tmp_path):
    mark = tmp_path / "mark"
    path = certificate_of(tmp_path, "subprocess:Popen", {"args": ["touch", str(mark)]})
    done = lossproof("replay", path)
    assert done.exit_code == 2
    assert "'subprocess:Popen'" in done.output
    assert "--target subprocess:Popen" in done.output
    # who trusts it still gets nothing but losses called
    for more in (["--trust"], ["--target", "subprocess:Popen"]):
        done = lossproof("replay", path, *more)
        assert done.exit_code == 2
        assert "must be a paddle.nn.Layer class" in done.output
    assert not mark.exists()


@pytest.mark.parametrize("text", ["subprocess:run", "os:system", "builtins:exec", "shutil:rmtree", "numpy:load"])
def test_no_function_of_a_library_is_called_for_a_stranger(text, tmp_path):
    done = lossproof("replay", certificate_of(tmp_path, text, {"x": 1}), "--trust")
    assert done.exit_code == 2
    assert "must be a paddle.nn.Layer class" in done.output


def test_a_strangers_module_is_not_imported(bait, tmp_path):
    module, mark = bait
    path = certificate_of(tmp_path, f"{module}:loss")
    done = lossproof("replay", path)
    assert (done.exit_code, mark.exists()) == (2, False)
    assert "--trust" in done.output
    # nor does looking at it import anything
    assert lossproof("verify", path).exit_code == 3
    assert lossproof("diff", path, path).exit_code == 0
    assert not mark.exists()
    certificate = Certificate.read(path)
    assert certificate.foreign
    with pytest.raises(UsageError, match="not made by this user"):
        next(replayed(certificate))
    assert not mark.exists()


def test_trust_and_the_users_own_word_run_it(bait, tmp_path):
    module, mark = bait
    path = certificate_of(tmp_path, f"{module}:loss")
    assert lossproof("replay", path, "--trust").exit_code == 1
    assert mark.exists()
    mark.unlink()
    assert lossproof("replay", path, "--target", f"{module}:loss").exit_code == 1
    assert mark.exists()


def test_what_this_user_made_runs(bait, tmp_path):
    module, mark = bait
    assert lossproof("replay", certificate_of(tmp_path, f"{module}:loss", signed=True)).exit_code == 1
    assert mark.exists()


def test_another_users_key_signs_nothing(bait, tmp_path):
    """A signature by another key, or one for another certificate, is a stranger's."""
    module, mark = bait
    path = certificate_of(tmp_path, f"{module}:loss", signed=True)
    plain = json.loads(path.read_text())
    other = json.loads(certificate_of(tmp_path, "losses.py:Other", signed=True).read_text())
    path.write_text(json.dumps({**plain, "signature": other["signature"]}))
    assert lossproof("replay", path).exit_code == 2
    path.write_text(json.dumps({**plain, "digest": other["digest"], "signature": other["signature"]}))
    assert lossproof("replay", path).exit_code == 2
    program = "import sys; from properties import *; from properties.certificates.certificate import Certificate; "
    program += f"print(Certificate.read({str(path)!r}).foreign)"
    path.write_text(json.dumps(plain))
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"LOSSPROOF_STATE": str(tmp_path / "other")},
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == "True", done.stderr
    assert not mark.exists()


def test_a_target_that_says_little_is_one(tmp_path):
    path = certificate_of(tmp_path, "nowhere:Loss")
    plain = json.loads(path.read_text())
    plain = {name: value for name, value in plain.items() if name not in ("digest", "signature")}
    path.write_text(json.dumps({**plain, "target": {"text": "nowhere:Loss"}}))
    done = lossproof("replay", path)
    assert done.exit_code == 2
    assert "'nowhere:Loss'" in done.output


def test_a_foreign_target_must_be_a_loss():
    for text in ("tests.mutants.behaviour:WeightsRaise", "tests.losses.sound_numpy:CROSS_ENTROPY"):
        contract = "cross_entropy" if "CROSS" in text else "ghm"
        assert replace(Target(text, contract), foreign=True).load().resolved.name == contract
    with pytest.raises(UsageError, match=r"must be a paddle\.nn\.Layer class"):
        replace(Target("fractions:Fraction", "ghm"), foreign=True).load()


def test_verify_says_what_a_certificate_is_worth(tmp_path):
    module = tmp_path / "own.py"
    module.write_text("def loss(logits, labels):\n    return logits.sum()\n")
    path = certificate_of(tmp_path, f"{module}:loss", signed=True)
    done = lossproof("verify", path)
    assert done.exit_code == 0
    assert "here" in done.output
    # it was made by hand, and knows no source
    done = lossproof("verify", path, "--target", f"{module}:loss")
    assert done.exit_code == 3
    assert "not recorded" in done.output
    path.write_text(path.read_text().replace("It is wrong.", "It is right."))
    assert lossproof("verify", path).exit_code == 2


def test_verify_compares_the_source(tmp_path):
    module = tmp_path / "own.py"
    source = "import paddle\ndef loss(logits, labels):\n    return paddle.nn.functional.cross_entropy(logits, labels)\n"
    module.write_text(source)
    path = tmp_path / "c.json"
    done = lossproof(
        "certify", f"{module}:loss", "--contract", "cross_entropy", "--only", "oracle/value", "--max-examples", 5,
        "--json", path, "--scripts", tmp_path / "scripts",
    )  # fmt: skip
    assert done.exit_code in (0, 1, 3), done.output
    assert lossproof("verify", path, "--target", f"{module}:loss").exit_code == 0
    module.write_text(source + "# another version\n")
    done = lossproof("verify", path, "--target", f"{module}:loss")
    assert done.exit_code == 3
    assert "changed" in done.output
