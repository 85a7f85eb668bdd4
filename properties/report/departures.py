"""Departures in words: a layer as its contract with known ways to be wrong, and how much of it that explains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.text import Text

from properties.certificates.causes import causes
from properties.certificates.certificate import Certificate
from properties.certificates.deviation import Deviation, deviation_of
from properties.certificates.diagnosis import (
    certified_without,
    explained_by,
    is_complete,
    is_explained,
    law_of,
    numbers_of,
    without,
)
from properties.report.cases import case_lines, descriptions, outcome_of
from properties.report.causes import cut, labelled, one_row, short_message, show_failure, show_script

LONGEST_ERROR = 60
"""Characters of an error that a departure shows."""


def title_of(certificate: Certificate) -> Text:
    """Return the line that says what the layer is: its contract, with so many departures."""
    known = f"`{certificate.contract}`, with {_count(len(certificate.departures), 'departure')}:"
    is_all = is_complete(certificate)
    words = f"{certificate.subject} is {known}" if is_all else f"What is explained of {certificate.subject}: {known}"
    return Text(words, style="bold")


def departures_in_forms(certificate: Certificate) -> list[tuple[RenderableType, RenderableType]]:
    """Return each departure in two forms: in two lines, and in a single one."""
    return [
        (_two_lines(certificate, departure, number), _one_line(certificate, departure, number))
        for number, departure in enumerate(certificate.departures, 1)
    ]


def closing_lines(certificate: Certificate) -> list[Text]:
    """Return how much the departures explain, and what would be left without those that are no kernel's."""
    return [_completeness(certificate), *([Text(words)] if (words := _prediction(certificate)) else [])]


def show_departures(console: Console, certificate: Certificate) -> None:
    """Print each departure with the laws that follow from it, its whole case and its script; nothing without any."""
    if not certificate.departures:
        return
    console.print()
    console.print(title_of(certificate))
    for number, departure in enumerate(certificate.departures, 1):
        law = law_of(departure)
        console.print()
        console.print(Text(f"{number}  {departure['name']}", style=_style(certificate, departure)))
        alone, joint = explained_by(certificate, departure["name"])
        parameters = ", ".join(f"{name} {value}" for name, value in departure["parameters"].items())
        laws = ", ".join(law.id for law in alone)
        others = ", ".join(f"{law.id} ({_with(certificate, departure, law.explained)})" for law in joint)
        kernel = departure["inherited"]
        lines = [
            Text(departure["sentence"]),
            Text(deviation_of(law).words, style="bold"),
            Text(f"inherited from {kernel}" if kernel else "", style="yellow"),
            Text(f"with {parameters}" if parameters else "", style="dim"),
            Text(f"explains: {laws}" if laws else "", style="dim"),
            Text(f"explains with others: {others}" if others else "", style="dim"),
            Text(_needed(departure["needs"]), style="dim"),
            *map(Text, case_lines(departure["counterexample"])),
        ]
        for line in filter(None, lines):
            console.print(Padding(line, (0, 0, 0, 3)))
        show_script(console, departure["script"])
    console.print()
    for line in closing_lines(certificate):
        console.print(line)


def show_explained(console: Console, certificate: Certificate) -> None:
    """Print the case of each likely cause that follows from departures, with the numbers of these."""
    for cause in causes(certificate):
        if is_explained(certificate, cause.law):
            numbers = _joined(numbers_of(certificate, cause.law.explained))
            console.print()
            show_failure(console, cause.law, f"by {numbers}", also=cause.also, refutes=cause.refutes)


def _two_lines(certificate: Certificate, departure: Mapping[str, Any], number: int) -> RenderableType:
    """What it is and of which size; and the smallest case with what a repair would mend."""
    name, law = departure["name"], law_of(departure)
    size = _size(departure, deviation_of(law))
    first = Text(short_message(departure["sentence"]))
    if size:
        first.append(f" {size}", style="bold")
    if departure["inherited"]:
        first.append(f" (inherited from {departure['inherited']})", style="yellow")
    shown, finding = departure["counterexample"], law.result.finding
    told = descriptions(finding.calls, shown.get("at_rest"))[:1] if finding is not None else []
    came = [] if size else outcome_of(shown)
    second = Text(f"{name}: ", style="dim").append(cut("   ".join([*told, *came])), style="default")
    second.append(_following(certificate, departure), style="dim")
    return labelled(str(number), _style(certificate, departure), [first, second])


