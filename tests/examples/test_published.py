"""The published layers of the examples: each known departure in one small case, in numbers worked out by hand.

``docs/published.md`` lists the same cases: departure, case, what the layer gives, what is right.
"""

import math
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import paddle
import pytest

import reference
from properties.subjects.importing import load_module
from properties.subjects.source import source_of
from properties.subjects.target import Target

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "examples" / "published"
PAGE = ROOT / "docs" / "published.md"


def module(name):
    """A file of the folder, as a target loads it."""
    return load_module(str(FOLDER / f"{name}.py"))


GHM, HalfGHM = module("ghm").PublishedGHM, module("ghm").HalfRepairedGHM
TopK, CostSensitive = module("average_top_k").PublishedTopK, module("cost_sensitive").PublishedCostSensitive
Focal, GHMC = module("sigmoid_losses").PublishedSigmoidFocal, module("sigmoid_losses").PublishedGHMC


def tensor(values, dtype="float64"):
    return paddle.to_tensor(values, dtype=dtype)


def ids(values):
    return paddle.to_tensor(values, dtype="int64")


def cross_entropy(gap):
    """Of two classes, where the logit of the right one lies this much below the other."""
    return math.log1p(math.exp(gap))


@dataclass(frozen=True)
class Case:
    """What a layer gives and what the oracle does, each beside the number that was worked out by hand."""

    gives: float
    by_hand: float
    right: float
    due: float


LOG2 = math.log(2)
TWENTY_EIGHT = [[0.0, 0.0]] * 28 + [[50.0, 0.0]] * 72
PIXELS = [[[0.0, 0.0], [0.0, -1.0]], [[0.0, 0.0], [0.0, -1.0]]]


def ghm_denominator():
    z, y, w = [[0.0, 0.0]], [0], [2.0, 1.0]
    return Case(
        # (2 log 2) / 1 for (2 log 2) / 2
        GHM(1.0, weight=tensor(w))(tensor(z), ids(y)),
        2 * LOG2,
        reference.ghm(z, y, bins=1, weight=w).value,
        LOG2,
    )


def ghm_ignored():
    # g = 1/2, 1/2 and, of the ignored element, 1: with three elements in two regions, wider by 0.0001 than 1/2, the
    # region of the two gives 3 / (2 2); alone they would have 2 / (2 1)
    z, y = [[0.0, 0.0]] * 3, [0, 0, -100]
    return Case(GHM(0.5, ignore_index=-100)(tensor(z), ids(y)), 0.75 * LOG2, reference.ghm(z, y, bins=0.5).value, LOG2)


def ghm_edge():
    # the last g is 0.50005: right of 1/2, and left of 0.5001
    z, y = [[1.0, 0.0], [1.0, 0.0], [0.0, 0.0002]], [0, 0, 0]
    near, far = cross_entropy(-1.0), cross_entropy(0.0002)
    return Case(
        GHM(0.5)(tensor(z), ids(y)),
        (2 * near + far) / 3,
        reference.ghm(z, y, bins=2).value,
        (0.75 * 2 * near + 1.5 * far) / 3,
    )


def top_k_fraction():
    # 28 of 100 elements have the loss log 2, the others none: the mean of 28 and of 29
    y = [0] * 100
    return Case(
        TopK(0.29)(tensor(TWENTY_EIGHT), ids(y)),
        LOG2,
        reference.top_k_loss(TWENTY_EIGHT, y, top_k=0.29).value,
        28 / 29 * LOG2,
    )


def top_k_ignored():
    z, y = [[0.0, 0.0]] * 4, [0, 0, -100, -100]
    return Case(TopK(1.0)(tensor(z), ids(y)), LOG2 / 2, reference.top_k_loss(z, y, top_k=1.0).value, LOG2)


def top_k_rows():
    # rows of two pixels, with losses log 2 and log(1 + 1/e), are averaged before one of the two is chosen
    y = [[0, 0], [0, 0]]
    z = np.moveaxis(np.array(PIXELS), 2, 1)
    return Case(
        TopK(0.7)(tensor(z), ids(y)),
        (LOG2 + cross_entropy(-1.0)) / 2,
        reference.top_k_loss(z, y, top_k=0.7).value,
        LOG2,
    )


def costs_soft():
    # the softmax of [1, 0] is [s, 1 - s]
    z, q, s = [[0.0, 1.0]], [[1.0, 0.0]], 1 / (1 + math.exp(-1.0))
    return Case(
        CostSensitive([1, 1])(tensor(z), tensor(q))["CS_CELoss"],
        s * cross_entropy(1.0) + (1 - s) * cross_entropy(-1.0),
        reference.cost_sensitive(z, q, num_class_list=[1, 1]).value,
        cross_entropy(1.0),
    )


