"""Foreign text: every character of what is shown is visible, and its length is bounded."""

from hypothesis import given
from hypothesis import strategies as st

from properties.texts import cut, one_line, visible, visible_lines

ANY = st.text(st.characters(exclude_categories=()))


@given(ANY)
def test_every_character_is_visible(text):
    assert visible(text).isprintable()
    assert all(line.isprintable() for line in visible_lines(text).split("\n"))
    assert visible(visible(text)) == visible(text)
    visible(text).encode("utf-8")


def test_what_moves_hides_or_recolors_is_shown_as_an_escape():
    for character, shown in (("\x1b", "\\x1b"), ("\u202e", "\\u202e"), ("\n", "\\n"), ("\x9b", "\\x9b")):
        assert visible(f"a{character}b") == f"a{shown}b"
    assert visible("\udcff\u200b\u2028\ufeff") == "\\udcff\\u200b\\u2028\\ufeff"
    assert visible("é 漢 ∑ …") == "é 漢 ∑ …"


def test_a_line_is_bounded_whatever_its_text_is():
    class Silent:
        def __str__(self):
            raise ValueError("no")

    assert len(one_line("\x00" * 10**6, 100)) < 300
    assert one_line("a" * 200, 100) == cut("a" * 200, 100) == "a" * 100 + " ..."
    assert one_line(Silent()) == "<Silent>"
