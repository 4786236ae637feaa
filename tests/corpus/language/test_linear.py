"""Predictions of the kernel against those of the fastText library."""

import gzip
import struct
from pathlib import Path
from typing import Any

import fasttext
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from corpus.language.linear import Linear, read_linear
from corpus.language.model import find_model

ODD = [
    "</s>",
    "__label__en",
    "__label__",
    "__labe",
    "<",
    ">",
    "de",
    "\x00",
    "\x0b",
    "\x85",
    "\u2028",
    "\xa0",
    "é",
    "中",
    "😀",
]
TEXTS = st.text(max_size=200) | st.lists(st.sampled_from([*ODD, " ", "\n", "the", "и"]), max_size=40).map("".join)


@pytest.fixture(scope="module")
def both() -> tuple[Linear, Any]:
    """The default model, read for the kernel and loaded by the library."""
    linear = read_linear(find_model())
    assert linear is not None
    return linear, fasttext.load_model(str(find_model()))


def assert_equal(both: tuple[Linear, Any], text: str, count: int = 5) -> None:
    """The same labels in the same order; scores may differ where a processor adds and multiplies in one step."""
    linear, library = both
    expected = library.f.predict(text.replace("\n", " ") + "\n", count, 0.0, "strict")
    found = linear.predict(text, count)
    assert [score for score, _ in found] == pytest.approx([score for score, _ in expected], rel=1e-4)
    assert all(a == b or abs(s - t) < 1e-6 for (s, a), (t, b) in zip(found, expected, strict=True))


@settings(deadline=None)  # the first call compiles
@given(text=TEXTS, count=st.integers(1, 8))
@example(text="", count=5)
@example(text="x" * 100_000, count=5)
@example(text="\U0010ffff \U00020000", count=176)
def test_kernel_equals_library(both: tuple[Linear, Any], text: str, count: int) -> None:
    """For any text without lone surrogates: white space of all kinds, words that look like labels or the text's end."""
    assert_equal(both, text, count)


def test_labels_are_the_librarys(both: tuple[Linear, Any]) -> None:
    """In the order of their numbers."""
    linear, library = both
    assert list(linear.labels) == library.get_labels()


@pytest.mark.shared
def test_sentences_of_all_languages(both: tuple[Linear, Any], shared: Path) -> None:
    """Every 40th labelled sentence, in 79 languages."""
    for path in sorted((shared / "data/langid/lingua/sentences").glob("*.txt.gz")):
        for line in gzip.decompress(path.read_bytes()).decode().splitlines()[::40]:
            assert_equal(both, line)


def test_other_models_are_left_to_the_library(tmp_path: Path) -> None:
    """Another version, word n-grams, another loss, another task; a file cut short; one that is no model: not read."""
    data = find_model().read_bytes()
    for place, value in ((1, 11), (7, 2), (8, 3), (9, 1)):  # 32-bit numbers from the start of the file
        changed = bytearray(data)
        struct.pack_into("<i", changed, 4 * place, value)
        (tmp_path / "other.ftz").write_bytes(changed)
        assert read_linear(tmp_path / "other.ftz") is None
    for size in (0, 7, 100, 200_000, len(data) - 1):
        (tmp_path / "cut.ftz").write_bytes(data[:size])
        assert read_linear(tmp_path / "cut.ftz") is None
    (tmp_path / "notes.txt").write_text("not a model at all")
    assert read_linear(tmp_path / "notes.txt") is None
