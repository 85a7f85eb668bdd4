"""Writes the list of modules at the end of ARCHITECTURE.md: each with the first paragraph of its docstring.

    python -m docs.make.modules

What stands above the heading of the list is written by hand, and stays.
"""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "ARCHITECTURE.md"
HEAD = "## Every module of `properties`\n"
ORDER = (
    "command",
    "report",
    "campaigns",
    "campaigns/journal",
    "runs",
    "certificates",
    "workers",
    "engine",
    "subjects",
    "subjects/paddle_backend",
    "subjects/numpy_backend",
    "contracts",
    "laws",
    "judging",
    "departures",
    "drawing",
    "problems",
    "storage",
)
"""The packages of `properties`, those first that import the others."""


def said(path):
    """The first paragraph of a module's docstring, on one line."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return " ".join(text.partition("\n\n")[0].split())


def lines():
    """The list: a heading for each package with what it is for, and a line for each of its modules."""
    base = ROOT / "properties"
    for path in sorted(base.glob("*.py")):
        if path.name != "__init__.py":
            yield f"- `{path.stem}`: {said(path)}\n"
    for name in ORDER:
        yield f"\n**`{name}/`** {said(base / name / '__init__.py')}\n\n"
        for path in sorted((base / name).glob("*.py")):
            # one module for each loss: `lossproof list contracts`
            if path.name != "__init__.py" and (name != "contracts" or path.name.startswith("_")):
                yield f"- `{path.stem}`: {said(path)}\n"


def page():
    """The text of the page as it should be."""
    above, head, _ = PAGE.read_text(encoding="utf-8").partition(HEAD)
    if not head:
        raise ValueError(f"{PAGE} has no heading {HEAD!r}")
    return above + head + "\n" + "".join(lines())


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
