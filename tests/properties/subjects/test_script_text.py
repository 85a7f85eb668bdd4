"""Scripts: no text of a layer becomes code, and none makes a script long."""

import ast
import enum
import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from properties.contracts import contracts
from properties.engine.description import laws_of
from properties.judging.finding import Finding
from properties.judging.observation import Failure, name_of
from properties.problems.problem import Problem
from properties.subjects.importing import import_lines
from properties.subjects.numpy_backend.script import script_of as numpy_script
from properties.subjects.paddle_backend.script import script_of as paddle_script
from properties.subjects.script_text import LONGEST_COMMENT, comment, keyword_argument, value_literal
from properties.subjects.subject import Source, Subject
from properties.subjects.target import Target, UsageError

EVIL = "x\nimport os; os.system('id')\r\n\x0cprint(1)\u2028print(2)\x85print(3)\x00 '''\\"
FOREIGN = st.one_of(st.just(EVIL), st.text(st.characters(exclude_categories=()), max_size=40))
CONTRACT = contracts()["cross_entropy"]
LAWS = {law.id: law for law in laws_of(CONTRACT)}
PROBLEM = Problem(logits=np.zeros((2, 3)), labels=np.array([0, 1]))
WRITERS = {"paddle": paddle_script, "numpy": numpy_script}


def findings(text):
    """Contradictions of each kind that a script is written of, with a text of the layer's in them."""
    failure = Failure("raised", text, text, text)
    yield Finding(text, (PROBLEM,), "failure", failure=failure)
    yield Finding(text, (PROBLEM, PROBLEM), "refusal", failure=failure)
    yield Finding(text, (PROBLEM,), "value", np.float64(1.0), np.float64(2.0))
    yield Finding(text, (PROBLEM,), "value")
    yield Finding(text, (PROBLEM,), "gradient", np.zeros(999), np.ones(999))


def written(backend, finding, text, setting):
    source = Source(("from layers import Layer",), "Layer", settings={"option": setting})
    subject = Subject("cross_entropy", build=lambda **_: None, name=text, backend=backend, source=source)
    return WRITERS[backend](LAWS["oracle/value"], finding, subject, CONTRACT)


def shape_of(script):
    """The code of a script, less what its constants are."""
    tree = ast.parse(script)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant):
            node.value = type(node.value).__name__
    return ast.dump(tree)


@pytest.mark.parametrize("backend", list(WRITERS))
@given(FOREIGN, FOREIGN)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_text_becomes_code(backend, text, setting):
    for foreign, plain in zip(findings(text), findings("plain"), strict=True):
        script = written(backend, foreign, text, setting)
        # not a statement more, not one less
        assert shape_of(script) == shape_of(written(backend, plain, "plain", "plain"))
        assert all(line.isprintable() for line in script.split("\n"))


@pytest.mark.parametrize("backend", list(WRITERS))
def test_no_text_makes_a_script_long(backend):
    text = "no " * 20_000_000
    for finding in findings(text):
        assert len(written(backend, finding, "x", 1)) < 20_000


PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | FOREIGN | st.binary()


@given(st.recursive(PLAIN, lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(FOREIGN, inner)))
@settings(max_examples=100, deadline=None)
def test_a_plain_value_is_written_as_itself(value):
    again = eval(value_literal(value), {"inf": math.inf, "nan": math.nan})
    assert repr(again) == repr(value)


def test_any_other_value_is_written_as_a_text():
    class Evil:
        def __repr__(self):
            return "__import__('os').system('id')"

    class Worse(str):
        def __repr__(self):
            return "__import__('os').system('id')"

    class Color(enum.IntEnum):
        RED = 3

    cyclic = []
    cyclic.append(cyclic)
    assert ast.literal_eval(value_literal(Evil())) == "__import__('os').system('id')"
    assert ast.literal_eval(value_literal(Worse("a"))) == "a"
    assert ast.literal_eval(value_literal(Color.RED)) == 3
    assert ast.literal_eval(value_literal(np.float64(1.5))) == 1.5
    for value in ([Evil()], {1: Evil()}, cyclic, object()):
        assert isinstance(ast.literal_eval(value_literal(value)), str)


@given(FOREIGN)
def test_an_argument_of_any_name_is_one_argument(name):
    called = ast.parse(f"f({keyword_argument(name, '1')})", mode="eval").body
    assert isinstance(called, ast.Call)
    assert (len(called.args), len(called.keywords)) == (0, 1)


@given(FOREIGN)
def test_a_comment_is_one_line_of_bounded_length(text):
    assert comment(text).startswith("# ")
    assert comment(text).isprintable()
    assert len(comment(text * 1000)) <= 2 * LONGEST_COMMENT + 10


@given(FOREIGN)
def test_lines_that_import_do_nothing_else(name):
    for where in (f"{name}.py", f"a/{name}.py", name):
        tree = ast.parse("\n".join(import_lines(where, "Layer.inner")))
        assert 1 <= len(tree.body) <= 4
        last = tree.body[-1]
        named = {alias.name for alias in last.names} if isinstance(last, ast.ImportFrom) else {last.targets[0].id}
        assert named == {"Layer"}


def test_a_class_of_any_name_has_one_in_bounds():
    error = type("X\nimport os" * 1000, (ValueError,), {})("no")
    assert name_of(error).isprintable()
    assert len(name_of(error)) < 300


def test_a_name_that_is_none_is_refused():
    with pytest.raises(UsageError, match="must be a name in Python, got 'a b'"):
        Target("os:a b", "ghm").load()
