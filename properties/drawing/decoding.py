"""Decoding: what the bytes of a problem mean, and the problem that they stand for.

A problem is a header with one byte for each dimension of its domain, then one block of bytes for each element. A zero
byte is the simplest choice everywhere, hence Hypothesis shrinks towards a small problem of small round numbers, and no
byte changes its meaning when another one shrinks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from properties.drawing import regimes
from properties.drawing.regimes import Bytes, HardLogits
from properties.problems.dimensions import ANY_ROWS, COMMON_NAMES
from properties.problems.domain import SIZES, Dimension, Domain, EmptyDomainError
from properties.problems.kinds import AXIS_OF_ONE
from properties.problems.membership import reason_outside
from properties.problems.precision import Array, round_to
from properties.problems.problem import ENTRIES, Labels, Problem

ELEMENT_BYTES = 8
"""Bytes of one element: label, mask, and six logits (more classes use them again, multiplied)."""

_WEIGHT_BYTES = ("w0", "w1", "w2", "w3", "w4", "w5")
_SPARE = ("shape", "salt", *_WEIGHT_BYTES)
"""Bytes at the end of the header that belong to no dimension."""

MOST_BLOCKS = max(high for _, high in SIZES.values())
"""Blocks of elements of the largest problem, before a size that repeats them."""

_IGNORABLE = ("hard", "binary", "probability")
"""Kinds of targets that ``ignore_index`` can stand for."""

_UNMASKED = Dimension("label_weight", ("absent",))


def number_of_blocks(header: bytes, count: int, domain: Domain) -> int:
    """Return how many elements a header and the byte after it ask for, before a size that repeats them."""
    places = list(domain.dimensions)
    size = _choose(domain["size"], header[places.index("size")])
    low, high = SIZES[size]
    if AXIS_OF_ONE.gate in domain.shut and size not in ("empty", "one", "square", "many"):
        axes = _choose(domain["rank"], header[places.index("rank")]) - 1
        most = high if domain.dimensions["size"].chosen else min(max(high, 2**axes), MOST_BLOCKS)
        fitting = [n for n in range(low, most + 1) if axes < 2 or len(_prime_factors(n)) >= axes]
        return fitting[count % len(fitting)] if fitting else low + count % (high - low + 1)
    return low + count % (high - low + 1)


def header_length(domain: Domain) -> int:
    """Return the number of bytes of the header of a domain's problems."""
    return len(encoded_dimensions(domain)) + len(_SPARE)


def encoded_dimensions(domain: Domain) -> list[str]:
    """Return the dimensions that have a byte: what is reserved for another law leaves this one's bytes as they are."""
    return [name for name, d in domain.dimensions.items() if not d.law or len(d.values) > 1]


def _choose(values: Sequence[Any], byte: int) -> Any:
    return values[byte % len(values)]


@dataclass(frozen=True)
class _Plan:
    """All of a problem but its elements: what its header stands for once the choices fit each other."""

    pick: Mapping[str, Any]
    """The value that was drawn of each dimension."""
    spare: Mapping[str, int]
    targets: str
    masked: bool
    """Whether elements are ignored by a mask, and not by their label."""
    ignored: str
    """Which part of the elements is ignored."""
    classes: int
    ignore_index: int | None
    config: Mapping[str, Any]
    spread: bool
    """Whether an axis of length 1 is to be avoided."""

    @property
    def entrywise(self) -> bool:
        return self.targets in ENTRIES


def decode(
    header: bytes, blocks: Sequence[bytes] | Bytes, domain: Domain, hard_logits: HardLogits | None = None
) -> Problem:
    """Return the problem that these bytes stand for; every byte string stands for one.

    ``blocks`` are repeated as the header's size asks for; an array has all elements already.
    """
    plan = _plan(header, domain)
    elements = _elements(blocks, plan, domain)
    labels, rows = _numbers(elements, plan, hard_logits)
    mask = regimes.ignored_mask(elements, plan.ignored, plan.spare["salt"])
    if plan.ignored != "none" and not plan.masked:
        assert plan.ignore_index is not None
        labels = np.where(mask, plan.ignore_index, labels).astype(labels.dtype)
    label_weight = np.where(mask, 0.0, 1.0 + elements[:, 1] % 3) if plan.masked else None
    return _assembled(plan, rows, labels, label_weight)