def focal_weight():
    # two entries with half of log 2 each, one of them masked by the weight 0
    x, t = [[0.0], [0.0]], [[0.0], [0.0]]
    return Case(
        Focal(0.0, 0.5)(tensor(x), tensor(t), weight=tensor([[1.0], [0.0]])),
        LOG2 / 4,
        reference.sigmoid_focal(x, t, gamma=0.0, alpha=0.5, label_weight=[[1.0], [0.0]]).value,
        LOG2 / 2,
    )


def focal_nothing():
    x, t = [[0.0]], [[0.0]]
    return Case(
        Focal(0.0, 0.5)(tensor(x), tensor(t), avg_factor=0.0),
        LOG2 / 2 * 2**23,
        reference.sigmoid_focal(x, t, gamma=0.0, alpha=0.5, normalizer=0.0).value,
        0.0,
    )


def focal_gradient():
    # 0.75 p^(1/2) BCE where p is 0: the slope of a root there is infinite
    x, t = tensor([[-800.0]]), tensor([[0.0]])
    x.stop_gradient = False
    Focal(0.5, 0.25)(x, t).backward()
    oracle = reference.sigmoid_focal([[-800.0]], [[0.0]], gamma=0.5, alpha=0.25)
    return Case(x.grad[0, 0], math.nan, oracle.gradient[0, 0], 0.0)


def regions_last():
    x, t = [[40.0]], [[0.0]]
    return Case(GHMC(1)(tensor(x), tensor(t)), 0.0, reference.sigmoid_ghm(x, t, bins=1).value, 40.0)


def regions_total():
    # two entries in all, and one in the only region: it has twice its weight, and half of that is left by the mean
    x, t = [[40.0], [0.0]], [[0.0], [0.0]]
    return Case(GHMC(1)(tensor(x), tensor(t)), LOG2, reference.sigmoid_ghm(x, t, bins=1).value, 20 + LOG2 / 2)


def regions_ignored():
    x, t, w = [[0.0], [math.nan]], [[0.0], [0.0]], [[1.0], [0.0]]
    return Case(
        GHMC(1)(tensor(x), tensor(t), tensor(w)),
        math.nan,
        reference.sigmoid_ghm(x, t, bins=1, label_weight=w).value,
        LOG2,
    )


def regions_momentum():
    # an average that starts at 0 has seen half an entry, where there was one
    x, t = [[0.0]], [[0.0]]
    return Case(
        GHMC(1, momentum=0.5)(tensor(x), tensor(t)),
        2 * LOG2,
        reference.sigmoid_ghm(x, t, bins=1, momentum=0.5).value,
        LOG2,
    )


def regions_eval():
    # one batch in training leaves 1/2 in the average; to be evaluated adds a half of what is missing
    x, t, evaluated = [[0.0]], [[0.0]], GHMC(1, momentum=0.5)
    evaluated(tensor(x), tensor(t))
    evaluated.eval()
    return Case(evaluated(tensor(x), tensor(t)), LOG2 / 0.75, LOG2, LOG2)


CASES = {
    "mean under class weights": ghm_denominator,
    "ignored elements in the histogram": ghm_ignored,
    "width + 0.0001": ghm_edge,
    "int(top_k n) of a product": top_k_fraction,
    "ignored rows among the n": top_k_ignored,
    "rows, not pixels": top_k_rows,
    "softmax of soft labels": costs_soft,
    "weights left out of the mean": focal_weight,
    "an epsilon beside avg_factor": focal_nothing,
    "gradient of a power at 0": focal_gradient,
    "the last region is open": regions_last,
    "entries of no region in the total": regions_total,
    "0 times NaN": regions_ignored,
    "an average from 0": regions_momentum,
    "the average moves in eval()": regions_eval,
}
"""By the words of the page."""


@pytest.mark.parametrize("departure", CASES)
def test_a_departure_has_the_number_worked_out_by_hand(departure):
    case = CASES[departure]()
    assert float(case.gives) == pytest.approx(case.by_hand, rel=1e-6, abs=1e-9, nan_ok=True)
    assert float(case.right) == pytest.approx(case.due, rel=1e-9, abs=1e-9)
    assert not math.isclose(case.by_hand, case.due, rel_tol=1e-3)


@pytest.mark.parametrize("departure", CASES)
def test_the_page_says_the_same_numbers(departure):
    (row,) = re.findall(rf"^\| {re.escape(departure)} \|(.*)\|$", PAGE.read_text(encoding="utf-8"), re.M)
    gives, right = (float(cell.strip().replace(",", "").replace("NaN", "nan")) for cell in row.split("|")[-2:])
    case = CASES[departure]()
    assert gives == pytest.approx(case.by_hand, rel=1e-4, nan_ok=True)
    assert right == pytest.approx(case.due, rel=1e-4)


