"""Writes a contradiction of a loss in NumPy down as a script that needs NumPy and the loss alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from properties.judging.contract import Contract
from properties.judging.finding import Finding
from properties.judging.law import Law
from properties.problems.problem import Problem
from properties.subjects.script_text import comment, keyword_argument, value_literal
from properties.subjects.subject import Source, Subject
from properties.subjects.written_numbers import array_of, expectation, literal


def script_of(law: Law, finding: Finding, subject: Subject, contract: Contract) -> str:
    """A script that calls the loss on the shrunk problem, prints what came and asserts what should have come."""
    source = subject.source or Source((), "build")
    lines = [comment(f"{subject.title} against {law.id}: {law.sentence}"), "import numpy as np"]
    lines += list(source.imports) or ["# import here what builds your loss: build(**arguments)"]
    body: list[str] = []
    for number, problem in enumerate(finding.calls if finding.quantity == "refusal" else finding.calls[:2]):
        body += _call(problem, source, subject, "" if number == 0 else str(number + 1))
    if finding.failure is None:
        body += expectation(finding, contract, {"value": "loss", "gradient": "gradient"})
    else:
        body.append(comment(finding.message))
    if any(word in line for line in body for word in ("inf", "nan")):
        lines.append("inf, nan = float('inf'), float('nan')")
    return "\n".join([*lines, *body]) + "\n"


def _call(problem: Problem, source: Source, subject: Subject, suffix: str) -> list[str]:
    label_dtype = problem.label_dtype if problem.targets == "hard" else problem.dtype
    turn = ".T.copy().T" if problem.layout == "strided" else ""
    labels = problem.given_labels
    lines = [
        "",
        f"logits{suffix} = np.array({array_of(problem.logits)}, dtype={problem.dtype!r}){turn}",
        f"labels{suffix} = np.array({array_of(labels)}, dtype={label_dtype!r}){turn}",
    ]
    arguments: dict[str, Any] = {**problem.arguments(), "num_classes": problem.classes}
    written = {source.names.get(name, name): arguments[name] for name in sorted(subject.takes) if name in arguments}
    parts = [keyword_argument(name, _value(value)) for name, value in {**written, **source.settings}.items()]
    given = [keyword_argument(source.names.get(n, n), _value(v)) for n, v in problem.call_arguments().items()]
    more = "".join(f", {argument}" for argument in given)
    if source.is_function and source.call:
        lines.append(
            f"layer{suffix} = lambda z, y, **given: {source.expression}({', '.join(['z', 'y', *parts, '**given'])})"
        )
        call = f"{source.call}(layer{suffix}, logits{suffix}, labels{suffix}{more})"
    elif source.is_function:
        call = f"{source.expression}({', '.join([f'logits{suffix}', f'labels{suffix}', *parts])}{more})"
    else:
        lines.append(f"layer{suffix} = {source.expression}({', '.join(parts)})")
        opened = f"{source.call}(layer{suffix}, " if source.call else f"layer{suffix}("
        call = f"{opened}logits{suffix}, labels{suffix}{more})"
    lines.append(f"loss{suffix}, gradient{suffix} = {call}")
    upstream = f"np.ones_like(loss{suffix})" if problem.cotangent is None else f"np.array({literal(problem.cotangent)})"
    lines += [
        f"gradient{suffix} = gradient{suffix}({upstream}) if callable(gradient{suffix}) else gradient{suffix}",
        f'print("loss{suffix}", loss{suffix}, "gradient{suffix}", gradient{suffix}.tolist())',
    ]
    return lines


def _value(value: Any) -> str:
    return f"np.array({literal(value)})" if isinstance(value, np.ndarray) else value_literal(value)
