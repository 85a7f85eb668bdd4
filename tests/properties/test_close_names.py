"""Every mistyped name is answered with the one that was meant."""

import pytest

from properties import Target
from properties.contracts import contract_named
from properties.engine.description import describe
from properties.errors import UsageError, did_you_mean
from properties.runs.certify import chosen_laws

MODULE = "tests.mutants.counted"


def target(name="MeanOfNonZero", contract="cross_entropy", **more):
    return Target(f"{MODULE}:{name}", contract, **more)


@pytest.mark.parametrize(
    ("mistyped", "meant"),
    [
        (target("MeanOfNonzero"), "MeanOfNonZero"),
        (target(contract="cross_entrpy"), "cross_entropy"),
        (target(mapping={"weigth": "weight"}), "weight"),
        (target(mapping={"weight": "wieght"}), "weight"),
        (target(settings={"label_smothing": 0.5}), "label_smoothing"),
        (target(domain={"reductoin": ("mean",)}), "reduction"),
        (target(domain={"reduction": ("maen",)}), "mean"),
        (target(claims={"denominatr": "count"}), "denominator"),
        (target(claims={"denominator": "cuont"}), "count"),
        (Target("tests/mutants/countd.py:MeanOfNonZero", "cross_entropy"), "counted.py"),
    ],
)
def test_the_name_that_was_meant_is_offered(mistyped, meant):
    with pytest.raises(UsageError, match=f"did you mean .*'{meant}'"):
        mistyped.load()


@pytest.mark.parametrize(
    ("name", "meant"), [("oracle/vaule", "oracle/value"), ("duplicaton", "shape/duplication"), ("orcale", "oracle")]
)
def test_laws_and_families_too(name, meant):
    subject = target().load()
    with pytest.raises(UsageError, match=f"did you mean .*'{meant}'"):
        chosen_laws(describe(subject), [name], [])


def test_nothing_is_offered_where_nothing_is_close():
    assert did_you_mean("xyzzy", ["mean", "sum"]) == ""
    with pytest.raises(ValueError, match=r"got 'xyzzy'$"):
        contract_named("xyzzy")
