"""Hypothesis strategies that draw Problems, by regime.

Drawing one number at a time costs Hypothesis more than checking the whole problem. So a problem is one string of bytes:
a header with one byte for each dimension of the domain, then one block for each element. A zero byte is the simplest
choice everywhere, hence Hypothesis shrinks towards a small problem of small round numbers, and no byte changes its
meaning when another one shrinks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from hypothesis import strategies as st

from properties.domain import COMMON_NAMES, Domain
from properties.problem import Array, Labels, Problem, round_to

ROW = 8
"""Bytes of one element: label, mask, and six logits (more classes use them again, multiplied)."""

_OWN = ("shape", "salt", "w0", "w1", "w2", "w3", "w4", "w5")
"""Bytes of the header that belong to no dimension."""

HardLogits = Callable[[Mapping[str, Any], int], Sequence[float]]
"""For a config and a number of classes: label logits, beside zeros, at which a contract is hard."""

SIZES = {"empty": (0, 0), "one": (1, 1), "few": (1, 6), "several": (2, 12), "square": (1, 6), "many": (2, 6)}
MOST_BLOCKS = max(high for _, high in SIZES.values())
_LATTICE = (0.0, 1.0, -1.0, 2.0, -2.0, 3.0, -3.0, 4.0, -4.0, 8.0, -8.0, 0.5, -0.5, 16.0, -16.0)
_SATURATED = (0.0, 17.0, -17.0, 64.0, -64.0, 65.0, 90.0, -90.0, 1.0, 100.0, 1000.0, -1000.0, 1e4, -1e4, -65.0)
_WEIGHTS = (1.0, 2.0, 3.0, 0.5, 4.0, 1.5)


@st.composite
def problems(draw: st.DrawFn, domain: Domain, hard_logits: HardLogits | None = None) -> Problem:
    """Problems of a domain: any rank, class axis, mask, weights, dtype, layout and regime of logits in it."""
    head = header_length(domain)
    drawn = draw(_bytes(head + 1 + ROW * MOST_BLOCKS))
    header, count, blocks = drawn[:head], drawn[head], drawn[head + 1 :]
    low, high = SIZES[_choose(domain["size"], header[list(domain.dimensions).index("size")])]
    n = low + count % (high - low + 1)
    return decode(header, [blocks[ROW * i : ROW * (i + 1)] for i in range(n)], domain, hard_logits)


def header_length(domain: Domain) -> int:
    """Bytes of the header of a domain's problems."""
    return len(domain.dimensions) + len(_OWN)


@lru_cache
def _bytes(length: int) -> st.SearchStrategy[bytes]:
    return st.binary(min_size=length, max_size=length)


def _choose(values: Sequence[Any], byte: int) -> Any:
    return values[byte % len(values)]


def decode(header: bytes, blocks: Sequence[bytes], domain: Domain, hard_logits: HardLogits | None = None) -> Problem:
    """The problem that these bytes stand for; every byte string stands for one."""
    names = list(domain.dimensions)
    pick = {name: _choose(domain[name], byte) for name, byte in zip(names, header, strict=False)}
    own = dict(zip(_OWN, header[len(names) :], strict=True))
    salt = own["salt"]
    ignore_index = pick["ignore_index"]
    ignored = "none" if ignore_index is None else pick["ignored"]
    classes = pick["classes"]
    if ignore_index is not None and 0 <= ignore_index < 100:
        # a label inside the classes is ignored: another class must be left to be valid
        roomy = [c for c in domain["classes"] if c > max(ignore_index, 1)]
        classes = classes if classes in roomy or not roomy else _choose(roomy, header[names.index("classes")])
        # of a single class nothing can be both ignored and valid
        ignore_index = -100 if classes == 1 and ignore_index == 0 else ignore_index
    elements = np.frombuffer(b"".join(_sized(blocks, pick["size"], classes, ignored)), dtype=np.uint8).reshape(-1, ROW)
    labels = _labels(elements, classes, ignore_index, ignored, salt)
    config = {name: pick[name] for name in names if name not in COMMON_NAMES}
    rows = _logits(elements, labels, classes, pick["logits"], config, hard_logits)
    rows = round_to(rows, pick["dtype"])
    weight = _weight([own[f"w{k}"] for k in range(6)], pick["weight"], classes, labels, ignore_index)
    if weight is not None and pick["dtype"] != "float64":
        weight = round_to(weight, "float32")
    shape, axis = _shape(len(rows), pick["rank"], pick["axis"], own["shape"])
    flat = Problem(
        logits=rows,
        labels=labels,
        weight=weight,
        ignore_index=ignore_index,
        reduction=pick["reduction"],
        config=config,
        dtype=pick["dtype"],
        label_dtype=pick["label_dtype"],
        layout=pick["layout"],
        salt=salt,
    )
    return flat.replace(labels=labels.reshape(shape), axis=axis).with_rows(rows)


