"""Which contracts ship, and which layer answers for a contract: found by the names of modules, without Paddle."""

import ast
from pathlib import Path

import properties.contracts

ROOT = Path(__file__).parents[2]

SHIPPED = (
    "cross_entropy",
    "focal",
    "sigmoid_focal",
    "ghm",
    "sigmoid_ghm",
    "ghm_regression",
    "average_top_k",
    "cost_sensitive",
    "free",
)
"""The contracts that owe nothing any more: what ``tests.losses.owed`` finds missing of one of them fails a test."""


def shipped_contracts():
    """The contracts that ship, by name."""
    known = properties.contracts.contracts()
    return {name: known[name] for name in SHIPPED}


def contracts_with_layers():
    """The contracts that have an oracle of the package ``reference``: first those that ship, then any other."""
    known = properties.contracts.contracts()
    ordered = {name: known[name] for name in (*SHIPPED, *(name for name in known if name not in SHIPPED))}
    return {name: contract for name, contract in ordered.items() if layer_of(contract) is not None}


def layer_of(contract):
    """The name of the layer in the module of ``paddle_impl`` that is called as the oracle's; None without an oracle.

    The module is read, not imported. LookupError where it does not have one public class with a name in Loss.
    """
    package, _, module = getattr(contract.oracle, "__module__", "").partition(".")
    if package != "reference":
        return None
    file = ROOT / "paddle_impl" / f"{module}.py"
    if not file.exists():
        raise LookupError(f"contract {contract.name}: its oracle is in reference/{module}.py, and there is no {file}")
    tree = ast.parse(file.read_text(encoding="utf-8"))
    names = [node.name for node in tree.body if isinstance(node, ast.ClassDef)]
    found = [name for name in names if name.endswith("Loss") and not name.startswith("_")]
    if len(found) != 1:
        raise LookupError(f"contract {contract.name}: {file} must have one public class named *Loss, has {found}")
    return found[0]


LAYERS = {name: layer_of(contract) for name, contract in contracts_with_layers().items()}
"""The layer of each contract that has one, by the contract's name."""
NEW = tuple(name for name in LAYERS if name not in SHIPPED)
"""The contracts with a layer that do not ship yet."""