def _plan(header: bytes, domain: Domain) -> _Plan:
    """Read a header, and make its choices fit each other."""
    names = encoded_dimensions(domain)
    pick = {name: domain[name][0] for name in domain.dimensions}
    pick |= {name: _choose(domain[name], byte) for name, byte in zip(names, header, strict=False)}
    targets = domain.kind(pick)
    masked = _is_masked(pick, targets, domain)
    classes, ignore_index = _classes_and_ignore_index(pick, targets, domain, header[names.index("classes")])
    return _Plan(
        pick=pick,
        spare=dict(zip(_SPARE, header[len(names) :], strict=True)),
        targets=targets,
        masked=masked,
        ignored=_ignored_part(pick, targets, domain, masked),
        classes=classes,
        ignore_index=ignore_index,
        config=_config(pick, domain, classes),
        spread=AXIS_OF_ONE.gate in domain.shut,
    )


def _is_masked(pick: Mapping[str, Any], targets: str, domain: Domain) -> bool:
    """Return whether elements are ignored by a mask: where one was drawn, or where no label can say it."""
    if "mask" not in domain.dimensions.get("label_weight", _UNMASKED).values:
        return False
    return pick["ignore_index"] is None or targets == "real" or pick["label_weight"] == "mask"


def _ignored_part(pick: Mapping[str, Any], targets: str, domain: Domain, masked: bool) -> str:
    """Return which part of the elements is ignored; none where neither a mask nor a label can say so."""
    by_label = pick["ignore_index"] is not None and targets in _IGNORABLE
    ignored: str = pick["ignored"] if masked or by_label else "none"
    if pick["size"] == "one" and ignored in ("some", "most"):
        # of a single element there is no part to ignore
        return next((value for value in ("none", "all") if value in domain["ignored"]), ignored)
    return ignored


def _classes_and_ignore_index(
    pick: Mapping[str, Any], targets: str, domain: Domain, byte: int
) -> tuple[int, int | None]:
    """Return a number of classes and an ``ignore_index`` that leave a class to be valid; ``byte`` chose the classes."""
    ignore_index: int | None = pick["ignore_index"]
    inside = ignore_index is not None and 0 <= ignore_index < 100
    if targets in ENTRIES:
        # inside it would stand for targets that nobody meant to ignore
        return 1, -100 if inside else ignore_index
    lists = [value for value in pick.values() if isinstance(value, tuple)]
    classes: int = len(lists[0]) if lists else pick["classes"]
    if ignore_index is None or not inside:
        return classes, ignore_index
    # a label inside the classes is ignored: another class must be left to be valid
    roomy = [] if lists else [c for c in domain["classes"] if c > max(ignore_index, 1)]
    classes = classes if classes in roomy or not roomy else _choose(roomy, byte)
    # of a single class nothing can be both ignored and valid
    return classes, -100 if classes == 1 and ignore_index == 0 else ignore_index


def _config(pick: Mapping[str, Any], domain: Domain, classes: int) -> dict[str, Any]:
    """Return the arguments that only some contracts know."""
    config = {}
    for name, dimension in domain.dimensions.items():
        if name not in COMMON_NAMES:
            config[name] = pick[name] if dimension.expand is None else dimension.expand(pick[name], classes)
    return domain.settle(config)


def _elements(blocks: Sequence[bytes] | Bytes, plan: _Plan, domain: Domain) -> Bytes:
    """Return the bytes of all elements, [n, ROW]."""
    if isinstance(blocks, np.ndarray):
        elements: Bytes = blocks
    else:
        sized = regimes.repeat_blocks(blocks, plan.pick["size"], plan.classes, plan.ignored)
        elements = np.frombuffer(b"".join(sized), dtype=np.uint8).reshape(-1, ELEMENT_BYTES)
    if plan.pick["rank"] == 1 and not plan.entrywise and set(domain["rank"]) == {1}:
        # logits of one axis are a single element
        return elements[:1]
    return elements


