"""The softmax losses against 50 digits: value and derivative, on every regime of logits and on region edges."""

import mpmath
import numpy as np
import pytest

from reference import cost_sensitive, cross_entropy, focal, ghm
from reference.regions import Regions
from tests.reference import exact

ROWS = exact.rows()
GAMMAS = (0.0, 0.5, 1.0, 2.0, 5.0)


def soft_labels(classes, rng):
    """Rows of every kind: of sum 1, of any sum, with zeros, one-hot, tiny, nothing at all, and the softmax itself."""
    one = rng.dirichlet(np.ones(classes))
    yield one
    yield rng.uniform(0, 3, classes)
    yield one * (rng.random(classes) < 0.5)
    yield from np.eye(classes)[:3]
    yield one * 1e-9
    yield np.zeros(classes)
    yield np.full(classes, 1 / classes)


def derivative(value, row, place):
    """A derivative by differences of an exact value, at 60 digits more than the answer needs."""

    def along(t):
        return value([t if j == place else mpmath.mpf(float(x)) for j, x in enumerate(row)])

    with mpmath.workdps(110):
        return mpmath.diff(along, mpmath.mpf(float(row[place])))


@pytest.mark.parametrize(
    ("form", "row"),
    [
        (lambda z: exact.hard(z, 1), [0.5, -1.0, 2.0]),
        (lambda z: exact.soft(z, [0.5, 0.0, 1.25]), [0.5, -1.0, 2.0]),
        *((lambda z, g=g: exact.focal(z, 0, g), [0.5, -1.0, 30.0]) for g in GAMMAS),
        (lambda z: exact.logistic(z[0], 0.25), [1.5]),
        *((lambda z, g=g, t=t: exact.sigmoid_focal(z[0], t, g, 0.25), [-7.0]) for g in GAMMAS for t in (0, 1, 0.375)),
        (lambda z: exact.regression(z[0], 0.5, 0.02), [0.5078125]),
        (lambda z: exact.hinge(z[0], 0.25), [1.5]),
        (lambda z: exact.squared(z[0], 0.25), [1.5]),
        (lambda z: exact.absolute(z[0], 0.25), [-1.5]),
    ],
)
def test_the_closed_forms_are_derivatives(form, row):
    with mpmath.workdps(110):
        slopes = form(row).slopes
    for place, slope in enumerate(slopes):
        found = derivative(lambda z: form(z).value, row, place)
        assert abs(found - slope) <= mpmath.mpf(10) ** -40 * (1 + abs(slope))


@pytest.mark.parametrize("regime", ROWS)
def test_cross_entropy(regime):
    for row in ROWS[regime]:
        for label in range(len(row)):
            exact.check(cross_entropy(row[None], [label], reduction="none"), [exact.hard(row, label)])


@pytest.mark.parametrize("soft_weight", ["paddle", "torch"])
@pytest.mark.parametrize("regime", ROWS)
def test_cross_entropy_of_soft_labels(regime, soft_weight):
    # p_j sum(q) - q_j is a true difference, which may be 0: it is held to the size of the two terms that are left when
    # what they have in common is taken out, p_j times the others' q and q_j (1 - p_j)
    rng = np.random.default_rng(1)
    for row in ROWS[regime][::4]:
        for q in soft_labels(len(row), rng):
            w = rng.uniform(0, 2, len(row)) * (rng.random(len(row)) < 0.8)
            weighed = [a * b for a, b in zip(exact.digits(q), exact.digits(w), strict=True)]
            if soft_weight == "paddle":
                form = exact.soft(row, q)
                share = mpmath.fsum(weighed)
                form = form.times(share) if share > 0 or form.value < exact.INF else None
            else:
                form = exact.soft(row, weighed)
            if form is None:  # 0 times infinity
                continue
            answer = cross_entropy(row[None], q[None], weight=w, reduction="none", soft_weight=soft_weight)
            exact.check(answer, [form])


@pytest.mark.parametrize("soft_weight", ["paddle", "torch"])
@pytest.mark.parametrize("regime", [regime for regime in ROWS if regime != "one class"])
@pytest.mark.parametrize("smoothing", [0.1, 0.5, 1.0])
def test_smoothed_cross_entropy(regime, soft_weight, smoothing):
    rng = np.random.default_rng(2)
    classes = len(ROWS[regime][0])
    batch = np.array([row for row in ROWS[regime] if len(row) == classes][:8])
    labels = rng.integers(0, classes, len(batch))
    labels[1::3] = -7
    w = rng.uniform(0.2, 2, classes)
    forms, divisor = [], mpmath.mpf(0)
    for row, label in zip(batch, labels, strict=True):
        if label == -7:
            forms.append(exact.soft(np.zeros(classes), np.zeros(classes)))
            continue
        q = exact.smoothed(np.eye(classes)[label], smoothing)
        weighed = [a * b for a, b in zip(q, exact.digits(w), strict=True)]
        share = mpmath.fsum(weighed)
        forms.append(exact.soft(row, q).times(share) if soft_weight == "paddle" else exact.soft(row, weighed))
        divisor += share if soft_weight == "paddle" else mpmath.mpf(w[label])
    options = {"weight": w, "ignore_index": -7, "label_smoothing": smoothing, "soft_weight": soft_weight}
    exact.check(cross_entropy(batch, labels, reduction="none", **options), forms)
    exact.check(cross_entropy(batch, labels, **options), forms, divisor, "mean")
    valid = int((labels != -7).sum())
    exact.check(cross_entropy(batch, labels, denominator="count", **options), forms, valid, "mean")


