"""Hypothesis strategies that draw Problems, by regime.

Drawing one number at a time costs Hypothesis more than checking the whole problem. So a problem is one string of bytes:
a header with one byte for each dimension of the domain, then one block for each element. A zero byte is the simplest
choice everywhere, hence Hypothesis shrinks towards a small problem of small round numbers, and no byte changes its
meaning when another one shrinks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from hypothesis import strategies as st

from properties.drawing import regimes as contents
from properties.drawing.regimes import HardLogits
from properties.problems.dimensions import COMMON_NAMES
from properties.problems.domain import SIZES, Dimension, Domain, EmptyDomainError
from properties.problems.membership import outside
from properties.problems.problem import ENTRIES, Array, Labels, Problem, round_to

ROW = 8
"""Bytes of one element: label, mask, and six logits (more classes use them again, multiplied)."""

_OWN = ("shape", "salt", "w0", "w1", "w2", "w3", "w4", "w5")
"""Bytes of the header that belong to no dimension."""

MOST_BLOCKS = max(high for _, high in SIZES.values())
_IGNORABLE = ("hard", "binary", "probability")
_UNMASKED = Dimension("label_weight", ("absent",))


@st.composite
def problems(draw: st.DrawFn, domain: Domain, hard_logits: HardLogits | None = None) -> Problem:
    """Problems of a domain: any rank, class axis, mask, weights, dtype, layout and regime of logits in it."""
    head = header_length(domain)
    drawn = draw(_bytes(head + 1 + ROW * MOST_BLOCKS))
    header, count, blocks = drawn[:head], drawn[head], drawn[head + 1 :]
    n = number_of_blocks(header, count, domain)
    return decode(header, [blocks[ROW * i : ROW * (i + 1)] for i in range(n)], domain, hard_logits)


def number_of_blocks(header: bytes, count: int, domain: Domain) -> int:
    """How many elements a header and a byte ask for, before a size that multiplies them."""
    low, high = SIZES[_choose(domain["size"], header[list(domain.dimensions).index("size")])]
    return low + count % (high - low + 1)


def header_length(domain: Domain) -> int:
    """Bytes of the header of a domain's problems."""
    return len(names_of(domain)) + len(_OWN)


def names_of(domain: Domain) -> list[str]:
    """The dimensions that have a byte: what is reserved for another law leaves this one's bytes as they are."""
    return [name for name, d in domain.dimensions.items() if not d.law or len(d.values) > 1]


@lru_cache
def _bytes(length: int) -> st.SearchStrategy[bytes]:
    return st.binary(min_size=length, max_size=length)


def _choose(values: Sequence[Any], byte: int) -> Any:
    return values[byte % len(values)]


def decode(
    header: bytes,
    blocks: Sequence[bytes] | contents.Bytes,
    domain: Domain,
    hard_logits: HardLogits | None = None,
) -> Problem:
    """The problem that these bytes stand for; every byte string stands for one. An array has all elements already."""
    names = names_of(domain)
    pick = {name: domain[name][0] for name in domain.dimensions}
    pick |= {name: _choose(domain[name], byte) for name, byte in zip(names, header, strict=False)}
    own = dict(zip(_OWN, header[len(names) :], strict=True))
    salt = own["salt"]
    targets = domain.kind(pick)
    ignore_index = pick["ignore_index"]
    masked = "mask" in domain.dimensions.get("label_weight", _UNMASKED).values and (
        ignore_index is None or targets == "real" or pick["label_weight"] == "mask"
    )
    ignored = pick["ignored"] if masked or (ignore_index is not None and targets in _IGNORABLE) else "none"
    if pick["size"] == "one" and ignored in ("some", "most"):
        # of a single element there is no part to ignore
        ignored = next((value for value in ("none", "all") if value in domain["ignored"]), ignored)
    classes = next((len(value) for value in pick.values() if isinstance(value, tuple)), pick["classes"])
    entrywise = targets in ENTRIES
    classes = 1 if entrywise else classes
    if entrywise and ignore_index is not None and 0 <= ignore_index < 100:
        # it would stand for targets that nobody meant to ignore
        ignore_index = -100
    if ignore_index is not None and 0 <= ignore_index < 100:
        # a label inside the classes is ignored: another class must be left to be valid
        listed = any(isinstance(value, tuple) for value in pick.values())
        roomy = [] if listed else [c for c in domain["classes"] if c > max(ignore_index, 1)]
        classes = classes if classes in roomy or not roomy else _choose(roomy, header[names.index("classes")])
        # of a single class nothing can be both ignored and valid
        ignore_index = -100 if classes == 1 and ignore_index == 0 else ignore_index
    if isinstance(blocks, np.ndarray):
        elements = blocks
    else:
        sized = contents.sized(blocks, pick["size"], classes, ignored)
        elements = np.frombuffer(b"".join(sized), dtype=np.uint8).reshape(-1, ROW)
    if pick["rank"] == 1 and not entrywise and set(domain["rank"]) == {1}:
        # logits of one axis are a single element
        elements = elements[:1]
    config = _config(pick, domain, classes)
    labels, rows = _numbers(elements, targets, classes, ignore_index, pick, config, hard_logits)
    mask = contents.mask(elements, ignored, salt)
    if ignored != "none" and not masked:
        labels = np.where(mask, ignore_index, labels).astype(labels.dtype)
    weight = contents.weight(
        [own[f"w{k}"] for k in range(6)],
        "absent" if entrywise else pick["weight"],
        classes,
        _present(labels, targets, ignore_index),
    )
    if weight is not None and pick["dtype"] != "float64":
        weight = round_to(weight, "float32")
    shape, axis = _shape(len(rows), pick["rank"] + entrywise, pick["axis"], own["shape"], entrywise)
    flat = Problem(
        logits=rows,
        labels=labels,
        targets=targets,
        weight=weight,
        ignore_index=ignore_index,
        reduction=pick["reduction"],
        config=config,
        dtype=pick["dtype"],
        label_dtype=pick["label_dtype"],
        layout=pick["layout"],
        salt=salt,
    )
    label_weight = np.where(mask, 0.0, 1.0 + elements[:, 1] % 3) if masked else None
    return flat.arranged(shape, axis, rows, labels, label_weight)


