"""Damaged problems: reading one ends with a problem, or says which place is wrong, soon and in little memory."""

import copy
import functools
import json
import re
import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from properties.contracts import contract_named
from properties.drawing.decoding import simplest_problem
from properties.drawing.strategies import problems
from properties.problems.problem import Problem
from properties.problems.reading import MOST_NUMBERS
from properties.problems.serialization import problem_from_dict, problem_to_dict

KINDS = [contract_named(name) for name in ("cross_entropy", "average_top_k", "ghm", "cost_sensitive", "sigmoid_focal")]
VALID = st.one_of([problems(contract.domain, contract.hard_logits) for contract in KINDS]).map(problem_to_dict)
HUGE = 10**12
DEEP = functools.reduce(lambda inner, _: [inner], range(40), 1)

ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([-1, HUGE, 2**63, 2**1024, 10**5000, 1.5, 1e308, float("nan"), float("inf")]),
    st.sampled_from(["", "nan", "inf", "1.5", "mean", "x\x1b[31m", "no such word"]),
    st.sampled_from([[], {}, [[]], [[1], [1, 2]], [[1], 2], ["nan", 1], [True], DEEP]),
    st.sampled_from([{"each": 0, "times": HUGE}, {"each": [], "times": HUGE}, {"each": [0.0] * 20, "times": 10**6}]),
    st.sampled_from([{"each": 0}, {"each": 0, "times": -1}, {"each": 0, "times": 2.0}, {"each": 0, "times": True}]),
    st.sampled_from([{"each": {"each": 0, "times": 3}, "times": 3}, [HUGE, 0], [-1, -1], [2**20, 2**20]]),
).map(copy.deepcopy)


def places(plain, path=()):
    """The way to every value in plain data."""
    yield path
    items = plain.items() if isinstance(plain, dict) else enumerate(plain) if isinstance(plain, list) else ()
    for key, value in items:
        yield from places(value, (*path, key))


@st.composite
def damaged(draw):
    """A valid problem with a few values replaced, removed, added or doubled."""
    plain = copy.deepcopy(draw(VALID))
    for _ in range(draw(st.integers(1, 3))):
        *path, last = draw(st.sampled_from([path for path in places(plain) if path] or [("logits",)]))
        parent = plain
        for key in path:
            parent = parent[key]
        deed = draw(st.sampled_from(["replace", "remove", "add", "nest", "double"]))
        if deed == "replace" or last not in (parent if isinstance(parent, dict) else range(len(parent))):
            parent[last] = draw(ODD)
        elif deed == "remove":
            del parent[last]
        elif deed == "nest":
            parent[last] = [parent[last]]
        elif isinstance(parent, dict):
            parent[draw(st.sampled_from(["each", "times", "logits", "weight", "\x1b[2J", "x"]))] = draw(ODD)
        else:
            parent.append(parent[last] if deed == "double" else draw(ODD))
    return plain


@settings(max_examples=400, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(damaged())
@example({"logits": {"each": 0, "times": HUGE}, "labels": [], "targets": "hard", "shape": {"logits": [], "labels": []}})
def test_what_is_damaged_is_a_problem_or_names_the_place(plain):
    tracemalloc.start()
    began = time.process_time()
    try:
        read = problem_from_dict(plain)
    except (ValueError, TypeError) as error:
        words = str(error)
        assert re.match(r"(a name in )?the problem", words), words
        assert words.isprintable()
        assert len(words) < 600
    else:
        assert isinstance(read, Problem)
        # and it is one that can be told and written
        json.dumps(problem_to_dict(read), allow_nan=False)
        assert read.size <= MOST_NUMBERS
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert time.process_time() - began < 2.0
    assert peak < 2.5 * 8 * MOST_NUMBERS


def plain_problem(**changes):
    plain = problem_to_dict(simplest_problem(contract_named("cross_entropy").domain.only(classes=[3])))
    return {**plain, **changes}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"logits": {"each": 0, "times": HUGE}}, "the problem's logits.times must be a whole number from 0 to"),
        ({"logits": {"each": [0.0] * 64, "times": 2**20}}, "the problem's logits must have at most 16,777,216 numbers"),
        ({"shape": {"logits": [2**20, 2**20], "labels": [1]}}, "the problem's shape.logits must have at most"),
        (
            {"shape": {"logits": [-1, 3], "labels": [1]}},
            r"the problem's shape.logits\[0\] must be a whole number from 0",
        ),
        ({"shape": {"logits": [1, 4], "labels": [1]}}, r"the problem's logits must have shape \[1, 4\]"),
        ({"logits": [[0.0, True, 0.0]]}, r"the problem's logits\[0\]\[1\] must be a number, got True"),
        ({"logits": [[0.0, "1.5", 0.0]]}, r"the problem's logits\[0\]\[1\] must be a number, got '1.5'"),
        ({"logits": [[0.0, 10**400, 0.0]]}, r"the problem's logits\[0\]\[1\] must be a number"),
        ({"logits": [[0.0, 0.0], [0.0]]}, r"the problem's logits\[1\] must be a list of 2, as those beside it"),
        ({"labels": [1.0]}, r"the problem's labels\[0\] must be a whole number .*, got 1.0"),
        ({"labels": [True]}, r"the problem's labels\[0\] must be a whole number .*, got True"),
        ({"labels": [2**63]}, r"the problem's labels\[0\] must be a whole number"),
        ({"labels": None}, "the problem's labels must be a whole number"),
        ({"targets": "hardest"}, "the problem's targets must be one of 'hard', .*, got 'hardest'"),
        ({"dtype": "float80"}, "the problem's dtype must be one of"),
        ({"label_dtype": "object"}, "the problem's label_dtype must be one of"),
        ({"reduction": "median"}, "the problem's reduction must be one of"),
        ({"axis": 2}, "the problem's axis must be a whole number from -2 to 1, got 2"),
        ({"axis": True}, "the problem's axis must be a whole number"),
        ({"salt": -1}, "the problem's salt must be a whole number from 0"),
        ({"config": {"gamma": [[1.0], []]}}, r"the problem's config.gamma\[1\] must be a list of 1"),
        ({"config": []}, "the problem's config must be a mapping"),
        ({"colour": "red"}, "a name in the problem must be one of"),
    ],
)
def test_the_place_and_the_value_are_named(changes, words):
    with pytest.raises(ValueError, match=words):
        problem_from_dict(plain_problem(**changes))


def test_what_lacks_a_field_says_so():
    for name in ("logits", "labels", "targets", "shape"):
        plain = plain_problem()
        del plain[name]
        with pytest.raises(ValueError, match=f"the problem must have '{name}'"):
            problem_from_dict(plain)
    for plain in (None, [], "logits", 3):
        with pytest.raises(ValueError, match="the problem must be a mapping"):
            problem_from_dict(plain)


def test_what_problems_may_have_is_read():
    read = problem_from_dict(plain_problem(logits=[["nan", "inf", "-inf"]], config={"gamma": "nan", "bins": "10"}))
    assert np.isnan(read.logits[0, 0])
    assert read.logits[0, 1:].tolist() == [np.inf, -np.inf]
    assert np.isnan(read.config["gamma"])
    assert read.config["bins"] == "10"
    # a reduction that a layer was to refuse
    assert problem_from_dict(plain_problem(reduction="batchmean")).reduction == "batchmean"
