"""What decides a verdict: levels, remarks, and what a certificate says of those that do not."""

import json

import numpy as np
import pytest

from properties.certificates.certificate import Certificate
from properties.certificates.required import DEFAULT, required_of
from properties.engine.result import LawResult
from tests.properties.certificates.failures import NOTHING, certificate, failed, held

REFUSAL = failed("refusals/bad-weight", level="refusals", message="A class weight of -1.0 gets a number.")
EMPTY = failed("shape/empty", NOTHING, 0.0, np.nan, grade="remark", message="A batch without elements is NaN.")


@pytest.mark.parametrize(
    ("names", "required"),
    [
        ((), ("formula", "numerics", "conduct")),
        (("refusals",), ("formula", "numerics", "conduct", "refusals")),
        (("remarks",), ("formula", "numerics", "conduct", "remarks")),
        (("all",), ("formula", "numerics", "conduct", "refusals", "remarks")),
        (("formula",), ("formula",)),
        (("refusals", "formula"), ("formula", "refusals")),
    ],
)
def test_what_names_require(names, required):
    assert required_of(names) == required


def test_an_unknown_name_is_refused():
    with pytest.raises(ValueError, match="got 'style'"):
        required_of(("style",))


@pytest.mark.parametrize(
    ("names", "verdict", "remarks"),
    [
        ((), "certified", {"refusals/bad-weight", "shape/empty"}),
        (("refusals",), "refuted", {"shape/empty"}),
        (("remarks",), "refuted", {"refusals/bad-weight"}),
        (("all",), "refuted", set()),
    ],
)
def test_refusals_and_remarks_refute_where_they_are_required(names, verdict, remarks):
    found = certificate(held(), REFUSAL, EMPTY, required=required_of(names))
    assert found.verdict == verdict
    assert {remark["law"] for remark in found.remarks} == remarks
    assert {law.id for law in found.failed if found.refutes(law)} == {"refusals/bad-weight", "shape/empty"} - remarks


def test_each_level_is_judged_by_itself():
    found = certificate(held(), REFUSAL, EMPTY)
    assert found.levels == {"formula": "certified", "refusals": "refuted"}
    assert certificate(held(), EMPTY, required=required_of(["all"])).levels == {"formula": "refuted"}


def test_where_no_law_of_a_required_level_is_asked_the_others_decide():
    assert certificate(REFUSAL).verdict == "refuted"
    assert certificate(held("refusals/bad-weight", "refusals")).verdict == "certified"


def test_the_certificate_says_so_in_json(tmp_path):
    found = certificate(held(), REFUSAL, EMPTY, call={"words": ["takes rank 2"]}, facts={"epsilon": {"words": "1e-5"}})
    plain = json.loads(json.dumps(found.to_dict()))
    assert plain["required"] == list(DEFAULT)
    assert plain["remarks"] == [
        {"law": "refusals/bad-weight", "message": "A class weight of -1.0 gets a number."},
        {"law": "shape/empty", "message": "A batch without elements is NaN."},
    ]
    assert [law["grade"] for law in plain["laws"]] == ["error", "error", "remark"]
    assert (plain["call"], plain["facts"]) == ({"words": ["takes rank 2"]}, {"epsilon": {"words": "1e-5"}})
    found.write(tmp_path / "file.json")
    assert Certificate.read(tmp_path / "file.json").to_dict() == plain


def test_a_journal_keeps_the_grade_of_a_finding():
    again = LawResult.from_record(json.loads(json.dumps(EMPTY.result.to_record())))
    assert again.remarked
    assert not LawResult.from_record(json.loads(json.dumps(REFUSAL.result.to_record()))).remarked


def test_a_certificate_from_before_there_were_grades_is_read():
    plain = certificate(held("shape/order"), failed("oracle/value")).to_dict()
    for name in ("required", "remarks", "call", "facts"):
        del plain[name]
    for law in plain["laws"]:
        law["severity"] = "warning" if law.pop("grade") == "remark" else "error"
    found = Certificate.from_dict(plain)
    assert found.verdict == "refuted"
    assert found.required == DEFAULT
    assert {law.grade for law in found.laws} == {"error"}
