"""The page of the laws has the table that its script makes of the code."""

from docs.make import laws


def test_the_table_is_current():
    assert laws.PAGE.read_text(encoding="utf-8") == laws.page(), "run `python -m docs.make.laws`"


def test_a_row_that_no_law_has_goes_and_one_that_is_missing_comes(tmp_path, monkeypatch):
    known = laws.PAGE.read_text(encoding="utf-8")
    other = known.replace("| `oracle/vjp` |", "| `oracle/gone` |")
    assert other != known
    page = tmp_path / "laws.md"
    page.write_text(other, encoding="utf-8")
    monkeypatch.setattr(laws, "PAGE", page)
    assert laws.page() == known
