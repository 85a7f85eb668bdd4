"""Answers: what a worker on another machine sends back, as JSON text, and what of it is taken for an answer.

A supervisor reads it as data that anybody may have written; nothing in it is unpickled by us.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import msgspec
from msgspec import Struct

from properties.campaigns.journal.lines import LONGEST
from properties.campaigns.records import parsed, shard_record, trouble_in
from properties.campaigns.shard import Shard
from properties.engine.description import Description
from properties.problems.reading import NOT_FINITE, shown
from properties.storage.reading import Amount, Name


class OfDescription(Struct):
    """The record of the description of a target; what it was found to be is checked by itself."""

    id: Name
    kind: Name
    description: dict[str, Any]
    constants: list[float]
    fingerprint: Name
    seconds: Amount


def answer_text(found: Any) -> str:
    """Return what a function gave, as JSON text; a description in a record is written down too."""
    if isinstance(found, Mapping) and isinstance(found.get("description"), Description):
        found = {**found, "description": {"description": tagged(found["description"])}}
    return json.dumps(found, allow_nan=False, separators=(",", ":"))


def answer_of(text: Any, shard: Shard | None) -> Any:
    """Return what a worker gave, of a shard its record; ValueError with place and value where that is none."""
    if type(text) is not str or len(text) > LONGEST:
        raise ValueError(f"an answer must be a text of at most {LONGEST:,} characters, got {shown(text)}")
    found = parsed(text.encode(errors="surrogatepass"))
    if shard is None or trouble_in(found):
        return found
    if not isinstance(found, dict) or found.get("id") != shard.id:
        raise ValueError(f"an answer to {shard.id} must be its record, got {shown(found)}")
    return _described(found) if shard.kind == "describe" else shard_record(found, shard.law, shard.kind)


def tagged(value: Any) -> Any:
    """Return plain data that says what JSON does not: which lists are tuples, and numbers that are not finite."""
    if is_dataclass(value) and not isinstance(value, type):
        return {"dict": [[field.name, tagged(getattr(value, field.name))] for field in fields(value)]}
    if isinstance(value, Mapping):
        return {"dict": [[tagged(key), tagged(item)] for key, item in value.items()]}
    if isinstance(value, tuple):
        return {"tuple": [tagged(item) for item in value]}
    if isinstance(value, list):
        return [tagged(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": str(value)}
    if value is None or isinstance(value, str | int | float):
        return value
    raise TypeError(f"a description holds numbers and texts, got {shown(value)}")


def untagged(value: Any) -> Any:
    """Return what :func:`tagged` was given, of a dataclass the mapping of its fields; ValueError for anything else."""
    if isinstance(value, list):
        return [untagged(item) for item in value]
    if not isinstance(value, dict):
        return value
    tag, content = next(iter(value.items()), ("", None))
    if len(value) == 1 and tag == "dict" and isinstance(content, list):
        if all(isinstance(pair, list) and len(pair) == 2 for pair in content):
            return {untagged(key): untagged(item) for key, item in content}
    elif len(value) == 1 and tag == "tuple" and isinstance(content, list):
        return tuple(untagged(item) for item in content)
    elif len(value) == 1 and tag == "float" and content in NOT_FINITE:
        return NOT_FINITE[content]
    raise ValueError(f"a description must be plain data, got {shown(value)}")


def _described(found: dict[str, Any]) -> dict[str, Any]:
    try:
        record = msgspec.convert(found, OfDescription)
        plain = untagged(record.description.get("description"))
        return {**found, "description": msgspec.convert(plain, Description)}
    except (TypeError, RecursionError, msgspec.ValidationError) as error:
        raise ValueError(f"the description of a target: {error}") from None
