"""NumPy oracles in float64: each loss with its analytic gradient, error scales and every admissible answer."""

from reference.answer import BUDGET, UNIT_ROUNDOFF, Answer
from reference.cross_entropy import cross_entropy
from reference.ghm import ghm

__all__ = ["BUDGET", "UNIT_ROUNDOFF", "Answer", "cross_entropy", "ghm"]
