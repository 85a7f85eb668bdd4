"""An observer that answers as an oracle does, through no layer at all."""

import numpy as np

from properties.judging.observation import Failure, Observation
from properties.problems.precision import round_to

PROBES = (
    "plain",
    "value",
    "mutation",
    "grad-mode",
    "seeds",
    "no-grad",
    "repeat",
    "prints",
    "second-call",
    "second-backward",
)


class OracleObserver:
    """Answers as the oracle does, in the precision of the problem; refuses what the oracle refuses."""

    def __init__(self, contract):
        self._contract = contract

    def observe(self, problem, probe="plain"):
        if probe not in PROBES:
            return Failure("absent", "", f"an oracle has nothing for the probe {probe}")
        try:
            weight = problem.weight
            if weight is not None and problem.dtype != "float64":
                assert np.array_equal(weight, weight.astype(np.float32), equal_nan=True)
            answer = self._contract.oracle(problem.logits, problem.given_labels, **self._contract.told(problem))
        except (ValueError, TypeError) as error:
            return Failure("raised", type(error).__name__, str(error))
        value, gradient = (round_to(np.asarray(array), problem.dtype) for array in (answer.value, answer.gradient))
        facts = {"enabled": True, "disabled": False, "printed": "", "closed": (), "reseeded": (), "second": gradient}
        return Observation(value, gradient, value.shape, problem.dtype, problem.dtype, facts)
