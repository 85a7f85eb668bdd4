"""A campaign whose supervisor is killed at random moments, the first of them while its layer is loaded."""

import random
import signal
import time

import pytest

from tests.properties.command.test_fuzz import NUMPY, QUICK, WRONG, ended, leftovers, outcome, start

pytestmark = pytest.mark.xdist_group("kills")

KILLS = 3


def test_killed_at_any_moment_it_ends_where_it_would_have(tmp_path):
    options = ["--max-examples", "60"]
    began = time.monotonic()
    code, words = ended(start(WRONG, *NUMPY, *QUICK, *options, "--out", str(tmp_path / "calm")))
    assert code == 1, words
    seconds = time.monotonic() - began

    directory, chance = tmp_path / "killed", random.Random(7)
    for number in range(KILLS):
        process = start(*how(directory), *options, "--out", str(directory))
        # at first while it loads its layer, or before that
        time.sleep(chance.uniform(0.0, 0.5 * seconds if number else 0.25 * seconds))
        process.send_signal(signal.SIGKILL)
        ended(process)
    code, words = ended(start(*how(directory), *options, "--out", str(directory)))
    assert code == 1, words
    assert outcome(directory) == outcome(tmp_path / "calm")
    assert leftovers(directory) == []


def how(directory):
    """The words that begin a campaign, or resume what is there of it."""
    there = directory / "journal.jsonl"
    return ["--resume"] if there.exists() and there.stat().st_size else [WRONG, *NUMPY, *QUICK]
