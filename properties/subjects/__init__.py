"""Whose layer is under test, how it is named, built and called, and the backends that ask it."""
