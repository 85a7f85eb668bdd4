"""A law is declared by decorating its check: its docstring is the sentence, and the law is found without a list."""

import ast
import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from properties import laws
from properties.certificates import causes
from properties.contracts import contracts
from properties.judging.law import Law, law
from properties.laws import FAMILIES, LAWS
from properties.laws.promises import PROMISES

WORD = st.text("abcdefgh`()0,", min_size=1, max_size=8)
MODULES = [module.name for module in pkgutil.iter_modules(laws.__path__)]


def check_with(docstring):
    """A check that finds nothing, with this docstring."""

    def check(case):
        yield from ()

    check.__doc__ = docstring
    return check


@given(st.lists(st.lists(WORD, min_size=1), min_size=1, max_size=4), st.booleans())
def test_the_first_paragraph_is_the_sentence_however_it_is_broken_into_lines(lines, explained):
    docstring = "\n    ".join(" ".join(words) for words in lines)
    declared = law("shape/made", gate=2, slow=True)(check_with(docstring + "\n\n    More of it.\n    " * explained))
    assert declared.sentence == " ".join(word for words in lines for word in words)
    assert (declared.id, declared.family, declared.gate, declared.slow) == ("shape/made", "shape", 2, True)


@pytest.mark.parametrize("docstring", [None, ""])
def test_a_check_without_a_docstring_is_no_law(docstring):
    with pytest.raises(ValueError, match="law shape/made: its check must have a docstring"):
        law("shape/made")(check_with(docstring))


def test_sentences_stay_where_python_drops_docstrings():
    command = [
        sys.executable,
        "-OO",
        "-c",
        "from properties.laws import LAWS; print(*(law.sentence for law in LAWS), sep='\\n')",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [law.sentence for law in LAWS]


def test_an_attribute_that_no_law_has_is_refused():
    with pytest.raises(TypeError, match="gates"):
        law("shape/made", gates=2)(check_with("A sentence."))


def test_families_come_in_their_order_and_each_but_once():
    families = list(dict.fromkeys(law.family for law in LAWS))
    assert tuple(families) == FAMILIES
    assert [law.family for law in LAWS] == [family for family in families for law in LAWS if law.family == family]
    assert len({law.id for law in LAWS}) == len(LAWS)


def declared_ids(module):
    """The ids of a module's decorated checks, in the order of its text."""
    tree = ast.parse(Path(importlib.import_module(f"properties.laws.{module}").__file__).read_text(encoding="utf-8"))
    decorators = [d for node in tree.body if isinstance(node, ast.FunctionDef) for d in node.decorator_list]
    found = [d.args[0] for d in decorators if isinstance(d, ast.Call) and d.func.id == "law"]
    space = vars(importlib.import_module(f"properties.laws.{module}"))
    return [eval(ast.unparse(argument), space) for argument in found]


@pytest.mark.parametrize("module", MODULES)
def test_every_law_that_a_module_declares_is_of_its_family_and_found(module):
    family = {"limits": "limit", "promises": "promise"}.get(module, module.partition("_")[0])
    ids = declared_ids(module)
    assert {law_id.split("/")[0] for law_id in ids} <= {family}
    general = [law.id for law in LAWS]
    own = {law.id for contract in contracts().values() for law in contract.own} | {
        promise.law.id for promise in PROMISES.values()
    }
    assert [law_id for law_id in ids if law_id in general] == [law_id for law_id in general if law_id in ids]
    assert {law_id for law_id in ids if law_id not in general} <= own


def test_no_law_is_both_general_and_a_contracts_own():
    own = {law.id for contract in contracts().values() for law in contract.own}
    assert not own & {law.id for law in LAWS}


def test_the_attributes_reach_who_asks_for_them():
    """A law that is slow, first or a headline says so itself."""
    known = {law.id: law for law in (*LAWS, *(law for contract in contracts().values() for law in contract.own))}
    named = {name: {i for i, law in known.items() if getattr(law, name)} for name in ("slow", "first", "headline")}
    assert named == {
        "slow": {
            *("oracle/finite-difference", "oracle/parameters"),
            *("ignore/matches-nothing", "ignore/many-ignored", "conduct/second-call"),
        },
        "first": {"conduct/answers", "conduct/answers-all", "oracle/value", "oracle/gradient", "oracle/accuracy"},
        "headline": {
            *("limit/one-region-is-cross-entropy", "ignore/deleting-is-masking"),
            "denominator/counts-every-element",
        },
    }
    assert {i: law.names_fault for i, law in known.items() if law.names_fault} == {
        "aggregate/last-region-is-closed": (
            "The last region is open: an element whose gradient norm is 1 is in no region."
        )
    }


@pytest.mark.parametrize("law_id", ["ignore/deleting-is-masking", "ignore/poison", "somebody/else"])
def test_a_headline_is_looked_up_by_id(law_id, monkeypatch):
    assert causes._is_headline(law_id) == (law_id == "ignore/deleting-is-masking")
    causes._known.cache_clear()
    monkeypatch.setattr(causes, "LAWS", (Law(law_id, "A sentence.", check_with(""), headline=True),))
    assert causes._is_headline(law_id)
    causes._known.cache_clear()
