"""Writes a contradiction down as a script that needs NumPy, Paddle and the layer alone."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from properties.judging.contract import Contract
from properties.judging.finding import Finding
from properties.judging.law import Law
from properties.problems.problem import Problem
from properties.subjects.paddle_backend.training_script import steps_body
from properties.subjects.script_text import comment, keyword_argument, value_literal
from properties.subjects.subject import Source, Subject
from properties.subjects.written_numbers import array_of, expectation, literal

GOT = {"value": 'loss.astype("float64").numpy()', "gradient": 'logits.grad.astype("float64").numpy()'}
"""How a script gets at a quantity of a Paddle layer."""


def script_of(law: Law, finding: Finding, subject: Subject, contract: Contract) -> str:
    """A script that runs the layer on the shrunk problem, prints what came and asserts what should have come."""
    source = subject.source or Source((), "build")
    lines = [comment(f"{subject.title} against {law.id}: {law.sentence}"), "import numpy as np", "import paddle"]
    lines += list(source.imports) or ["# import here what builds your layer: build(**arguments)"]
    inf_nan = "inf, nan = float('inf'), float('nan')"
    body: list[str] = []
    if finding.calls and "program" in finding.calls[0].config:
        return "\n".join([*lines, *_steps(finding, source, subject)]) + "\n"
    if finding.quantity == "refusal" and len(finding.calls) > 1:
        return "\n".join([*lines, inf_nan, *_offers(finding, source, subject)]) + "\n"
    for number, problem in enumerate(finding.calls[:2]):
        body += _call(problem, source, subject, number, finding)
    if not finding.check and finding.failure is None:
        body += expectation(finding, contract, GOT)
    if any(word in line for line in body for word in ("inf", "nan")):
        lines.append(inf_nan)
    return "\n".join([*lines, *body]) + "\n"


def _call(problem: Problem, source: Source, subject: Subject, number: int, finding: Finding) -> list[str]:
    suffix = "" if number == 0 else str(number + 1)
    tensor = f"logits{suffix}"
    precision = _precision(problem)
    lines, given = _inputs(problem, suffix)
    lines += _layer(problem, source, subject, suffix, precision)
    build = lines[-1].partition(" = ")[2]
    if finding.failure is not None and number == 0:
        lines.append(comment(finding.message))
    if finding.quantity == "mutation":
        lines.append(f"logits_before, labels_before = {tensor}.numpy().copy(), labels{suffix}.numpy().copy()")
        if problem.weight is not None:
            lines.append("weight_before = weight.numpy().copy()")
    made, more = _with_call(problem, source, suffix)
    lines += made
    arguments = f"{given}, labels{suffix}{more})"
    lines.append(f"loss{suffix} = {_called(source, f'layer{suffix}')}{arguments}")
    lines.append(f'print("loss{suffix}", loss{suffix}.astype("float64").numpy())')
    lines += _backward(problem, suffix, tensor, finding)
    for line in finding.check if number == 0 else ():
        # a law writes each call of a layer as if it were plain, and {build} for what makes one
        call = re.sub(r"(\w+)\(logits, labels\)", lambda found: f"{_called(source, found[1])}{arguments}", line)
        lines.append(call.replace("{build}", build))
    return lines


def _precision(problem: Problem) -> str:
    return "float64" if problem.dtype == "float64" else "float32"


def _inputs(problem: Problem, suffix: str) -> tuple[list[str], str]:
    """Lines that make the logits and labels of a call, and the name of what is given as logits."""
    tensor, precision = f"logits{suffix}", _precision(problem)
    lines = ["", *_tensor(tensor, problem.logits, precision)]
    if problem.dtype != precision:
        lines.append(f'{tensor} = {tensor}.astype("{problem.dtype}")')
    lines.append(f"{tensor}.stop_gradient = False")
    lines += _tensor(f"labels{suffix}", problem.labels, problem.label_dtype if problem.targets == "hard" else precision)
    if problem.targets != "hard" and problem.dtype != precision:
        lines.append(f'labels{suffix} = labels{suffix}.astype("{problem.dtype}")')
    if problem.layout == "label-axis":
        lines.append(f"labels{suffix} = labels{suffix}.unsqueeze({problem.axis})")
    if problem.layout != "strided":
        return lines, tensor
    order = list(range(problem.logits.ndim))[::-1]
    gaps = f"paddle.stack([labels{suffix}, labels{suffix}], axis=-1)[..., 0]"
    turned = f"labels{suffix}.transpose({order}).contiguous().transpose({order})"
    lines.append(f"labels{suffix} = {gaps if problem.targets == 'hard' else turned}")
    lines.append(f"strided{suffix} = {tensor}.transpose({order}).contiguous().transpose({order})")
    return lines, f"strided{suffix}"


def _with_call(problem: Problem, source: Source, suffix: str) -> tuple[list[str], str]:
    """Lines that make what goes with the call, and how the call has it."""
    lines, more = [], ""
    for name, value in problem.call_arguments().items():
        shown = value_literal(value)
        if isinstance(value, np.ndarray):
            shown = f"{name}{suffix}"
            lines += _tensor(shown, value, _precision(problem))
        more += f", {keyword_argument(source.names.get(name, name), shown)}"
    return lines, more


def _offers(finding: Finding, source: Source, subject: Subject) -> list[str]:
    """Everything that was to be refused, tried one after another."""
    first = finding.calls[0]
    lines, given = _inputs(first, "")
    entries = []
    for number, problem in enumerate(finding.calls, 1):
        suffix, labels = "" if number == 1 else str(number), "labels"
        if problem.labels is not first.labels:
            made = _inputs(problem, suffix)[0]
            lines += [line for line in made if line.startswith("labels")]
            labels = f"labels{suffix}"
        *weights, build = _layer(problem, source, subject, suffix, _precision(problem))
        mask, more = _with_call(problem, source, suffix)
        lines += weights + mask
        layer = f"({build.partition(' = ')[2]})" if source.is_function else build.partition(" = ")[2]
        entries.append(f"    lambda: {_called(source, layer)}{given}, {labels}{more}),")
    return [
        *lines,
        comment(finding.message),
        "taken = 0",
        "for call in (",
        *entries,
        "):",
        "    try:",
        '        print("loss", call().astype("float64").numpy())',
        "        taken += 1",
        "    except Exception as error:",
        "        print(type(error).__name__, error)",
        f"assert not taken, {'no error, though one was due'!r}",
    ]


def _steps(finding: Finding, source: Source, subject: Subject) -> list[str]:
    problem = finding.calls[0]
    precision = "float64" if problem.dtype == "float64" else "float32"
    mask = keyword_argument(source.names.get("label_weight", "label_weight"), "mask")
    masked = "" if problem.label_weight is None else f", {mask}"

    def written(suffix: str, batch: Problem) -> list[str]:
        kind = batch.label_dtype if batch.targets == "hard" else precision
        lines = _tensor("logits", batch.logits, precision) + _tensor("labels", batch.labels, kind)
        return lines if batch.label_weight is None else lines + _tensor("mask", batch.label_weight, precision)

    build = _layer(problem, source, subject, "", precision)
    return steps_body(finding, build, lambda layer: f"{_called(source, layer)}logits, labels{masked})", written)


def _called(source: Source, layer: str) -> str:
    return f"{source.call}({layer}, " if source.call else f"{layer}("


def _backward(problem: Problem, suffix: str, tensor: str, finding: Finding) -> list[str]:
    if finding.quantity not in ("gradient", "second gradient", "sum of the gradient over the classes", "slope"):
        return []
    shape = problem.shape if problem.reduction == "none" else ()
    upstream = np.ones(shape) if problem.cotangent is None else np.broadcast_to(problem.cotangent, shape)
    retain = ", retain_graph=True" if finding.quantity == "second gradient" else ""
    lines = [
        f"upstream = paddle.to_tensor({literal(upstream)}, dtype=loss{suffix}.dtype)",
        f"loss{suffix}.backward(upstream{retain})",
    ]
    # what has a check of its own may have no gradient to print
    shown = [] if finding.check else [f'print("gradient{suffix}", {tensor}.grad.astype("float64").numpy().tolist())']
    return lines + shown


def _layer(problem: Problem, source: Source, subject: Subject, suffix: str, precision: str) -> list[str]:
    arguments: dict[str, Any] = {**problem.arguments(), "num_classes": problem.classes}
    written = {source.names.get(name, name): arguments[name] for name in sorted(subject.takes) if name in arguments}
    parts, lines = [], []
    for name, value in {**written, **source.settings}.items():
        listed = value is not problem.weight or source.weight == "list"
        if isinstance(value, np.ndarray) and value is not problem.weight and source.per_class != "list":
            maker = "np.array" if source.per_class == "array" else "paddle.to_tensor"
            shown = f"{maker}({value.tolist()!r})"
        elif isinstance(value, np.ndarray) and listed:
            shown = repr(value.tolist())
        elif isinstance(value, np.ndarray):
            maker = "np.array" if source.weight == "array" else "paddle.to_tensor"
            lines.append(f'weight{suffix} = {maker}({literal(value)}, dtype="{precision}")')
            shown = f"weight{suffix}"
        else:
            shown = value_literal(value)
        parts.append(keyword_argument(name, shown))
    given = ["**given"] if problem.call_arguments() else []
    called = ", ".join(["z", "y", *parts, *given] if source.is_function else parts)
    prefix = f"lambda {', '.join(['z', 'y', *given])}: " if source.is_function else ""
    return [*lines, f"layer{suffix} = {prefix}{source.expression}({called})"]


def _tensor(name: str, array: NDArray[Any], dtype: str) -> list[str]:
    return [f'{name} = paddle.to_tensor({array_of(array)}, dtype="{dtype}")']
