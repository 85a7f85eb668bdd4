"""The oracles against 50 digits: value and derivative, on lattice, random and saturated points and on region edges."""

import itertools

import mpmath
import numpy as np
import pytest

from reference import cross_entropy, ghm
from reference.regions import Regions

mpmath.mp.dps = 50
RELATIVE = 1e-13


def exact_losses(rows, labels):
    """logsumexp(z) - z_y, p - e_y and 1 - p_y of each row, in 50 digits that no subtraction eats.

    With r = sum over j != y of exp(z_j - z_y): l = log(1 + r), p_y = 1 / (1 + r), 1 - p_y = r / (1 + r).
    """
    losses, slopes, norms = [], [], []
    for row, label in zip(rows, labels, strict=True):
        z = [mpmath.mpf(float(x)) for x in row]
        powers = [mpmath.exp(x - z[label]) for x in z]
        rest = mpmath.fsum(power for j, power in enumerate(powers) if j != label)
        losses.append(mpmath.log1p(rest))
        norms.append(rest / (1 + rest))
        slopes.append([-norms[-1] if j == label else power / (1 + rest) for j, power in enumerate(powers)])
    return losses, slopes, norms


def exact_region(norm, regions):
    """floor(g / width), the last region closed, with the width as the float that it is."""
    width = mpmath.mpf(1) / regions.count if 1 / regions.count == regions.width else mpmath.mpf(regions.width)
    return min(int(mpmath.floor(norm / width)), regions.count - 1)


def close(got, exact):
    exact = float(exact)
    return abs(got - exact) <= RELATIVE * abs(exact) + 1e-300


def points():
    rng = np.random.default_rng(7)
    lattice = [np.array(z, dtype=float) for z in itertools.product((-3, 0, 1, 8), repeat=3)]
    random = [rng.normal(size=4) * scale for scale in (0.1, 1, 10) for _ in range(40)]
    saturated = [np.array([a, b, 0.0]) for a in (-1e4, -90, -64, 17, 64, 700) for b in (-1e3, -17, 0, 90, 1e4)]
    near = [np.array([1.0, 1.0 + 2.0**-k, 1.0 - 2.0**-k]) for k in (10, 30, 50)]
    return {"lattice": lattice, "random": random, "saturated": saturated, "near ties": near}


@pytest.mark.parametrize("regime", points())
def test_cross_entropy_is_exact(regime):
    for row in points()[regime]:
        for label in range(len(row)):
            answer = cross_entropy(row[None], [label], reduction="none")
            losses, slopes, _ = exact_losses([row], [label])
            assert close(answer.value[0], losses[0]), (row, label)
            for got, exact in zip(answer.gradient[0], slopes[0], strict=True):
                assert close(got, exact), (row, label, got, exact)


@pytest.mark.parametrize("bins", [1, 2, 3, 10, 50, 1.0, 0.5, 0.3, 0.1, 0.7])
def test_ghm_is_exact(bins):
    rng = np.random.default_rng(3)
    regions = Regions.of(bins)
    for trial in range(30):
        rows = rng.normal(size=(7, 3)) * (1, 4, 20)[trial % 3]
        labels = rng.integers(0, 3, 7)
        weight = rng.uniform(0.2, 3, 3)
        answer = ghm(rows, labels, bins=bins, weight=weight)
        if answer.ambiguous:
            continue
        losses, slopes, norms = exact_losses(rows, labels)
        where = [exact_region(g, regions) for g in norms]
        occupied = len(set(where))
        factors = [
            mpmath.mpf(7) / (where.count(j) * occupied) * mpmath.mpf(weight[y])
            for j, y in zip(where, labels, strict=True)
        ]
        divisor = mpmath.fsum(mpmath.mpf(weight[y]) for y in labels)
        value = mpmath.fsum(b * loss for b, loss in zip(factors, losses, strict=True)) / divisor
        assert close(float(answer.value), value)
        for i, j in np.ndindex(7, 3):
            assert close(answer.gradient[i, j], factors[i] * slopes[i][j] / divisor)


@pytest.mark.parametrize("regions", [2, 4, 5, 10])
@pytest.mark.parametrize("beside", [-1e-2, -1e-4, -1e-6, 1e-6, 1e-4, 1e-2])
def test_beside_an_edge_the_region_is_certain_and_right(regions, beside):
    for edge in range(1, regions):
        norm = edge / regions + beside
        row = np.array([np.log((1 - norm) / norm), 0.0])
        answer = ghm([row, [0.0, 0.0], [0.0, 30.0]], [0, 0, 0], bins=regions, reduction="none")
        exact = exact_region(exact_losses([row], [0])[2][0], Regions.of(regions))
        shared = exact == regions // 2
        crowd = [exact, regions // 2, regions - 1]
        loss = float(exact_losses([row], [0])[0][0])
        expected = loss * 3 / (crowd.count(exact) * len(set(crowd)))
        values = [a.value[0] for a in answer.admissible]
        assert any(abs(v - expected) <= 1e-12 * expected for v in values)
        # [0, 0] lies on the middle edge of an even number of regions; nothing else is in doubt
        assert len(answer.alternatives) == (1 if regions % 2 == 0 else 0), shared


def test_on_an_edge_both_sides_are_admissible():
    answer = ghm([[0.0, 0.0], [8.0, 0.0], [0.0, 8.0]], [0, 0, 0], bins=2, reduction="none")
    log2 = float(np.log(2))
    assert {round(float(a.value[0]) / log2, 9) for a in answer.admissible} == {0.75}
    answer = ghm([[0.0, 0.0], [0.0, 8.0]], [0, 0], bins=2, reduction="none")
    # alone in the first region: b = 2 / (1 * 2); with the other one in the second: b = 2 / (2 * 1)
    assert answer.ambiguous
    assert [round(float(a.value[1]), 3) for a in answer.admissible] == [8.0, 8.0]
    answer = ghm([[0.0, 0.0], [0.0, 8.0], [0.0, 9.0]], [0, 0, 0], bins=2, reduction="none")
    assert sorted(round(float(a.value[0]) / log2, 6) for a in answer.admissible) == [1.0, 1.5]


def test_saturated_points_are_not_ambiguous():
    answer = ghm([[0.0, 1000.0], [1000.0, 0.0]], [0, 0], bins=10, reduction="none")
    assert not answer.ambiguous
    assert answer.value.tolist() == [1000.0, 0.0]


def test_too_many_edges_are_undecided_and_say_so():
    answer = ghm(np.zeros((9, 2)), np.zeros(9, int), bins=2)
    assert not answer.decided
    assert answer.ambiguous
