"""Shingles against a plain oracle, and against numbers derived by hand."""

import hashlib
import re

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from plain_shingles import plain_shingles, tokens

from corpus.dedup.characters import CHARACTER, KIND, MARK, WORD, tables
from corpus.dedup.shingles import Shingling, read_text, shingles
from corpus.errors import SettingError

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=200)
MIXED = st.lists(
    st.sampled_from(
        [
            "Word ",
            "ǅ",
            "ß",
            "中",
            "ไ",
            "ท",
            "ย",
            "の",
            "한국",
            "é",
            "e\u0301",
            "ी",
            "क",
            "İ",
            "Σ",
            "ς",
            "𝒳",
            "😀",
            "-",
            "7",
            "_",
        ]
    ),
    max_size=60,
).map("".join)


@settings(deadline=None)  # the first call compiles
@given(text=ANY_TEXT | MIXED, words=st.integers(1, 7), characters=st.integers(1, 11))
@example(text="", words=5, characters=9)
@example(text="\U0010ffff\U00020000\U0001f600", words=5, characters=9)
def test_kernel_equals_oracle(text: str, words: int, characters: int) -> None:
    """The kernel gives the oracle's hashes for any text, surrogates and astral planes included."""
    shape = Shingling(words=words, characters=characters)
    assert set(shingles(text, shape).tolist()) == plain_shingles(text, words, characters)


@settings(deadline=None)  # the first call compiles
@given(data=st.binary(max_size=300))
def test_malformed_utf8_is_survived(data: bytes) -> None:
    """Bytes that are no UTF-8 give some sorted distinct hashes, never a crash or an overrun."""
    found = shingles(data)
    assert np.all(found[1:] > found[:-1])


@settings(deadline=None)  # the first call compiles
@given(text=st.text(st.characters(codec="latin-1"), max_size=300))
def test_spaced_text_agrees_with_word_grams(text: str) -> None:
    r"""Text in a script with spaces has as many shingles as it has distinct 5-grams of lower-cased `\w+` runs."""
    words = re.findall(r"\w+", text.lower())
    grams = {tuple(words[i : i + 5]) for i in range(max(1, len(words) - 4))} if words else set()
    assert len(shingles(text)) == len(grams)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("one two three four five six seven", 3),  # 7 words: 3 windows of 5
        ("one two", 1),  # short: the whole text
        ("a b c d e a b c d e", 5),  # windows abcde bcdea cdeab deabc eabcd abcde
        ("春眠不觉晓处处闻啼鸟夜", 3),  # 11 characters: 3 windows of 9
        ("春眠，不觉晓。处处闻啼鸟", 2),  # punctuation is no token
        ("กขคงจฉชซฌ", 1),  # 9 Thai letters
        ("가나 다라 마바 사아 자차 카타", 2),  # Korean is written with spaces: 6 words
        ("春眠不觉晓处处 word end", 2),  # weights 7 * 5 + 9 + 9 = 53: 45 is reached from the first and the second start
        ("!?… 😀", 0),
        ("", 0),
    ],
)
def test_counts_derived_by_hand(text: str, count: int) -> None:
    """Windows of 5 words, of 9 characters, and of what weighs as much in between."""
    assert len(shingles(text)) == count


def test_marks_stay_in_their_word() -> None:
    """A Hindi word is one token, though its vowel signs are no word characters for Python."""
    assert len(re.findall(r"\w+", "हिन्दी")) > 1
    assert tokens("हिन्दी भाषा") == [(True, "हिन्दी"), (True, "भाषा")]


@pytest.mark.parametrize(
    ("kind", "chars"),
    [
        (CHARACTER, "中々〇ひカーｶㄅไກཀကកꀀ\U00020000\U00030000"),
        (WORD, "aéяعא한हকታ9_Ａ"),
        (MARK, "\u0301\u093f\u200d\ufe0f"),
        (0, " .-，。\u00ad\u3000😀་"),
    ],
)
def test_kinds(kind: int, chars: str) -> None:
    """Scripts without spaces are characters, others words; marks and gaps are told apart."""
    assert {char: int(tables().entries[ord(char)] & KIND) for char in chars} == dict.fromkeys(chars, kind)


def test_digest_is_of_the_normalised_text() -> None:
    """Case, punctuation, spacing and Unicode form do not matter to the digest; words and their borders do."""
    digest = read_text("Café au lait!").digest
    assert (
        digest
        == read_text("  CAFE\u0301 -- au\nlait").digest
        == hashlib.blake2b("café au lait".encode(), digest_size=16).digest()
    )
    assert digest != read_text("caféau lait").digest
    assert read_text("...").digest != read_text("!!!").digest
    assert read_text("...").digest == read_text(" ...\n").digest


def test_endless_line_and_endless_word() -> None:
    """A line of a million words and a word of five million letters are one shingle each."""
    assert len(shingles("word " * 1_000_000)) == 1
    assert len(shingles("x" * 5_000_000)) == 1


def test_endless_marks_do_not_hang() -> None:
    """A run of marks whose normal form takes quadratic time is used as it stands."""
    assert len(shingles("a" + "\u0301\u0327" * 500_000)) == 1


def test_buffer_and_string_agree() -> None:
    """UTF-8 in a buffer gives what the string gives."""
    text = "Ein Text, der zweimal gelesen wird: 文字列"
    assert read_text(text).digest == read_text(memoryview(text.encode())).digest
    assert shingles(text).tolist() == shingles(text.encode()).tolist()


def test_bad_settings_are_refused() -> None:
    """A shingle of no words is refused with the field's name."""
    with pytest.raises(SettingError, match="words"):
        Shingling(words=0)
