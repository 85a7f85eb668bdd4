"""The law of a layer's own parameters: what arrives at each is the slope of the loss."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from properties.judging.context import Case
from properties.judging.finding import Finding, Undecided
from properties.judging.law import law
from properties.problems.domain import within
from reference import UNIT_ROUNDOFF

COARSE = 1e-3
"""How well a slope is known that is taken in the precision of a parameter."""


@law(
    "oracle/parameters",
    precondition={
        "dtype": within("float64", "float32"),
        "logits": within("lattice", "normal"),
        "size": within("few", "one"),
    },
    rests_on="(L(w + h d) - L(w - h d)) / 2h = <dL/dw, d> + O(h^2), for a parameter w of the layer",
    opt_in=True,
    slow=True,
)
def parameters(case: Case) -> Iterator[Finding]:
    """The gradient of a parameter of the layer itself is finite, and the slope of the value."""
    observed = case.observe(probe="parameters")
    size = float(np.abs(observed.value).sum())
    for name, found in observed.facts["parameters"].items():
        coarse, fine = found["by_differences"]
        got = np.asarray(found["by_gradient"])
        if not np.isfinite(size) or not np.isfinite([coarse, fine]).all():
            raise Undecided("the loss is not finite beside the parameter's value")
        due = np.asarray(fine + (fine - coarse) / 15.0)
        if not found["finite"]:
            yield Finding(f"The gradient of the parameter {name} is not finite.", (case.problem,), "slope", due, got)
            continue
        noise = 16.0 * UNIT_ROUNDOFF["float32"] * size / found["step"]
        room = COARSE * max(abs(fine), abs(float(got))) + 2.0 * abs(fine - coarse) + noise
        if abs(float(got) - fine) > room:
            message = f"The gradient of the parameter {name} is not the slope of the value."
            yield Finding(message, (case.problem,), "slope", due, got)