def _config(pick: Mapping[str, Any], domain: Domain, classes: int) -> dict[str, Any]:
    """The arguments that only some contracts know."""
    config = {}
    for name, dimension in domain.dimensions.items():
        if name not in COMMON_NAMES:
            config[name] = pick[name] if dimension.expand is None else dimension.expand(pick[name], classes)
    return domain.settle(config)


def _numbers(
    elements: contents.Bytes,
    targets: str,
    classes: int,
    ignore_index: int | None,
    pick: Mapping[str, Any],
    config: Mapping[str, Any],
    hard_logits: HardLogits | None,
) -> tuple[Labels, Array]:
    """Labels, none of them ignored, and rows of logits, as the dtype holds them."""
    dtype, regime = pick["dtype"], pick["logits"]
    labels: Labels
    if targets in ENTRIES:
        labels = round_to(contents.numbers(elements, targets), dtype)
        return labels, round_to(contents.entries(elements, labels, targets, regime, config, hard_logits), dtype)
    if targets == "soft":
        labels = round_to(contents.soft(elements, classes), dtype)
        first = labels.argmax(axis=1)
    else:
        first = labels = contents.labels(elements, classes, ignore_index)
    return labels, round_to(contents.logits(elements, first, classes, regime, config, hard_logits), dtype)


def _present(labels: Labels, targets: str, ignore_index: int | None) -> Labels:
    """The classes that occur."""
    if targets == "soft":
        return np.flatnonzero(labels.any(axis=0))
    if targets == "hard":
        return labels if ignore_index is None else labels[labels != ignore_index]
    return np.zeros(0, dtype=np.int64)


TRIES = 500
"""Headers that are tried for a problem that has all of what was chosen."""


def simplest(domain: Domain) -> Problem:
    """The simplest problem of a domain: what zero bytes stand for, or the first of others that lies inside.

    EmptyDomainError where no problem has all of what somebody chose.
    """
    length, rng = header_length(domain), np.random.default_rng(0)
    left = ""
    for number in range(TRIES):
        header = rng.integers(0, 256, length, dtype=np.uint8).tobytes() if number else bytes(length)
        problem = decode(header, [bytes(ROW)] * number_of_blocks(header, 0, domain), domain)
        reason = outside(problem, domain)
        if not reason:
            return problem
        left = left or reason
    raise EmptyDomainError(f"no problem has all of what the domain asks for: {left}")


def _shape(n: int, rank: int, axis: int, byte: int, entrywise: bool = False) -> tuple[tuple[int, ...], int]:
    """A shape of rank - 1 axes for n elements, and the place of the class axis among ``rank``."""
    if rank == 1 and n == 1 and not entrywise:
        return (), 0
    axes = max(rank - 1, 1)
    shape = [1] * axes
    place = byte % axes
    if n == 0:
        shape[place] = 0
        return tuple(shape), axis if -axes - 1 <= axis <= axes else 1
    for factor in _factors(n):
        shape[place % axes] *= factor
        place += 1 + byte // 16
    return tuple(shape), axis if -axes - 1 <= axis <= axes else 1


def _factors(n: int) -> list[int]:
    found, divisor = [], 2
    while n > 1:
        while n % divisor == 0:
            found.append(divisor)
            n //= divisor
        # nothing smaller divides it: a prime
        divisor = divisor + 1 if divisor * divisor <= n else n
    return found