def _one_line(certificate: Certificate, departure: Mapping[str, Any], number: int) -> RenderableType:
    size = _size(departure, deviation_of(law_of(departure)))
    words = " ".join(filter(None, (short_message(departure["sentence"]), size)))
    kernel = f" ({departure['inherited']})" if departure["inherited"] else ""
    text = Text.assemble((f"{number:<3}", _style(certificate, departure)), f"{words}  ", (departure["name"], "dim"))
    return one_row(text.append(kernel, style="yellow"))


def _size(departure: Mapping[str, Any], deviation: Deviation) -> str:
    """Return what came for what was due, or the error that came."""
    error = departure["counterexample"]["error"]
    return deviation.words if error is None else _first_words(short_message(error))


def _first_words(message: str) -> str:
    """Return the beginning of a message: what a layer raised is told whole elsewhere."""
    return message if len(message) <= LONGEST_ERROR else message[:LONGEST_ERROR].rsplit(" ", 1)[0] + " ..."


def _following(certificate: Certificate, departure: Mapping[str, Any]) -> str:
    """Return which laws a repair of this departure alone would mend, as far as the certificate tells."""
    alone, joint = explained_by(certificate, departure["name"])
    if alone:
        return f"   its repair mends {_first_of([law.id for law in alone])}"
    if joint:
        others = [law.id for law in joint if law.explained == joint[0].explained]
        return f"   its repair, {_with(certificate, departure, joint[0].explained)}, mends {_first_of(others)}"
    return ""


def _with(certificate: Certificate, departure: Mapping[str, Any], names: Sequence[str]) -> str:
    others = [name for name in names if name != departure["name"]]
    return f"with that of {_joined(numbers_of(certificate, others))}"


def _completeness(certificate: Certificate) -> Text:
    number, left = len(certificate.departures), certificate.examples - certificate.explained_examples
    words = f"With {'it' if number == 1 else f'these {number}'} `{certificate.contract}` agrees with this layer in "
    if left:
        words += f"{certificate.explained_examples:,} of {certificate.examples:,} observed examples; "
        return Text(f"{words}{left:,} {'is' if left == 1 else 'are'} not explained.", style="yellow")
    words += f"all {certificate.examples:,} observed examples"
    if not is_complete(certificate):
        return Text(f"{words}.")
    alone = all(is_explained(certificate, law) for law in certificate.failed)
    return Text(f"{words}: nothing else {'was found wrong with it' if alone else 'refutes it'}.", style="green")


def _prediction(certificate: Certificate) -> str:
    """Return what would be left without the departures that are the layer's own, or without all if all are kernels'.

    Empty where no law refutes the layer.
    """
    names = [departure["name"] for departure in certificate.departures]
    kernels = [departure["name"] for departure in certificate.departures if departure["inherited"]]
    removed = [name for name in names if name not in kernels] or names
    after = without(certificate, removed)
    left = [law for law in after.failed if after.refutes(law)]
    if not any(certificate.refutes(law) for law in certificate.failed):
        return ""
    start = f"Without {_joined(numbers_of(certificate, removed))},"
    rest = [law for law in left if is_explained(certificate, law)]
    followed = {name for law in rest for name in law.explained}.difference(removed)
    others = _joined(numbers_of(certificate, followed)) if rest else ""
    if loose := len(left) - len(rest):
        also = f", and {len(rest)} that {'follows' if len(rest) == 1 else 'follow'} from {others}" if rest else ""
        of = "is not explained" if loose == 1 else "are not explained"
        return f"{start} {_count(loose, 'law')} would still refute it that {of}{also}."
    end = f" but for {others} ({_count(len(rest), 'law')})" if rest else ""
    if certified_without(certificate, names if rest else removed):
        return f"{start} it would be certified{end}, as far as these examples tell."
    return f"{start} no law that was asked would refute it{end}."


def _style(certificate: Certificate, departure: Mapping[str, Any]) -> str:
    """Return the style of a departure's number: red where a law refutes the layer for it."""
    laws = [law for laws in explained_by(certificate, departure["name"]) for law in laws]
    return "bold red" if any(certificate.refutes(law) for law in laws) else "bold yellow"


def _needed(examples: int) -> str:
    return f"without it {_count(examples, 'observed example')} would not be explained" if examples else ""


def _first_of(laws: Sequence[str]) -> str:
    more = len(laws) - 1
    return laws[0] + (f" and {_count(more, 'more law')}" if more else "")


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"


def _joined(numbers: Sequence[int]) -> str:
    """Return numbers as people say them: 1 to 4, or 1, 2 and 5."""
    if len(numbers) > 2 and list(numbers) == list(range(numbers[0], numbers[0] + len(numbers))):
        return f"{numbers[0]} to {numbers[-1]}"
    *most, last = map(str, numbers)
    return f"{', '.join(most)} and {last}" if most else last