def _numbers(elements: Bytes, plan: _Plan, hard_logits: HardLogits | None) -> tuple[Labels, Array]:
    """Return labels, none of them ignored, and rows of logits, as the dtype holds them."""
    dtype, regime, classes, config = plan.pick["dtype"], plan.pick["logits"], plan.classes, plan.config
    labels: Labels
    if plan.entrywise:
        labels = round_to(regimes.entry_targets(elements, plan.targets), dtype)
        logits = regimes.entry_logits(elements, labels, plan.targets, regime, config, hard_logits)
        return labels, round_to(logits, dtype)
    if plan.targets == "soft":
        labels = round_to(regimes.soft_labels(elements, classes, plan.pick.get("targets") == ANY_ROWS), dtype)
        first = labels.argmax(axis=1)
    else:
        first = labels = regimes.class_labels(elements, classes, plan.ignore_index)
    return labels, round_to(regimes.class_logits(elements, first, classes, regime, config, hard_logits), dtype)


def _weight(plan: _Plan, labels: Labels) -> Array | None:
    """Return the class weights; None where there are none."""
    pattern = "absent" if plan.entrywise else plan.pick["weight"]
    picks = [plan.spare[name] for name in _WEIGHT_BYTES]
    weight = regimes.class_weights(picks, pattern, plan.classes, _present(plan, labels))
    return weight if weight is None or plan.pick["dtype"] == "float64" else round_to(weight, "float32")


def _present(plan: _Plan, labels: Labels) -> NDArray[Any]:
    """Return the classes that occur."""
    if plan.targets == "soft":
        return np.flatnonzero(labels.any(axis=0))
    if plan.targets == "hard":
        return labels if plan.ignore_index is None else labels[labels != plan.ignore_index]
    return np.zeros(0, dtype=np.int64)


def _assembled(plan: _Plan, rows: Array, labels: Labels, label_weight: Array | None) -> Problem:
    """Return the problem of these elements, in the shape and with the options that the header asks for."""
    pick = plan.pick
    flat = Problem(
        logits=rows,
        labels=labels,
        targets=plan.targets,
        weight=_weight(plan, labels),
        ignore_index=plan.ignore_index,
        reduction=pick["reduction"],
        config=plan.config,
        dtype=pick["dtype"],
        label_dtype=pick["label_dtype"],
        layout=pick["layout"],
        salt=plan.spare["salt"],
    )
    shape, axis = _shape(len(rows), pick["rank"], pick["axis"], plan.spare["shape"], plan.entrywise, plan.spread)
    return flat.arranged(shape, axis, rows, labels, label_weight)


def _shape(
    n: int, rank: int, axis: int, byte: int, entrywise: bool, spread: bool = False
) -> tuple[tuple[int, ...], int]:
    """Return the shape of ``n`` elements, and the place of the class axis in logits of ``rank`` axes.

    Entries have ``rank`` axes themselves, other elements one less; ``byte`` distributes the elements over them, over
    as many as can be if they are to be ``spread``.
    """
    rank += entrywise
    if rank == 1 and n == 1 and not entrywise:
        return (), 0
    axes = max(rank - 1, 1)
    class_axis = axis if -axes - 1 <= axis <= axes else 1
    shape = [1] * axes
    place = byte % axes
    if n == 0:
        shape[place] = 0
        return tuple(shape), class_axis
    for number, factor in enumerate(_prime_factors(n)):
        shape[place % axes] *= factor
        place += 1 if spread and number < axes - 1 else 1 + byte // 16
    return tuple(shape), class_axis


def _prime_factors(n: int) -> list[int]:
    found, divisor = [], 2
    while n > 1:
        while n % divisor == 0:
            found.append(divisor)
            n //= divisor
        # nothing smaller divides it: a prime
        divisor = divisor + 1 if divisor * divisor <= n else n
    return found


TRIES = 500
"""Headers that are tried for a problem that lies inside the domain."""


def simplest_problem(domain: Domain) -> Problem:
    """Return the simplest problem of a domain: that of zero bytes, or of the first random header that lies inside.

    Raises EmptyDomainError where no problem has all that the user chose.
    """
    length, rng = header_length(domain), np.random.default_rng(0)
    first_reason = ""
    for number in range(TRIES):
        header = rng.integers(0, 256, length, dtype=np.uint8).tobytes() if number else bytes(length)
        problem = decode(header, [bytes(ELEMENT_BYTES)] * number_of_blocks(header, 0, domain), domain)
        reason = reason_outside(problem, domain)
        if not reason:
            return problem
        first_reason = first_reason or reason
    raise EmptyDomainError(f"no problem has all of what the domain asks for: {first_reason}")
