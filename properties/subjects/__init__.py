"""Subjects: the layers under test, how they are named, built and called, and the backends that ask them."""