def test_smoothed_soft_labels():
    rng = np.random.default_rng(3)
    for row in ROWS["random"][::5]:
        for q in soft_labels(len(row), rng):
            form = exact.soft(row, exact.smoothed(q, 0.1))
            share = mpmath.fsum(exact.smoothed(q, 0.1))
            answer = cross_entropy(row[None], q[None], label_smoothing=0.1, reduction="none")
            exact.check(answer, [form.times(share)])
            answer = cross_entropy(row[None], q[None], label_smoothing=0.1, reduction="none", soft_weight="torch")
            exact.check(answer, [form])


@pytest.mark.parametrize("gamma", GAMMAS)
@pytest.mark.parametrize("regime", ROWS)
def test_focal(regime, gamma):
    for row in ROWS[regime]:
        for label in range(0, len(row), 1 + len(row) // 8):
            answer = focal(row[None], [label], gamma=gamma, reduction="none")
            exact.check(answer, [exact.focal(row, label, gamma)])


@pytest.mark.parametrize("gamma", GAMMAS)
@pytest.mark.parametrize("gap", [36.5, 37.0, 50.0, 300.0])
def test_focal_where_p_rounds_to_1(gap, gamma):
    exact.check(focal([[gap, 0.0]], [0], gamma=gamma, reduction="none"), [exact.focal([gap, 0.0], 0, gamma)])


@pytest.mark.parametrize("gamma", GAMMAS)
@pytest.mark.parametrize("gap", [700.0, 760.0, 1e4, 1e300])
def test_focal_where_p_rounds_to_0(gap, gamma):
    # 760 and more: p is 0 in float64, and 1 - p is 1
    answer = focal([[0.0, gap]], [0], gamma=gamma, reduction="none")
    if gap < 1e5:
        exact.check(answer, [exact.focal([0.0, gap], 0, gamma)])
    else:
        assert answer.value.tolist() == [gap]
        assert answer.gradient.tolist() == [[-1.0, 1.0]]


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.5])
@pytest.mark.parametrize(("counts", "empty"), [([5, 1, 1000], None), ([7, 0, 3], 0.75), ([0, 0, 0], 2.0)])
def test_cost_sensitive(counts, empty, gamma):
    rng = np.random.default_rng(4)
    batch, labels, extra = rng.normal(size=(6, 3)) * 4, np.array([0, 1, 2, 2, -100, 1]), rng.uniform(0.5, 2, 3)
    smallest = min((n for n in counts if n), default=1)
    costs = [
        (mpmath.mpf(smallest) / n) ** mpmath.mpf(gamma) * mpmath.mpf(w) if n else mpmath.mpf(empty) * mpmath.mpf(w)
        for n, w in zip(counts, extra, strict=True)
    ]
    forms = [exact.hard(row, max(y, 0)).times(costs[y] if y >= 0 else 0) for row, y in zip(batch, labels, strict=True)]
    total = mpmath.fsum(costs[y] for y in labels if y >= 0)
    options = {"num_class_list": counts, "gamma": gamma, "empty_class_weight": empty, "weight": extra}
    exact.check(cost_sensitive(batch, labels, **options), forms, total, "mean")
    exact.check(cost_sensitive(batch, labels, denominator="count", **options), forms, 5, "mean")
    q = rng.dirichlet(np.ones(3), 6)
    shares = [mpmath.fsum(a * b for a, b in zip(exact.digits(row), costs, strict=True)) for row in q]
    forms = [exact.soft(row, t).times(share) for row, t, share in zip(batch, q, shares, strict=True)]
    exact.check(cost_sensitive(batch, q, **options), forms, mpmath.fsum(shares), "mean")


@pytest.mark.parametrize("normalize", ["occupied", "paper"])
@pytest.mark.parametrize("bins", [1, 2, 3, 10, 50, 1.0, 0.5, 0.3, 0.1, 0.7])
def test_ghm(bins, normalize):
    rng = np.random.default_rng(3)
    regions = Regions.of(bins)
    decided = 0
    for trial in range(30):
        batch = rng.normal(size=(7, 3)) * (1, 4, 20)[trial % 3]
        batch[0] = ROWS["saturated"][trial]
        labels = rng.integers(0, 3, 7)
        weight = rng.uniform(0.2, 3, 3)
        answer = ghm(batch, labels, bins=bins, weight=weight, normalize=normalize)
        if answer.ambiguous:
            continue
        decided += 1
        forms = exact.harmonized([exact.hard(*pair) for pair in zip(batch, labels, strict=True)], regions, normalize)
        forms = [form.times(mpmath.mpf(weight[y])) for form, y in zip(forms, labels, strict=True)]
        exact.check(answer, forms, mpmath.fsum(mpmath.mpf(weight[y]) for y in labels), "mean")
    assert decided >= 20


@pytest.mark.parametrize("regions", [2, 4, 5, 10])
@pytest.mark.parametrize("beside", [-1e-2, -1e-4, -1e-6, 1e-6, 1e-4, 1e-2])
def test_beside_an_edge_the_region_is_certain_and_right(regions, beside):
    for edge in range(1, regions):
        norm = edge / regions + beside
        row = np.array([np.log((1 - norm) / norm), 0.0])
        answer = ghm([row, [0.0, 0.0], [0.0, 30.0]], [0, 0, 0], bins=regions, reduction="none")
        form = exact.hard(row, 0)
        found = exact.region(form.norm, Regions.of(regions))
        crowd = [found, regions // 2, regions - 1]
        expected = float(form.value) * 3 / (crowd.count(found) * len(set(crowd)))
        assert any(abs(a.value[0] - expected) <= 1e-12 * expected for a in answer.admissible)
        # [0, 0] lies on the middle edge of an even number of regions; nothing else is in doubt
        assert len(answer.alternatives) == (1 if regions % 2 == 0 else 0)
