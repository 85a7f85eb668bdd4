"""A new loss owes what the shipped ones have: that is said, and no test of the others fails by it."""

import sys
import textwrap
import warnings

import pytest
from click.testing import CliRunner

from properties import contracts as package
from properties.certificates import causes
from properties.command.cli import main
from properties.contracts import contracts
from tests.losses.layers import LAYERS, SHIPPED, layer_of
from tests.losses.owed import owed, told

NEW = '''
    """A contract that stands in a folder of its own."""

    from properties.judging.contract import OF_CLASSES, Contract
    from properties.laws.limits import cross_entropy_of, limit
    from reference import cross_entropy

    CONTRACT = Contract(
        name="newcomer",
        sentence="Cross entropy by another name.",
        promises=OF_CLASSES,
        oracle=cross_entropy,
        bases=(cross_entropy_of,),
        own=(limit("newcomer-is-cross-entropy", "It is cross entropy.", {}, cross_entropy_of, rests_on="l = CE"),),
    )
'''


@pytest.mark.parametrize("name", contracts())
def test_a_shipped_contract_owes_nothing_and_a_new_one_is_told(name):
    contract = contracts()[name]
    debts = owed(contract, LAYERS.get(name))
    if name in SHIPPED:
        assert not debts, told(contract, debts)
    elif debts:
        warnings.warn(told(contract, debts), stacklevel=1)


def test_every_shipped_contract_is_there_and_has_a_layer():
    assert set(SHIPPED) <= set(contracts())
    assert {name for name in SHIPPED if contracts()[name].oracle is not None} == set(SHIPPED) & set(LAYERS)


@pytest.fixture
def newcomer(tmp_path, monkeypatch):
    """A contract in a file of its own, on the path of the package."""
    (tmp_path / "newcomer.py").write_text(textwrap.dedent(NEW), encoding="utf-8")
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
    _forget()
    yield contracts()["newcomer"]
    sys.modules.pop("properties.contracts.newcomer", None)
    monkeypatch.undo()
    if hasattr(package, "newcomer"):
        del package.newcomer
    _forget()


def _forget():
    contracts.cache_clear()
    package.known_arguments.cache_clear()
    causes._known.cache_clear()


def test_a_new_file_is_a_contract_whose_debts_are_named(newcomer):
    assert layer_of(newcomer) == "CrossEntropyLoss"
    debts = owed(newcomer, "NewcomerLoss")
    law = "limit/newcomer-is-cross-entropy"
    for words in (
        "NewcomerLoss and its name in __all__: paddle_impl/__init__.py",
        "a row for NewcomerLoss in the table of layers: README.md",
        "a sound loss of another make, under @sound: tests/mutants/",
        "3 more wrong twins",
        f"a mutant that {law} refutes",
        f"an example of {law}",
        f"a row for {law} in docs/laws.md",
    ):
        assert any(words in debt for debt in debts), words
    assert all(debt in told(newcomer, debts) for debt in debts)


def test_a_new_contract_is_listed_and_its_law_explained_and_the_shipped_alone_are_as_before(newcomer, request):
    def output(*words):
        done = CliRunner(env={"COLUMNS": "120"}).invoke(main, words)
        assert done.exit_code == 0, done.output
        return done.output

    assert "newcomer" in output("list", "contracts")
    assert "It is cross entropy." in output("explain", "limit/newcomer-is-cross-entropy")
    request.getfixturevalue("shipped_alone")
    assert "newcomer" not in output("list", "contracts")
    assert "newcomer" not in output("explain", "shape/rank")
