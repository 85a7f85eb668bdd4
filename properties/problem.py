"""Problem: one test case, frozen. Logits, labels, options, dtype and layout, and nothing of any layer."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Labels = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Problem:
    """What a loss layer is asked.

    ``logits`` are float64 numbers that ``dtype`` represents exactly, so that oracle and layer see the same problem.
    ``config`` holds the arguments that only some contracts know (``bins``). ``cotangent`` is the upstream gradient
    (None: ones). ``layout`` says whether the tensors are contiguous in memory. ``salt`` seeds whatever a law varies.
    """

    logits: Array
    labels: Labels
    weight: Array | None = None
    ignore_index: int | None = -100
    reduction: str = "mean"
    axis: int = 1
    config: Mapping[str, Any] = field(default_factory=dict)
    dtype: str = "float64"
    label_dtype: str = "int64"
    layout: str = "contiguous"
    cotangent: Array | None = None
    salt: int = 0

    def replace(self, **changes: Any) -> Problem:
        """A problem that differs in these fields."""
        return dataclasses.replace(self, **changes)

    def configure(self, **changes: Any) -> Problem:
        """A problem that differs in these entries of ``config``."""
        return self.replace(config={**self.config, **changes})

    @property
    def classes(self) -> int:
        """C."""
        return int(self.logits.shape[self.axis])

    @property
    def valid(self) -> NDArray[np.bool_]:
        """Which elements count, in the labels' shape."""
        if self.ignore_index is None:
            return np.ones(self.labels.shape, dtype=bool)
        return np.asarray(self.labels != self.ignore_index)

    @property
    def rows(self) -> Array:
        """The logits as [n, C]."""
        return np.moveaxis(self.logits, self.axis, -1).reshape(self.labels.size, self.classes)

    def with_rows(self, rows: Array) -> Problem:
        """The same problem with other logits, given as [n, C] (C may differ)."""
        return self.replace(logits=self.unflatten(rows))

    def unflatten(self, rows: Array) -> Array:
        """Rows [n, C] in the layout of the logits."""
        stacked = rows.reshape((*self.labels.shape, rows.shape[-1]))
        return np.ascontiguousarray(np.moveaxis(stacked, -1, self.axis))

    def flatten(self, gradient: Array) -> Array:
        """An array in the layout of the logits as [n, C]."""
        return np.moveaxis(gradient, self.axis, -1).reshape(self.labels.size, self.classes)

    def take(self, index: NDArray[Any] | Sequence[int]) -> Problem:
        """The problem of the chosen elements (indices or a mask over the flattened ones), of the same rank.

        They stand along the first axis, all others have length 1. A problem of rank 1 becomes one of rank 2.
        """
        rows, labels = self.rows[np.asarray(index)], self.labels.reshape(-1)[np.asarray(index)]
        if self.logits.ndim == 1:
            return self.replace(labels=labels, axis=1).with_rows(rows)
        shape = (len(labels), *(1,) * (self.logits.ndim - 2))
        return self.replace(labels=labels.reshape(shape)).with_rows(rows)

    def flat(self) -> Problem:
        """The same elements as a problem of rank 2, classes first where they were, else second."""
        axis = self.axis if self.axis in (0, 1, -1) and self.logits.ndim > 1 else 1
        return self.replace(labels=self.labels.reshape(-1), axis=axis).with_rows(self.rows)

    def rng(self) -> np.random.Generator:
        """Randomness for a law, the same for the same problem."""
        return np.random.default_rng(self.salt)

    def arguments(self) -> dict[str, Any]:
        """The options by their contract names."""
        return {
            "weight": self.weight,
            "ignore_index": self.ignore_index,
            "reduction": self.reduction,
            "axis": self.axis,
            **self.config,
        }

    def to_dict(self) -> dict[str, Any]:
        """Plain lists and numbers, with non-finite numbers as strings."""
        plain = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        plain["config"] = dict(self.config)
        # an empty list has lost its shape
        plain["shape"] = {"logits": list(self.logits.shape), "labels": list(self.labels.shape)}
        return {name: plain_numbers(value) for name, value in plain.items()}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Problem:
        """The inverse of :meth:`to_dict`."""
        values = dict(plain)
        shape = values.pop("shape")
        values["logits"] = np.asarray(_numbers(values["logits"]), dtype=np.float64).reshape(shape["logits"])
        values["labels"] = np.asarray(values["labels"], dtype=np.int64).reshape(shape["labels"])
        for name in ("weight", "cotangent"):
            if values[name] is not None:
                values[name] = np.asarray(_numbers(values[name]), dtype=np.float64)
        return cls(**values)


def plain_numbers(value: Any) -> Any:
    """Arrays as nested lists; NaN and infinities as the strings JSON can hold."""
    if isinstance(value, np.ndarray):
        return plain_numbers(value.tolist())
    if isinstance(value, np.generic):
        return plain_numbers(value.item())
    if isinstance(value, dict):
        return {key: plain_numbers(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain_numbers(item) for item in value]
    if isinstance(value, float) and not np.isfinite(value):
        return str(value)
    return value


def _numbers(value: Any) -> Any:
    if isinstance(value, list):
        return [_numbers(item) for item in value]
    return float(value)


def round_to(array: Array, dtype: str) -> Array:
    """The nearest numbers that ``dtype`` represents, as float64."""
    if dtype == "float64":
        return array
    if dtype == "bfloat16":
        bits = np.atleast_1d(array.astype(np.float32)).view(np.uint32)
        # round half to even on the upper 16 bits; NaN and inf keep their pattern
        rounded = ((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000).astype(np.uint32)
        nearest = np.where(np.isfinite(bits.view(np.float32)), rounded.view(np.float32), bits.view(np.float32))
        return nearest.astype(np.float64).reshape(array.shape)
    with np.errstate(over="ignore"):
        return array.astype(dtype).astype(np.float64)
