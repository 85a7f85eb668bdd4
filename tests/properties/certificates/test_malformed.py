"""Whatever stands in the file of a certificate: it is read as what it says, or refused with its place; nothing else."""

import copy
import json
import math
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from properties.certificates.certificate import Certificate
from properties.certificates.comparison import changes
from properties.storage.reading import DEEPEST, MalformedError
from tests.properties.certificates.failures import departure, failed, held

STORED = Path(__file__).parent / "stored" / "certificate-0.json"


def written():
    """A certificate with laws of several outcomes, a departure and a target, as plain data."""
    laws = (failed("oracle/value"), failed("shape/empty", error="ValueError: no"), held("shape/order"))
    target = {"text": "losses.py:Loss", "contract": "ghm", "mapping": {"width": "bins"}, "domain": {"rank": [2, 3]}}
    found = Certificate(
        "Loss",
        "ghm",
        laws,
        seed=3,
        max_examples=20,
        domain={"rank": (2, 3), "bins": (1.0, 0.5)},
        set_aside={"shape/none-shape": {"reduction": ["none"]}},
        target={**target, "settings": {}, "backend": None, "claims": {}},
        departures=({**departure("one"), "harm": 3},),
        examples=7,
        explained_examples=7,
        facts={"denominator": {"value": "count", "contract": "weights", "words": "It counts.", "examples": 3}},
    )
    return json.loads(json.dumps(found.to_dict()))


PLAIN = written()
REAL = json.loads(STORED.read_text())


def test_what_is_well_formed_is_read():
    assert Certificate.from_dict(PLAIN).to_dict() == PLAIN


def edited(*path, value):
    """The certificate with another value at a place."""
    plain = copy.deepcopy(PLAIN)
    found = plain
    for key in path[:-1]:
        found = found[key]
    found[path[-1]] = value
    return plain


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("laws", 0, "outcome"), "banana", r"laws\[0\].outcome \('banana'\)"),
        (("laws", 0, "outcome"), "splendid", r"laws\[0\].outcome"),
        (("laws", 0, "outcome"), "held", r"laws\[0\].*held, and has a counterexample"),
        (("laws", 0, "counterexample"), None, "has no counterexample"),
        (("laws", 2, "id"), "oracle/value", "is there twice"),
        (("laws", 2, "examples"), -1, r"laws\[2\].examples \(-1\)"),
        (("laws", 2, "examples"), True, r"laws\[2\].examples"),
        (("laws", 2, "level"), "nonsense", r"laws\[2\].level"),
        (("laws",), {}, r"\$.laws"),
        (("format",), "lossproof-certificate-9", "format"),
        (("format",), 3, "has format"),
        (("target", "settings"), [], r"target.settings"),
        (("domain", "rank"), {"a": 1}, "domain"),
        (("unheard_of",), 1, "unheard_of"),
        (("seconds",), -3.0, "seconds"),
        (("departures", 0, "counterexample", "problems"), 3, r"departures\[0\].counterexample.problems"),
        (("laws", 0, "counterexample", "example", "logits"), [["nan", 0.0]], "must be finite"),
        (("laws", 0, "counterexample", "example", "logits"), [["zebra", 0.0]], r"laws\[0\].counterexample"),
        (("laws", 0, "counterexample", "example", "shape"), {"logits": [-1, 2], "labels": [1]}, r"laws\[0\]"),
        (("laws", 0, "counterexample", "example", "logits"), {"each": 0, "times": 10**12}, r"laws\[0\]"),
        (("laws", 0, "counterexample", "expected"), [[1.0], 2.0], r"laws\[0\]"),
        (("laws", 0, "counterexample", "problems"), [{}], r"laws\[0\]"),
        (("laws", 0, "counterexample", "got"), {"each": 0, "times": 10**12}, r"laws\[0\].*counterexample.got.times"),
        (("laws", 0, "counterexample", "got"), {"a": 1}, r"laws\[0\].*counterexample.got"),
    ],
)
def test_what_is_malformed_is_refused_with_its_place(path, value, words):
    with pytest.raises(MalformedError, match=words):
        Certificate.from_dict(edited(*path, value=value))


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "3", '{"format": NaN}', '"' * 9, "[" * 100_000, "\x00", "\ufeff{}", '{"a": 1} {"b": 2}'],
)
def test_what_is_no_json_is_refused(text, tmp_path):
    (tmp_path / "c.json").write_text(text, encoding="utf-8")
    with pytest.raises(MalformedError, match=r"c\.json"):
        Certificate.read(tmp_path / "c.json")


