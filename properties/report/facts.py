"""Facts in words: what a layer was found to do, and what the contract says where it says something else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from properties.contracts import known_arguments
from properties.judging.conventions import DENOMINATORS, NOTHING
from properties.judging.denominators import CONTRACT_WORDS

UNSAID = ("nothing",)
"""Facts that nobody asks about as long as they are as they should be."""

ALONE = ("epsilon", "precision", "logarithm")
"""Facts that no contract has words for: there should be nothing to say."""


def in_lines(facts: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Return facts as lines, each with a style; those that agree with the contract share one line."""
    agreed = [str(fact["words"]) for name, fact in facts.items() if fact["agrees"] and name not in UNSAID]
    lines = [(f"as the contract says, {'; '.join(agreed)}", "dim")] if agreed else []
    for name, fact in facts.items():
        if fact["agrees"] is False and name in ALONE:
            lines.append((str(fact["words"]), "yellow"))
        elif fact["agrees"] is False:
            lines.append((f"{fact['words']}; the contract says {_due_words(name, str(fact['contract']))}", "yellow"))
        elif fact["agrees"] is None:
            lines.append((str(fact["words"]), "dim"))
    return lines


def _due_words(name: str, due: str) -> str:
    if name == "denominator":
        return CONTRACT_WORDS.get(due, f"by {DENOMINATORS.get(due, due)}")
    if name == "nothing":
        return NOTHING.get(due, due)
    if name != "gradient":
        known = known_arguments().get(name)
        words = {} if known is None or known.choice is None else known.choice.words
        return words.get(due, f"{name} {due}")
    return {"live": "that it differentiates through the weights", "detached": "that the weights are held fixed"}.get(
        due, "that the weights are constants"
    )
