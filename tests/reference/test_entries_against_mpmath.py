"""The losses of single entries, and the k largest of any losses, against 50 digits."""

import mpmath
import numpy as np
import pytest

from reference import average_top_k, ghm_regression, sigmoid_focal, sigmoid_ghm, top_k_loss
from reference.regions import Regions
from tests.reference import exact

ENTRIES = exact.entries()
TARGETS = (0.0, 1.0, 0.5, 0.25, 0.9, 1e-9, 1 - 2.0**-53)
DISTANCES = np.array([0, 1e-300, 1e-160, 1e-20, 1e-9, 1e-3, 0.02, 0.5, 3, 1e4, 1e20, 1e160, 1e300])


@pytest.mark.parametrize("alpha", [None, 0.0, 0.25, 1.0])
@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0, 5.0])
@pytest.mark.parametrize("regime", ENTRIES)
def test_sigmoid_focal(regime, gamma, alpha):
    # between 0 and 1 the derivative is a true difference: held to the size of its terms
    x = ENTRIES[regime]
    for t in TARGETS:
        answer = sigmoid_focal(x, np.full(len(x), t), gamma=gamma, alpha=alpha, reduction="none")
        exact.check(answer, [exact.sigmoid_focal(entry, t, gamma, alpha) for entry in x])


def test_sigmoid_focal_in_the_mean():
    rng = np.random.default_rng(1)
    x, t, w = rng.normal(size=(4, 3)) * 5, rng.integers(0, 2, (4, 3)), rng.uniform(0.1, 2, 3)
    t[0, 1] = -100
    forms = [
        exact.sigmoid_focal(x[place], max(t[place], 0), 2.0, 0.25).times(
            mpmath.mpf(w[place[1]]) if t[place] >= 0 else 0
        )
        for place in np.ndindex(4, 3)
    ]
    total = mpmath.fsum(mpmath.mpf(w[j]) for i, j in np.ndindex(4, 3) if t[i, j] >= 0)
    exact.check(sigmoid_focal(x, t, weight=w), forms, total, "mean")
    exact.check(sigmoid_focal(x, t, weight=w, denominator="count"), forms, 11, "mean")
    exact.check(sigmoid_focal(x, t, weight=w, normalizer=3.0), forms, 3, "mean")


@pytest.mark.parametrize("normalize", ["occupied", "paper"])
@pytest.mark.parametrize("bins", [1, 3, 10, 30, 0.3, 0.1])
@pytest.mark.parametrize("regime", ENTRIES)
def test_sigmoid_ghm(regime, bins, normalize):
    rng = np.random.default_rng(2)
    regions, decided = Regions.of(bins), 0
    for _ in range(6):
        x = rng.permutation(ENTRIES[regime])[:8]
        t = rng.choice([0.0, 1.0, 0.0, 1.0, 0.37], len(x))
        answer = sigmoid_ghm(x, t, bins=bins, normalize=normalize)
        if answer.ambiguous:
            continue
        decided += 1
        forms = exact.harmonized([exact.logistic(*pair) for pair in zip(x, t, strict=True)], regions, normalize)
        exact.check(answer, forms, len(x), "mean")
    # next to 0 every entry with a hard target lies on the middle edge, if there is one
    assert decided or (regime in ("next to 0", "lattice") and bins in (10, 30, 0.1))


@pytest.mark.parametrize("mu", [0.02, 1.0, 1e-6, 1e3])
@pytest.mark.parametrize("bins", [1, 10, 0.3])
def test_ghm_regression(bins, mu):
    rng = np.random.default_rng(3)
    regions = Regions.of(bins)
    batches = [DISTANCES, -DISTANCES, *(rng.normal(size=13) * scale for scale in (mu / 10, mu, 10 * mu))]
    for x in batches:
        t = np.zeros(13) if x is batches[0] or x is batches[1] else rng.normal(size=13)
        answer = ghm_regression(x, t, mu=mu, bins=bins)
        assert not answer.ambiguous
        single = [exact.regression(*pair, mu) for pair in zip(x, t, strict=True)]
        exact.check(answer, exact.harmonized(single, regions), 13, "mean")


def test_authentic_smooth_l1_of_each_entry_from_tiny_to_huge():
    for d in np.concatenate([DISTANCES, -DISTANCES]):
        exact.check(ghm_regression([d], [0.0], mu=0.02, reduction="none"), [exact.regression(d, 0.0, 0.02)])


@pytest.mark.parametrize("individual", ["cross_entropy", "logistic", "hinge", "squared", "absolute"])
@pytest.mark.parametrize("scale", [1.0, 30.0, 5e3])
@pytest.mark.parametrize("k", [1, 3, 8, 20])
def test_top_k_loss(individual, scale, k):
    rng = np.random.default_rng(4)
    for _ in range(6):
        if individual == "cross_entropy":
            x, t, w = rng.normal(size=(8, 4)) * scale, rng.integers(0, 4, 8), rng.uniform(0.2, 2, 4)
            forms = [exact.hard(row, y).times(mpmath.mpf(w[y])) for row, y in zip(x, t, strict=True)]
            options, total = {"weight": w}, mpmath.fsum(mpmath.mpf(w[y]) for y in t)
        else:
            x, t = rng.normal(size=8) * scale, rng.choice([0.0, 1.0, 0.3], 8)
            forms = [getattr(exact, individual)(*pair) for pair in zip(x, t, strict=True)]
            options, total = {}, mpmath.mpf(8)
        answer = top_k_loss(x, t, individual=individual, k=k, **options)
        count = min(k, 8)
        if answer.ambiguous and sum(form.value > 0 for form in forms) >= count:
            raise AssertionError("random losses above 0 have no ties")
        chosen, share = exact.largest(forms, count)
        exact.check(answer, chosen, share * total, "mean")
        exact.check(top_k_loss(x, t, individual=individual, k=k, reduction="none", **options), chosen)


@pytest.mark.parametrize(("top_k", "k", "kept"), [(0.29, None, 29), (1.0, None, 97), (None, 5, 5), (0.001, None, 1)])
def test_average_top_k(top_k, k, kept):
    rng = np.random.default_rng(5)
    losses, weight = rng.normal(size=(10, 10)) * 10, rng.uniform(0.1, 2, (10, 10))
    valid = np.ones((10, 10), bool)
    if top_k != 0.29:
        valid[0, :3] = False
    options = {"top_k": top_k, "k": k, "weight": weight, "valid": valid}
    forms = [
        exact.Form(mpmath.mpf(x) * mpmath.mpf(o), [mpmath.mpf(o)], [mpmath.mpf(o)])
        for x, o in zip(losses[valid], weight[valid], strict=True)
    ]
    chosen, share = exact.largest(forms, kept)
    total = mpmath.fsum(mpmath.mpf(o) for o in weight[valid])
    answer = average_top_k(losses, **options)
    # losses of both signs may cancel: held to the sum of their sizes
    exact_value, size = (mpmath.fsum(f(form.value) for form in chosen) / share / total for f in (lambda v: v, abs))
    assert exact.close(float(answer.value), exact_value, size)
    for got, form in zip(answer.gradient[valid], chosen, strict=True):
        assert exact.close(got, form.slopes[0] / share / total)
    assert (answer.gradient[~valid] == 0).all()
