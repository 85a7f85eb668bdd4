"""What a contract of somebody's own says of its loss counts for as much as what ours say of theirs."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import properties
from properties import Answer, Certificate, Choice, Contract, Dimension, Subject, certify
from properties.certificates.causes import ingredients_of
from properties.judging.contract import OF_CLASSES
from properties.problems.arguments import at_rest
from properties.problems.problem import Problem
from properties.report.cases import case_lines, descriptions
from properties.report.facts import in_lines
from reference import cross_entropy

DTYPES = {"dtype": ("float64",), "rank": (2,)}


def run(subject, *only, examples=40, **more):
    return certify(subject, max_examples=examples, workers=0, only=only, **more)


def test_what_an_author_needs_is_exported():
    needed = {"Answer", "Choice", "Contract", "ContractError", "Dimension", "KernelFormula", "Subject", "limit"}
    assert needed <= set(properties.__all__)
    assert all(getattr(properties, name).__doc__ for name in properties.__all__)


# Reports.


def loss(arguments=(), factor=lambda given: 1.0, **fields):
    """The contract of cross entropy times a factor that its arguments make."""

    def oracle(logits, labels, *, weight=None, ignore_index=-100, axis=1, reduction="mean", **rest):
        own = {name: rest.pop(name) for name in [d.name for d in arguments]}
        options = {"weight": weight, "ignore_index": ignore_index, "axis": axis, "reduction": reduction}
        plain = cross_entropy(logits, labels, **options, **rest)
        by = factor(own)
        return Answer(by * plain.value, by * plain.gradient, by * plain.value_scale, by * plain.gradient_scale)

    return Contract("mine", "A loss of mine.", OF_CLASSES, oracle, tuple(arguments), **fields)


class Numpy:
    """Cross entropy in NumPy times what ``of`` says of the arguments; ``off`` is added to it."""

    def __init__(self, of, off=0.0, **given):
        self.of, self.off, self.given = of, off, given

    def __call__(self, logits, labels):
        given = {name: value for name, value in self.given.items() if name in ("reduction", "ignore_index")}
        answer = cross_entropy(logits, labels, **given)
        by = self.of(self.given)
        return by * answer.value + self.off, by * answer.gradient


def subject_of(contract, of=lambda given: 1.0, off=0.0, **domain):
    names = ("reduction", *(dimension.name for dimension in contract.arguments))

    def build(**given):
        return Numpy(of, off, **given)

    return Subject(contract, build, arguments=names, domain={**DTYPES, **domain}, backend="numpy")


def told(certificate, law="oracle/value"):
    found = certificate.law(law)
    assert found.outcome == "refuted"
    # as it is read from a file
    plain = json.loads(json.dumps(certificate.to_dict(), default=str))
    return case_lines(Certificate.from_dict(plain).law(law).counterexample)[0]


@pytest.mark.parametrize(
    ("dimension", "shown"),
    [
        (Dimension("epsilon", (1.0,), absent=1.0), False),
        # what is simplest need not be what a layer without it has
        (Dimension("epsilon", (2.0,), absent=1.0), True),
        (Dimension("epsilon", (1.0,), absent=1.0, always_shown=True), True),
        (Dimension("epsilon", (None,)), False),
        (Dimension("epsilon", ("a word",), absent="a word"), False),
        # a name that ours have, with another value
        (Dimension("momentum", (0.0,), absent=0.9), True),
        (Dimension("momentum", (0.9,), absent=0.9), False),
        (Dimension("gamma", (2.0,), absent=2.0), False),
        (Dimension("costs", ("ones",), absent="ones", expand=lambda value, c: np.ones(c)), False),
        (
            Dimension("costs", ("twos",), absent="ones", expand=lambda value, c: np.full(c, 1.0 + (value == "twos"))),
            True,
        ),
        (Dimension("epsilon", (False,), absent=0), True),
    ],
    ids=lambda value: value if isinstance(value, bool) else f"{value.name}={value.values[0]}",
)
def test_an_argument_that_a_layer_could_lack_is_not_shown(dimension, shown):
    line = told(run(subject_of(loss([dimension]), off=1e-3), "oracle/value"))
    assert (dimension.name in line) == shown


PLAIN = Problem(np.zeros((1, 2)), np.zeros(1, dtype=np.int64))
values = st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.floats(), st.text(max_size=3))


@given(values, values)
@settings(derandomize=True)
def test_only_the_absent_value_is_at_rest(absent, value):
    asked = PLAIN.configure(mine=value)
    resting = at_rest(asked, {"mine": Dimension("mine", (value,), absent=absent)})
    alike = isinstance(value, bool) == isinstance(absent, bool) and value == absent
    assert resting == (("mine",) if alike else ())


def test_where_an_argument_tells_two_calls_apart_both_show_it():
    one = PLAIN.configure(mine=1.0)
    lines = descriptions([one, one.configure(mine=2.0)], [["mine"], []])
    assert all("mine" in line for line in lines)


def test_a_comparison_that_raises_shows_the_argument():
    class Odd:
        def __eq__(self, other):
            raise RuntimeError("no")

        __hash__ = None

    asked = PLAIN.configure(mine=1.0)
    assert at_rest(asked, {"mine": Dimension("mine", (1.0,), absent=Odd())}) == ()


def test_what_is_special_about_a_value_tells_causes_apart():
    mode = Dimension("mode", ("odd",), absent="even", feature=lambda v: "an odd mode" if v == "odd" else "")
    certificate = run(subject_of(loss([mode]), off=1e-3), "oracle/value")
    assert "an odd mode" in ingredients_of(certificate.law("oracle/value"))
    plain = replace(mode, feature=None)
    certificate = run(subject_of(loss([plain]), off=1e-3), "oracle/value")
    assert "an odd mode" not in ingredients_of(certificate.law("oracle/value"))


@pytest.mark.parametrize(
    ("tacit", "words"),
    [
        (False, "as mine with epsilon 1.0; the layer takes no epsilon: `--domain epsilon=VALUE` says otherwise"),
        (True, ""),
    ],
)
def test_what_goes_without_saying_is_not_said(tacit, words):
    contract = loss([Dimension("epsilon", (1.0, 2.0), absent=1.0, tacit=tacit)])
    subject = replace(subject_of(contract), arguments=("weight", "reduction", "axis", "ignore_index"))
    assert run(subject, "conduct/answers", examples=5).assumed == words


# What a layer does, found out by asking it.

HOW = Choice("how it scales", "the loss is scaled {}", {"once": "once", "twice": "two times"}, "one and two differ")


def scaling(**fields):
    how = Dimension("how", ("once", "twice"), absent="once", **fields)
    return loss([how], lambda given: {"once": 1.0, "twice": 2.0}[given["how"]], gradient="both", bases=(base,))


def base(problem):
    return cross_entropy(problem.logits, problem.labels, axis=problem.axis, reduction="none")


def lacks_how(contract, by, **more):
    return Subject(
        contract, lambda **given: Numpy(lambda _: by, **given), arguments=("reduction",), backend="numpy", **more
    )


def test_a_choice_is_asked_for():
    inferred = run(lacks_how(scaling(choice=HOW), 2.0, domain=DTYPES), "oracle/value").facts
    assert inferred["how"]["value"] == "twice"
    assert inferred["how"]["words"] == "the loss is scaled two times"
    assert inferred["how"]["agrees"] is False
    assert ("the loss is scaled two times; the contract says how once", "yellow") in in_lines(inferred)


@pytest.mark.parametrize(("by", "found"), [(1.0, "once"), (2.0, "twice"), (3.0, "other")])
def test_which_value_a_layer_follows(by, found):
    inferred = run(lacks_how(scaling(choice=HOW), by, domain=DTYPES), "oracle/value").facts
    assert inferred["how"]["value"] == found


def test_a_choice_explains_a_contradiction():
    found = run(lacks_how(scaling(choice=HOW), 2.0, domain=DTYPES), "oracle/value").law("oracle/value")
    assert "The loss is scaled two times; the contract says once." in found.message


def test_without_a_choice_nothing_is_asked_or_claimed():
    contract = scaling()
    assert "how" not in run(lacks_how(contract, 1.0, domain=DTYPES), "oracle/value").facts
    names = "gradient, denominator, nothing, precision, normalize"
    with pytest.raises(ValueError, match=f"claim must be one of {names}, got 'how'"):
        lacks_how(contract, 1.0, claims={"how": "twice"})


@pytest.mark.parametrize("fields", [{"choice": HOW}, {"claimable": True}])
def test_a_claim_is_what_a_layer_is_held_to(fields):
    held = run(lacks_how(scaling(**fields), 2.0, domain=DTYPES, claims={"how": "twice"}), "oracle/value")
    assert held.law("oracle/value").outcome == "held"
    with pytest.raises(ValueError, match="claim how must be one of once, twice, got 'thrice'"):
        lacks_how(scaling(**fields), 2.0, claims={"how": "thrice"})


def test_a_denominator_may_always_be_claimed():
    contract = loss([Dimension("denominator", ("weights", "count"), absent="weights")])
    assert subject_of(contract).full_domain["denominator"] == ("weights", "count")
    assert replace(subject_of(contract), claims={"denominator": "count"}).full_domain["denominator"] == ("count",)


@pytest.mark.parametrize("plain", [None, lambda value: value == 3.0])
def test_what_a_layer_does_is_found_out_with_plain_values(plain):
    """With its first value this argument takes the mean away, and with it what that divides by."""
    asked = []

    def factor(arguments):
        asked.append(arguments["clear"])
        return 1.0 if arguments["clear"] else 0.0

    clear = Dimension("clear", (0.0, 1.0, 3.0), absent=3.0, plain=plain)
    contract = loss([clear], lambda given: 1.0 if given["clear"] else 0.0)
    fact = run(subject_of(contract, factor), "conduct/answers", examples=5).facts["denominator"]
    if plain is None:
        assert fact["value"] == "undecided"
    else:
        assert fact["value"] != "undecided"
        assert 3.0 in asked


# What a mean divides by.


def rows_of(problem):
    return float(max(problem.shape[0], 1))


def test_a_divisor_of_ones_own_in_words():
    """The layer divides by the number of valid elements; its contract by the length of the first axis, and says so."""

    def oracle(logits, labels, *, reduction="mean", ignore_index=-100, axis=1, cotangent=None, **rest):
        options = {"ignore_index": ignore_index, "axis": axis}
        if reduction != "mean":
            return cross_entropy(logits, labels, reduction=reduction, cotangent=cotangent, **options)
        divides = float(max(labels.shape[0] if labels.ndim else 1, 1))
        return cross_entropy(logits, labels, normalizer=divides, **options)

    def layer(**options):
        def call(logits, labels):
            answer = cross_entropy(logits, labels, **options)
            return answer.value, answer.gradient

        return call

    contract = Contract("mine", "A loss of mine.", ("oracle", "shape", "ignore"), oracle, lacks=("weight", "axis"))
    for words, due in (
        ("by the length of the batch", "by the length of the batch"),
        ("", "by the sum of their weights"),
    ):
        held = replace(contract, divisor=rows_of, divisor_words=words)
        domain = {**DTYPES, "reduction": ["mean", "sum"], "ignored": ["some"], "size": ["several"]}
        subject = Subject(held, layer, arguments=("ignore_index", "reduction"), domain=domain, backend="numpy")
        found = run(subject, "oracle/value").law("oracle/value")
        assert found.outcome == "refuted"
        assert "The mean divides by the number of valid elements" in found.message
        said = found.message.split("the contract says ")[1]
        assert said.startswith(due)
        assert math.isclose(
            float(said.split("(")[1].rstrip(").")), found.counterexample["problems"][0]["shape"]["labels"][0]
        )
