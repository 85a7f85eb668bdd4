"""Asks losses that are called with NumPy arrays."""
