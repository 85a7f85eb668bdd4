"""What the tests of campaigns share."""

import pytest

from properties.campaigns import target_schedule


@pytest.fixture(scope="module")
def small_blocks():
    """Several generations of few examples."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(target_schedule, "BLOCK", 20)
        patch.setattr(target_schedule, "GATE_EXAMPLES", 4)
        yield
