"""Durations: what people write, and what they read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from properties.report.durations import parse_duration, words_of


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("8h", 28800),
        ("90m", 5400),
        ("45s", 45),
        ("1h30m", 5400),
        ("1h 30m", 5400),
        (" 2D ", 172800),
        ("1d2h3m4s", 93784),
        ("1.5h", 5400),
        ("0.5", 0.5),
        ("120", 120),
    ],
)
def test_what_people_write(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", " ", "0", "0h", "-5", "-1h", "h", "8 hours", "30m1h", "1h1h", "1h30", "1e3", "nan", "inf", "9" * 400]
)
def test_what_is_no_duration(text):
    with pytest.raises(ValueError, match=rf"^a duration above 0, such as 8h, .* or a number of seconds, got '{text}'$"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0s"),
        (-3, "0s"),
        (0.04, "0s"),
        (0.5, "0.5s"),
        (9.94, "9.9s"),
        (9.97, "10s"),
        (59.6, "1m"),
        (5400, "1h30m"),
        (3605, "1h5s"),
        (172800, "2d"),
    ],
)
def test_what_people_read(seconds, words):
    assert words_of(seconds) == words


@given(st.integers(1, 10**9))
def test_one_is_the_inverse_of_the_other(seconds):
    assert parse_duration(words_of(seconds)) == seconds
