"""Nonsense offered to a layer, which must refuse it: everything that it does not refuse is told in one finding."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from properties.judging.context import Case
from properties.judging.finding import Finding
from properties.judging.observation import Failure, Observation
from properties.problems.problem import Problem


@dataclass(frozen=True)
class Offer:
    """Nonsense that is put to a layer: ``what`` it is, and the words one of which a message must have.

    ``item`` names it whatever the size of the problem. ``sound`` says whether a number is right all the same.
    """

    item: str
    what: str
    problem: Problem
    named: tuple[str, ...]
    sound: Callable[[Observation], bool] = lambda result: False


def refuses(case: Case, offers: Sequence[Offer], about: Collection[str]) -> Iterator[Finding]:
    """The layer must raise for each of these; one finding tells of all that get a number, no answer, or an odd error.

    Any exception is a refusal, and an odd one a remark. In the dimensions that they are ``about`` the problems are
    wrong on purpose.
    """
    wrong: list[tuple[Offer, Observation | Failure, str]] = []
    names = re.compile(rf"\b({'|'.join((*RULE_WORDS, *map(re.escape, about)))})", re.IGNORECASE)
    for offer in offers:
        result = case.attempt(offer.problem, "value", about)
        fault = _fault(offer, result, names)
        if fault:
            wrong.append((offer, result, fault))
        if isinstance(result, Failure) and result.kind == "timed out":
            # the others may wait as long
            break
    # of a law that finds errors the remarks are left out
    errors = [one for one in wrong if not isinstance(one[1], Failure) or one[1].kind != "raised"]
    if wrong:
        yield _told(errors or wrong)


RULE_WORDS = ("must", "should", "expect", "between", "range", "out of", "invalid", "illegal", "not allowed", "label")
"""Words of a message that names the rule: it says what was wrong, with the offending number or without."""


def _fault(offer: Offer, result: Observation | Failure, rule: re.Pattern[str]) -> str:
    """What is wrong with the answer to nonsense; empty where it is refused as it should be."""
    if not isinstance(result, Failure):
        return "" if offer.sound(result) else "gets a number"
    if result.kind != "raised":
        return {"crashed": "ends the process", "timed out": "gets no answer"}[result.kind]
    if not _is_refusal(result.error):
        return f"raises {result.error} where ValueError or TypeError is expected"
    if not rule.search(result.message) and not any(_says(result.message, word) for word in offer.named):
        return f"raises {result.error} without saying what was wrong ({' or '.join(dict.fromkeys(offer.named))})"
    return ""


def _told(wrong: Sequence[tuple[Offer, Observation | Failure, str]]) -> Finding:
    """One finding of everything that was not refused: what ends the process first, then numbers, then odd errors."""
    ordered = sorted(wrong, key=lambda one: _gravity(one[1]))
    offers = [offer for offer, _, _ in ordered]
    first = ordered[0][1]
    items = frozenset(f"{offer.item} {fault.partition(' (')[0]}" for offer, _, fault in ordered)
    calls = tuple(offer.problem for offer in offers)
    faults = dict.fromkeys(fault for _, _, fault in ordered)
    message = " ".join(_sentence([o.what for o, _, its in ordered if its == fault], fault) for fault in faults)
    if not isinstance(first, Failure):
        return Finding(message, calls, "refusal", None, first.value, check=_raises(offers[0].named), items=items)
    if first.kind != "raised":
        return Finding(f"{message} ({first})", calls, "failure", failure=first, items=items)
    return Finding(message, calls, "refusal", failure=first, items=items, grade="remark")


def _gravity(result: Observation | Failure) -> int:
    return 1 if not isinstance(result, Failure) else 2 if result.kind == "raised" else 0


def _sentence(whats: Sequence[str], fault: str) -> str:
    """What fares alike, in one sentence."""
    rest = [what[0].lower() + what[1:] if what.startswith(("The ", "A ")) else what for what in whats[1:]]
    if not rest:
        return f"{whats[0]} {fault}."
    listed = f"so do {', '.join(rest[:-1])} and {rest[-1]}" if len(rest) > 1 else f"so does {rest[0]}"
    return f"{whats[0]} {fault}; {listed}."


def _says(message: str, word: str) -> bool:
    """Whether a message has a word as a whole: 12 does not say 2."""
    return re.search(rf"(?<![\w.]){re.escape(word)}(?![\w])", message) is not None


def _is_refusal(error: str) -> bool:
    return error in ("ValueError", "TypeError") or error.endswith(("(ValueError)", "(TypeError)"))


def _raises(named: tuple[str, ...]) -> tuple[str, ...]:
    return (f"raise SystemExit({f'no error, though one was due that says {named[0]}'!r})",)
