"""NumPy oracles in float64: each loss with its analytic gradient, error scales and every admissible answer."""

import importlib
import pkgutil

from reference.answer import BUDGET, UNIT_ROUNDOFF, Answer
from reference.cost_sensitive import cost_sensitive
from reference.cross_entropy import cross_entropy
from reference.focal import focal
from reference.ghm import ghm
from reference.ghm_regression import ghm_regression
from reference.moving import MovingPopulation
from reference.options import ORACLES
from reference.sigmoid_focal import sigmoid_focal
from reference.sigmoid_ghm import sigmoid_ghm
from reference.top_k import average_top_k, top_k_loss

__all__ = [
    "BUDGET",
    "UNIT_ROUNDOFF",
    "Answer",
    "MovingPopulation",
    "average_top_k",
    "cost_sensitive",
    "cross_entropy",
    "focal",
    "ghm",
    "ghm_regression",
    "sigmoid_focal",
    "sigmoid_ghm",
    "top_k_loss",
]

# the imports above are for type checkers and editors; an oracle that they do not name yet is found in its module
for _module in pkgutil.iter_modules(__path__, f"{__name__}."):
    importlib.import_module(_module.name)
for _name, _function in ORACLES.items():
    if _name not in __all__:
        globals()[_name] = _function
        __all__ += [_name]
