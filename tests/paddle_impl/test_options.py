"""The options that all layers share: what help() and inspect.signature() show of them, and what is refused."""

import inspect
from typing import Unpack

import pytest

import paddle_impl
from paddle_impl.elements import ElementLoss
from paddle_impl.layer import LossLayer
from paddle_impl.options import KeywordOptions, Options, documented

KEYWORD = ("denominator", "check_labels", "twice_differentiable", "as_dict")
SHARED = inspect.signature(LossLayer.__init__).parameters

every_layer = pytest.mark.parametrize("name", paddle_impl.__all__)


@every_layer
def test_help_is_enough(name):
    layer = getattr(paddle_impl, name)
    parameters = inspect.signature(layer).parameters
    assert set(documented(layer.__doc__)) == set(parameters)
    assert "**options" not in layer.__doc__


@every_layer
def test_a_signature_shows_every_option_with_the_default_of_the_base(name):
    parameters = inspect.signature(getattr(paddle_impl, name)).parameters
    assert all(p.kind is not p.VAR_KEYWORD for p in parameters.values())
    assert tuple(parameters)[-len(KEYWORD) :] == KEYWORD
    for option in KEYWORD:
        assert parameters[option] == SHARED[option]


@every_layer
def test_an_argument_of_another_name_is_refused_in_the_name_of_the_layer(name):
    layer = getattr(paddle_impl, name)
    with pytest.raises(TypeError, match=rf"^{name}\.__init__\(\) got an unexpected keyword argument 'gama'$"):
        layer(gama=2.0)


def test_the_types_name_the_options_of_the_base():
    assert tuple(KeywordOptions.__annotations__) == KEYWORD
    assert Options.__annotations__.keys() == SHARED.keys() - {"self"}


def test_a_layer_may_take_all_options_by_keyword():
    class Scaled(ElementLoss):
        """Compute nothing.

        Args:
            scale: a number.
            axis: an axis.
            **options: those of every layer.
        """

        def __init__(self, scale: float = 1.0, **options: "Unpack[Options]") -> None:
            super().__init__(**options)
            self.scale = scale

    assert list(inspect.signature(Scaled).parameters) == ["scale", *list(SHARED)[1:]]
    assert Scaled.__doc__.count("axis:") == 1
    assert "None means ones." in Scaled.__doc__
    assert "denominator='count'" in repr(Scaled(denominator="count"))
    with pytest.raises(TypeError, match=r"Scaled.__init__\(\) got an unexpected keyword argument 'beta'"):
        Scaled(beta=1)


def test_options_of_a_users_own_stay_as_they_are():
    class Named(paddle_impl.FocalLoss):
        def __init__(self, name, **options):
            super().__init__(**options)

    assert list(inspect.signature(Named).parameters) == ["name", "options"]
    with pytest.raises(TypeError, match=r"FocalLoss.__init__|LossLayer.__init__"):
        Named("hard", gama=2.0)
