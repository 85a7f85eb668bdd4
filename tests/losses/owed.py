"""What a loss still owes before it ships: each debt says what is missing, and where it goes."""

import ast
from functools import lru_cache
from pathlib import Path

from properties.laws import LAWS
from properties.report.explain import recorded_examples
from tests.mutants.registry import mutants, sounds, twins

ROOT = Path(__file__).parents[2]
TWINS_DUE = 3


def owed(contract, layer):
    """The debts of a contract, one sentence each; ``layer`` is the name of its layer, None where it has none."""
    return [*_of_the_loss(contract, layer), *_of_its_laws(contract)]


def told(contract, debts):
    """All debts of a contract in one message."""
    return "\n".join([f"contract {contract.name} owes before it ships:", *(f"  - {debt}" for debt in debts)])


def _of_the_loss(contract, layer):
    if contract.oracle is None:
        return
    oracle = contract.oracle.__name__
    if layer is not None:
        for package, name in (("paddle_impl", layer), ("reference", oracle)):
            if name not in _exported(package):
                yield f"an import of {name} and its name in __all__: {package}/__init__.py"
        if not any(oracle in names for names in _names_beside_mpmath()):
            yield f"a form of {oracle} at 50 digits of mpmath, and a comparison with it: tests/reference/"
        if f"| `{contract.name}` |" not in (ROOT / "README.md").read_text(encoding="utf-8"):
            yield f"a row for {layer} in the table of layers: README.md"
    if contract.name not in sounds():
        yield "a sound loss of another make, under @sound: tests/mutants/"
    missing = TWINS_DUE - len(twins(contract.name))
    if missing > 0:
        yield f"{missing} more wrong twins under @twin: tests/mutants/"


def _of_its_laws(contract):
    general = {law.id for law in LAWS}
    page = (ROOT / "docs" / "laws.md").read_text(encoding="utf-8")
    for law in contract.own:
        if law.id in general:
            continue
        if law.id not in mutants():
            yield f"a mutant that {law.id} refutes, under @mutant: tests/mutants/"
        if law.id not in recorded_examples():
            yield f"an example of {law.id}: `python -m docs.make.examples_of_laws {law.id}`"
        if f"| `{law.id}` |" not in page:
            yield f"a row for {law.id} in docs/laws.md: `python -m docs.make.laws`"


@lru_cache
def _exported(package):
    """The names in a package's __all__ as it is written, without what it finds at run time."""
    tree = ast.parse((ROOT / package / "__init__.py").read_text(encoding="utf-8"))
    lists = [node.value for node in tree.body if isinstance(node, ast.Assign) and node.targets[0].id == "__all__"]
    return set(ast.literal_eval(lists[0]))


@lru_cache
def _names_beside_mpmath():
    """The names that each test module of the oracles uses, of those modules that use mpmath."""
    found = []
    for file in (ROOT / "tests" / "reference").glob("test_*.py"):
        nodes = list(ast.walk(ast.parse(file.read_text(encoding="utf-8"))))
        names = {node.id for node in nodes if isinstance(node, ast.Name)}
        if names & {"mpmath", "exact"}:
            found.append(names)
    return found
