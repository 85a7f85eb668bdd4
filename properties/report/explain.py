"""A law, explained: what it says and rests on, which contracts promise it, a recorded case of it; and departures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import resources
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from properties.contracts import contracts
from properties.departures.departure import Departure
from properties.engine.description import laws_of
from properties.errors import ContractError, UsageError, did_you_mean
from properties.judging.contract import Contract
from properties.judging.law import Law
from properties.problems.dimensions import FORMULA_LOGITS
from properties.problems.problem import Problem
from properties.problems.serialization import problem_from_dict
from properties.report.cases import descriptions, outcome_of
from properties.subjects.written_numbers import short

LEVELS = {
    "formula": "formula: the widest dtype there is, logits of at most 50",
    "numerics": "numerics: every dtype, logits of any size",
    "conduct": "conduct: what the layer does beside computing",
    "refusals": "refusals: what the layer does with nonsense; refutes only where that is required",
}

NEEDS = {
    "oracle": "an oracle of the contract",
    "additive": "that each element has a loss of its own",
    "repetition": "that repeating a batch does not change the mean",
    "weighted-mean": "that a mean divides by the weights of the valid elements",
    "ignored": "an ignore_index or a mask",
    "entry-weight": "a weight for each class",
    "bad-arguments": "arguments of the contract's own",
    "choices": "an argument of the contract that stands for a choice",
    "frozen": "elements with weights that the gradient may go through or not",
    "softmax": "a softmax",
    "bins=count": "bins as a number of regions",
}
"""Abilities and promises in words; any other is an argument, or a value that an argument may have."""


def known_laws() -> dict[str, tuple[Law, list[Contract]]]:
    """Return every law by its id, with the contracts that promise it."""
    found: dict[str, tuple[Law, list[Contract]]] = {}
    for contract in contracts().values():
        for law in laws_of(contract):
            found.setdefault(law.id, (law, []))[1].append(contract)
    return found


def recorded_examples() -> dict[str, Any]:
    """Return for each law the smallest case in which it refutes a loss that was made wrong on purpose."""
    text = resources.files("properties").joinpath("examples.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def law_records() -> list[dict[str, Any]]:
    """Return every law as plain data."""
    fields = ("id", "sentence", "level", "grade", "remark", "gate", "needs", "rests_on")
    return [
        {**{name: getattr(law, name) for name in fields}, "contracts": [contract.name for contract in having]}
        for law, having in known_laws().values()
    ]


def known_departures() -> dict[str, tuple[Departure, list[Contract]]]:
    """Return every departure by its name, with the contracts that know it."""
    found: dict[str, tuple[Departure, list[Contract]]] = {}
    for contract in contracts().values():
        for departure in contract.catalogue.values():
            found.setdefault(departure.name, (departure, []))[1].append(contract)
    return found


def departure_records() -> list[dict[str, Any]]:
    """Return every departure as plain data."""
    return [
        {
            "name": departure.name,
            "sentence": departure.sentence,
            "parameters": list(departure.parameters),
            "inherited": departure.inherited,
            "contracts": [contract.name for contract in having],
        }
        for departure, having in known_departures().values()
    ]


def explain(console: Console, name: str) -> None:
    """Explain a law or a departure, or list the laws of a family; UsageError where there is none of these."""
    known, departures = known_laws(), known_departures()
    family = [law for law, _ in known.values() if law.family == name]
    if name in known:
        _law(console, *known[name])
    elif family:
        table = Table("law", "level", "what it says", box=None)
        for law in family:
            table.add_row(law.id, law.level, law.sentence)
        console.print(table)
    elif name in departures:
        _departure(console, *departures[name])
    else:
        close = did_you_mean(name, (*known, *dict.fromkeys(law.split("/")[0] for law in known), *departures))
        all_of_them = "`lossproof list laws` and `lossproof list departures` show them all"
        raise UsageError(f"no law, family or departure {name!r}{close}; {all_of_them}")


def _departure(console: Console, departure: Departure, having: list[Contract]) -> None:
    console.print(Text(departure.name, style="bold"))
    console.print(Padding(Text(departure.sentence), (0, 0, 1, 3)))
    rows = {
        "parameters": ", ".join(departure.parameters) or "none",
        "inherited": f"{departure.inherited} departs in the same way" if departure.inherited else "from no kernel",
        "contracts": ", ".join(contract.name for contract in having),
    }
    console.print(Padding(_rows(rows), (0, 0, 0, 3)))


def _rows(rows: Mapping[str, str]) -> Table:
    """Return titles and words side by side, without those that have nothing to say."""
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 3, 0, 0))
    for title, words in rows.items():
        if words:
            table.add_row(Text(title, style="dim"), Text(words))
    return table


def _law(console: Console, law: Law, having: list[Contract]) -> None:
    console.print(Text(law.id, style="bold"))
    console.print(Padding(Text(law.sentence), (0, 0, 1, 3)))
    rows = {
        "level": LEVELS[law.level],
        "grade": law.grade + (f"; a remark: {law.remark}" if law.remark else ""),
        "rests on": law.rests_on,
        "needs": "; ".join(_need(need) for need in law.needs),
        "draws": "; ".join(_drawn(law, having[0])),
        "gate": _gate(law, having),
        "contracts": ", ".join(contract.name for contract in having),
    }
    console.print(Padding(_rows(rows), (0, 0, 0, 3)))
    example = recorded_examples().get(law.id)
    if example is not None:
        console.print()
        for line in _at_work(example):
            console.print(Padding(line, (0, 0, 0, 3)))


def _need(need: str) -> str:
    name, _, value = need.partition("=")
    return NEEDS.get(need) or (f"that {name} may be {value}" if value else f"the argument {name}")


def _drawn(law: Law, contract: Contract) -> list[str]:
    """Return the preconditions of a law: for each dimension that it narrows, the values that are left."""
    dimensions = contract.domain.dimensions
    found = []
    for name, wanted in law.precondition.items():
        values = list(dict.fromkeys(dimensions[name].values)) if name in dimensions else []
        if name == "logits" and law.level == "formula":
            values = [value for value in values if value in (*FORMULA_LOGITS, "edges")]
        kept = [value for value in values if wanted(value)]
        if kept and kept != values:
            found.append(f"{name} {', '.join(map(str, kept))}")
    return [*found, "every option at its simplest"] if law.plain else found


def _gate(law: Law, having: list[Contract]) -> str:
    """Return what other laws draw only where this one holds; empty for a law that is no gate."""
    if not law.gate:
        return ""
    behind: dict[str, dict[str, None]] = {}
    for contract in having:
        for name, values in contract.domain.behind({law.id}).items():
            behind.setdefault(name, {}).update(dict.fromkeys(map(str, values)))
    listed = "; ".join(f"{name} {', '.join(values)}" for name, values in behind.items())
    return f"of round {law.gate}: other laws draw {listed or 'what it is about'} only where it holds"


def _at_work(example: Mapping[str, Any]) -> list[Text]:
    """Return a recorded case: the mutant, what it was asked and answered, and what a sound loss answers."""
    problems = [problem_from_dict(plain) for plain in example["problems"]]
    title = f"At work on a sound {example['contract']} with one change: {example['what']} ({example['mutant']})."
    lines = [Text(title, style="bold"), Text(example["message"], style="red")]
    if example["condition"]:
        lines.append(Text("only with " + ", ".join(example["condition"]), style="yellow"))
    joint = "and " if example["quantity"] == "refusal" else "compared with "
    for number, (problem, told) in enumerate(zip(problems, descriptions(problems), strict=True)):
        words = "    " + (joint if number else "") + told
        lines.append(Text(words))
        if contracts()[example["contract"]].oracle is not None:
            lines.append(Text(f"        a sound loss {_sound(problem, example)}", style="green"))
    return [*lines, *(Text(f"    {line}") for line in outcome_of(example))]


def _sound(problem: Problem, example: Mapping[str, Any]) -> str:
    """Return the oracle's answer to a problem, in words."""
    contract = contracts()[example["contract"]]
    try:
        answer = contract.answer(problem)
    except ContractError as error:
        refusal = error.__cause__ or error
        return f"refuses it ({type(refusal).__name__}: {refusal})"
    # what the case is about: the slope where it is one, else the loss
    of_gradient = "gradient" in example["quantity"] or example["quantity"] == "slope"
    shown = f"has the gradient {short(answer.gradient)}" if of_gradient else f"has the loss {short(answer.value)}"
    return shown + (", or another right answer" if answer.ambiguous else "")
