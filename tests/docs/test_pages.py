"""The examples of the pages and of the docstrings give what they say."""

import doctest
import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import paddle_impl
import reference

ROOT = Path(__file__).parent.parent.parent
PAGES = ("docs/batches.md", "docs/contracts.md", "docs/migration.md")
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
MODULES = [
    module.name
    for package in (paddle_impl, reference)
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}.")
]
LAYERS = {name: getattr(paddle_impl, name) for name in paddle_impl.__all__}
ORACLES = {name: getattr(reference, name) for name in reference.__all__ if name.islower()}


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


@pytest.mark.parametrize(("name", "documented"), [*LAYERS.items(), *ORACLES.items()], ids=[*LAYERS, *ORACLES])
def test_every_layer_and_every_oracle_has_an_example(name, documented):
    module = sys.modules[documented.__module__]
    (found,) = doctest.DocTestFinder(recurse=False).find(documented, name, module=False, globs=dict(vars(module)))
    runner = doctest.DocTestRunner(optionflags=OPTIONS)
    runner.run(found)
    assert runner.tries > 0
    assert runner.failures == 0


def test_the_lists_of_layers_and_oracles_are_complete():
    assert len(LAYERS) >= 8
    assert len(ORACLES) >= 9


def test_two_ranks_make_the_gradient_of_the_whole_batch():
    file = Path(__file__).parent / "two_ranks.py"
    source = file.read_text(encoding="utf-8")
    page = (ROOT / "docs/batches.md").read_text(encoding="utf-8")
    shown = page.split("```python\n")[1].split("```")[0]
    for line in shown.splitlines():
        assert line.partition("  #")[0].strip() in source
    done = subprocess.run([sys.executable, str(file)], capture_output=True, text=True, check=False, timeout=200)
    assert "two ranks agree with one" in done.stdout, done.stderr[-2000:]
