"""Wrong losses that the laws must refute, and the sound ones that they are made from by one change each."""

from tests.mutants import behaviour, formula
from tests.mutants.registry import MUTANTS

__all__ = ["MUTANTS", "behaviour", "formula"]
