"""Verdicts in words: who was checked, what came of each level, what was found about the call and the layer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from properties.certificates.causes import causes, ingredients_of
from properties.certificates.certificate import Certificate
from properties.certificates.diagnosis import is_explained
from properties.engine.features import MODERATE
from properties.engine.result import FAILED, OUTCOMES

STYLES = {"certified": "bold green", "refuted": "bold red", "incomplete": "bold yellow", "held": "green"}

MOST_UNASKED = 3
"""Laws that do not apply, whose reasons are told where no law was asked."""

COUNTED = (*(outcome for outcome in OUTCOMES if outcome != "not applicable"), "remark")


def summary(certificate: Certificate) -> Group:
    """Return who was checked, the verdict of each level, as which loss, and what keeps it from being certified."""
    noted = [certificate.assumed] if certificate.assumed else []
    gaps = certificate.gaps if certificate.verdict == "incomplete" else ()
    missing = [*certificate.narrowed.values(), *(f"not certified: {gap}" for gap in gaps), *unasked(certificate)]
    lines = [*map(Text, noted), *(Text(words, style="yellow") for words in missing)]
    return Group(headline(certificate), verdicts(certificate), *(Padding(line, (0, 0, 0, 2)) for line in lines))


def unasked(certificate: Certificate) -> Iterator[str]:
    """Why the first laws were not asked, where none was."""
    if all(law.outcome == "not applicable" for law in certificate.laws):
        yield from (f"{law.id} does not apply: {law.reason}" for law in certificate.laws[:MOST_UNASKED])


def headline(certificate: Certificate) -> Text:
    """Return who was checked against what, and under which circumstances."""
    paddle = certificate.environment.get("paddlepaddle", "?")
    dtypes = ", ".join(str(d) for d in certificate.domain.get("dtype", ()))
    text = Text(f"{certificate.subject} against contract {certificate.contract}", style="bold")
    text.append(f"   paddle {paddle}, {dtypes}, seed {certificate.seed}, {certificate.seconds:.0f} s", style="dim")
    return text


def verdicts(certificate: Certificate) -> Table:
    """Return a row for each level: its verdict, and how its laws ended."""
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 3, 0, 2))
    for level, verdict in certificate.levels.items():
        laws = [law for law in certificate.laws if law.level == level]
        graded = certificate.levels[level] != "refuted"
        counts = Counter(
            "remark"
            if law.outcome in FAILED and law.grade == "remark" and not certificate.refutes(law)
            else law.outcome
            for law in laws
        )
        words = ", ".join(f"{counts[outcome]} {outcome}" for outcome in COUNTED if counts[outcome])
        asked = graded or any(certificate.refutes(law) or certificate.forgives(law) for law in laws)
        words += inherited_words(certificate, level) + ("" if asked else "; not required")
        table.add_row(level, Text(verdict.upper(), style=STYLES[verdict] if asked else "yellow"), words)
    return table


def inherited_words(certificate: Certificate, level: str) -> str:
    """Return how many failed laws of a level are inherited, and from which kernels; empty where none is."""
    laws = [law for law in certificate.failed if law.level == level and law.inherited]
    if not laws:
        return ""
    names = ", ".join(dict.fromkeys(law.inherited for law in laws))
    far = f" past |logits| {MODERATE:g}" if all("large logits" in ingredients_of(law) for law in laws) else ""
    forgiven = ", forgiven" if certificate.forgiven else ""
    return f"; {len(laws)} of them{far} inherited from {names}{forgiven}"


def lines_of_call(certificate: Certificate) -> Iterator[Text]:
    """Yield a line for whatever was found about the way in which the layer is called, and for each line of a trace."""
    said = certificate.call.get("words", ())
    for words in (said,) if isinstance(said, str) else said:
        first, *trace = str(words).split("\n")
        yield Text(f"call: {first}")
        yield from map(Text, trace)


def lines_of_not_given(certificate: Certificate) -> list[Text]:
    """Return a line for each argument that the layer was never given, and one for those that kept their defaults."""
    unfilled = [said for said in certificate.not_given.values() if not said["argument"]]
    filled = [f"`{name}` {said['default']}" for name, said in certificate.not_given.items() if said["argument"]]
    lines = [Text(said["words"], style="bold yellow" if said["guess"] else "yellow") for said in unfilled]
    words = f"at their defaults in all examples: {', '.join(filled)}"
    return [*lines, *([Text(words, style="dim")] if filled else [])]


def verdict_line(certificate: Certificate) -> Text:
    """Return the verdict, as which loss it holds, and how many laws it rests on."""
    text = Text(certificate.verdict.upper(), style=STYLES[certificate.verdict])
    # a verdict of another loss than the contract's name says must not be read without it
    text.append(f" {certificate.assumed.partition('; ')[0]}" if certificate.assumed else "")
    if certificate.verdict == "certified":
        text.append(_evidence(certificate), style="dim")
    elif certificate.verdict == "refuted":
        text.append(_failures(certificate), style="dim")
    return text


def _evidence(certificate: Certificate) -> str:
    """Return in how many examples the laws held."""
    held = [law.examples for law in certificate.laws if law.outcome == "held"]
    most, words = certificate.max_examples, ""
    fewer = [examples for examples in held if examples < most]
    if len(fewer) < len(held):
        rate = f"failure rates below {3 / most:.2g} at 95 %"
        words += f"  {len(held) - len(fewer)} laws in {most} examples each: {rate}"
    if fewer:
        words += f"; {len(fewer)} slow or narrow laws in at least {min(fewer)} examples"
    forgiven = sum(certificate.forgives(law) for law in certificate.failed)
    words += f"; {forgiven} inherited contradictions are forgiven" if forgiven and held else ""
    remarks = len(certificate.remarks)
    return words + (f"; {remarks} remark{'s' * (remarks != 1)}" if remarks else "")


def _failures(certificate: Certificate) -> str:
    """Return how many laws do not hold, and from how many departures, or for how many likely reasons."""
    forgiven = sum(certificate.forgives(law) for law in certificate.failed)
    counted = [law for law in certificate.failed if certificate.refutes(law) or certificate.forgives(law)]
    words = f"  {len(counted)} of {len(certificate.laws)} laws do not hold"
    words += f" ({forgiven} inherited and forgiven)" if forgiven else ""
    if not certificate.departures:
        found = sum(cause.refutes for cause in causes(certificate))
        return f"{words}, grouped into {found} likely cause{'s' * (found != 1)}"
    number = len(certificate.departures)
    left = sum(not is_explained(certificate, law) for law in counted)
    words += f": {len(counted) - left if left else 'all'} follow from {number} departure{'s' * (number != 1)}"
    return words + (f", {left} {'is' if left == 1 else 'are'} not explained" if left else "")
