"""Discovery of the call, and the verdict, of layers in the calling styles of published toolboxes."""

import pytest

from properties.engine.description import describe
from properties.runs.certify import certify
from properties.subjects.target import Target
from tests.losses.calling_styles.table import STYLES


def target(style):
    call = dict(zip(("output",), style.options[1:], strict=False))
    return Target(style.target, style.contract, claims=style.claims, call=call)


@pytest.mark.parametrize("style", STYLES, ids=lambda style: style.name)
def test_the_call_is_found(style):
    known = describe(target(style).load())
    never_given = [name for name, told in known.unless_given.items() if not told["argument"]]
    found = {**known.call, "never_given": never_given}
    assert {name: found.get(name) for name in style.call} == dict(style.call)


@pytest.mark.parametrize("style", [style for style in STYLES if style.right], ids=lambda style: style.name)
def test_a_right_layer_is_not_accused_of_its_formula(style):
    certificate = certify(target(style), max_examples=10, workers=0, levels=("formula",))
    assert [(law.id, law.message) for law in certificate.failed] == []
    assert certificate.call["answers"]


@pytest.mark.parametrize("style", [style for style in STYLES if not style.right], ids=lambda style: style.name)
def test_a_wrong_layer_is_refuted_by_a_law_about_its_fault(style):
    certificate = certify(target(style), max_examples=20, workers=0, only=style.laws)
    assert {law.id for law in certificate.failed} & set(style.laws)
