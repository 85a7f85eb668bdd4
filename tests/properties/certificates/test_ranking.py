"""Causes: which laws stand together, which of them leads, and what is told first."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from properties.certificates.causes import causes
from properties.certificates.deviation import deviation_of
from tests.properties.certificates.failures import NOTHING, PLAIN, SEVERAL, WEIGHTED, certificate, failed, held

GATHER = "IndexError: (OutOfRange) index {} is out of bounds for shape [{}, 2] [Hint: Expected {} < 2]"


def grouped(*laws, **more):
    return [(cause.law.id, cause.also) for cause in causes(certificate(*laws, **more))]


def test_the_same_error_is_one_cause_under_whatever_laws():
    laws = [
        failed(law, problem, error=GATHER.format(number, number + 1, number), level=level)
        for number, (law, problem, level) in enumerate(
            [
                ("oracle/value", WEIGHTED, "formula"),
                ("conduct/no-grad", PLAIN, "conduct"),
                ("ignore/poison", NOTHING, "formula"),
            ]
        )
    ]
    assert len(grouped(*laws)) == 1
    other = failed("shape/rank", error="IndexError: no such axis")
    assert len(grouped(*laws, other)) == 2


def test_a_nan_at_a_corner_hides_no_silent_broadcast():
    nan = failed("ignore/all-ignored", NOTHING, 0.0, np.nan)
    broadcast = failed("shape/label-axis", NOTHING.replace(logits=np.zeros((2, 2)), labels=np.array([0, -100])))
    assert grouped(nan, broadcast) == [("shape/label-axis", ()), ("ignore/all-ignored", ())]


def test_a_small_deviation_hides_no_large_one():
    small, large = failed("limit/other", PLAIN, 1.0, 1.0 + 1e-8), failed("oracle/value", SEVERAL, 0.6931, 0.3466)
    assert grouped(small, large) == [("oracle/value", ()), ("limit/other", ())]


def test_a_wrong_gradient_explains_no_wrong_value():
    gradient = failed("oracle/gradient", PLAIN, [[0.0, 1.0]], [[0.0, 2.0]], quantity="gradient")
    value = failed("ignore/poison", SEVERAL)
    assert len(grouped(gradient, value)) == 2
    # a wrong value does explain a wrong gradient
    slope = failed("oracle/gradient", SEVERAL, [[0.0, 1.0]], [[0.0, 2.0]], quantity="gradient")
    assert grouped(failed("limit/one"), slope) == [("limit/one", ("oracle/gradient",))]


def test_what_a_mean_divides_by_explains_no_sum():
    words = "The mean divides by the number of elements (2); the contract says by the sum of their weights (3)."
    mean = failed("limit/one", SEVERAL.replace(weight=np.array([2.0, 1.0]), reduction="mean"), message=words)
    total = failed("weights/scaling", WEIGHTED.replace(reduction="sum"))
    assert grouped(mean, total) == [("weights/scaling", ()), ("limit/one", ())]
    also = failed("shape/mean-over-denominator", WEIGHTED)
    assert grouped(mean, also) == [("limit/one", ("shape/mean-over-denominator",))]


@pytest.mark.parametrize("law", ["limit/two-classes-is-logistic", "shape/one-element", "shape/square"])
def test_a_law_of_a_special_size_leads_nothing_else(law):
    assert grouped(failed(law), failed("oracle/value", SEVERAL)) == [("oracle/value", (law,))]
    assert grouped(failed(law)) == [(law, ())]


def test_the_law_that_shows_most_leads():
    tiny = failed("limit/one", PLAIN, 0.0, 4e-6)
    plain = failed("ignore/poison", SEVERAL, 0.6931, 0.3466)
    assert grouped(tiny, plain)[0][0] == "ignore/poison"


def test_the_order_of_harm():
    words = "The mean divides by the number of elements (2); the contract says by the sum of their weights (3)."
    laws = [
        failed("shape/label-axis", message="broadcast"),
        failed("oracle/value", PLAIN.replace(label_dtype="int32"), 1.0, 1.0 + 1e-5),
        failed("weights/zero-weight", PLAIN, 1.0, np.nan),
        failed("shape/rank", SEVERAL, error="ValueError: no rank"),
        failed("numerics/linear-past-64", PLAIN.replace(logits=np.array([[100.0, 0.0]])), np.nan, 64.0),
        failed("shape/mean-over-denominator", WEIGHTED, message=words),
        # what no training sees comes with the conventions
        failed("ignore/poison", PLAIN, 1.0, 1.0 + 1e-11),
        failed("conduct/repeatable", level="conduct"),
        failed("refusals/bad-weight", level="refusals"),
        failed("shape/one-class", PLAIN, 1.0, 1.9, inherited="paddle.nn.functional.cross_entropy"),
        failed("shape/empty", NOTHING, 0.0, np.nan, grade="remark"),
    ]
    found = [law for law, _ in grouped(*laws, required=("formula", "numerics", "conduct", "refusals"))]
    assert found == [law.id for law in laws]


def test_the_size_is_told():
    words = deviation_of(failed("oracle/value", PLAIN, 0.6931, 0.3466)).words
    assert words == "0.3466 for 0.6931 (off by 50 %), float64"
    gradient = failed("oracle/gradient", PLAIN, [[0.5, -0.5]], [[0.5, -0.25]], quantity="gradient")
    assert deviation_of(gradient).words == "gradient -0.25 for -0.5 (off by 50 %) in 1 of 2 entries, float64"
    assert deviation_of(failed("oracle/value", PLAIN, 1.0, 1.0 + 2e-8)).words.startswith(
        "1.00000002 for 1 (off by 2e-08"
    )
    assert deviation_of(failed("oracle/value", PLAIN, 1.0, np.nan)).words == "NaN for 1, float64"
    assert deviation_of(failed("oracle/value", PLAIN, 1.0, 50.0)).words == "50 for 1 (off by a factor of 50), float64"


LAWS = (
    "oracle/value",
    "oracle/gradient",
    "limit/two-classes-is-logistic",
    "limit/one-region-is-cross-entropy",
    "ignore/poison",
    "ignore/all-ignored",
    "weights/scaling",
    "shape/label-axis",
    "shape/mean-over-denominator",
    "shape/square",
    "conduct/repeatable",
    "refusals/bad-weight",
    "modes/to-static",
)
PROBLEMS = (PLAIN, SEVERAL, WEIGHTED, NOTHING, PLAIN.replace(logits=np.array([[100.0, 0.0]])))


@st.composite
def failures(draw):
    """Lines of different laws that do not hold, for all kinds of reasons."""
    laws = draw(st.lists(st.sampled_from(LAWS), min_size=1, unique=True))
    found = []
    for law in laws:
        problem = draw(st.sampled_from(PROBLEMS))
        family = law.split("/")[0]
        level = {"conduct": "conduct", "modes": "conduct", "refusals": "refusals"}.get(family, "formula")
        grade = draw(st.sampled_from(["error", "error", "remark"]))
        inherited = draw(st.sampled_from(["", "", "paddle.nn.functional.cross_entropy"]))
        if draw(st.booleans()):
            error = draw(st.sampled_from([GATHER.format(1, 2, 3), "ValueError: no", "TypeError: no"]))
            found.append(failed(law, problem, error=error, level=level, grade=grade, inherited=inherited))
        else:
            came = draw(st.sampled_from([0.0, 0.5, 1.0 + 1e-9, 1.01, np.nan, 1e6]))
            quantity = draw(st.sampled_from(["value", "gradient"]))
            numbers = {"due": 1.0, "came": came, "quantity": quantity}
            found.append(failed(law, problem, **numbers, level=level, grade=grade, inherited=inherited))
    return found


@given(failures(), st.randoms(use_true_random=False))
def test_no_law_is_lost_and_the_order_is_that_of_the_laws_themselves(laws, random):
    shuffled = list(laws)
    random.shuffle(shuffled)
    one, other = grouped(held(), *laws), grouped(held(), *shuffled)
    assert one == other
    listed = [law for leader, also in one for law in (leader, *also)]
    assert sorted(listed) == sorted(law.id for law in laws)


@given(failures())
def test_what_refutes_stands_before_remarks_and_what_is_inherited_last_of_it(laws):
    found = causes(certificate(*laws))
    assert [cause.refutes for cause in found] == sorted((cause.refutes for cause in found), reverse=True)
    inherited = [bool(cause.law.inherited) for cause in found if cause.refutes]
    assert inherited == sorted(inherited)
    by_id = {law.id: law for law in laws}
    for cause in found:
        for law in (by_id[also] for also in cause.also):
            assert law.inherited == cause.law.inherited
            assert deviation_of(law).kind in (cause.deviation.kind, "number", "shape")


def test_a_law_of_ignored_elements_names_nothing_where_none_is_ignored():
    plain = [failed("ignore/matches-nothing"), failed("weights/none-is-ones"), failed("oracle/value")]
    assert grouped(*plain)[0][0] == "oracle/value"
    ignored = SEVERAL.replace(labels=np.array([0, 1, -100]), ignore_index=-100)
    both = [failed("ignore/poison", ignored), failed("oracle/value", ignored)]
    assert grouped(*both)[0][0] == "ignore/poison"
