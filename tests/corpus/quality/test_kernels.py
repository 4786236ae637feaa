"""The kernels give what plain Python gives, to the last bit, whatever the text."""

import gzip
import json
from itertools import cycle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from plain_signals import plain_measure
from resiliparse.extract.html2text import extract_plain_text

from corpus.archive.reader import open_archive
from corpus.archive.records import Record
from corpus.quality.marks import marks
from corpus.quality.numbering import SEED
from corpus.quality.scan import read
from corpus.quality.signals import SIGNALS, measure, signal_columns, take
from corpus.quality.stopwords import STOP_WORDS
from corpus.quality.tally import NUMBERS
from corpus.quality.words import code_points, kinds

REPOSITORY = Path(__file__).resolve().parents[3]
LANGUAGES = st.sampled_from([None, "xx", *STOP_WORDS])

PHRASES = [
    "javascript",
    "JavaScript",
    "terms of use",
    "Privacy Policy",
    "coo\u212aie policy",
    "uses cookies",
    "Use of Cookies",
    "use cookies",
    "lorem ipsum",
    "Lorem İpsum",
    "LOREM IPSUM",
    "3 likes",
    "1,200.5k views",
    "2M  Followers!!",
    "1. s",
    "items in cart",
    "İtemſ in cart",
    "n cart",
    "read more...",
    "Read More...",
    "sign-in",
    "ſign-in",
    "SIGN-IN ",
]
PIECES = [
    "[1]",
    "[]",
    "[٣]",
    "[edit]",
    "[citation needed]",
    "[12",
    "[",
    "]",
    ".",
    "...",
    ". . .",
    "…",
    "!",
    '?"',
    "。",
    "！",
    "？」",
    ".)",
    "The end. ",
    " Then",
    " then",
    "http://",
    "https://",
    "xhttp:",
    "ttps://",
    "://",
    "#",
    "{",
    "\0of",
    "the",
    "BE",
    "To",
    "THAT",
    "της",
    "ΤΗΣ",
    "ΤΗΣΑ",
    "ΤΗς",
    "İçin",
    "için",
    "и",
    "НЕ",
    "a",
    "B",
    "1",
    "٣",
    "'",
    "’",
    "-",
    "--",
    "– ",
    "• ",
    "* ",
    "中文的",
    "の",
    "かなカナ",
    "สวัสดีครับ",
    "ក្",
    "e\u0301",
    "\u0301",
    "\u200d",
    "👍",
    "𐐀",
    "𠀀",
    "\ud800",
    "\udfff",
    "Ⓐ",
    "don't",
    "1,000.5",
    "é",
    "Ж",
    "ж",
    "α",
    "÷",
    "x" * 1001,
    " ",
    "  ",
    "\t",
]
BREAKS = [
    "\n",
    "\n\n",
    "\n \n",
    "\r\n",
    "\r",
    "\x0b",
    "\x0c",
    "\x1c",
    "\x85",
    "\u2028",
    "\u2029",
    "\u3000\n\u3000\n\xa0",
]


def texts(parts: list[str]) -> st.SearchStrategy[str]:
    return st.builds(str.join, st.sampled_from(["", " "]), st.lists(st.sampled_from(parts), max_size=40))


def agree(text: str, language: str | None) -> None:
    """Assert that each signal is the very number, of the very type, that the oracle gives."""
    found, expected = measure(text, language), plain_measure(text, language)
    assert list(found.items()) == list(expected.items())
    assert [type(value) for value in found.values()] == [type(value) for value in expected.values()]


@settings(max_examples=300, deadline=None)
@given(texts(PHRASES + PIECES + BREAKS), LANGUAGES)
@example("", None)
@example("\0of \0to", "en")
@example("see javascript", None)
@example("cart", None)
@example("3 views", None)
def test_texts_of_what_sets_off_rules(text: str, language: str | None) -> None:
    """Phrases, citations, ends of sentences and of lines, capitals without a plain small letter, in any order."""
    agree(text, language)


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(), max_size=120), LANGUAGES)
def test_any_text(text: str, language: str | None) -> None:
    """All planes, lone surrogates included."""
    agree(text, language)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(["a b", "a", "b c a", " a b ", "", " "]), max_size=40), st.sampled_from(["\n", "\n\n"]))
