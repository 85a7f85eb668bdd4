"""Laws as ordinary Hypothesis tests, for whatever engine runs those."""

import random

import pytest
from hypothesis.database import InMemoryExampleDatabase

from properties import Target
from properties.problems.domain import EmptyDomainError
from properties.pytest_suite import LawBroken, Suite

WRONG = Target("tests.mutants.museum.of_paddle:MeanOfAllElements", "cross_entropy", backend="numpy")


@pytest.fixture(scope="module")
def wrong():
    return Suite(WRONG, max_examples=20)


def test_hypothesis_finds_and_shrinks_a_mutant(wrong):
    database = InMemoryExampleDatabase()
    # what it draws is not seeded here, and some runs of 60 examples saw nothing
    test = wrong.test("oracle/value", database=database, max_examples=400)
    with pytest.raises(LawBroken) as broken:
        test()
    message = str(broken.value)
    assert message.startswith("oracle/value: The mean divides by the number of all elements, ignored ones too (2)")
    # the script runs by itself, and shows the same
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        exec(message.partition("\n\n")[2], {})
    # the next run begins with what this one has found
    assert any(database.data.values())


def test_any_bytes_are_an_example(wrong):
    test, draw = wrong.test("oracle/value", database=None).hypothesis.fuzz_one_input, random.Random(0)
    every = [draw.randbytes(400) for _ in range(200)]
    with pytest.raises(LawBroken, match="ignored ones too"):
        list(map(test, every))
    held = wrong.test("shape/permutation", database=None).hypothesis.fuzz_one_input
    assert [held(each) is None for each in (b"", b"short")] == [True, True]
    assert any(held(each) is not None for each in every[:20])


def test_tests_of_laws_are_told_apart_by_name(wrong):
    assert wrong.test("oracle/value").__name__ == "test_MeanOfAllElements_oracle_value"


def test_a_law_with_nothing_to_draw_has_no_test(wrong):
    with pytest.raises(EmptyDomainError):
        wrong.test("limit/smoothed-labels-are-soft")
