"""What is drawn: everything the domain has, always well-formed, simplest at zero bytes."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st

from properties.contracts import contract_named
from properties.domain import Domain, EmptyDomainError, outside, within
from properties.problem import Problem, round_to
from properties.strategies import ROW, decode, header_length, problems

GHM = contract_named("ghm")
HEADER = header_length(GHM.domain)


def drawn(domain=GHM.domain, examples=1500):
    found = []

    @settings(
        max_examples=examples,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(problems(domain, GHM.hard_logits))
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


@settings(max_examples=500, database=None)
@given(st.binary(min_size=HEADER, max_size=HEADER), st.lists(st.binary(min_size=ROW, max_size=ROW), max_size=8))
def test_any_bytes_are_a_well_formed_problem(header, blocks):
    problem = decode(header, blocks, GHM.domain, GHM.hard_logits)
    shape = list(problem.logits.shape)
    del shape[problem.axis]
    assert tuple(shape) == problem.labels.shape
    labels = problem.labels[problem.valid]
    assert ((labels >= 0) & (labels < problem.classes)).all()
    assert np.array_equal(problem.logits, round_to(problem.logits, problem.dtype))
    assert np.isfinite(problem.logits).all()
    if problem.weight is not None:
        assert problem.weight.shape == (problem.classes,)
        assert (problem.weight >= 0).all()


def test_zero_bytes_are_the_simplest_problem():
    problem = decode(bytes(HEADER), [bytes(ROW)], GHM.domain, GHM.hard_logits)
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
    assert problem.labels.size == size
    assert np.array_equal(problem.logits, np.round(problem.logits * 2) / 2)


def test_a_problem_survives_json():
    for problem in drawn(examples=60):
        again = Problem.from_dict(problem.to_dict())
        assert again.to_dict() == problem.to_dict()
        assert again.logits.shape == problem.logits.shape


def test_bfloat16_rounds_to_nearest_even():
    numbers = np.array([1.0, 1.00390625, 1.01171875, 1.0 + 2.0**-9, -3.14159, np.inf, -np.inf, 1e-40])
    assert round_to(numbers, "bfloat16")[:5].tolist() == [1.0, 1.0, 1.015625, 1.0, -3.140625]
    assert np.isnan(round_to(np.array([np.nan]), "bfloat16"))[0]


def test_demands_and_gates():
    domain: Domain = GHM.domain
    assert domain.demand({"bins": within(1, 1.0)})["bins"] == (1, 1.0)
    assert 1 not in domain.demand({"classes": outside(1)})["classes"]
    with pytest.raises(EmptyDomainError, match="rank is drawn from"):
        domain.demand({"rank": within(9)})
    shut = domain.open(frozenset({"shape/rank", "shape/rank-one"}))
    assert set(shut["rank"]) == {2}
    # a user who asks for rank 4 alone gets rank 4, whatever is shut
    assert domain.only(rank=[4]).open(frozenset({"shape/rank"}))["rank"] == (4,)
    assert domain.behind({"shape/rank"}) == {"rank": [3, 4, 5, 6]}