def test_what_is_no_text_is_refused(tmp_path):
    (tmp_path / "c.json").write_bytes(b'{"format": "\xff\xfe"}')
    with pytest.raises(MalformedError, match=r"c\.json"):
        Certificate.read(tmp_path / "c.json")
    with pytest.raises(MalformedError, match="cannot be read"):
        Certificate.read(tmp_path)


def test_what_is_nested_deeply_is_refused():
    nested = 0
    for _ in range(DEEPEST + 1):
        nested = [nested]
    for path in (("target", "settings", "x"), ("claimable", "x"), ("laws", 0, "counterexample", "got")):
        with pytest.raises(MalformedError):
            Certificate.from_dict(json.loads(json.dumps(edited(*path, value=nested))))


def places(plain, path=()):
    """All places in plain data."""
    yield path
    items = plain.items() if isinstance(plain, dict) else enumerate(plain) if isinstance(plain, list) else ()
    for key, value in items:
        yield from places(value, (*path, key))


ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.sampled_from([math.inf, -0.0, 1e308, 10**400, "", "nan", "\x1b[31m", "\x00", "held", "certified", "hard"]),
    st.text(max_size=5),
    st.sampled_from([[], {}, [[]], [{}], {"each": 0, "times": 10**12}, {"each": [], "times": -1}, [[1.0], 2]]),
)
PLACES = {name: list(places(plain))[1:] for name, plain in (("made", PLAIN), ("real", REAL))}


@st.composite
def damaged(draw):
    """A certificate with some of its places removed, doubled or overwritten."""
    name = draw(st.sampled_from(["made", "real"]))
    plain = copy.deepcopy(PLAIN if name == "made" else REAL)
    for path in draw(st.lists(st.sampled_from(PLACES[name]), min_size=1, max_size=3)):
        *above, last = path
        found = plain
        try:
            for key in above:
                found = found[key]
            how = draw(st.sampled_from(["put", "put", "remove", "add"]))
            if how == "put":
                found[last] = draw(ODD)
            elif how == "remove":
                del found[last]
            elif isinstance(found, list):
                found.insert(0, copy.deepcopy(found[last]))
            else:
                found[draw(st.text(max_size=4))] = copy.deepcopy(found[last])
        except (KeyError, IndexError, TypeError):
            # an edit before took the place away
            continue
    return plain


@settings(max_examples=300)
@given(plain=damaged())
def test_a_damaged_certificate_is_read_or_refused(plain):
    try:
        found = Certificate.from_dict(plain)
    except MalformedError as error:
        words = str(error)
    else:
        words = ""
        again = Certificate.from_dict(json.loads(json.dumps(found.to_dict())))
        assert again.to_dict() == found.to_dict()
        if found.contract == "ghm":
            assert changes(found, Certificate.from_dict(PLAIN)).lost in (True, False)
    assert len(words) < 3000


def test_a_digest_tells_what_was_altered(tmp_path):
    path = tmp_path / "c.json"
    Certificate.from_dict(PLAIN).write(path)
    assert not Certificate.read(path).foreign
    text = path.read_text()
    assert text.count("It is wrong.")
    path.write_text(text.replace("It is wrong.", "It is right."))
    with pytest.raises(MalformedError, match="altered"):
        Certificate.read(path)


def test_the_verdict_of_a_file_follows_from_its_laws(tmp_path):
    path = tmp_path / "c.json"
    plain = {name: value for name, value in PLAIN.items() if name not in ("digest", "signature")}
    path.write_text(json.dumps({**plain, "verdict": "certified"}))
    with pytest.raises(MalformedError, match="the verdict says 'certified', and its laws 'refuted'"):
        Certificate.read(path)


def test_a_strangers_certificate_is_not_signed_by_writing_it_again(tmp_path):
    foreign = Certificate.from_dict({**PLAIN, "signature": "0" * 64})
    assert foreign.foreign
    foreign.write(tmp_path / "again.json")
    assert Certificate.read(tmp_path / "again.json").foreign
    assert not Certificate.from_dict(PLAIN).foreign


def test_what_a_layer_says_is_no_obstacle_to_writing(tmp_path):
    law = failed("oracle/value", error="ValueError: \udcff \ud800 \x00 \u202e")
    Certificate("\udcff", "ghm", (law,), seed=0, max_examples=1).write(tmp_path / "c.json")
    again = Certificate.read(tmp_path / "c.json")
    assert again.subject == "\\udcff"
    assert r"\udcff \ud800" in again.laws[0].message + again.laws[0].counterexample["error"]
    assert sys.getsizeof(again.subject) > 0
