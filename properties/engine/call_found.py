"""What was found about the call of a layer: the values that are left to draw, and what a certificate says of it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from properties.engine.discovery import Discovered, short, tried_in_words
from properties.judging.observation import Failure
from properties.problems.domain import Domain
from properties.subjects.arguments_not_given import default_text
from properties.subjects.call_style import CallStyle
from properties.subjects.signature import REQUIRED, UNKNOWN
from properties.subjects.subject import Subject

AXES = {
    1: "[C]",
    2: "[N, C]",
    3: "[N, C, L]",
    4: "[N, C, H, W]",
    5: "[N, C, D, H, W]",
    6: "[N, C, T, D, H, W]",
}
"""The shape of logits of each rank whose classes are along axis 1."""


def kept_by_call(subject: Subject, found: Discovered) -> dict[str, tuple[Any, ...]]:
    """The values of dimensions that are left for a layer that is called as was found."""
    domain = subject.full_domain
    kept = {**found.kept, **found.style.fit(domain, "axis" in subject.takes)}
    ranks = tuple(rank for rank in domain["rank"] if rank in found.ranks)
    if ranks and len(ranks) < len(domain["rank"]):
        kept["rank"] = ranks
    return kept


def call_in_words(subject: Subject, found: Discovered, domain: Domain, unasked: Mapping[str, str]) -> dict[str, Any]:
    """What a certificate says of the call, as plain data; ``words`` are lines for people.

    ``unasked`` says by dimension what was left out.
    """
    style = found.style
    if not found.answers:
        return {"answers": False, "words": [f"tried: {words}" for words in tried_in_words(found)]}
    ranks = sorted(set(domain["rank"]))
    return {
        "answers": True,
        "order": style.order,
        "names": list(subject.call_names),
        "ranks": ranks,
        "class_axis": None
        if subject.resolved.of_entries
        else "any"
        if len(set(domain["axis"])) > 1
        else domain["axis"][0],
        "labels": style.labels,
        "label_dtype": list(dict.fromkeys(domain["label_dtype"]))
        if style.label_dtype == "as drawn"
        else style.label_dtype,
        "input": style.input,
        "output": style.output or "Tensor",
        "weight": style.weight if "weight" in subject.takes else None,
        "arguments": {a.fills: a.name for a in subject.own_arguments if a.fills},
        "defaults": _defaults(subject),
        "not_taken": [
            *(_not_taken(f"rank {rank}", failure) for rank, failure in sorted(found.refused.items())),
            *([] if found.weightless is None else [_not_taken("class weights", found.weightless)]),
        ],
        "words": [*_words(subject, found, ranks), *unasked.values()],
        "command": command_of(subject, style),
    }


def _not_taken(kind: str, failure: Failure) -> dict[str, str]:
    return {"kind": kind, "error": short(failure), "line": failure.line}


def command_of(subject: Subject, style: CallStyle) -> str:
    """The options that say what was found without looking; '' where the call is plain."""
    return " ".join(f"--call {shlex.quote(f'{name}={value}')}" for name, value in style.said.items())


def _words(subject: Subject, found: Discovered, ranks: list[int]) -> Iterator[str]:
    style = found.style
    logits = {"logits": "logits", "log-softmax": "log-probabilities (a log-softmax)"}
    takes = f"takes {logits.get(style.input, f'probabilities (a {style.input})')} of {_ranks(subject, style, ranks)}"
    parts = [takes, *(words for words in style.words if not words.startswith("takes "))]
    ignored = _defaults(subject).get("ignore_index")
    if ignored not in (None, "None"):
        parts.append(f"ignore_index is {ignored} by default")
    renamed = {a.fills: a.name for a in subject.own_arguments if a.fills and a.fills != a.name}
    parts += [f"`{name}` is the contract's {argument}" for argument, name in renamed.items()]
    if not (style.plain and not found.refused and not renamed and len(ranks) > 1):
        yield "; ".join(parts)
    if found.weightless is not None:
        where = f" at {found.weightless.line}" if found.weightless.line else ""
        yield f"class weights are not taken: {short(found.weightless)}{where}"
    told = [(rank, failure) for rank, failure in sorted(found.refused.items()) if rank > 1]
    if told:
        failure = told[0][1]
        names = ", ".join(str(rank) for rank, _ in told)
        where = f" at {failure.line}" if failure.line else ""
        yield f"rank {names} is not taken: {short(failure)}{where}"


def _ranks(subject: Subject, style: CallStyle, ranks: list[int]) -> str:
    if len(ranks) > 1:
        return f"rank {', '.join(map(str, ranks[:-1]))} or {ranks[-1]}"
    if subject.resolved.of_entries:
        return f"rank {ranks[0]}"
    axes = AXES[ranks[0]]
    if style.axis == -1 and ranks[0] > 2:
        axes = axes.replace(", C", "").replace("]", ", C]")
    return f"rank {ranks[0]}, {axes}"


def _defaults(subject: Subject) -> dict[str, str]:
    """The layer's own defaults of the contract arguments that it takes."""
    return {
        a.fills: default_text(a.default)
        for a in subject.own_arguments
        if a.fills and a.default is not REQUIRED and a.default is not UNKNOWN
    }
