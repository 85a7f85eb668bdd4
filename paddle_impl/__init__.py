"""Paddle layers: exact, vectorised, any rank, with ``ignore_index``, class weights and all reductions."""

import importlib
import pkgutil

from paddle_impl.cost_sensitive import CostSensitiveLoss
from paddle_impl.cross_entropy import CrossEntropyLoss
from paddle_impl.elements import ElementLoss
from paddle_impl.entries import EntryLoss
from paddle_impl.focal import FocalLoss
from paddle_impl.ghm import GHMLoss
from paddle_impl.ghm_regression import GHMRLoss
from paddle_impl.layer import layers_of
from paddle_impl.sigmoid_focal import SigmoidFocalLoss
from paddle_impl.sigmoid_ghm import SigmoidGHMLoss
from paddle_impl.top_k import TopKLoss

__all__ = [
    "CostSensitiveLoss",
    "CrossEntropyLoss",
    "FocalLoss",
    "GHMLoss",
    "GHMRLoss",
    "SigmoidFocalLoss",
    "SigmoidGHMLoss",
    "TopKLoss",
]

# the imports above are for type checkers and editors; a layer that they do not name yet is found in its module
for _module in pkgutil.iter_modules(__path__, f"{__name__}."):
    importlib.import_module(_module.name)
for _layer in layers_of(__name__):
    if _layer not in (ElementLoss, EntryLoss) and _layer.__name__ not in __all__:
        globals()[_layer.__name__] = _layer
        __all__ += [_layer.__name__]