def simplest(domain: Domain) -> Problem:
    """The simplest problem of a domain: what zero bytes stand for."""
    return decode(bytes(header_length(domain)), [bytes(ROW)], domain)


def _sized(blocks: Sequence[bytes], size: str, classes: int, ignored: str) -> list[bytes]:
    """As many blocks as the size wants; where a mask needs company, at least two."""
    found = list(blocks)
    if size == "square":
        found = (found * classes)[:classes]
    if size == "many":
        found = found * 40
    if ignored in ("some", "most") and len(found) == 1:
        found = found * 2
    return found


def _labels(elements: Any, classes: int, ignore_index: int | None, ignored: str, salt: int) -> Labels:
    n = len(elements)
    inside = ignore_index is not None and 0 <= ignore_index < classes
    labels: Labels = np.asarray(elements[:, 0] % (classes - 1 if inside else classes), dtype=np.int64)
    if ignore_index is not None and inside:
        labels += labels >= ignore_index
    mask = np.zeros(n, dtype=bool)
    if ignored == "some":
        mask = elements[:, 1] % 2 == 1
        if n and not mask.any():
            mask[-1] = True
        if n and mask.all():
            mask[0] = False
    elif ignored == "most" and n:
        mask[:] = True
        mask[salt % n] = False
    elif ignored == "all":
        mask[:] = True
    if ignore_index is not None:
        labels[mask] = ignore_index
    return labels


@lru_cache(maxsize=256)
def _normals(scale: float, limit: float) -> Array:
    """256 numbers: the simplest first, the others normal with full mantissas."""
    drawn = np.clip(np.random.default_rng(20).normal(size=256) * scale, -limit, limit)
    drawn[: len(_LATTICE)] = _LATTICE
    return np.asarray(drawn)


def _table(regime: str) -> Array:
    if regime == "lattice":
        return np.resize(np.array(_LATTICE), 256)
    if regime == "ties":
        return np.resize(np.array([0.0, 1.0, 2.0]), 256)
    if regime == "normal":
        return _normals(2.0, 32.0)
    if regime == "spread":
        return _normals(15.0, 32.0)
    if regime == "saturated":
        return np.resize(np.array(_SATURATED), 256)
    if regime == "huge":
        return _normals(1000.0, 1e4)
    if regime == "offset":
        return np.asarray(_normals(2.0, 32.0) + 1e4)
    # near ties: ones, a few units in the last place apart in some precision
    exponents = -np.array([60.0, 50.0, 40.0, 30.0, 22.0, 10.0])
    return np.resize(np.concatenate([[0.0], 1.0 + np.exp2(exponents)]), 256)


_tables = lru_cache(_table)


def _logits(
    elements: Any, labels: Labels, classes: int, regime: str, config: Mapping[str, Any], hard_logits: HardLogits | None
) -> Array:
    if regime == "edges":
        hard = np.asarray([0.0] if hard_logits is None else hard_logits(config, classes))
        rows = np.zeros((len(elements), classes))
        target = np.clip(labels, 0, classes - 1)
        rows[np.arange(len(elements)), target] = hard[elements[:, 2] % len(hard)]
        return rows
    column = np.arange(classes)
    # beyond six classes the same bytes serve again, multiplied, so that a zero byte stays the simplest
    raw = elements[:, 2 + column % 6].astype(np.int64) * (1 + column // 6) % 256
    return np.asarray(_tables(regime)[raw])


def _weight(picks: Sequence[int], pattern: str, classes: int, labels: Labels, ignore_index: int | None) -> Array | None:
    if pattern == "absent":
        return None
    if pattern == "ones":
        return np.ones(classes)
    drawn = np.array([_choose(_WEIGHTS, picks[c % 6] * (1 + c // 6)) for c in range(classes)])
    present = labels if ignore_index is None else labels[labels != ignore_index]
    if pattern == "tiny":
        return drawn * 1e-6
    if pattern == "with-zero":
        drawn[[(picks[c % 6] // 16 + c) % 2 == 1 for c in range(classes)]] = 0.0
        if len(present) and not drawn[present].any():
            drawn[present[0]] = 1.0
    elif pattern == "zero-total":
        drawn[present] = 0.0
    return drawn


def _shape(n: int, rank: int, axis: int, byte: int) -> tuple[tuple[int, ...], int]:
    """A shape of rank - 1 axes for n elements, and the place of the class axis among ``rank``."""
    if rank == 1 and n == 1:
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
        divisor += 1
    return found
