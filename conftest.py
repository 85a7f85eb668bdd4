"""Options and profiles of the test suite: which loss the laws are put to, and how many examples each law gets."""

import gc
import os

import pytest
from hypothesis import settings

settings.register_profile("dev", max_examples=50, deadline=None)
settings.register_profile("ci", max_examples=80, deadline=None)
settings.register_profile("thorough", max_examples=2000, deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Groups first, since each runs on one worker: none of them starts when the others are about to end."""
    items.sort(key=lambda item: item.get_closest_marker("xdist_group") is None)


def pytest_collection_finish() -> None:
    """What is imported by now stays: collecting it again and again would cost a fifth of the time."""
    gc.collect()
    gc.freeze()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("lossproof")
    group.addoption("--loss", metavar="TARGET", help="put the laws to this loss: package.module:Name or file.py:Name")
    group.addoption("--contract", metavar="NAME", help="what the loss promises, such as ghm or cross_entropy")
    group.addoption("--map", action="append", default=[], metavar="LAYER_ARG=CONTRACT_ARG")
    group.addoption("--set", action="append", default=[], metavar="LAYER_ARG=VALUE")
    group.addoption("--domain", action="append", default=[], metavar="NAME=V1,V2")
    group.addoption("--seed", type=int, default=0, help="seed of the examples")


def pytest_pycollect_makeitem(collector: pytest.Collector, name: str) -> list[pytest.Item] | None:
    """Laws as Hypothesis tests are for other engines, and for one loss: the suite's own has them all already."""
    if name.endswith("_by_example") and collector.config.getoption("--loss") is None:
        return []
    return None
