"""Catalogue: the departures that are known of each contract, by name."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Departure:
    """A known way to be wrong: a change of the oracle's computation.

    ``sentence`` says what a layer with it does, with a field in braces for each of its ``parameters``; ``inherited``
    names the kernel of Paddle that has it too, if any.
    """

    name: str
    sentence: str
    inherited: str = ""
    parameters: tuple[str, ...] = ()


_KNOWN = (
    Departure("ignored-in-histogram", "Ignored elements enter the histogram, with gradient norm 1."),
    Departure("capped-losses", "Losses are capped at {cap}.", "paddle.nn.functional.cross_entropy", ("cap",)),
)


def catalogue(contract_name: str) -> dict[str, Departure]:
    """Return the departures that are known of a contract, by name; none where its name is not known."""
    return {departure.name: departure for departure in _KNOWN} if contract_name == "ghm" else {}
