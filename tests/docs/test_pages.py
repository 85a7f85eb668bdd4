"""The examples of the pages and of the docstrings give what they say."""

import doctest
import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import paddle_impl

ROOT = Path(__file__).parent.parent.parent
PAGES = ("docs/batches.md", "docs/contracts.md", "docs/migration.md")
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
MODULES = [module.name for module in pkgutil.iter_modules(paddle_impl.__path__, "paddle_impl.")]


@pytest.mark.parametrize("page", PAGES)
def test_the_examples_of_a_page(page):
    found = doctest.testfile(str(ROOT / page), module_relative=False, optionflags=OPTIONS)
    assert found.attempted > 10
    assert found.failed == 0


@pytest.mark.parametrize("page", PAGES)
def test_the_readme_links_to_a_page(page):
    assert f"({page})" in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_docstrings(name):
    assert doctest.testmod(importlib.import_module(name), optionflags=OPTIONS).failed == 0


def test_every_layer_has_an_example():
    for name in paddle_impl.__all__:
        assert ">>> " in getattr(paddle_impl, name).__doc__, name


def test_two_ranks_make_the_gradient_of_the_whole_batch():
    file = Path(__file__).parent / "two_ranks.py"
    source = file.read_text(encoding="utf-8")
    page = (ROOT / "docs/batches.md").read_text(encoding="utf-8")
    shown = page.split("```python\n")[1].split("```")[0]
    for line in shown.splitlines():
        assert line.partition("  #")[0].strip() in source
    done = subprocess.run([sys.executable, str(file)], capture_output=True, text=True, check=False, timeout=200)
    assert "two ranks agree with one" in done.stdout, done.stderr[-2000:]
