"""The numbers of a source, and where it is found."""

import functools
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from paddle_impl import GHMLoss
from properties import Subject
from properties.subjects.source import source_of
from properties.subjects.source_constants import MOST_CONSTANTS, constants_of
from properties.subjects.target import Target
from tests.losses.planted import PLANTED, NeitherBranch

THRESHOLD = 23.75


@pytest.mark.parametrize(
    ("source", "numbers"),
    [
        ("x = 1e-12", {1e-12}),
        ("x = -64", {64.0}),
        ("x = 2.0**-25", {2.0**-25, 25.0}),
        ("x = 1 - 1e-7", {1 - 1e-7, 1e-7}),
        ("x = 1 << 20", {float(1 << 20), 20.0}),
        ("def f(bins=10, eps=1 / 3): pass", {10.0, 1 / 3, 3.0}),
        ("x = n * 4096 + 7.5", {4096.0, 7.5}),
        ("x = [0, 1, 2.0, -1, True, None, 'a', 3j]", set()),
        ("x = y[5].sum(axis=3, stacklevel=4)", set()),
        ("x = 10**400; y = 1 / 0; z = (-8) ** 0.5; v = 1e999", {10.0, 400.0, 8.0, 0.5}),
        ("this is no Python", set()),
        ("", set()),
    ],
)
def test_numbers(source, numbers):
    assert set(constants_of(source)) == numbers


def test_what_stands_in_most_places_comes_first_and_there_is_an_end():
    assert constants_of("a = 7; b = 9; c = 9; d = -9") == (9.0, 7.0)
    assert len(constants_of("\n".join(f"x = {n}.5" for n in range(500)))) == MOST_CONSTANTS


def test_a_layer_is_found_through_what_builds_it():
    layer = Target("paddle_impl:GHMLoss", "ghm").load()
    assert "class GHMLoss" in source_of(layer)
    assert 10.0 in constants_of(source_of(layer))
    assert source_of(layer).startswith("class GHMLoss")
    wrapped = Subject("ghm", lambda bins=10: GHMLoss(bins))
    assert "class GHMLoss" in source_of(wrapped)
    assert THRESHOLD in constants_of(source_of(wrapped))
    assert "class NeitherBranch" in source_of(PLANTED[0].subject)
    assert 12.5 in constants_of(source_of(PLANTED[0].subject))


def test_a_function_and_a_partial_are_found():
    def loss(logits, labels, bins=10):
        return np.minimum(logits, 31.25)

    for build in (lambda: loss, functools.partial(NeitherBranch, reduction="mean")):
        assert source_of(Subject("ghm", build, arguments=())) != ""


def test_there_may_be_no_source():
    assert source_of(Subject("cross_entropy", dict, arguments=())) == ""
    made = {}
    exec("class Made:\n    limit = 5.5", made)
    assert "limit" not in source_of(Subject("cross_entropy", made["Made"], arguments=()))

    class Hostile:
        def __call__(self, **arguments):
            return None

        def __getattr__(self, name):
            raise RuntimeError(name)

    assert isinstance(source_of(Subject("cross_entropy", Hostile(), arguments=())), str)


def test_threads_may_harvest_at_a_time():
    source = "\n".join(f"x{n} = [{n}.5, ({n} + 0.25) * 3, {{'a': {n}.125}}]" for n in range(400))
    expected = constants_of(source)
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(constants_of, [source] * 64)) == {expected}
