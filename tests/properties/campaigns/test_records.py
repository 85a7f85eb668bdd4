"""Records of a journal: what is none is told with its place and value, and what is one can be replayed."""

import contextlib
import copy
import functools
import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from properties.campaigns.records import Begun, header_record, parsed, shard_record
from properties.contracts import contract_named
from properties.drawing.decoding import simplest_problem
from properties.engine.result import LawResult
from properties.judging.finding import Finding

LAW = "oracle/value"
PROBLEM = simplest_problem(contract_named("cross_entropy").domain)
FINDING = Finding("It is wrong.", (PROBLEM,), "value", np.array([1.0, np.nan]), np.array(np.inf))
HELD = LawResult(LAW, "held", 7, 2, 0.5, {"float64": 0.5, "float32": float("inf")}, corpus=(b"\0\xff",))
REFUTED = LawResult(LAW, "refuted", 3, finding=FINDING, problem=PROBLEM, repetitions=("held",) * 3, given=("weight",))
HEADER = {
    "kind": "campaign",
    "format": "lossproof-campaign-1",
    "targets": [
        {"text": "a:B", "contract": None, "mapping": {}, "settings": {}, "domain": {}, "backend": None, "claims": {}}
    ],
    "seed": 0,
    "max_time": None,
    "max_examples": 10,
    "only": [],
    "levels": [],
    "time_limit": 10,
    "block_seconds": 120.0,
    "memory": 2**30,
    "lanes": 1,
    "environment": {"python": "3"},
    "corpora": {"a:B": {LAW: ["AP8="]}},
    "fingerprints": ["0"],
    "require": [],
}


def record_of(result, **changes):
    """A record as a journal has it."""
    plain = {"id": f"0:{LAW}:0:0", "kind": "law", "asked": 20, **result.to_record(), "seconds": 0.5, **changes}
    return json.loads(json.dumps(plain, allow_nan=False))


INQUIRY = {
    "id": "0:infer:0:0",
    "kind": "infer",
    "inferred": {"gradient": {"value": "live", "contract": "live", "words": "it is", "examples": 3, "agrees": True}},
    "seconds": 1,
}


def changed(plain, path, value):
    """The same data with another value at a place."""
    plain = copy.deepcopy(plain)
    *way, last = path
    functools.reduce(lambda part, key: part[key], way, plain)[last] = value
    return plain


@pytest.mark.parametrize("result", [HELD, REFUTED, LawResult(LAW, "gave up", reason="\ud800 is no text")])
def test_what_a_shard_says_is_a_record(result):
    record = record_of(result)
    assert shard_record(record, LAW, "law") == record
    assert shard_record({**record, "partial": True}, LAW, "law")["partial"]
    assert LawResult.from_record(record).used_by_dtype == result.used_by_dtype


def test_what_was_inferred_is_a_record():
    assert shard_record(INQUIRY, "", "infer") == INQUIRY
    with pytest.raises(ValueError, match="kind"):
        shard_record(INQUIRY, LAW, "law")


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("report", "outcome"), "proved", r"report.outcome: invalid enum value 'proved', got 'proved'"),
        (("report", "examples"), -3, r"report.examples: expected `int` >= 0, got -3"),
        (("report", "examples"), True, r"report.examples: expected `int`, got `bool`, got True"),
        (("report", "undecided"), 2**70, r"report.undecided"),
        (("report", "budget_used"), "much", r"report.budget_used"),
        (("report", "counterexample", "problems"), {}, r"report.counterexample.problems: expected `array`"),
        (("report", "counterexample", "problems", 0, "logits"), "x", r"the problem's logits must be a number, got 'x'"),
        (
            ("report", "counterexample", "expected"),
            [[1], []],
            r"report.counterexample.expected\[1\] must be a list of 1",
        ),
        (("report", "counterexample", "got"), {"each": 0, "times": 10**12}, r"report.counterexample.got.times must be"),
        (("asked",), -1, r"asked: expected `int` >= 0, got -1"),
        (("asked",), 1.5, r"asked: expected `int`, got `float`, got 1.5"),
        (("seconds",), -1.0, r"seconds: expected `float` >= 0.0, got -1.0"),
        (("seconds",), 1e308, r"seconds: expected `float` <= 1e\+300"),
        (("corpus",), ["not base64!"], r"corpus\[0\] must be base64, got 'not base64!'"),
        (("law",), "oracle/gradient", r"law must be 'oracle/value', got 'oracle/gradient'"),
        (("kind",), "infer", r"kind: invalid enum value 'infer'"),
        (("seen",), [["a"]], r"seen\[0\]"),
    ],
)
def test_what_is_no_record_is_told_with_its_place(path, value, words):
    with pytest.raises(ValueError, match=words):
        shard_record(changed(record_of(REFUTED), path, value), LAW, "law")


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("time_limit",), -1.0, "time_limit: expected `float` > 0.0, got -1.0"),
        (("time_limit",), float("inf"), "time_limit: expected `float` <= "),
        (("block_seconds",), float("nan"), "block_seconds: expected `float`"),
        (("max_time",), 0.0, "max_time: expected `float` > 0.0, got 0.0"),
        (("memory",), -(2**30), "memory: expected `int` >= 1048576, got -1073741824"),
        (("max_examples",), 0, "max_examples: expected `int` >= 1, got 0"),
        (("seed",), -1, "seed: expected `int` >= 0, got -1"),
        (("lanes",), 10**9, "lanes: expected `int` <= 1000000, got 1000000000"),
        (("targets",), [], "targets: expected `array` of length >= 1"),
        (("targets", 0, "text"), ["os:system"], r"targets\[0\].text: expected `str`"),
        (("corpora", "a:B", LAW), ["?"], "corpora.*must be base64, got '[?]'"),
        (("fingerprints",), ["0", "1"], "fingerprints must be 1, one for each target, got 2"),
    ],
)
def test_limits_of_a_header_are_limits(path, value, words):
    assert isinstance(header_record(HEADER), Begun)
    with pytest.raises(ValueError, match=words):
        header_record(changed(HEADER, path, value))


@pytest.mark.parametrize("text", [b"", b"{", b"[" * 100_000, b'{"a":NaN}', b'{"a":Infinity}', b"\xff", b"9" * 5000])
def test_what_is_no_json_is_a_value_error(text):
    with pytest.raises(ValueError):  # noqa: PT011 - it says what it likes
        parsed(text)


ODD = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.just([]), st.just({}), st.just([[]])
).map(copy.deepcopy)


def places(plain, path=()):
    """The way to every value in plain data."""
    yield path
    items = plain.items() if isinstance(plain, dict) else enumerate(plain) if isinstance(plain, list) else ()
    for key, value in items:
        yield from places(value, (*path, key))


@settings(max_examples=300, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_damaged_records_are_read_or_refused(data):
    plain = data.draw(st.sampled_from([record_of(HELD), record_of(REFUTED), INQUIRY, HEADER]))
    plain = changed(plain, data.draw(st.sampled_from([path for path in places(plain) if path])), data.draw(ODD))
    with contextlib.suppress(ValueError):
        header_record(plain) if "targets" in plain else shard_record(plain, LAW, str(plain.get("kind")))
