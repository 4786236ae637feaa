"""Signals: every number of one small page by hand, what empty texts give, any Unicode, flags."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.quality.columns import COLUMNS, SIGNALS_SCHEMA
from corpus.quality.flags import flags, licence, robots
from corpus.quality.signals import SIGNALS, measure
from corpus.quality.stopwords import STOP_WORDS

PAGE = """The river is wide.

- a #list item
- a #list item

Don't go there ...
The river is wide.

THE END {x} 12"""
# words: The river is wide | a list item | a list item | Don't go there | The river is wide | THE END x 12
#        3+5+2+4 = 14         1+4+4 = 9     9             5+2+5 = 12       14                 3+3+1+2 = 9    sum 67


def test_counts_by_hand() -> None:
    """Words, lines, paragraphs and sentences of the page; the blank lines count nowhere."""
    found = measure(PAGE, "en")
    assert found["characters"] == len(PAGE) == 104
    assert (found["words"], found["lines"], found["paragraphs"], found["sentences"]) == (21, 6, 4, 6)
    assert found["longest_word"] == 5


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("mean_word_length", 67 / 21),
        (
            "space_word_length",
            78 / 24,
        ),  # The river is wide. (15) - a #list item (11) twice, Don't go there ... (15) ...
        ("alphabetic_words", 20 / 21),
        ("alphabetic_tokens", 21 / 31),  # 21 words, don't as two, and . - # - # ... . { } are 9 more; 12 has no letter
        ("unique_words", 14 / 21),
        ("hash_ratio", 2 / 21),
        ("ellipsis_ratio", 1 / 21),
        ("stop_words", 1),  # the
        ("english_stop_words", 3),  # The, The, THE
        ("bullet_lines", 2 / 6),
        ("ellipsis_lines", 1 / 6),
        ("punctuated_lines", 3 / 6),
        ("short_lines", 1.0),
        ("newline_ratio", 5 / 21),
        ("mean_line_length", 96 / 6),  # 18 + 14 + 14 + 18 + 18 + 14
        ("duplicate_lines", 2 / 6),
        ("repeated_lines", 4 / 6),
        ("duplicate_line_characters", 32 / 96),
        ("repeated_line_characters", 64 / 96),
        ("duplicate_paragraphs", 0.0),
        ("repeated_paragraphs", 0.0),
        ("top_2_gram", 16 / 67),  # the longest pairs that come twice, "The river" and "list item", have 8
        ("top_3_gram", 22 / 67),  # "river is wide": 11
        ("top_4_gram", 28 / 67),  # "The river is wide": 14
        ("duplicate_5_gram", 0.0),
        ("repeated_5_gram", 0.0),
        ("c4_no_terminal", 4),
        ("c4_few_words", 0),
        ("c4_sentences", 2),
        ("c4_sentences_any_end", 6),
        ("c4_kept", 36 / 96),
        ("lorem_ipsum", 0),
        ("curly_brackets", 1),
        ("digits", 2 / 78),
        ("uppercase", 9 / 78),  # T D T THEEND
        ("symbols", 12 / 78),  # . - # - # . . . . { } and the apostrophe
        ("urls", 0),
    ],
)
def test_signals_by_hand(name: str, value: float) -> None:
    """Each number of the page, counted with a pencil."""
    assert measure(PAGE, "en")[name] == pytest.approx(value)


def test_refinedweb_share_by_hand() -> None:
    """Of 8 words the shouting line (2) and the counter (2) go."""
    assert measure("BUY NOW\n3 likes\nThese four words stay.")["refinedweb_removed_words"] == pytest.approx(4 / 8)


def test_blank_lines_are_not_duplicates() -> None:
    """Ten blank lines between two different ones repeat nothing."""
    found = measure("first line" + "\n" * 10 + "second line")
    assert found["duplicate_lines"] == found["duplicate_paragraphs"] == 0
    assert (found["lines"], found["newline_ratio"]) == (2, 0.25)


def test_words_of_scripts_without_spaces() -> None:
    """A Chinese page of seventy words is not one of ten; function words are found without spaces."""
    text = "我们的河流在春天很美丽。" * 10
    found = measure(text, "zh")
    assert found["words"] == 70  # 我们 的 河流 在 春天 很美 丽
    assert found["stop_words"] == 3  # 的 在 我


def test_stop_words_follow_the_language() -> None:
    """The document's own list counts; a language without one has no number."""
    text = "Der Fluss und die Stadt"
    assert measure(text, "de")["stop_words"] == 3
    assert measure(text, "en")["stop_words"] == 0
    assert measure(text, "ilo")["stop_words"] is None
    assert measure(text)["stop_words"] is None