def test_half_a_repair_divides_by_the_weights():
    assert float(HalfGHM(1.0, weight=tensor([2.0, 1.0]))(tensor([[0.0, 0.0]]), ids([0]))) == pytest.approx(LOG2)


def test_ghm_lacks_a_region_where_1_is_no_multiple_of_the_width():
    # int(1 / 0.3) = 3, and g = 0.9526 lies in the fourth
    with pytest.raises(ValueError, match=r"input \(3\) not less than depth \(3\)"):
        GHM(0.3)(tensor([[0.0, 3.0]]), ids([0]))


def test_ghm_unreduced_drops_ignored_elements_and_the_shape():
    loss = GHM(1.0, ignore_index=-100, reduction="none")(paddle.zeros([1, 2, 3]), ids([[0, -100, 1]]))
    assert loss.numpy() == pytest.approx([LOG2, LOG2])


def test_top_k_of_one_row_is_none_and_raises():
    with pytest.raises(ValueError, match="k in the topk must >= 1"):
        TopK(0.6)(tensor([[0.0, 0.0]]), ids([0]))


def test_top_k_of_no_row_raises():
    with pytest.raises(ValueError, match="empty list"):
        TopK(1.0)(paddle.zeros([0, 2]), ids([]))


def test_two_labels_of_two_classes_are_taken_for_probabilities():
    with pytest.raises(RuntimeError, match="softmax"):
        CostSensitive([1, 1])(tensor([[0.0, 0.0], [0.0, 0.0]]), ids([0, 1]))


def test_a_class_that_never_occurs_divides_by_0():
    with pytest.raises(ZeroDivisionError):
        CostSensitive([4, 0])


def test_costs_are_rounded_to_float32_whatever_the_logits_are():
    # the counts 3 and 1 make the mean (l_0 + 3 l_1) / 4
    loss = CostSensitive([3, 1])(tensor([[0.0, 1.0], [0.0, 0.0], [0.0, 0.0]]), ids([0, 1, 1]))["CS_CELoss"]
    due = (cross_entropy(1.0) / 3 + 2 * LOG2) / (7 / 3)
    assert 1e-12 < abs(float(loss) - due) < 1e-7


def test_the_second_mean_changes_nothing():
    # costs 1/4 and 1 over their sum
    loss = CostSensitive([4, 1])(tensor([[0.0, 1.0], [0.0, 0.0]]).unsqueeze(0), ids([[[0], [1]]]))["CS_CELoss"]
    assert float(loss) == pytest.approx((cross_entropy(1.0) / 4 + LOG2) / 1.25)


def test_a_weight_for_each_row_multiplies_its_entries():
    loss = Focal(0.0, 0.5, "none")(paddle.zeros([2, 2]), paddle.zeros([2, 2]), weight=tensor([1.0, 3.0], "float32"))
    assert loss.numpy() == pytest.approx(LOG2 / 2 * np.array([[1.0, 1.0], [3.0, 3.0]]))


def test_the_running_average_is_not_saved():
    assert GHMC(2, momentum=0.5).state_dict() == {}


def test_the_total_of_nothing_is_1():
    assert float(GHMC(2)(tensor([[0.0]]), tensor([[0.0]]), tensor([[0.0]]))) == 0.0


def test_the_earlier_name_has_the_layer_and_its_source(tmp_path):
    # as it lies in a checkout, and in an installed package
    installed = shutil.copytree(ROOT / "examples", tmp_path / "_examples")
    for place in (ROOT / "examples", installed):
        subject = Target(f"{place / 'published_ghm.py'}:PublishedGHM", "ghm", {"width": "bins"}).load()
        assert "self.width + 0.0001" in source_of(subject)
    found = subprocess.run(
        [sys.executable, "-c", "from published_ghm import PublishedGHM as found; print(found.__name__)"],
        cwd=installed,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert found.stdout.strip() == "PublishedGHM"


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.py")), ids=lambda file: file.stem)
def test_a_file_says_how_its_layers_are_certified(file):
    said = file.read_text(encoding="utf-8").partition('"""\n\n')[0]
    page = PAGE.read_text(encoding="utf-8")
    commands = re.findall(r"lossproof certify .*(?:\\\\\n.*)*", said)
    assert commands
    for command in commands:
        words = " ".join(command.replace("\\", " ").split())
        assert f"examples/published/{file.name}:" in words
        assert words in page
