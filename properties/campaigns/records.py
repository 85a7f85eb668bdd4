"""Records: what a journal's lines say, as data that anybody may have written, read with a schema.

A record that passes here can be replayed: every field has its type, no count is negative, no number is NaN or infinite
where none may be, and the problems of a finding are problems.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal, NoReturn

import msgspec
from msgspec import Meta, Struct

from properties.campaigns.journal.lines import LONGEST
from properties.certificates.schema import Said
from properties.engine.result import LawResult
from properties.problems.reading import shown
from properties.storage.reading import Amount, Count, Name, misfit

FORMAT = "lossproof-campaign-1"

MACHINE = "machine"
"""The kind of a record that says what the machine's trouble was, which is no result: it is never journaled."""

LONGEST_STRING = 1 << 16
"""Bytes of a problem in a corpus beyond which it is none; those that are drawn have some hundred."""

Seed = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Limit = Annotated[float, Meta(gt=0.0, le=1e300)]
Place = Annotated[str, Meta(max_length=1000)]
Encoded = Annotated[str, Meta(max_length=2 * LONGEST_STRING)]


class SaidOfBlock(Said):
    """What a block of examples says of its law."""

    grade: Literal["", "error", "remark"] = ""


class OfLaw(Struct):
    """The record of a block of examples of a law."""

    id: Name
    kind: Literal["law"]
    law: Name
    report: SaidOfBlock
    asked: Count
    seconds: Amount
    declined: bool
    spent: bool
    corpus: list[Encoded]
    seen: list[tuple[str, str]] = []
    partial: bool = False


class FactSaid(Struct):
    """One thing that a layer was found to do."""

    value: str
    contract: str
    words: str
    examples: Count = 0
    agrees: bool | None = None
    claim: str = ""


class OfInquiry(Struct):
    """The record of what a layer was found to do."""

    id: Name
    kind: Literal["infer"]
    inferred: dict[Name, FactSaid]
    seconds: Amount


class OfTrouble(Struct):
    """What kept a machine from carrying out a shard."""

    id: Name
    kind: Literal["machine"]
    reason: str
    seconds: Amount


class NamedTarget(Struct):
    """A target as it was named."""

    text: Place
    contract: str | None
    mapping: dict[Name, str]
    settings: dict[Name, Any]
    domain: dict[Name, list[Any]]
    backend: str | None
    claims: dict[Name, str]
    call: dict[Name, str] = {}


class Begun(Struct):
    """The header: what decides every draw of a campaign, and its limits."""

    kind: Literal["campaign"]
    format: Name
    targets: Annotated[list[NamedTarget], Meta(min_length=1, max_length=10_000)]
    seed: Seed
    max_time: Limit | None
    max_examples: Annotated[int, Meta(ge=1, le=2**63 - 1)] | None
    only: list[Name]
    levels: list[Name]
    time_limit: Limit
    block_seconds: Limit
    memory: Annotated[int, Meta(ge=2**20, le=2**63 - 1)]
    lanes: Annotated[int, Meta(ge=1, le=1_000_000)]
    environment: dict[Name, str]
    corpora: dict[str, dict[Name, list[Encoded]]]
    fingerprints: list[Name]
    require: list[Name] = []


def parsed(content: bytes) -> Any:
    """Return what a JSON text says; ValueError where it is none, or has numbers that JSON has not."""
    if len(content) > LONGEST:
        raise ValueError(f"a record has at most {LONGEST:,} bytes, got {len(content):,}")
    try:
        return json.loads(content, parse_constant=_no_number)
    except RecursionError:
        raise ValueError("a record is not nested so deeply") from None


def shard_record(record: Any, law: str, kind: str) -> dict[str, Any]:
    """Return the record of a shard of this kind, about this law; ValueError with place and value where it is none."""
    if kind == "infer":
        facts = _convert(record, OfInquiry).inferred
        if "epsilon" in facts and "denominator" not in facts:
            raise ValueError("inferred must have 'denominator' where it has 'epsilon'")
        return dict(record)
    found = _convert(record, OfLaw)
    if found.law != law:
        raise ValueError(f"law must be {law!r}, got {shown(found.law)}")
    for number, text in enumerate(found.corpus):
        corpus_string(text, f"corpus[{number}]")
    # what is replayed is what was read here
    LawResult.from_record(record)
    return dict(record)


def trouble_in(record: Any) -> str:
    """Return what kept the machine from carrying out a shard, where that is what a record says; else ''."""
    if not isinstance(record, Mapping) or record.get("kind") != MACHINE:
        return ""
    return _convert(record, OfTrouble).reason or "the machine failed"


def header_record(record: Any) -> Begun:
    """Return the header that a record is; ValueError with place and value where it is none."""
    found: Begun = _convert(record, Begun)
    for text, by_law in found.corpora.items():
        for law, strings in by_law.items():
            for number, string in enumerate(strings):
                corpus_string(string, f"corpora[{shown(text)}][{shown(law)}][{number}]")
    if found.fingerprints and len(found.fingerprints) != len(found.targets):
        words = f"{len(found.targets)}, one for each target, got {len(found.fingerprints)}"
        raise ValueError(f"fingerprints must be {words}")
    return found


def corpus_string(text: str, place: str) -> bytes:
    """Return the bytes of a problem in a corpus from their text."""
    try:
        content = base64.b64decode(text, validate=True)
    except ValueError:
        raise ValueError(f"{place} must be base64, got {shown(text)}") from None
    if len(content) > LONGEST_STRING:
        raise ValueError(f"{place} must have at most {LONGEST_STRING:,} bytes, got {len(content):,}")
    return content


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"JSON has no number {text}")


def _convert(record: Any, kind: Any) -> Any:
    try:
        return msgspec.convert(record, kind)
    except msgspec.ValidationError as error:
        wrong = misfit(record, error)
        where = wrong.place.removeprefix("$").removeprefix(".")
        got = "".join(f", got {shown(found)}" for found in wrong.found if where)
        expected = f"{wrong.expected[0].lower()}{wrong.expected[1:]}"
        raise ValueError(f"{where or 'the record'}: {expected}{got}") from None
