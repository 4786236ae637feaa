"""Cleaning of text."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.extract.cleaning import clean, one_line


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("a\x00b\x07c\x9fd", "abcd"),
        ("a\r\nb\rc\u2028d\x0ce", "a\nb\nc\nd\ne"),
        ("\ufeffa\u00adb\u2060c\u202ed", "abcd"),
        ("a\t b  \nc\n\n\n\nd\n", "a\t b\nc\n\nd"),
        ("a\ud800b", "a\ufffdb"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("ภาษา\u200bไทย a\u200bb", "ภาษา\u200bไทย ab"),
        ("👩\u200d🔬", "👩\u200d🔬"),
        ("x\U000e0041\U000e0042", "x"),
        ("e\u0301 \ufa12", "e\u0301 \ufa12"),
    ],
)
def test_cleaning(raw: str, text: str) -> None:
    """Controls and junk go, what spelling needs stays, and characters keep their form."""
    assert clean(raw) == text


@given(st.text(alphabet=st.characters()))
def test_clean_text_has_no_controls_and_stays_clean(raw: str) -> None:
    """No control character but newline and tab is left, UTF-8 can hold the text, and cleaning again changes nothing."""
    text = clean(raw)
    assert not [c for c in text if unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\t"]
    text.encode()
    assert clean(text) == text


def test_one_line() -> None:
    """Titles lose line ends, are cut, and are None when nothing is left."""
    assert one_line(" a\n b\x00 ") == "a b"
    assert one_line("x" * 5000, 10) == "x" * 10
    assert one_line(" \n") is None
    assert one_line(None) is None
