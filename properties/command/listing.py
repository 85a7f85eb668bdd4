"""The commands ``lossproof list`` and ``lossproof explain``: what there is, and what it says."""

from __future__ import annotations

import json

import click
from rich.table import Column, Table
from rich.text import Text

from properties.command.commands import Command, Commands
from properties.command.streams import say
from properties.contracts import contracts
from properties.engine.description import laws_of
from properties.errors import did_you_mean
from properties.report.console import console
from properties.report.explain import departure_records, explain, law_records
from properties.texts import cut


@click.group(name="list", cls=Commands)
def listing() -> None:
    """List the contracts, the laws, or the departures."""


@listing.command(name="contracts")
def list_contracts() -> None:
    """The contracts: what kinds of loss there are, and the arguments of each."""
    table = Table("contract", "what it promises", "arguments", "laws", box=None)
    for contract in contracts().values():
        laws = str(len(laws_of(contract)))
        table.add_row(contract.name, contract.sentence, ", ".join(contract.argument_names), laws)
    console().print(table)


def _known_contract(context: click.Context, option: click.Parameter, name: str | None) -> str | None:
    """Return the name of a contract as it is; a usage error for one that is not known."""
    known = contracts()
    if name is not None and name not in known:
        close = did_you_mean(name, known)
        raise click.UsageError(f"--contract must be one of {', '.join(known)}, got {cut(repr(name), 100)}{close}")
    return name


@listing.command(name="laws")
@click.option("--contract", metavar="NAME", callback=_known_contract, help="Only the laws of this contract.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, with what each law rests on and needs.")
def list_laws(contract: str | None, as_json: bool) -> None:
    """The laws: id, level, and what each of them says."""
    known = contracts()
    if as_json:
        chosen = [record for record in law_records() if contract is None or contract in record["contracts"]]
        say(json.dumps(chosen, indent=1))
        return
    table = Table("law", "level", "grade", "what it says", box=None)
    seen = set()
    for one in known.values() if contract is None else [known[contract]]:
        for law in laws_of(one):
            if law.id not in seen:
                seen.add(law.id)
                table.add_row(law.id, law.level, law.grade, law.sentence)
    console().print(table)


@listing.command(name="departures")
@click.option("--contract", metavar="NAME", callback=_known_contract, help="Only those known of this contract.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, with the parameters of each departure.")
def list_departures(contract: str | None, as_json: bool) -> None:
    """The departures: known ways in which a layer is another loss than its contract's."""
    chosen = [record for record in departure_records() if contract is None or contract in record["contracts"]]
    if as_json:
        say(json.dumps(chosen, indent=1))
        return
    table = Table(Column("departure", no_wrap=True), "what a layer with it does", "contracts", box=None)
    for one in chosen:
        table.add_row(one["name"], Text(one["sentence"]), ", ".join(one["contracts"]))
    console().print(table)


@click.command(name="explain", cls=Command)
@click.argument("name", metavar="LAW")
def explain_law(name: str) -> None:
    """Explain a LAW: what it rests on, which contracts promise it, and a wrong loss that it refutes.

    The name of a family lists its laws; that of a departure says what it is, and which contracts know it.
    """
    explain(console(), name)
