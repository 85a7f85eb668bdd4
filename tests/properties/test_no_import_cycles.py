"""No module of the checker imports itself by way of others: not when loaded, nor in a function, nor for a type."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import properties

ROOT = Path(properties.__file__).parent


def modules(root, package):
    """The source of each module of a package, by its dotted name."""
    found = {}
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        found[".".join((package, *(part for part in parts if part != "__init__")))] = path.read_text(encoding="utf-8")
    return found


def imported(source, known):
    """The known modules that a source imports anywhere, by whichever form."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "imports name whole modules"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name if name in known else node.module for name in names]
        else:
            continue
        yield from (name for name in names if name in known)


def graph_of(sources):
    return {name: set(imported(source, sources)) for name, source in sources.items()}


def test_imports_go_one_way():
    sources = modules(ROOT, "properties")
    assert len(sources) > 50
    assert list(TopologicalSorter(graph_of(sources)).static_order())


@pytest.mark.parametrize(
    "back",
    [
        "from p import a",
        "from p.a import thing",
        "import p.a",
        "def late():\n    from p.a import thing",
        "if TYPE_CHECKING:\n    from p.a import thing",
    ],
)
def test_a_circle_is_seen_wherever_it_closes(back):
    sources = {"p": "", "p.a": "from p.b import other", "p.b": back}
    with pytest.raises(CycleError):
        list(TopologicalSorter(graph_of(sources)).static_order())


def test_nothing_is_imported_for_types_alone():
    assert [name for name, source in modules(ROOT, "properties").items() if "TYPE_CHECKING" in source] == []