@pytest.mark.parametrize("text", ["", " ", "\n\n", "...", "!\n?"])
def test_texts_without_words(text: str) -> None:
    """Counts are 0 and shares of words are null, never a division by zero."""
    found = measure(text, "en")
    assert (found["words"], found["longest_word"]) == (0, 0)
    assert found["mean_word_length"] is None
    assert found["top_2_gram"] is None
    assert found["hash_ratio"] is None


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(), max_size=300), st.sampled_from([None, "en", "zh", "xx", *STOP_WORDS]))
def test_any_text(text: str, language: str | None) -> None:
    """Every signal, of the stored type, shares within bounds, for whatever Unicode holds."""
    found = measure(text, language)
    assert list(found) == list(SIGNALS)
    unbounded = {
        "mean_word_length",
        "space_word_length",
        "mean_line_length",
        "hash_ratio",
        "ellipsis_ratio",
        "newline_ratio",
    }
    for name, value in found.items():
        if value is not None:
            assert value >= 0
            if SIGNALS[name].dtype == pa.float32() and name not in unbounded:
                assert value <= 1 + 1e-9
    pa.table({name: pa.array([value], SIGNALS[name].dtype) for name, value in found.items()})


def test_characters_agree_with_python() -> None:
    """Upper case and digits are those of str.isupper and str.isdecimal, over a sample of all planes."""
    points = [p for p in range(0, 0x110000, 7) if not 0xD800 <= p < 0xE000]
    text = "".join(map(chr, points))
    solid = sum(not c.isspace() for c in text)
    found = measure(text)
    assert found["uppercase"] == pytest.approx(sum(c.isupper() for c in text) / solid, rel=0.001)
    assert found["digits"] == pytest.approx(sum(c.isdecimal() for c in text) / solid, rel=0.001)


def test_white_space_is_pythons() -> None:
    """Every code point that str.isspace calls space is no solid character, and no other: a line of them is blank."""
    spaces = "".join(chr(p) for p in range(0x110000) if chr(p).isspace())
    found = measure(spaces + "a" + spaces)
    assert found["symbols"] == 0
    assert measure(spaces)["uppercase"] is None
    assert measure("a\n" + spaces.replace("\n", "") + "\nb")["lines"] == 2


def test_one_enormous_line() -> None:
    """Two million characters in a line cost seconds at most, not hours."""
    found = measure("word " * 400_000)
    assert found["words"] == 400_000
    assert found["duplicate_10_gram"] == pytest.approx(1, abs=0.001)
    assert np.isfinite(found["repeated_10_gram"] or 0)


def test_robots_directives() -> None:
    """Header and meta are read alike, whatever the case; `none` is two directives; a named crawler counts."""
    assert robots("NoIndex, noai", None)["noindex"]
    assert robots(None, "none") == {
        "noindex": True, "nofollow": True, "noarchive": False, "nosnippet": False, "noai": False, "noimageai": False
    }  # fmt: skip
    assert robots("googlebot: noindex", "nosnippet;noarchive")["noindex"]
    assert not any(robots("index, follow, max-snippet:-1", None).values())


@pytest.mark.parametrize(
    ("links", "name"),
    [
        ([], None),
        (["https://creativecommons.org/licenses/by-sa/4.0/"], "cc-by-sa-4.0"),
        (["https://example.org/terms", "http://creativecommons.org/licenses/by/3.0/de/"], "cc-by-3.0"),
        (["https://creativecommons.org/publicdomain/zero/1.0/"], "cc0-1.0"),
        (["https://creativecommons.org/publicdomain/mark/1.0/"], "public-domain"),
        (["https://example.org/terms"], "other"),
    ],
)
def test_licences(links: list[str], name: str | None) -> None:
    """Creative Commons links are named, others are other."""
    assert licence(links) == name


def test_columns_are_named_once() -> None:
    """Signals, flags and language columns do not clash, and flags fill their columns."""
    assert len(set(SIGNALS_SCHEMA.names)) == len(SIGNALS_SCHEMA.names)
    assert set(SIGNALS) < set(COLUMNS)
    assert set(flags(None, None, [])) < set(SIGNALS_SCHEMA.names)
