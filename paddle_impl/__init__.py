"""Paddle layers: exact, vectorised, any rank, with ``ignore_index``, class weights and all reductions."""

from paddle_impl.cross_entropy import CrossEntropyLoss
from paddle_impl.ghm import GHMLoss

__all__ = ["CrossEntropyLoss", "GHMLoss"]
