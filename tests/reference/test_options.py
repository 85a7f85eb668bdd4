"""The options that all oracles share: what a signature shows of them, and what is refused."""

import inspect
from typing import get_args, get_type_hints

import pytest

import reference
from reference.elements import arrange
from reference.options import DEFAULTS, MEAN, ORACLES, Options, Reduction, ReductionOptions

REDUCING = ("reduction", "denominator", "normalizer", "cotangent")

every_oracle = pytest.mark.parametrize("name", sorted(ORACLES))


def test_every_oracle_is_exported():
    assert len(ORACLES) >= 9
    for name, function in ORACLES.items():
        assert name in reference.__all__
        assert getattr(reference, name) is function


@every_oracle
def test_a_signature_shows_every_option(name):
    parameters = inspect.signature(ORACLES[name]).parameters
    assert all(p.kind is not p.VAR_KEYWORD for p in parameters.values())
    assert tuple(parameters)[-len(REDUCING) :] == REDUCING
    for option in parameters.keys() & DEFAULTS.keys() - {"weight"}:
        assert parameters[option].default == DEFAULTS[option]


@every_oracle
def test_an_argument_of_another_name_is_refused_in_the_name_of_the_oracle(name):
    with pytest.raises(TypeError, match=rf"^{name}\(\) got an unexpected keyword argument 'gama'$"):
        ORACLES[name]([[0.0]], [0], gama=2.0)


def test_types_and_defaults_name_the_same_options():
    assert tuple(vars(MEAN)) == tuple(ReductionOptions.__annotations__) == REDUCING
    assert get_type_hints(Reduction) == get_type_hints(ReductionOptions)
    assert DEFAULTS.keys() == Options.__annotations__.keys()
    arranging = inspect.signature(arrange).parameters
    for option in DEFAULTS.keys() - set(REDUCING):
        assert arranging[option].default == DEFAULTS[option]


def test_an_oracle_keeps_the_types_of_what_it_is_written_with():
    assert get_args(get_type_hints(reference.focal)["options"]) == (Options,)
    assert get_type_hints(reference.focal)["gamma"] is float
