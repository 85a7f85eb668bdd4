"""Wrong losses that the laws must refute, and the sound ones that they are made from by one change each."""

from tests.mutants import behaviour, entries, formula, largest, shares
from tests.mutants.registry import MUTANTS, TWINS

__all__ = ["MUTANTS", "TWINS", "behaviour", "entries", "formula", "largest", "shares"]
