"""What the tests of several packages share."""

import os
import tempfile

import pytest

from properties import contracts as package
from properties.certificates import causes
from tests.losses.layers import SHIPPED, shipped_contracts

# a key of the tests' own signs what they write, also in the processes that they start
os.environ.setdefault("LOSSPROOF_STATE", tempfile.mkdtemp(prefix="lossproof-state-"))


@pytest.fixture
def shipped_alone(tmp_path_factory, monkeypatch):
    """No contract is known but those that ship: what a snapshot shows does not change with a new one's file."""
    shipped_contracts()
    folder = tmp_path_factory.mktemp("shipped")
    # names are all that is read of these files: the modules themselves have been imported
    for name in SHIPPED:
        (folder / f"{name}.py").touch()
    caches = (package.contracts, package.known_arguments, causes._known)
    with monkeypatch.context() as patched:
        patched.setattr(package, "__path__", [str(folder)])
        for cache in caches:
            cache.cache_clear()
        yield
    for cache in caches:
        cache.cache_clear()
