"""``--require``: what decides the verdict and the exit code of each command, and what is shown as a remark."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from properties.campaigns.header import CampaignHeader
from properties.campaigns.options import CampaignOptions
from properties.certificates.certificate import Certificate
from properties.command.cli import main
from properties.runs.certify import Options
from properties.subjects.target import Target

LENIENT = "tests.hostile.lenient:Lenient"

ASKED = (
    "--contract",
    "cross_entropy",
    "--backend",
    "numpy",
    "--only",
    "oracle/value",
    "--only",
    "refusals/weight-length",
)
REQUIRED = [
    ((), 0),
    (("refusals",), 1),
    (("all",), 1),
    (("remarks",), 0),
    (("formula",), 0),
    (("formula,refusals",), 1),
]


def lossproof(*arguments):
    return CliRunner(env={"COLUMNS": "120"}).invoke(main, arguments)


def certify(folder, *arguments):
    file = folder / "certificate.json"
    options = ("--max-examples", "8", "--workers", "0", "--scripts", str(folder / "scripts"), "--json", str(file))
    return lossproof("certify", LENIENT, *ASKED, *options, *arguments), file


@pytest.mark.parametrize(("names", "code"), REQUIRED)
def test_certify(tmp_path, names, code):
    done, file = certify(tmp_path, *(word for name in names for word in ("--require", name)))
    assert done.exit_code == code, done.output
    plain = json.loads(file.read_text())
    assert plain["verdict"] == ("refuted" if code else "certified")
    assert plain["levels"] == {"formula": "certified", "refusals": "refuted"}
    assert [remark["law"] for remark in plain["remarks"]] == ([] if code else ["refusals/weight-length"])
    assert ("1 remark, which refute" in done.output) == (code == 0)
    assert "refusals/weight-length" in done.output


def test_what_is_asked_for_alone_decides(tmp_path):
    assert certify(tmp_path, "--level", "refusals")[0].exit_code == 1
    assert certify(tmp_path, "--level", "refusals", "--level", "formula")[0].exit_code == 0


@pytest.mark.parametrize("command", [("certify", LENIENT), ("fuzz", LENIENT)])
def test_an_unknown_name_is_a_usage_error(command):
    done = lossproof(*command, *ASKED, "--require", "refusal")
    assert done.exit_code == 2
    assert "--require: required may be formula, numerics, conduct, refusals, remarks, all, got 'refusal'" in " ".join(
        done.output.split()
    )


def test_options_refuse_an_unknown_name():
    with pytest.raises(ValueError, match="got 'style'"):
        Options(require=("style",))
    with pytest.raises(ValueError, match="got 'style'"):
        CampaignOptions("somewhere", require=("style",))


def test_replay_fails_for_what_is_required_alone(tmp_path):
    for names, code, word in (((), 0, "REMARK"), (("--require", "refusals"), 1, "STILL FAILING")):
        _, file = certify(tmp_path, *names)
        done = lossproof("replay", str(file))
        assert done.exit_code == code, done.output
        assert done.output.startswith(word)


def test_diff_breaks_for_what_is_required_alone(tmp_path):
    before = tmp_path / "before.json"
    for names, code, word in (((), 0, "remark"), (("--require", "refusals"), 1, "broken")):
        _, file = certify(tmp_path, *names)
        after = Certificate.read(file).to_dict()
        for law in after["laws"]:
            law.update(outcome="held", counterexample=None)
        Certificate.from_dict(after).write(before)
        done = lossproof("diff", str(before), str(file))
        assert done.exit_code == code, done.output
        assert f"  {word:14}refusals/weight-length" in done.output


def test_fuzz(tmp_path):
    out = str(tmp_path / "campaign")
    asked = ("--contract", "cross_entropy", "--backend", "numpy", "--only", "refusals/weight-length")
    quick = ("--only", "softmax/shift", "--max-examples", "4", "--workers", "1", "--out", out)
    assert lossproof("fuzz", LENIENT, *asked, *quick).exit_code == 0
    # the campaign draws the same, whatever is required
    done = lossproof("fuzz", "--resume", "--out", out, "--require", "refusals")
    assert done.exit_code == 1, done.output
    (file,) = Path(out).glob("certificate-*.json")
    assert Certificate.read(file).verdict == "refuted"


def test_a_campaign_goes_on_with_what_it_required_unless_told_otherwise():
    header = CampaignHeader.of([Target("a:B")], CampaignOptions("somewhere", max_examples=1, require=("refusals",)))
    again = CampaignHeader.from_dict(json.loads(json.dumps(header.to_dict())))
    assert again.require == ("refusals",)
    assert again.limited(CampaignOptions("somewhere")).require == ("refusals",)
    assert again.limited(CampaignOptions("somewhere", require=("all",), max_examples=2)).require == ("all",)
