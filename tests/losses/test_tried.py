"""The faults of ``tried``, each at the numbers that show it plainly."""

import numpy as np
import paddle
import pytest

from reference import cost_sensitive, cross_entropy, focal
from tests.losses import tried


def rows(values, dtype="float64"):
    found = paddle.to_tensor(values, dtype=dtype)
    found.stop_gradient = False
    return found


def ids(*values):
    return paddle.to_tensor(values, dtype="int64")


def gradient(loss, logits):
    loss.backward()
    return logits.grad.numpy()


def test_ignored_pixels_are_among_the_hardest():
    loss = tried.HardestPixels(top_k=0.75)(rows(np.zeros((4, 2))), ids(0, 0, 255, 255))
    assert float(loss) == pytest.approx(0.4621, abs=1e-4)


def test_a_share_is_rounded_in_single_precision():
    z = np.stack([np.linspace(0, 5, 100), np.zeros(100)], axis=1)
    loss = tried.HardestPixels(top_k=0.53)(rows(z), paddle.zeros([100], "int64"))
    each = np.sort(np.log1p(np.exp(-z[:, 0])))[::-1]
    assert float(loss) == pytest.approx(each[:52].mean())
    assert float(loss) != pytest.approx(each[:53].mean())


def test_one_pixel_too_few_is_kept():
    p = np.array([0.5, 0.6, 0.7])
    loss = tried.OnlineHard(thresh=0.3, min_kept=1)(rows(np.stack([np.log(p / (1 - p)), 0 * p], axis=1)), ids(0, 0, 0))
    assert float(loss) == 0.0


def test_the_largest_k_of_k_are_out_of_range():
    layer = tried.Bootstrapped(min_k=3)
    assert float(layer(rows(np.zeros((4, 2))), ids(0, 0, 0, 0))) == pytest.approx(np.log(2))
    with pytest.raises(IndexError):
        layer(rows(np.zeros((3, 2))), ids(0, 0, 0))


@pytest.mark.parametrize(("number", "times"), [(32, 1), (33, 2)])
def test_means_of_chunks_are_added(number, times):
    loss = tried.InChunks()(rows(np.zeros((number, 2))), paddle.zeros([number], "int64"))
    assert float(loss) == pytest.approx(times * np.log(2))


def test_as_many_elements_as_classes_are_soft_labels():
    layer = tried.SquareIsSoft([1.0, 1.0])
    assert float(layer(rows(np.zeros((3, 2))), ids(0, 1, 0))) == pytest.approx(np.log(2))
    with pytest.raises(RuntimeError, match="softmax"):
        layer(rows(np.zeros((2, 2))), ids(0, 1))


def test_a_share_of_one_element_is_none():
    with pytest.raises(ValueError, match="at least 1"):
        tried.TopKOfNothing(0.7)(rows([[0, 0]]), ids(0))


def test_a_power_below_one_has_no_slope_where_p_is_one():
    logits = rows([[40, 0]])
    assert np.isnan(gradient(tried.FocalByPow(0.5)(logits, ids(0)), logits)).any()


def test_the_last_region_is_open():
    assert float(tried.LastRegionOpen(10)(rows([[0, 65]]), ids(0))) == 0.0


def test_a_backward_pass_by_hand_is_wrong_at_the_other_classes():
    logits = rows([[0.3, -0.2, 0.7]])
    due = focal(logits.numpy(), np.array([0]))
    loss = tried.FocalByHand()(logits, ids(0))
    got = gradient(loss, logits)
    assert float(loss) == pytest.approx(float(due.value))
    assert got[0, 0] == pytest.approx(due.gradient[0, 0])
    assert (np.abs(got - due.gradient)[0, 1:] > 0.005).all()


def test_a_column_of_labels_broadcasts_and_a_corner_is_nan():
    layer, z = tried.CornerAndBroadcast(), np.array([[1.0, 0.0], [0.0, 2.0]])
    due = cross_entropy(z, np.array([0, 0]))
    assert float(layer(rows(z), ids(0, 0))) == pytest.approx(float(due.value))
    assert float(layer(rows(z), ids([0], [0]))) == pytest.approx(2 * float(due.value))
    assert np.isnan(float(layer(rows([[31.0, 31.0]]), ids(0))))


def test_float32_inside():
    z = np.array([[1.0, 0.0], [0.3, 2.0]])
    got, due = tried.FloatInside()(rows(z), ids(0, 0)), focal(z, np.array([0, 0]))
    assert 1e-9 < abs(float(got) / float(due.value) - 1) < 1e-6


def test_a_class_that_never_occurs_weighs_infinitely_much():
    assert float(tried.NeverOccurs([0.0, 4.0])(rows([[0, 0]]), ids(1))) == pytest.approx(np.log(2))
    assert not np.isfinite(float(tried.NeverOccurs([0.0, 4.0], reduction="sum")(rows([[0, 0]]), ids(0))))


@pytest.mark.parametrize("classes", [10, 11])
def test_counts_are_sorted_as_text_from_eleven_classes_on(classes):
    counts, z, y = np.arange(1.0, classes + 1), np.zeros((2, classes)), np.array([2, 5])
    due = cost_sensitive(z, y, num_class_list=counts, reduction="sum")
    got = tried.SortedAsText(counts, reduction="sum")(rows(z), ids(2, 5))
    assert (float(got) == pytest.approx(float(due.value))) is (classes == 10)


def test_an_axis_of_length_one_goes_with_the_class_axis():
    layer = tried.Squeezes()
    assert float(layer(rows(np.zeros((2, 3, 2))), paddle.zeros([2, 2], "int64"))) == pytest.approx(np.log(3))
    with pytest.raises(ValueError, match="axes"):
        layer(rows(np.zeros((1, 3, 2))), paddle.zeros([1, 2], "int64"))


def test_each_layer_names_laws_of_its_report():
    assert {each.name for each in tried.TRIED} <= set(vars(tried))
    assert all(each.laws for each in tried.TRIED)
