"""The error scales against plain float32: sound code stays within them, and comes near enough to show their worth."""

import numpy as np
import pytest

import reference
from reference import BUDGET, UNIT_ROUNDOFF
from tests.reference import naive

UNIT = UNIT_ROUNDOFF["float32"]
TINY = float(np.finfo(np.float32).tiny)
ROWS = 48
REGIMES = {
    "normal": lambda rng, shape: rng.normal(size=shape),
    "x10": lambda rng, shape: 10 * rng.normal(size=shape),
    "x50": lambda rng, shape: 50 * rng.normal(size=shape),
    "x1000": lambda rng, shape: 1000 * rng.normal(size=shape),
    "offset 1e4": lambda rng, shape: 1e4 + rng.normal(size=shape),
    "near ties": lambda rng, shape: (
        rng.normal(size=(shape[0], *(1,) * (len(shape) - 1))) + 1e-6 * rng.normal(size=shape)
    ),
}


def single(array):
    """What float32 holds of an array."""
    return np.asarray(array, dtype=np.float32)


def by_class(name, loss, factor=None, **options):
    """An oracle of classes and its plain counterpart: ``factor`` of logits, losses, o_i gives o_i and the divisor."""

    def trial(rng, regime, reduction, cotangent, classes):
        z, y = single(REGIMES[regime](rng, (ROWS, classes))), rng.integers(0, classes, ROWS)
        w = single(rng.uniform(0.1, 2, classes))
        answer = getattr(reference, name)(
            z, y, weight=w, reduction=reduction, cotangent=cotangent, **oracle_options(options, classes)
        )
        losses, slopes = loss(z, y)
        o, divisor = (w[y], w[y].sum()) if factor is None else factor(z, losses, w[y])
        if name == "cost_sensitive":
            o = o * single(class_costs(classes, options["gamma"]))[y]
            divisor = o.sum()
        return answer, naive.reduce(losses, slopes, o, divisor, reduction, cotangent)

    return trial


def class_counts(classes):
    return 1 + 7 * np.arange(classes)


def class_costs(classes, gamma):
    counts = single(class_counts(classes))
    return (counts.min() / counts) ** np.float32(gamma)


def oracle_options(options, classes):
    found = dict(options)
    if "bins" in options or "k" in options or "gamma" in options:
        found["unit_roundoff"] = UNIT
    if found.pop("counts", False):
        found["num_class_list"] = class_counts(classes)
        del found["unit_roundoff"]
    return found


def by_rows(soft_weight, smoothing=0.0):
    """Cross entropy of soft labels of any sum, or of smoothed classes."""

    def trial(rng, regime, reduction, cotangent, classes):
        z, w = single(REGIMES[regime](rng, (ROWS, classes))), single(rng.uniform(0.1, 2, classes))
        q = labels = single(rng.dirichlet(np.ones(classes), ROWS) * rng.choice([1, 0.5, 2.0], (ROWS, 1)))
        if smoothing:
            labels = rng.integers(0, classes, ROWS)
            q = np.float32(1 - smoothing) * np.eye(classes, dtype=np.float32)[labels] + np.float32(smoothing / classes)
        answer = reference.cross_entropy(
            z,
            labels,
            weight=w,
            reduction=reduction,
            cotangent=cotangent,
            soft_weight=soft_weight,
            label_smoothing=smoothing,
        )
        o = (q * w).sum(axis=1) if soft_weight == "paddle" else np.ones(ROWS, np.float32)
        losses, slopes = naive.soft(z, q if soft_weight == "paddle" else q * w)
        divisor = o.sum() if soft_weight == "paddle" or not smoothing else w[labels].sum()
        return answer, naive.reduce(losses, slopes, o, divisor, reduction, cotangent)

    return trial


def by_entry(name, loss, targets=(0.0, 1.0), factor=None, **options):
    """An oracle of entries and its plain counterpart."""

    def trial(rng, regime, reduction, cotangent, classes):
        x = single(REGIMES[regime](rng, (ROWS,)))
        t = single(rng.normal(size=ROWS) if targets is None else rng.choice(targets, ROWS))
        if targets is None and regime in ("offset 1e4", "near ties"):
            t = single(x + 0.05 * rng.normal(size=ROWS))
        answer = getattr(reference, name)(x, t, reduction=reduction, cotangent=cotangent, unit_roundoff=UNIT, **options)
        losses, slopes = loss(x, t)
        ones = np.ones(ROWS, np.float32)
        o, divisor = (ones, ROWS) if factor is None else factor(x, losses, slopes)
        return answer, naive.reduce(losses, slopes, o, divisor, reduction, cotangent)

    return trial


def softmax_density(bins):
    def factor(z, losses, o):
        # 1 - p as exp(-l) gives it
        return o * naive.harmonize(np.float32(1) - np.exp(-losses), bins), o.sum()

    return factor


def entry_density(bins):
    def factor(x, losses, slopes):
        return naive.harmonize(np.abs(slopes), bins), len(x)

    return factor


def top(k):
    def factor(z, losses, o):
        # the last argument is the slope for entries, which all weigh 1
        o = o if losses.shape == o.shape and z.ndim > 1 else np.ones_like(losses)
        return o * naive.largest(losses * o, k), np.float32(k) * o.sum() / np.float32(len(losses))

    return factor


def focal(gamma, rest):
    return by_class("focal", lambda z, y: naive.focal(z, y, gamma, rest), gamma=gamma)