def test_repeated_lines_and_words(lines: list[str], gap: str) -> None:
    """Few different words, lines and paragraphs, so that n-grams of all lengths repeat."""
    agree(gap.join(lines), "en")


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(sorted({w for words in STOP_WORDS.values() for w in words})), max_size=20), LANGUAGES)
@pytest.mark.parametrize("case", [str.lower, str.upper, str.title])
def test_stop_words_in_any_case(case: type, words: list[str], language: str | None) -> None:
    """The words of all lists, as they are written at the start of a sentence and in headings."""
    agree(case(" ".join(words)), language)


@pytest.mark.parametrize("unit", ["word ", "Word. ", "ab", "中", "ก", "!", ".", "[", "[1]", "a\n", "b\n\n", "\n", " "])
def test_one_unit_over_and_over(unit: str) -> None:
    """A line without end, or lines without end: tables grow, runs are long."""
    agree(unit * 3000, "en")


@pytest.mark.parametrize("line", ["n cart", "in cart", "1 likes", "sign-in", "items in cart"])
def test_there_is_room_for_the_lines_that_are_asked_about(line: str) -> None:
    """The shortest lines that may be notices, and a shorter one that holds the phrase which stands for one."""
    codes = code_points(f"{line}\n" * 1000)
    n = len(codes)
    memory = np.empty(n, np.int32), np.empty(n + 1, np.int32), np.empty(n, np.uint64)
    more = np.empty((n, 3), np.int32)
    _, asked = read(codes, kinds(), marks(), SEED, memory, np.zeros(NUMBERS, np.int64), more)
    assert asked <= n // 8 + 1


def test_many_different_words_and_lines() -> None:
    """More than the tables hold at first: they grow, and still find what comes again."""
    lines = [f"w{k} w{k * 7919 % 20_000}" for k in range(12_000)]
    agree("\n".join(lines + lines[:100]), "en")


def test_columns_are_what_measure_gives() -> None:
    """Columns made of tallies hold the same numbers as stored, null where there is none."""
    pages = [
        ("", "en"),
        ("One. Two!\nTwo!", "en"),
        ("Der Fluss", "de"),
        ("...", None),
        ("我们的河流。", "zh"),
        ("x", "xx"),
    ]
    tallies = np.zeros((len(pages), NUMBERS), np.int64)
    for (text, language), tally in zip(pages, tallies, strict=True):
        take(text, language, tally)
    found = signal_columns(tallies)
    assert list(found) == list(SIGNALS)
    for name, signal in SIGNALS.items():
        assert found[name].type == signal.dtype
        values = [measure(text, language)[name] for text, language in pages]
        assert found[name].to_pylist() == [np.float32(v) if isinstance(v, float) else v for v in values]


def test_texts_of_the_sample_crawl() -> None:
    """The text of the pages of sample_data, and the start of their source."""
    languages = cycle([None, *STOP_WORDS])
    for path in sorted((REPOSITORY / "sample_data" / "crawl").glob("*.warc.gz")):
        with path.open("rb") as stream:
            records = [item for item in open_archive(stream, path.name) if isinstance(item, Record)]
        for record in records[::5]:
            source = (record.block or b"").decode("utf-8", "replace")
            agree(extract_plain_text(source)[:4000], next(languages))
            agree(source[:1000], next(languages))


@pytest.mark.shared
def test_labelled_texts(shared: Path) -> None:
    """Pages from the web, as they were shown to human judges."""
    with gzip.open(shared / "data" / "quality" / "human-quality.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            agree(json.loads(line)["text"], "en")
