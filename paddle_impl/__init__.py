"""Paddle layers: exact, vectorised, any rank, with ``ignore_index``, class weights and all reductions."""

from paddle_impl.cost_sensitive import CostSensitiveLoss
from paddle_impl.cross_entropy import CrossEntropyLoss
from paddle_impl.focal import FocalLoss
from paddle_impl.ghm import GHMLoss
from paddle_impl.ghm_regression import GHMRLoss
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
