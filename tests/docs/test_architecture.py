"""ARCHITECTURE.md lists every module of the checker, with what its docstring says."""

from docs.make import modules


def test_the_list_is_current():
    assert modules.PAGE.read_text(encoding="utf-8") == modules.page(), "run `python -m docs.make.modules`"


def test_every_package_is_listed():
    base = modules.ROOT / "properties"
    packages = {str(path.parent.relative_to(base)) for path in base.rglob("__init__.py")} - {"."}
    assert {name for name in packages if not name.startswith("_")} == set(modules.ORDER)


def test_every_module_says_what_it_is_for():
    base = modules.ROOT / "properties"
    silent = [str(path.relative_to(base)) for path in base.rglob("*.py") if not modules.said(path)]
    assert silent == []
