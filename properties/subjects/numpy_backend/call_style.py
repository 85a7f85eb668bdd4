"""How a loss in NumPy is called in a style: what is made of the arrays of a Problem."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from properties.subjects.call_style import CallStyle
from properties.subjects.subject import Source, Subject


def styled(subject: Subject, style: CallStyle) -> Subject:
    """The subject whose calls are made in a style; ValueError for one that needs a gradient through what it makes."""
    if style.input != "logits" or style.output or style.per_class == "Tensor":
        raise ValueError("a loss in NumPy is given logits and arrays, and returns its value and its gradient")

    def build(**arguments: Any) -> Any:
        if arguments.get("weight") is not None and style.weight == "list":
            arguments["weight"] = arguments["weight"].tolist()
        for name in subject.per_class if style.per_class == "array" else ():
            if arguments.get(name) is not None:
                arguments[name] = np.asarray(arguments[name])
        return subject.build(**arguments)

    def call(layer: Any, logits: Any, labels: Any, **given: Any) -> Any:
        handed = (logits, _labels(logits, labels, style))
        first, second = style.ordered(*handed)
        return subject.call(layer, first, second, **given)

    return subject.called_in(style, build, call, _source(subject, style))


def _labels(logits: Any, labels: Any, style: CallStyle) -> Any:
    axis = style.axis
    if labels.ndim == logits.ndim:
        # rows of probabilities, or ids that have a class axis already
        if labels.ndim == 0 or labels.shape[axis] != 1 or logits.shape[axis] == 1:
            return labels
        if style.labels != "class ids":
            labels = labels.squeeze(axis)
    if style.labels in ("class axis", "last axis"):
        labels = np.expand_dims(labels, axis if style.labels == "class axis" else -1)
    if style.labels == "one-hot":
        labels = np.moveaxis(np.eye(logits.shape[axis], dtype=logits.dtype)[labels], -1, axis)
    if style.label_dtype == "as drawn":
        return labels
    return labels.astype(logits.dtype if style.label_dtype == "as logits" else style.label_dtype)


def _source(subject: Subject, style: CallStyle) -> Source | None:
    """How a script builds and calls the loss in this style."""
    source, axis = subject.source, style.axis
    if source is None:
        return None
    lines = ["", "def call_in_style(layer, logits, labels, **given):"]
    if style.labels == "one-hot":
        lines.append(f"    labels = np.moveaxis(np.eye(logits.shape[{axis}], dtype=logits.dtype)[labels], -1, {axis})")
    elif style.labels != "class ids":
        lines.append(f"    labels = np.expand_dims(labels, {axis if style.labels == 'class axis' else -1})")
    if style.label_dtype != "as drawn":
        dtype = "logits.dtype" if style.label_dtype == "as logits" else repr(style.label_dtype)
        lines.append(f"    labels = labels.astype({dtype})")
    inner = f"{source.call}(layer, " if source.call else "layer("
    lines += [f"    return {inner}{style.order}, **given)", ""]
    return replace(
        source, imports=(*source.imports, *lines), call="call_in_style", weight=style.weight, per_class=style.per_class
    )
