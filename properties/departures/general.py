"""Departures that any contract may be held against, whatever its oracle computes."""

from __future__ import annotations

from properties.departures.of_conduct import OF_CONDUCT
from properties.departures.of_ignored import OF_IGNORED
from properties.departures.of_means import OF_MEANS
from properties.departures.of_reductions import OF_REDUCTIONS
from properties.departures.of_refusals import OF_REFUSALS, RAISES
from properties.departures.of_weights import OF_WEIGHTS

GENERAL = (*OF_MEANS, *OF_IGNORED, *OF_WEIGHTS, *OF_REDUCTIONS, *OF_REFUSALS, RAISES, *OF_CONDUCT)
