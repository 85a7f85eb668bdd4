"""What is assumed in place of arguments that a layer lacks: as which loss it is checked, in words; what is asked for.

A contract says both itself: ``reads`` puts values of its arguments into words, and ``essential`` names the arguments
without which it says nothing that a simpler contract does not say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from properties.judging.contract import COMMON_ARGUMENTS, Contract
from properties.problems.dimensions import COMMON
from properties.problems.domain import Dimension, Domain


def nothing(values: Mapping[str, Any]) -> str:
    """No other name for the loss."""
    return ""


def spoken(
    values: Mapping[str, Any],
    words: Mapping[str, Callable[[Any], str]] | None = None,
    arguments: Iterable[Dimension] = (),
) -> str:
    """Values of arguments in words, less those that are tacit; ``words`` has them for the values of some.

    ``arguments`` are the contract's own; see :class:`properties.Dimension`.
    """
    own, known = words or {}, _known(arguments)
    said = [own[n](v) if n in own else f"{n} {v}" for n, v in values.items() if not _goes_without_saying(known, n, v)]
    return " and ".join(filter(None, (", ".join(said[:-1]), *said[-1:])))


def reading(
    loss: str,
    words: Mapping[str, Callable[[Any], str]] | None = None,
    equals: Callable[[Mapping[str, Any]], str] = nothing,
    arguments: Iterable[Dimension] = (),
) -> Callable[[Mapping[str, Any]], str]:
    """How a contract puts values of its ``arguments`` into words: as this loss with them.

    ``words`` has the values of some in words, ``equals`` another name of the loss that they make, or ''.
    """

    def read(values: Mapping[str, Any]) -> str:
        said, name = spoken(values, words, arguments), equals(values)
        return f"as {loss} with {said}" + (f", which is {name}" if name else "") if said else ""

    return read


def assumed(contract: Contract, takes: AbstractSet[str], domain: Domain, said: AbstractSet[str]) -> str:
    """As which loss a layer is checked that lacks arguments, or is asked for one value of some; '' for the contract's.

    ``takes`` are the arguments that it has, ``said`` those of which somebody said the values.
    """
    values = _fixed(contract, takes, domain)
    text = (contract.reads or reading(contract.name, arguments=contract.arguments))(values)
    known = _known(contract.arguments)
    guessed = [n for n, v in values.items() if n not in takes | said and not _goes_without_saying(known, n, v)]
    asked = {name for group in _missing(contract, takes | said) for name in group}
    open_ = [name for name in guessed if name not in asked]
    if not text or not open_:
        return text
    options = ", ".join(f"`--domain {name}=VALUE`" for name in open_)
    return f"{text}; the layer takes no {' and no '.join(open_)}: {options} says otherwise"


def unsaid(contract: Contract, takes: AbstractSet[str], said: AbstractSet[str], by_words: bool) -> tuple[str, ...]:
    """What keeps a layer from being certified, a sentence each: arguments that it lacks, of which nobody said a value.

    ``by_words`` says whether the layer is called by the words of a command, and not by a subject made by hand.
    """
    found = []
    for group in _missing(contract, takes | said):
        first = group[0]
        take = f"`--map YOURS={first}`" if by_words else f"let `build` take {first}"
        found.append(
            f"contract {contract.name} says nothing of its own without {' or '.join(group)}: {take}, "
            f"or `--domain {first}=VALUE` for the value that the layer has"
        )
    return tuple(found)


def _missing(contract: Contract, known: AbstractSet[str]) -> list[tuple[str, ...]]:
    return [group for group in contract.essential if not set(group) & known]


def _fixed(contract: Contract, takes: AbstractSet[str], domain: Domain) -> dict[str, Any]:
    """The arguments with one value, since the layer lacks them, or since somebody wants no other."""
    found = {}
    for name in contract.argument_names:
        values = tuple(dict.fromkeys(domain[name]))
        narrowed = name not in COMMON_ARGUMENTS and len(set(contract.domain[name])) > 1
        if len(values) == 1 and (name not in takes or narrowed):
            found[name] = values[0]
    return found


def _known(arguments: Iterable[Dimension]) -> dict[str, Dimension]:
    """What there is to know of every argument: those that all contracts have, and these."""
    return {dimension.name: dimension for dimension in (*COMMON, *arguments)}


def _goes_without_saying(known: Mapping[str, Dimension], name: str, value: Any) -> bool:
    """Whether nobody would say that a layer has this value of an argument."""
    tacit = name in known and known[name].tacit
    return value is None or (tacit and bool(value == known[name].absent))
