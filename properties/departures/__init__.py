"""Departures: known ways in which losses differ from their contracts, each a change of the oracle's computation."""
