"""Probes: problems by which the choices of a loss can be told apart, inside what a layer claims to take."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np

from properties.drawing.decoding import ELEMENT_BYTES, decode, header_length, simplest_problem
from properties.problems.dimensions import ANY_ROWS
from properties.problems.domain import Domain, EmptyDomainError, within
from properties.problems.precision import Array, round_to
from properties.problems.problem import Labels, Problem

WEIGHTS = (2.0, 0.5, 3.0, 1.5, 4.0)
CROWD = 1 << 19
"""So many elements that 1e-10 for each of them shows in float32 beside one element."""

SHAPES = {
    2: ((5,), (7,), (4,)),
    3: ((2, 3), (4, 2)),
    4: ((2, 3, 1), (4, 1, 2)),
    5: ((2, 1, 3, 1), (4, 1, 2, 1)),
    6: ((2, 1, 1, 3, 1), (4, 1, 1, 2, 1)),
}
"""Shapes of elements by the rank of logits of classes, of different sizes; entries have one axis more."""


@dataclass(frozen=True)
class Abilities:
    """What may vary: ``weights``, ignored elements (``masks``), ``indices`` that ignore by a label, ``ranks``."""

    weights: bool
    masks: bool
    indices: tuple[int, ...]
    ranks: tuple[int, ...]


class Prober:
    """Makes problems for one layer: ``domain`` is what it is asked, less what stands behind shut gates."""

    def __init__(self, domain: Domain, takes: AbstractSet[str], arguments: Collection[str], seed: int) -> None:
        self._domain = _plain(domain)
        self._any_rows = "targets" in domain.dimensions and ANY_ROWS in domain["targets"]
        self._takes = takes
        self._rng = np.random.default_rng(seed)
        self.plain = simplest_problem(self._domain)
        self._masked = "mask" in self._values("label_weight")
        self.able = Abilities(
            weights="weight" in takes
            and "weight" in arguments
            and (self.plain.entrywise or "small" in self._values("weight")),
            masks="some" in self._values("ignored") and (bool(self._indices()) or self._masked),
            indices=self._indices(),
            ranks=tuple(r for r in (2, 3, 4, 5, 6) if r in self._values("rank") and self._axis(r) == self.plain.axis),
        )

    def _axis(self, rank: int) -> int:
        """The plain class axis where logits of a rank have it, else 1."""
        return self.plain.axis if self.plain.entrywise or -rank <= self.plain.axis < rank else 1

    def _values(self, name: str) -> tuple[object, ...]:
        return self._domain[name] if name in self._domain.dimensions else ()

    def _indices(self) -> tuple[int, ...]:
        if self.plain.targets in ("soft", "real"):
            return ()
        values = [v for v in dict.fromkeys(self._values("ignore_index")) if isinstance(v, int)]
        outside = [v for v in values if v < 0 or v >= 100]
        return tuple([v for v in outside if v < 0][:1] + [v for v in outside if v >= 0][:1])

    def make(
        self,
        rank: int,
        shape: tuple[int, ...],
        *,
        reduction: str | None = None,
        weighted: bool = False,
        index: int | None = None,
        ignoring: bool = False,
        spread: float = 1.5,
    ) -> Problem:
        """A problem of elements in this shape; entries have one axis more, of length 3."""
        plain = self.plain
        places = (*shape, 3) if plain.entrywise and rank > 1 else shape
        n = int(np.prod(places))
        rows = round_to(self._rng.normal(size=(n, plain.classes)) * spread, plain.dtype)
        if plain.targets == "real":
            rows *= 0.25
        labels = self._labels(n)
        mask = np.ones(n) if self._masked and plain.label_weight is not None else None
        made = plain.arranged(places, self._axis(rank), rows, labels, mask).replace(
            reduction=plain.reduction if reduction is None else reduction,
            ignore_index=plain.ignore_index if index is None else index,
            weight=self._weight(places) if weighted else None,
        )
        return self._ignoring(made) if ignoring else made

    def _labels(self, n: int) -> Labels:
        targets, classes = self.plain.targets, self.plain.classes
        if targets == "hard":
            # every class occurs, so that weights of classes show
            return self._rng.permutation(np.arange(n) % classes).astype(np.int64)
        if targets == "soft":
            return np.asarray(self._rng.dirichlet(np.ones(classes), n))
        if targets == "real":
            return round_to(self._rng.normal(size=n), self.plain.dtype)
        if targets == "probability":
            return np.asarray(self._rng.integers(1, 8, n) / 8.0)
        return self._rng.permutation(np.arange(n) % 2).astype(np.float64)

    def _weight(self, places: tuple[int, ...]) -> Array:
        plain = self.plain
        return np.resize(WEIGHTS, places[plain.axis] if plain.entrywise else plain.classes)

    def _ignoring(self, problem: Problem) -> Problem:
        mask = self._rng.permutation(problem.size) < max(problem.size // 3, 1)
        if not self.able.indices and problem.label_weight is None:
            problem = problem.replace(label_weight=np.ones(problem.shape))
        return problem.ignoring(mask)

    def batches(self, reduction: str) -> Iterator[Problem]:
        """Batches of every rank, with and without class weights and ignored elements, of different sizes."""
        indices: tuple[int | None, ...] = self.able.indices or (None,)
        for rank in self.able.ranks[:3]:
            for shape in SHAPES[rank][:2]:
                for weighted in (False, True)[: 1 + self.able.weights]:
                    yield self.make(rank, shape, reduction=reduction, weighted=weighted)
                    for index in indices if self.able.masks else ():
                        yield self.make(rank, shape, reduction=reduction, weighted=weighted, index=index, ignoring=True)
        if self._any_rows and 2 in self.able.ranks and self.plain.targets == "hard":
            yield from (self._of_any_rows(self.make(2, shape, reduction=reduction)) for shape in SHAPES[2][:2])

    def _of_any_rows(self, problem: Problem) -> Problem:
        """The same logits with soft labels whose rows sum to other numbers than 1."""
        rows = self._rng.dirichlet(np.ones(problem.classes), problem.size) * self._rng.uniform(
            0.5, 2.0, (problem.size, 1)
        )
        return problem.replace(targets="soft").arranged(problem.shape, problem.axis, problem.rows, rows, None)

    def crowd(self, reduction: str) -> Iterator[Problem]:
        """One element among very many ignored ones, where the layer takes such."""
        rank = next((rank for rank in self.able.ranks if rank > 1), 0)
        if not rank or not self.able.masks:
            return
        # in one image: a loss that broadcasts images against each other would need their square
        shape = ((1, CROWD), (1, CROWD // 128, 128))[rank > 3] + (1,) * (rank - 4) if rank > 2 else (CROWD,)
        index = self.able.indices[0] if self.able.indices else None
        # equal logits round the least
        made = self.make(rank, shape, reduction=reduction, index=index, spread=0.0)
        if index is None and made.label_weight is None:
            made = made.replace(label_weight=np.ones(made.shape))
        yield made.ignoring(np.arange(made.size) > 0)

    def smooth(self, reductions: tuple[str, ...], drawn: int = 4) -> Iterator[Problem]:
        """Batches of moderate logits for slopes, one of a single element; then some at random."""
        rank = self.able.ranks[0] if self.able.ranks else 1
        shapes = (*SHAPES[rank][:2], (1,) * (rank - 1)) if rank > 1 else ((),)
        for shape in shapes:
            for reduction in reductions:
                yield self.make(rank, shape, reduction=reduction)
        yield from self.drawn(drawn)

    def drawn(self, count: int) -> Iterator[Problem]:
        """Problems at random, by the bytes that stand for them."""
        head = header_length(self._domain)
        for _ in range(count):
            header = self._rng.integers(0, 256, head, dtype=np.uint8).tobytes()
            blocks = [self._rng.integers(0, 256, ELEMENT_BYTES, dtype=np.uint8).tobytes() for _ in range(4)]
            yield decode(header, blocks, self._domain)


def _plain(domain: Domain) -> Domain:
    """The domain with one plain value of whatever is not asked about."""
    wishes = {
        "size": within("few"),
        "classes": within(3),
        "logits": within("normal"),
        "layout": within("contiguous"),
        "label_dtype": within("int64"),
        "axis": within(1),
        **{name: dimension.plain for name, dimension in domain.dimensions.items() if dimension.plain is not None},
        "targets": within("hard", "binary", "real"),
    }
    for name, wanted in wishes.items():
        if name in domain.dimensions or name == "targets":
            try:
                domain = domain.narrowed_to({name: wanted})
            except EmptyDomainError:
                continue
    precisions = ("float64", "float32", "bfloat16", "float16")
    return domain.narrowed_to({"dtype": within(next(d for d in precisions if d in domain["dtype"]))})
