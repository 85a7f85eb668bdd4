"""Arguments not given: what a certificate says of an argument that stayed at its default, in words and as data."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from properties.judging.contract import Contract
from properties.subjects.argument_guesses import guesses
from properties.subjects.signature import REQUIRED, UNKNOWN, LayerArgument

LONGEST_DEFAULT = 60
"""The most characters of a default that are shown."""


def notes_if_not_given(contract: Contract, arguments: tuple[LayerArgument, ...]) -> dict[str, dict[str, str]]:
    """Return for each argument of a layer what a certificate says if it stayed at its default in all examples.

    Plain data: its ``default``, the contract ``argument`` that fills it (or ''), the contract argument that it may be
    by a ``guess`` (or ''), and the sentence in ``words``.
    """
    found: dict[str, dict[str, str]] = {}
    for argument, guess in zip(arguments, guesses(contract, arguments), strict=True):
        if argument.default is REQUIRED:
            # without it no layer is built
            continue
        default = default_text(argument.default)
        name = argument.name if argument.name not in found else f"{argument.name} ({argument.given})"
        words = _filled(argument, default) if argument.fills else _words(argument, default, guess)
        found[name] = {"default": default, "argument": argument.fills, "guess": guess, "words": words}
    return found


def not_given(unless: Mapping[str, Mapping[str, str]], given: Iterable[Iterable[str]]) -> dict[str, dict[str, str]]:
    """Return the notes of those arguments that stayed at their defaults; ``given`` has what each law gave the layer."""
    handed = {argument for arguments in given for argument in arguments}
    return {name: dict(said) for name, said in unless.items() if said["argument"] not in handed}


def _words(argument: LayerArgument, default: str, guess: str) -> str:
    """Return the sentence about an argument that no contract argument fills."""
    name = argument.name
    if guess:
        return f"`{name}` was never given: `--map {name}={guess}`? It stayed at its default {default}"
    said = f"`{name}` was never given: it stayed at its default {default}; "
    if argument.given == "call":
        return said + "it goes with the call: a Subject whose `call` hands it over fixes another"
    if argument.given == "position":
        return said + "it has a place and no name: a Subject whose `build` hands it over fixes another"
    if argument.given == "build":
        return said + "the subject's own functions take it, and nothing hands it over"
    return said + f"`--set {name}=VALUE` fixes another"


def _filled(argument: LayerArgument, default: str) -> str:
    """Return the sentence about an argument that a contract argument fills."""
    alias = "" if argument.fills == argument.name else f" (the contract's {argument.fills})"
    stayed = "was absent" if argument.default is UNKNOWN else f"stayed at its default {default}"
    return f"`{argument.name}`{alias} {stayed} in all examples"


def default_text(default: Any) -> str:
    """Return a default as Python source would have it, the same in every process."""
    if default is UNKNOWN:
        return "absent"
    if isinstance(default, float):
        return re.sub(r"e([+-])0*(\d)", r"e\1\2", repr(default)).replace("e+", "e")
    if callable(default):
        return str(getattr(default, "__qualname__", type(default).__name__))
    try:
        text = " ".join(repr(default).split())
    except Exception:
        # a layer's default may be anything, and its repr may raise anything
        text = type(default).__name__
    text = re.sub(r" at 0x[0-9a-fA-F]+", "", text)
    return text if len(text) <= LONGEST_DEFAULT else text[: LONGEST_DEFAULT - 3] + "..."
