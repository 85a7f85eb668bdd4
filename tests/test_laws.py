"""All laws on our layers, one test for each; with --loss and --contract, on anybody's."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from properties import Target, UsageError
from properties.problems.domain import EmptyDomainError
from properties.pytest_suite import BoundLaw, Suite
from properties.subjects.literals import parse_value, parse_values
from tests.losses.layers import LAYERS

OURS = tuple((f"paddle_impl:{layer}", contract) for contract, layer in LAYERS.items())


def targets(config: pytest.Config) -> list[Target]:
    loss = config.getoption("--loss")
    if loss is None:
        return [Target(text, contract) for text, contract in OURS]
    split = {name: [text.split("=", 1) for text in config.getoption(name)] for name in ("--map", "--set", "--domain")}
    settings = {name: parse_value(value) for name, value in split["--set"]}
    domain = {name: parse_values(values) for name, values in split["--domain"]}
    return [Target(loss, config.getoption("--contract"), dict(split["--map"]), settings, domain)]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    parameters = []
    for target in targets(metafunc.config):
        try:
            ours = metafunc.config.getoption("--loss") is None
            suite = suite_of(target, metafunc.config.getoption("--seed"), ("all",) if ours else ())
        except UsageError as error:
            raise pytest.UsageError(str(error)) from None
        group = pytest.mark.xdist_group(target.text)
        name = suite.description.name
        laws = suite.laws if "data" not in metafunc.fixturenames else tuple(filter(drawing(suite), suite.laws))
        parameters += [pytest.param(BoundLaw(suite, law), id=f"{name}-{law}", marks=group) for law in laws]
    metafunc.parametrize("law", parameters)


_suites: dict[str, Suite] = {}


def suite_of(target: Target, seed: int, require: tuple[str, ...]) -> Suite:
    """One for both tests: gates run once."""
    key = f"{target} {seed}"
    if key not in _suites:
        _suites[key] = Suite(target, seed=seed, require=require)
    return _suites[key]


def drawing(suite: Suite) -> Callable[[str], bool]:
    """Whether a law has something to draw; the gates run for that, before any test does."""

    def draws(law: str) -> bool:
        try:
            suite.problems(law)
        except EmptyDomainError:
            return False
        return True

    return draws


def test_law(law: BoundLaw) -> None:
    assert law.check().examples > 0


@given(data=st.data())
def test_law_by_example(law: BoundLaw, data: st.DataObject) -> None:
    law.put(data.draw(law.problems()))
