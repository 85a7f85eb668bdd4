"""Call style: how a layer is called, where that is not plainly with logits and class ids, a Tensor coming back.

Losses agree on the mathematics and differ in the call: labels come first, or keep a class axis, or are rows of zeros
and ones; probabilities are taken in place of logits; the loss comes back in a dict. A style says how a Problem is
handed over, so that all laws can be put to such a layer as to any other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from properties.judging.granularity import is_unreduced_by_element
from properties.problems.domain import Domain
from properties.problems.kinds import LOST_IN_SIGMOID, LOST_IN_SOFTMAX, NOT_FINITE, SEVERAL_POSITIVES

VALUES: Mapping[str, tuple[str, ...]] = {
    "order": ("logits, labels", "labels, logits"),
    "labels": ("class ids", "class axis", "last axis", "one-hot", "background ids"),
    "label_dtype": ("as drawn", "int64", "int32", "float32", "as logits"),
    "input": ("logits", "softmax", "sigmoid", "log-softmax"),
    "class_axis": ("1", "-1"),
    "weight": ("Tensor", "list", "array"),
    "per_class": ("list", "array", "Tensor"),
    "granularity": ("element", "entry", "image", "batch"),
}
"""What may be said of a call, the plain value first; ``output`` beside it is any key."""


REPRESENTABLE = ("lattice", "ties", "normal", "spread", "offset", "near-ties", "edges")
"""Regimes of logits of which probabilities can be made that keep what a loss needs of them."""


@dataclass(frozen=True)
class CallStyle:
    """How a layer is called.

    ``order`` is that of the two positional arguments; ``labels`` says what classes are written as: ids in the shape of
    the elements, ids with a ``class axis`` of length 1 where the logits have theirs, or with it as the ``last axis``,
    or ``one-hot`` rows in the shape of the logits. ``background ids`` stand for targets of single entries, of which one
    in a row of axis 1 may be 1: its index, or the number of classes where there is none. ``label_dtype`` is the dtype
    of labels, ``input`` what is made of the logits first, ``class_axis`` where a layer without an argument for it has
    its classes, ``output`` the key of the loss in what comes back (empty: the loss itself comes back), ``weight`` what
    class weights are given as, and ``per_class`` what any other list with a number for each class is. ``granularity``
    is what has a loss of its own, where no oracle says it (see ``properties.judging.granularity``).
    """

    order: str = "logits, labels"
    labels: str = "class ids"
    label_dtype: str = "as drawn"
    input: str = "logits"
    class_axis: str = "1"
    output: str = ""
    weight: str = "Tensor"
    per_class: str = "list"
    granularity: str = "element"

    def __post_init__(self) -> None:
        for name, allowed in VALUES.items():
            if getattr(self, name) not in allowed:
                raise ValueError(f"call {name} must be one of {', '.join(allowed)}, got {getattr(self, name)!r}")

    @classmethod
    def of(cls, said: Mapping[str, str]) -> CallStyle:
        """The style in which this was said of a call; ValueError for a name or a value that there is not."""
        known = [each.name for each in fields(cls)]
        for name in said:
            if name not in known:
                raise ValueError(f"call must be one of {', '.join(known)}, got {name!r}")
        return cls(**{name: str(value) for name, value in said.items()})

    @property
    def said(self) -> dict[str, str]:
        """What is to be said of it: everything that is not plain."""
        return {
            each.name: getattr(self, each.name) for each in fields(self) if getattr(self, each.name) != each.default
        }

    @property
    def plain(self) -> bool:
        """Whether the layer is called with logits and class ids, and returns a Tensor."""
        return not self.said.keys() - {"granularity"}

    @property
    def axis(self) -> int:
        """Where the classes are, for a layer that cannot be told."""
        return int(self.class_axis)

    @property
    def shuts(self) -> frozenset[str]:
        """The gates of kinds of problems that cannot be handed over in this style."""
        ids = {SEVERAL_POSITIVES.gate} if self.labels == "background ids" else set()
        # NaN goes from one logit to all probabilities of its element
        lost = {NOT_FINITE.gate} if self.input != "logits" else set()
        # no layer can know what the rounding of a probability has taken
        lost |= {LOST_IN_SIGMOID.gate, LOST_IN_SOFTMAX.gate} if self.input in ("softmax", "sigmoid") else set()
        return frozenset(ids | lost)

    @property
    def words(self) -> list[str]:
        """What is not plain about it, each in words."""
        return [
            _WORDS[name].get(value, f"its loss is {value!r} of what it returns")
            for name, value in self.said.items()
            if name != "granularity"
        ]

    def ordered(self, logits: Any, labels: Any) -> tuple[Any, Any]:
        """Logits and labels in the order in which they are handed over."""
        return (logits, labels) if self.order == "logits, labels" else (labels, logits)

    def fit(self, domain: Domain, takes_axis: bool) -> dict[str, tuple[Any, ...]]:
        """The values that are left to dimensions of a domain for problems that can be handed over in this style."""
        kept: dict[str, tuple[Any, ...]] = {}
        if self.class_axis != "1" or (takes_axis and self._needs_axis):
            kept["axis"] = (self.axis,)
        if self.label_dtype not in ("as drawn",) or self.labels == "one-hot":
            kept["label_dtype"] = domain["label_dtype"][:1]
        if self.labels in ("one-hot", "background ids"):
            # neither a row of zeros and ones nor an id can say that an element, or an entry, is ignored
            kept["ignored"] = ("none",)
        if self.labels == "background ids":
            kept["targets"] = ("binary",)
        if not is_unreduced_by_element(self.granularity):
            kept["reduction"] = tuple(v for v in domain["reduction"] if v != "none") or domain["reduction"]
        if self.labels in ("class axis", "last axis") and "targets" in domain.dimensions:
            # an axis of length 1 has no room for a row of probabilities
            kind = domain.dimensions["targets"].kind or str
            kept["targets"] = tuple(v for v in domain["targets"] if kind(v) != "soft") or domain["targets"]
        if self.input in ("softmax", "sigmoid"):
            kept["logits"] = tuple(v for v in domain["logits"] if v in REPRESENTABLE) or domain["logits"]
        return {name: values for name, values in kept.items() if name in domain.dimensions}

    @property
    def _needs_axis(self) -> bool:
        return self.labels in ("class axis", "one-hot") or self.input in ("softmax", "log-softmax")


_WORDS: Mapping[str, Mapping[str, str]] = {
    "order": {"labels, logits": "labels come first"},
    "labels": {
        "class axis": "labels keep the class axis, with length 1",
        "last axis": "labels have a last axis of length 1",
        "one-hot": "labels are one-hot, in the shape of the logits",
        "background ids": "labels are class ids, and the number of classes is the background's",
    },
    "label_dtype": {
        "int64": "labels are int64",
        "int32": "labels are int32",
        "float32": "labels are float32",
        "as logits": "labels have the dtype of the logits",
    },
    "input": {
        "softmax": "takes probabilities (a softmax of the logits)",
        "sigmoid": "takes probabilities (a sigmoid of the logits)",
        "log-softmax": "takes log-probabilities (a log-softmax of the logits)",
    },
    "class_axis": {"-1": "the class axis is the last one"},
    "output": {},
    "weight": {"list": "class weights are a list", "array": "class weights are a NumPy array"},
    "per_class": {
        "array": "lists with a number for each class are NumPy arrays",
        "Tensor": "lists with a number for each class are Tensors",
    },
}


def styles(asked: CallStyle, said: Mapping[str, str], free: Mapping[str, tuple[str, ...]]) -> Iterator[CallStyle]:
    """Styles to try, those first that differ least from the plain one; what was ``said`` stays.

    ``free`` names what may vary, and its values beside the one that ``asked`` has.
    """
    names = [name for name in free if name not in said]
    seen: list[tuple[CallStyle, int]] = [(asked, -1)]
    while seen:
        yield from (style for style, _ in seen)
        seen = [
            (replace(style, **{name: value}), place)
            for style, last in seen
            for place, name in enumerate(names)
            if place > last
            for value in free[name]
            if value != getattr(style, name)
        ]
