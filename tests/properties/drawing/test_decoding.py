"""What is drawn: everything the domain has, always well-formed, simplest at zero bytes."""

import json
from collections import Counter

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st

from properties.contracts import contract_named, contracts
from properties.drawing.decoding import ELEMENT_BYTES, decode, header_length
from properties.drawing.strategies import problems
from properties.engine.shrinking import shrink
from properties.engine.trial import Trial
from properties.judging.finding import Finding
from properties.judging.law import Law
from properties.problems.domain import Domain, EmptyDomainError, outside, within
from properties.problems.membership import values_met
from properties.problems.precision import round_to
from properties.problems.problem import Problem
from properties.problems.serialization import problem_from_dict, problem_to_dict
from tests.properties.oracle_observer import OracleObserver

GHM = contract_named("ghm")
ALL = list(contracts().values())
ANY = Law("any/law", "Whatever is wanted.", lambda case: ())
HEADER = header_length(GHM.domain)


def drawn(domain=GHM.domain, examples=1500, hard_logits=GHM.hard_logits):
    found = []

    @settings(
        max_examples=examples,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(problems(domain, hard_logits))
    def collect(problem):
        found.append(problem)

    collect()
    return found


def test_every_ingredient_is_drawn():
    found = drawn()
    counted = {
        "rank": Counter(p.logits.ndim for p in found),
        "size": Counter(min(p.labels.size, 13) for p in found),
        "axis": Counter(p.axis % p.logits.ndim == p.logits.ndim - 1 for p in found),
        "dtype": Counter(p.dtype for p in found),
        "reduction": Counter(p.reduction for p in found),
        "layout": Counter(p.layout for p in found),
        "labels": Counter(p.label_dtype for p in found),
        "ignore_index": Counter(p.ignore_index for p in found),
    }
    assert set(counted["rank"]) == {1, 2, 3, 4, 5, 6}
    assert set(counted["size"]) >= {0, 1, 2, 3, 4, 5, 6, 13}
    assert set(counted["axis"]) == {False, True}
    assert set(counted["dtype"]) == {"float64", "float32", "float16", "bfloat16"}
    assert set(counted["ignore_index"]) >= {None, -100, -1, 255, 0, 1}
    valid = Counter((p.valid.all(), p.valid.any(), p.valid.sum() == 1) for p in found if p.labels.size > 1)
    assert set(valid) >= {(True, True, False), (False, True, False), (False, True, True), (False, False, False)}
    weights = [p.weight for p in found if p.weight is not None]
    assert any((w == 0).any() and w.any() for w in weights)
    assert any(0 < w.max() < 1e-5 for w in weights)
    assert any(np.abs(p.logits).max(initial=0) >= 1e4 for p in found)
    assert any(p.labels.size == p.classes for p in found)
    assert any(GHM.answer(p).ambiguous for p in found[:400])


@pytest.mark.parametrize("contract", ALL, ids=lambda contract: contract.name)
@settings(max_examples=200, database=None)
@given(data=st.data())
def test_any_bytes_are_a_well_formed_problem(contract, data):
    length = header_length(contract.domain)
    header = data.draw(st.binary(min_size=length, max_size=length))
    blocks = data.draw(st.lists(st.binary(min_size=ELEMENT_BYTES, max_size=ELEMENT_BYTES), max_size=8))
    problem = decode(header, blocks, contract.domain, contract.hard_logits)
    shape = list(problem.logits.shape)
    if not problem.entrywise:
        del shape[problem.axis]
    assert tuple(shape) == problem.shape
    if problem.targets == "soft":
        assert problem.labels.shape == problem.logits.shape
        assert (problem.labels >= 0).all()
    elif problem.targets != "real":
        labels = problem.labels[problem.valid]
        assert ((labels >= 0) & (labels < max(problem.classes, 2))).all()
    assert np.array_equal(problem.logits, round_to(problem.logits, problem.dtype))
    assert np.isfinite(problem.logits).all()
    if problem.weight is not None:
        assert problem.weight.shape == (problem.classes,)
        assert (problem.weight >= 0).all()
    for value in problem.config.values():
        assert not isinstance(value, np.ndarray) or value.shape == (problem.classes,)


@pytest.mark.parametrize("contract", ALL, ids=lambda contract: contract.name)
def test_every_kind_of_target_mask_and_argument_is_drawn(contract):
    domain = contract.domain
    found = drawn(domain, 600, contract.hard_logits)
    decides = next(d for d in domain.dimensions.values() if d.kind is not None)
    assert {p.targets for p in found} == {decides.kind(value) for value in decides.values}
    for dimension in contract.arguments:
        if dimension.expand is None:
            assert {str(p.config[dimension.name]) for p in found} >= set(map(str, dimension.values)) - {"None"}
    if "label_weight" in contract.call_arguments:
        assert any(p.label_weight is not None and not p.valid.all() and p.valid.any() for p in found)
    if any(p.targets == "soft" for p in found):
        sums = {round(float(total), 6) for p in found if p.targets == "soft" for total in p.label_rows.sum(axis=1)}
        assert {0.0, 1.0, 2.0} <= sums


def test_zero_bytes_are_the_simplest_problem():
    problem = decode(bytes(HEADER), [bytes(ELEMENT_BYTES)], GHM.domain, GHM.hard_logits)
    assert problem.logits.tolist() == [[0.0, 0.0]]
    assert problem.labels.tolist() == [0]
    assert problem.weight is None
    assert problem.reduction == "mean"


@pytest.mark.parametrize(
    ("wanted", "size"),
    [
        (lambda p: np.abs(p.logits).max(initial=0) >= 60, 1),
        (lambda p: p.weight is not None and p.labels.size >= 2, 2),
        (lambda p: (~p.valid).sum() >= 1 and p.valid.sum() >= 2, 3),
        (lambda p: p.logits.ndim == 4 and p.reduction == "none", 1),
    ],
)
def test_what_is_drawn_shrinks(wanted, size):
    quick = settings(max_examples=3000, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    problem = find(problems(GHM.domain, GHM.hard_logits), wanted, settings=quick)
    trial = Trial(ANY, GHM, OracleObserver(GHM), frozenset(), GHM.domain)
    problem = shrink(problem, trial, lambda p: Finding("", (p,)) if wanted(p) else None)
    assert problem.labels.size == size
    assert np.array_equal(problem.logits, np.round(problem.logits * 2) / 2)


@pytest.mark.parametrize("contract", ALL, ids=lambda contract: contract.name)
def test_a_problem_survives_json(contract):
    for problem in drawn(contract.domain, 60, contract.hard_logits):
        again = problem_from_dict(json.loads(json.dumps(problem_to_dict(problem))))
        assert again.labels.dtype == problem.labels.dtype
        assert again.valid.tolist() == problem.valid.tolist()
        assert problem_to_dict(again) == problem_to_dict(problem)
        assert again.logits.shape == problem.logits.shape


def test_bfloat16_rounds_to_nearest_even():
    numbers = np.array([1.0, 1.00390625, 1.01171875, 1.0 + 2.0**-9, -3.14159, np.inf, -np.inf, 1e-40])
    assert round_to(numbers, "bfloat16")[:5].tolist() == [1.0, 1.0, 1.015625, 1.0, -3.140625]
    assert np.isnan(round_to(np.array([np.nan]), "bfloat16"))[0]


def test_demands_and_gates():
    domain: Domain = GHM.domain
    assert domain.narrowed_to({"bins": within(1, 1.0)})["bins"] == (1, 1.0)
    assert 1 not in domain.narrowed_to({"classes": outside(1)})["classes"]
    with pytest.raises(EmptyDomainError, match="rank is drawn from"):
        domain.narrowed_to({"rank": within(9)})
    shut = domain.open(frozenset({"shape/rank", "shape/rank-one"}))
    assert set(shut["rank"]) == {2}
    # a user who asks for rank 4 alone gets rank 4, whatever is shut
    assert domain.only(rank=[4]).open(frozenset({"shape/rank"}))["rank"] == (4,)
    assert domain.behind({"shape/rank"}) == {"rank": [3, 4, 5, 6]}


def test_a_crowd_of_equal_elements_is_written_once():
    problem = Problem(
        np.tile([[0.0, np.nan]], (1000, 1)), np.zeros(1000, dtype=np.int64), label_weight=np.arange(1000.0)
    )
    plain = problem_to_dict(problem)
    assert plain["logits"] == {"each": [0.0, "nan"], "times": 1000}
    again = problem_from_dict(json.loads(json.dumps(plain)))
    np.testing.assert_array_equal(again.logits, problem.logits)
    np.testing.assert_array_equal(again.labels, problem.labels)
    np.testing.assert_array_equal(again.label_weight, problem.label_weight)


CLIPPED = 64.0
"""The gap of logits at which kernels clip."""


@pytest.mark.parametrize("contract", ALL, ids=lambda contract: contract.name)
def test_certain_logits_are_certain_on_the_wrong_side_and_far_from_a_clip(contract):
    found = drawn(contract.domain.only(logits=["certain"], dtype=["float64"]), 300, contract.hard_logits)
    far = 0.0
    for problem in found:
        valid = problem.valid.reshape(-1)
        rows, labels = problem.rows[valid], problem.label_rows[valid]
        if not rows.size:
            continue
        # laws move logits by up to 8
        assert np.ptp(rows, axis=1).max() < CLIPPED - 8.0
        assert np.abs(rows).max() < CLIPPED - 8.0
        if problem.targets == "hard":
            wrong = rows.max(axis=1) - rows[np.arange(len(labels)), labels]
            assert (rows[np.arange(len(labels)), labels] == rows.min(axis=1)).all()
        elif problem.entrywise and problem.targets != "real":
            wrong = np.where(labels > 0.5, -rows[:, 0], rows[:, 0])
        else:
            wrong = np.abs(rows).max(axis=1)
        assert (wrong >= 0.0).all()
        far = max(far, wrong.max())
    assert 1.0 - np.exp(-far) == 1.0


@pytest.mark.parametrize("label", [3, 255, -1, -100])
def test_a_label_that_is_no_class_has_a_row_of_zeros(label):
    """A law offers such a label on purpose: looking at it must neither fail nor take it for the last class."""
    problem = Problem(np.zeros((2, 3)), np.array([1, label]), weight=np.array([0.0, 1.0, 2.0]), ignore_index=-7)
    assert problem.one_hot.tolist() == [[0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]
    assert values_met(problem, GHM.domain, ("weight",)) == {("weight", "with-zero")}
