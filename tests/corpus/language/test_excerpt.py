"""What part of a text the language is told from."""

from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.language.excerpt import FARTHEST, excerpt


def test_short_texts_are_taken_whole() -> None:
    """Nothing is left out of a text that is not longer than the excerpt."""
    assert excerpt("short\n\nlines", 300) == "short\n\nlines"


def test_three_pieces_of_one_line() -> None:
    """Of 3,300 characters 100 each around the sixth, the half and the last sixth: from 533, 1,600 and 2,666 on."""
    text = "".join(chr(0x4E00 + i) for i in range(3300))
    assert excerpt(text, 300) == "\n".join(text[start : start + 100] for start in (533, 1600, 2666))


def test_short_lines_are_passed_over() -> None:
    """Menus of short lines are left out while the long lines make up the excerpt."""
    text = "menu entry\n" * 100 + ("x" * 100 + "\n") * 10 + "imprint\n" * 100
    found = excerpt(text, 600)
    assert set(found) == {"x", "\n"}
    assert 550 <= len(found) <= 610


def test_where_lines_are_short_they_are_what_is_read() -> None:
    """A text of short lines alone is read; where lines of 40 characters are enough, shorter ones are not."""
    assert set(excerpt("verse\n" * 400, 300).split("\n")) >= {"verse"}
    text = "short one\n" * 100 + "a line of just over forty characters here\n" * 30
    assert "short" not in excerpt(text, 300)


def test_endless_texts_are_not_read_whole() -> None:
    """The excerpt of a text of 30 MB is taken from 64 Ki characters of it, of start, middle and end."""
    text = "a" * 10_000_000 + "b" * 10_000_000 + "c" * 10_000_000
    assert excerpt(text, 300) == "a" * 100 + "\n" + "b" * 100 + "\n" + "c" * 100
    assert excerpt("\n" * FARTHEST * 2, 300).strip() == ""


@settings(deadline=None)
@given(st.text(st.sampled_from("ab \n\ud800中😀"), max_size=900), st.integers(100, 400))
def test_length_is_bounded(text: str, characters: int) -> None:
    """An excerpt is never longer than asked for plus the breaks between its pieces, and never empty of a text."""
    found = excerpt(text, characters)
    assert len(found) <= characters + 2
    assert len(found) >= min(len(text), characters - 3)
