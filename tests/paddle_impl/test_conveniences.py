"""What goes with every layer: a repr that builds it again, and losses and logits in dicts."""

import numpy as np
import paddle
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import paddle_impl
from paddle_impl import CostSensitiveLoss, CrossEntropyLoss, FocalLoss, GHMLoss, SigmoidFocalLoss, TopKLoss
from tests.paddle_impl.cases import IDS, LOGITS, ONE_OF_EACH, WEIGHT
from tests.paddle_impl.drawn import NAMES, OPTIONS, made, problem_of, unpacked

every_layer = pytest.mark.parametrize(("layer", "oracle", "labels", "options"), ONE_OF_EACH)
unhurried = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])


def built_again(layer):
    return eval(repr(layer), dict(vars(paddle_impl)))


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
@unhurried
def test_the_repr_builds_an_equal_layer(name, data):
    options = data.draw(OPTIONS[name])
    layer = made(name, options)
    again = built_again(layer)
    assert repr(again) == repr(layer)
    problem = problem_of(name, options)
    values, gradients = [], []
    for each in (layer, again):
        loss = unpacked(each(*problem))
        values.append(loss.numpy())
        gradients.append(paddle.grad(loss.sum(), problem[0])[0].numpy())
    assert np.array_equal(*values, equal_nan=True)
    assert np.array_equal(*gradients, equal_nan=True)


def test_a_repr_says_what_was_said():
    assert repr(GHMLoss(bins=10, weight=[1, 2, 2])) == (
        "GHMLoss(bins=10, momentum=0.0, weight=[1.0, 2.0, 2.0], reduction='mean', ignore_index=-100, axis=1)"
    )
    assert repr(GHMLoss(bins=0.3, denominator="count")).startswith("GHMLoss(bins=0.3,")
    assert "denominator='count'" in repr(GHMLoss(denominator="count"))
    assert "num_class_list=[3.0, 1.0], gamma=2.0, weight=[1.0, 5.0]" in repr(
        CostSensitiveLoss([3, 1], gamma=2, weight=[1, 5])
    )
    assert "normalizer=7.0" in repr(SigmoidFocalLoss(normalizer=7))
    assert "k=3" in repr(TopKLoss(k=3))
    assert "individual=twice" in repr(TopKLoss(individual=twice))


def twice(logits, labels):
    return logits.sum(axis=1) * 2


def test_a_repr_is_one_line_inside_a_network():
    assert "(1): FocalLoss(gamma=2.0, weight=None," in repr(paddle.nn.LayerList([paddle.nn.Linear(2, 2), FocalLoss()]))


def test_a_subclass_has_a_repr_of_its_own_arguments():
    class Named(FocalLoss):
        def __init__(self, name, **options):
            super().__init__(**options)
            self.name = name

    assert repr(Named("hard", gamma=3)) == "Named(name='hard')"


@every_layer
def test_a_loss_in_a_dict(layer, oracle, labels, options):
    z, y = paddle.to_tensor(LOGITS), paddle.to_tensor(labels)
    plain = layer(**options)(z, y)
    for as_dict, key in ((True, layer.__name__), ("CELoss", "CELoss")):
        found = layer(**options, as_dict=as_dict)(z, y)
        assert list(found) == [key]
        assert np.array_equal(found[key].numpy(), plain.numpy())
    assert isinstance(layer(**options, as_dict=False)(z, y), paddle.Tensor)


@every_layer
def test_logits_in_a_dict(layer, oracle, labels, options):
    z, y = paddle.to_tensor(LOGITS), paddle.to_tensor(labels)
    made_layer = layer(**options)
    expected = made_layer(z, y).numpy()
    assert np.array_equal(made_layer({"logits": z, "features": y}, y).numpy(), expected)
    first, second = made_layer.inputs
    assert np.array_equal(made_layer(**{first: {"logits": z}, second: y}).numpy(), expected)


@pytest.mark.parametrize("full_graph", [False, True])
@every_layer
def test_dicts_behind_to_static(layer, oracle, labels, options, full_graph):
    z, y = paddle.to_tensor(LOGITS, stop_gradient=False), paddle.to_tensor(labels)
    traced = paddle.jit.to_static(layer(**options, as_dict="part"), full_graph=full_graph)
    answer = oracle(LOGITS, labels, **options)
    loss = traced({"logits": z}, y)["part"]
    loss.sum().backward()
    assert np.allclose(loss.numpy(), answer.value, rtol=1e-6)
    assert np.allclose(z.grad.numpy(), answer.gradient, rtol=1e-6, atol=1e-9)


class Network(paddle.nn.Layer):
    def __init__(self):
        super().__init__()
        self.linear = paddle.nn.Linear(4, 4)
        self.loss = CrossEntropyLoss(as_dict=True, axis=-1)

    def forward(self, x, labels):
        return self.loss({"logits": self.linear(x)}, labels)


@pytest.mark.parametrize("full_graph", [False, True])
def test_dicts_inside_a_network_behind_to_static(full_graph):
    network = Network()
    x, y = paddle.randn([5, 4]), paddle.to_tensor([0, 1, 2, 3, 0])
    expected = network(x, y)["CrossEntropyLoss"].item()
    found = paddle.jit.to_static(network, full_graph=full_graph)(x, y)["CrossEntropyLoss"].item()
    assert found == pytest.approx(expected, rel=1e-6)


def test_a_layer_in_a_dict_is_saved_as_a_program(tmp_path):
    layer = GHMLoss(weight=WEIGHT, as_dict="GHM")
    specs = [paddle.static.InputSpec(LOGITS.shape, "float64"), paddle.static.InputSpec(IDS.shape, "int64")]
    paddle.jit.save(layer, str(tmp_path / "loss"), input_spec=specs)
    z, y = paddle.to_tensor(LOGITS), paddle.to_tensor(IDS)
    # a program gives what it was saved with: Tensors
    assert paddle.jit.load(str(tmp_path / "loss"))(z, y).item() == pytest.approx(layer(z, y)["GHM"].item(), rel=1e-6)


@pytest.mark.parametrize(("as_dict", "shown"), [(None, "None"), (1, "1"), ("", "''"), (["a"], "['a']")])
@every_layer
def test_what_no_key_can_be(layer, oracle, labels, options, as_dict, shown):
    with pytest.raises(TypeError) as raised:
        layer(**options, as_dict=as_dict)
    assert str(raised.value) == f"as_dict must be True, False or the key of the dict, got {shown}"