def sigmoid_focal(gamma, targets):
    return by_entry("sigmoid_focal", lambda x, t: naive.sigmoid_focal(x, t, gamma, 0.25), targets, gamma=gamma)


def top_k(individual, targets=(0.0, 1.0)):
    loss = getattr(naive, individual)
    return by_entry("top_k_loss", loss, targets, top(11), individual=individual, k=11)


def average_top_k(rng, regime, reduction, cotangent, classes):
    """Losses that are given have no rounding of their own: weights and sums are all there is."""
    losses = np.abs(single(REGIMES[regime](rng, (ROWS,))))
    w = single(rng.uniform(0.1, 2, ROWS))
    answer = reference.average_top_k(
        losses, k=11, weight=w, reduction=reduction, cotangent=cotangent, unit_roundoff=UNIT
    )
    o, divisor = w * naive.largest(losses * w, 11), np.float32(11) * w.sum() / np.float32(ROWS)
    return answer, naive.reduce(losses, np.ones_like(losses), o, divisor, reduction, cotangent)


TRIALS = {
    "cross_entropy": by_class("cross_entropy", naive.cross_entropy),
    "cross_entropy soft paddle": by_rows("paddle"),
    "cross_entropy soft torch": by_rows("torch"),
    "cross_entropy smoothed paddle": by_rows("paddle", 0.1),
    "cross_entropy smoothed torch": by_rows("torch", 0.1),
    **{f"focal {g} {rest}": focal(g, rest) for g in (0.0, 0.5, 1.0, 2.0, 5.0, 20.0) for rest in ("1 - p", "expm1")},
    "cost_sensitive": by_class("cost_sensitive", naive.cross_entropy, gamma=0.5, counts=True),
    "ghm": by_class("ghm", naive.cross_entropy, softmax_density(10), bins=10),
    "top_k_loss cross_entropy": by_class("top_k_loss", naive.cross_entropy, top(11), k=11),
    **{f"sigmoid_focal {g}": sigmoid_focal(g, (0.0, 1.0)) for g in (0.0, 0.5, 1.0, 2.0, 5.0, 20.0)},
    **{f"sigmoid_focal {g} soft": sigmoid_focal(g, (0.01, 0.1, 0.5, 0.7, 0.999)) for g in (0.5, 2.0, 5.0)},
    "sigmoid_ghm": by_entry("sigmoid_ghm", naive.logistic, factor=entry_density(10), bins=10),
    "ghm_regression": by_entry(
        "ghm_regression", lambda x, t: naive.smooth_l1(x, t, 0.02), None, entry_density(10), bins=10, mu=0.02
    ),
    "average_top_k": average_top_k,
    "top_k_loss logistic": top_k("logistic"),
    "top_k_loss hinge": top_k("hinge"),
    "top_k_loss squared": top_k("squared", None),
    "top_k_loss absolute": top_k("absolute", None),
}


def used(got, exact, scale):
    """The part of the scale that an error uses, in units of roundoff; a flush below the smallest normal is free."""
    error = np.maximum(np.abs(got.astype(np.float64) - exact) - TINY, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return float(np.where(error == 0, 0.0, error / (UNIT * scale)).max(initial=0.0))


def spent(answer, value, gradient):
    """The least budget with which value and gradient match the same admissible answer."""
    gradient = gradient.reshape(answer.gradient.shape)
    answers = answer.admissible if answer.nearest is None else [answer.nearest(value, gradient.astype(float))]
    return min(max(used(value, a.value, a.value_scale), used(gradient, a.gradient, a.gradient_scale)) for a in answers)


def survey(trial, seed=0, rounds=4):
    """The largest budget over regimes, reductions and numbers of classes, and where; and how many trials counted."""
    rng = np.random.default_rng(seed)
    most, where, decided = 0.0, None, 0
    for _ in range(rounds):
        for regime in REGIMES:
            for classes in (2, 3, 10, 100):
                for reduction in ("none", "sum", "mean"):
                    cotangent = single(rng.normal(size=(ROWS,) if reduction == "none" else ()))
                    answer, (value, gradient) = trial(rng, regime, reduction, cotangent, classes)
                    if not answer.decided:
                        continue
                    decided += 1
                    budget = spent(answer, value, gradient)
                    if budget > most:
                        most, where = budget, (regime, classes, reduction)
    return most, where, decided


@pytest.mark.parametrize("name", TRIALS)
def test_plain_float32_stays_within_the_budget_and_comes_near_the_scale(name):
    most, where, decided = survey(TRIALS[name])
    assert decided * ROWS >= 4_000
    assert most <= BUDGET, where
    # one rounding uses between 0.5 and 1 of itself, and the scale counts the worst of each
    assert most >= 0.4


@pytest.mark.parametrize("name", TRIALS)
@pytest.mark.parametrize("wrong", ["value", "gradient"])
def test_a_relative_error_of_1e_4_exceeds_the_budget(name, wrong):
    rng = np.random.default_rng(3)
    seen = 0
    for _ in range(20):
        cotangent = single(rng.normal(size=ROWS))
        answer, (value, gradient) = TRIALS[name](rng, "normal", "none", cotangent, 3)
        off = [
            part * np.float32(1 + 1e-4) if which == wrong else part
            for which, part in (("value", value), ("gradient", gradient))
        ]
        seen += answer.decided and spent(answer, *off) > BUDGET
    assert seen >= 18
