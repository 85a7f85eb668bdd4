"""Problem: one test case, immutable. Logits, labels, options, dtype and layout, and nothing of any layer."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from properties.problems.precision import Array

Labels = NDArray[Any]
Index = NDArray[Any] | Sequence[int]

TARGETS = ("hard", "soft", "binary", "probability", "real")
"""Kinds of labels: classes; rows of probabilities; or targets of single entries: 0 or 1, in [0, 1], any number."""

ENTRIES = ("binary", "probability", "real")
"""Kinds of targets for which every entry of the logits is an element of its own, and no axis holds classes."""

REDUCTIONS = ("mean", "sum", "none")
NO_REDUCTIONS = ("average", "", "batchmean")
"""What a layer must refuse as a reduction."""

LABEL_DTYPES = ("int64", "int32", "int16", "int8", "uint8")
LAYOUTS = ("contiguous", "strided", "label-axis")


@dataclass(frozen=True, eq=False)
class Problem:
    """One question to a loss layer.

    ``logits`` are float64 numbers that ``dtype`` represents exactly, so that oracle and layer see the same problem.
    ``targets`` says what ``labels`` are (see ``TARGETS``). ``config`` holds the arguments that only some contracts know
    (``bins``); arrays in it have one number for each class. ``label_weight``, of the labels' shape, and ``normalizer``
    are arguments of the call, and so is ``element_weight``, of the labels' shape, which one law alone gives.
    ``cotangent`` is the upstream gradient (None: ones). ``layout`` says whether the tensors are contiguous in memory.
    ``salt`` seeds whatever a law varies.
    """

    logits: Array
    labels: Labels
    weight: Array | None = None
    ignore_index: int | None = -100
    reduction: str = "mean"
    axis: int = 1
    config: Mapping[str, Any] = field(default_factory=dict)
    targets: str = "hard"
    label_weight: Array | None = None
    normalizer: float | None = None
    element_weight: Array | None = None
    dtype: str = "float64"
    label_dtype: str = "int64"
    layout: str = "contiguous"
    cotangent: Array | None = None
    salt: int = 0

    def replace(self, **changes: Any) -> Problem:
        """Return the problem with other values of these fields."""
        return dataclasses.replace(self, **changes)

    def configure(self, **changes: Any) -> Problem:
        """Return the problem with other values of these entries of ``config``."""
        return self.replace(config={**self.config, **changes})

    @property
    def entrywise(self) -> bool:
        """Whether every entry is an element of its own."""
        return self.targets in ENTRIES

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the elements, and so of an unreduced loss."""
        if self.targets != "soft":
            return tuple(self.labels.shape)
        axis = self.axis % self.logits.ndim
        return tuple(self.logits.shape[:axis] + self.logits.shape[axis + 1 :])

    @property
    def given_labels(self) -> Labels:
        """The labels as a layer gets them: the layout ``label-axis`` keeps the class axis, with length 1."""
        return np.expand_dims(self.labels, self.axis) if self.layout == "label-axis" else self.labels

    @property
    def loss_shape(self) -> tuple[int, ...]:
        """The shape of an unreduced loss: that of the labels as a layer gets them, where they keep the class axis."""
        return tuple(self.given_labels.shape) if self.layout == "label-axis" else self.shape

    @property
    def size(self) -> int:
        """The number of elements, n."""
        return int(np.prod(self.shape))

    @property
    def classes(self) -> int:
        """The number of classes, C; 1 where every entry is an element."""
        return 1 if self.entrywise else int(self.logits.shape[self.axis])

    @property
    def valid(self) -> NDArray[np.bool_]:
        """Which elements are not ignored, in the shape of the elements."""
        counted = np.ones(self.shape, dtype=bool)
        if self.ignore_index is not None and self.targets not in ("soft", "real"):
            counted &= self.labels != self.ignore_index
        if self.label_weight is not None:
            counted &= self.label_weight > 0
        return counted

    @property
    def rows(self) -> Array:
        """The logits as [n, C]."""
        return self.flatten(self.logits)

    @property
    def label_rows(self) -> Labels:
        """The labels as [n], soft ones as [n, C]."""
        return self.flatten(self.labels) if self.targets == "soft" else self.labels.reshape(-1)

    @property
    def one_hot(self) -> Array:
        """Hard or soft labels as [n, C]; a row of zeros where an element is ignored, or its label is no class."""
        if self.targets == "soft":
            return np.asarray(self.label_rows, dtype=np.float64)
        return np.asarray((self.label_rows[:, None] == np.arange(self.classes)) * self.valid.reshape(-1, 1) * 1.0)

    def with_rows(self, rows: Array) -> Problem:
        """Return the problem with other logits, given as [n, C] (C may differ)."""
        return self.replace(logits=self.unflatten(rows))

    def with_labels(self, label_rows: Labels) -> Problem:
        """Return the problem with other labels, given as ``label_rows`` are."""
        soft = self.targets == "soft"
        return self.replace(labels=self.unflatten(label_rows) if soft else label_rows.reshape(self.shape))

    def unflatten(self, rows: Array) -> Array:
        """Return rows [n, C] in the shape of the logits."""
        if self.entrywise:
            return rows.reshape(self.shape)
        stacked = rows.reshape((*self.shape, rows.shape[-1]))
        return np.ascontiguousarray(np.moveaxis(stacked, -1, self.axis))

    def flatten(self, array: Array) -> Array:
        """Return an array of the shape of the logits as rows [n, C]."""
        if self.entrywise:
            return array.reshape(-1, 1)
        return np.moveaxis(array, self.axis, -1).reshape(self.size, self.classes)

    def arranged(self, shape: tuple[int, ...], axis: int, rows: Array, labels: Labels, mask: Array | None) -> Problem:
        """Return the problem with other elements: their shape and class axis, logits [n, C], labels as ``label_rows``.

        ``mask`` is the flat ``label_weight``, None for none.
        """

        def stacked(array: Any) -> Any:
            if self.entrywise:
                return array.reshape(shape)
            return np.ascontiguousarray(np.moveaxis(array.reshape((*shape, array.shape[-1])), -1, axis))

        return self.replace(
            logits=stacked(rows),
            labels=stacked(labels) if self.targets == "soft" else labels.reshape(shape),
            label_weight=None if mask is None else mask.reshape(shape),
            axis=axis,
        )

    def take(self, index: Index) -> Problem:
        """Return the problem of some elements (indices or a mask over the flattened ones), of the same rank.

        They lie along the first axis; all others have length 1. A problem whose logits have one axis gets a second one.
        """
        rows, labels, mask = self._chosen(index)
        axes = max(self.logits.ndim - (not self.entrywise), 1)
        axis = self.axis if self.logits.ndim > 1 else 1
        return self.arranged((len(rows), *(1,) * (axes - 1)), axis, rows, labels, mask)

    def reordered(self, order: Index) -> Problem:
        """Return the problem with its elements in another order."""
        rows, labels, mask = self._chosen(order)
        return self.arranged(self.shape, self.axis, rows, labels, mask)

    def flat(self) -> Problem:
        """Return the problem with logits of two axes; classes stay along the first axis, or go along the second."""
        axis = self.axis if self.axis in (0, 1, -1) and self.logits.ndim > 1 else 1
        shape = (self.size, 1) if self.entrywise else (self.size,)
        return self.arranged(shape, axis, *self._chosen(np.arange(self.size)))

    def with_axis(self, axis: int) -> Problem:
        """Return the problem with its classes along another axis."""
        return self.arranged(self.shape, axis, *self._chosen(np.arange(self.size)))

    def ignoring(self, mask: NDArray[np.bool_]) -> Problem:
        """Return the problem with these elements (a flat mask) ignored, by their label or by ``label_weight``."""
        if self.label_weight is not None:
            return self.replace(label_weight=np.where(mask.reshape(self.shape), 0.0, self.label_weight))
        label = -100 if self.ignore_index is None else self.ignore_index
        return self.replace(labels=np.where(mask.reshape(self.shape), label, self.labels))

    def with_nothing_ignored(self, label: float) -> Problem:
        """Return the problem with nothing ignored; elements that were ignored get this label."""
        labels = np.where(self.valid, self.labels, label).astype(self.labels.dtype)
        weight = None if self.label_weight is None else np.ones(self.shape)
        return self.replace(labels=labels, label_weight=weight)

    def take_classes(self, index: Index) -> Problem:
        """Return the problem with these classes in this order; hard labels stay as they are, and must fit already."""
        chosen = np.asarray(index)
        per_class = {name: v[chosen] for name, v in self.config.items() if isinstance(v, np.ndarray)}
        weight = self.weight
        if weight is not None and len(weight) == self.classes:
            weight = weight[chosen]
        labels = self.label_rows[:, chosen] if self.targets == "soft" else self.label_rows
        changed = self.replace(weight=weight, config={**self.config, **per_class})
        mask = None if self.label_weight is None else self.label_weight.reshape(-1)
        return changed.arranged(self.shape, self.axis, self.rows[:, chosen], labels, mask)

    def drop(self, axis: int, drop: Sequence[int]) -> Problem:
        """Return the problem without some slices along an axis of its elements."""
        place = axis
        if not self.entrywise:
            place = axis + (axis >= self.axis % self.logits.ndim)
        return self.replace(
            logits=np.delete(self.logits, drop, place),
            labels=np.delete(self.labels, drop, place if self.targets == "soft" else axis),
            label_weight=None if self.label_weight is None else np.delete(self.label_weight, drop, axis),
        )

    def _chosen(self, index: Index) -> tuple[Array, Labels, Array | None]:
        chosen = np.asarray(index)
        mask = None if self.label_weight is None else self.label_weight.reshape(-1)[chosen]
        return self.rows[chosen], self.label_rows[chosen], mask

    def rng(self) -> np.random.Generator:
        """Return a random generator for a law, in the same state for equal salts."""
        return np.random.default_rng(self.salt)

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of the constructor by their contract names."""
        return {
            "weight": self.weight,
            "ignore_index": self.ignore_index,
            "reduction": self.reduction,
            "axis": self.axis,
            **self.config,
        }

    def written_arguments(self, names: Collection[str], weight: Any) -> dict[str, Any]:
        """Return the arguments of these names as a user of the layer would write them; ``weight`` is the backend's."""
        arguments = {**self.arguments(), "num_classes": self.classes}
        # an argument with a number for each class is a list to a layer
        listed = {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in arguments.items()}
        return {name: value for name, value in {**listed, "weight": weight}.items() if name in names}

    def call_arguments(self) -> dict[str, Any]:
        """Return the arguments of the call other than logits and labels; those that are None are left out."""
        given = {
            "label_weight": self.label_weight,
            "normalizer": self.normalizer,
            "element_weight": self.element_weight,
        }
        return {name: value for name, value in given.items() if value is not None}
