"""Any command line ends with a code of the table, without a traceback, and without a change of anybody's files."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.properties.command.malformed import Sandbox, command_line


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    return Sandbox(tmp_path_factory.mktemp("sandbox"))


@given(st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), database=None)
def test_any_command_line_ends_as_documented(sandbox, random):
    words = command_line(random)
    outcome = sandbox.run(words)
    assert not outcome.faults, (words, outcome.faults)
