"""How a Paddle layer is called in a style: what is made of the tensors of a Problem, and what of the result."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import paddle

from properties.subjects.call_style import CallStyle
from properties.subjects.subject import Source, Subject


def styled(subject: Subject, style: CallStyle) -> Subject:
    """The subject whose calls are made in a style; it takes what any subject takes, and answers with a Tensor."""

    def build(**arguments: Any) -> Any:
        if arguments.get("weight") is not None and style.weight != "Tensor":
            array = arguments["weight"].numpy()
            arguments["weight"] = array.tolist() if style.weight == "list" else array
        for name in subject.per_class if style.per_class != "list" else ():
            if arguments.get(name) is not None:
                array = np.asarray(arguments[name])
                arguments[name] = array if style.per_class == "array" else paddle.to_tensor(array)
        return subject.build(**arguments)

    def call(layer: Any, logits: Any, labels: Any, **given: Any) -> Any:
        handed = (_input(logits, style), _labels(logits, labels, style))
        first, second = style.ordered(*handed)
        result = chosen(subject.call(layer, first, second, **given), style.output)
        kept = style.labels in ("class axis", "last axis") and len(handed[1].shape) > 1
        if kept and isinstance(result, paddle.Tensor) and list(result.shape) == list(handed[1].shape):
            # an unreduced loss has the shape of labels that keep an axis
            return result.squeeze(_kept_axis(style))
        return result

    return subject.called_in(style, build, call, _source(subject, style))


def chosen(result: Any, key: str) -> Any:
    """The loss in what a layer returned."""
    if not key:
        return result
    return result[key] if isinstance(result, dict) else result[int(key)]


def keys_of(result: Any) -> list[str] | None:
    """The keys of the Tensors in what a layer returned; None where it is a Tensor itself.

    Raises TypeError where there is no Tensor in it.
    """
    if isinstance(result, paddle.Tensor):
        return None
    listed = result.items() if isinstance(result, dict) else enumerate(result) if _is_listed(result) else ()
    keys = [str(key) for key, value in listed if isinstance(value, paddle.Tensor)]
    if not keys:
        raise TypeError(f"the layer must return a Tensor, got {type(result).__name__}")
    return keys


def _is_listed(result: Any) -> bool:
    return isinstance(result, (list, tuple))


def _input(logits: Any, style: CallStyle) -> Any:
    if style.input == "sigmoid":
        return paddle.nn.functional.sigmoid(logits)
    if style.input == "logits":
        return logits
    # composed: Paddle's own softmax clips at 64, and its log-softmax with it
    shifted = logits - logits.detach().max(axis=style.axis, keepdim=True)
    log_sum = shifted.exp().sum(axis=style.axis, keepdim=True).log()
    return shifted - log_sum if style.input == "log-softmax" else (shifted - log_sum).exp()


def _labels(logits: Any, labels: Any, style: CallStyle) -> Any:
    ndim, axis = len(logits.shape), style.axis
    if style.labels == "background ids" and 0 in labels.shape:
        return paddle.zeros([labels.shape[0], *labels.shape[2:]], "int64")
    if style.labels == "background ids":
        background = paddle.full_like(labels.max(axis=1), logits.shape[1])
        return paddle.where(labels.max(axis=1) > 0, labels.argmax(axis=1).astype(labels.dtype), background).astype(
            "int64"
        )
    if len(labels.shape) == ndim:
        # rows of probabilities, or ids that have a class axis already
        if ndim == 0 or labels.shape[axis] != 1 or logits.shape[axis] == 1:
            return labels
        if style.labels != "class ids":
            # whoever takes no others must be given labels with a class axis as they are, and may refuse them
            labels = labels.squeeze(axis)
    if style.labels in ("class axis", "last axis"):
        labels = labels.unsqueeze(_kept_axis(style))
    if style.labels == "one-hot":
        rows = paddle.nn.functional.one_hot(labels, logits.shape[axis]).astype(logits.dtype)
        order = list(range(ndim - 1))
        order.insert(axis % ndim, ndim - 1)
        labels = rows.transpose(order)
    if style.label_dtype == "as drawn":
        return labels
    return labels.astype(logits.dtype if style.label_dtype == "as logits" else style.label_dtype)


def _kept_axis(style: CallStyle) -> int:
    """Where labels keep an axis of length 1."""
    return style.axis if style.labels == "class axis" else -1


def _source(subject: Subject, style: CallStyle) -> Source | None:
    """How a script builds and calls the layer in this style."""
    source = subject.source
    if source is None:
        return None
    inner = f"{source.call}(layer, " if source.call else "layer("
    lines = ["", "def call_in_style(layer, logits, labels, **given):"]
    lines += [f"    {line}" for line in _lines(style)]
    key = (
        f"[{style.output if style.output.isdecimal() and style.output.isascii() else repr(style.output)}]"
        if style.output
        else ""
    )
    lines.append(f"    loss = {inner}{style.order}, **given){key}")
    if style.labels in ("class axis", "last axis"):
        lines.append(f"    loss = loss.squeeze({_kept_axis(style)}) if loss.shape == labels.shape else loss")
    lines += ["    return loss", ""]
    return replace(
        source, imports=(*source.imports, *lines), call="call_in_style", weight=style.weight, per_class=style.per_class
    )


def _lines(style: CallStyle) -> list[str]:
    """The lines of a script that make of logits and labels what the layer takes."""
    axis, lines = style.axis, []
    if style.labels == "one-hot":
        order = f"shape = list(range(logits.ndim - 1)); shape.insert({axis} % logits.ndim, logits.ndim - 1)"
        rows = (
            f"labels = paddle.nn.functional.one_hot(labels, logits.shape[{axis}]).astype(logits.dtype).transpose(shape)"
        )
        lines += [order, rows]
    elif style.labels == "background ids":
        lines.append("background = paddle.full_like(labels.argmax(axis=1), logits.shape[1])")
        lines.append("labels = paddle.where(labels.max(axis=1) > 0, labels.argmax(axis=1), background)")
    elif style.labels != "class ids":
        lines.append(f"labels = labels.unsqueeze({_kept_axis(style)})")
    if style.label_dtype != "as drawn":
        dtype = "logits.dtype" if style.label_dtype == "as logits" else repr(style.label_dtype)
        lines.append(f"labels = labels.astype({dtype})")
    if style.input == "sigmoid":
        lines.append("logits = paddle.nn.functional.sigmoid(logits)")
    elif style.input != "logits":
        lines.append(f"logits = logits - logits.detach().max(axis={axis}, keepdim=True)")
        lines.append(f"logits = logits - logits.exp().sum(axis={axis}, keepdim=True).log()")
        lines += [] if style.input == "log-softmax" else ["logits = logits.exp()"]
    return lines
