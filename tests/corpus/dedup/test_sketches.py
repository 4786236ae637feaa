"""Sketches of whole arrays against the functions that take one text at a time."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from corpus.dedup import sketches
from corpus.dedup.kernels import keep_distinct
from corpus.dedup.minhash import MinHash, keys_of
from corpus.dedup.shingles import Shingling, read_text
from corpus.dedup.sketches import sketch

ODD = [
    "",
    "...",
    " \n",
    "one",
    "中文字" * 5,
    "e\u0301te\u0301 a\u030a " * 6,
    "x" * 3000,
    "ǅ İ ς Σ",
    "\u0301" * 40,
    "A\u0301",
]
TEXTS = st.lists(st.text(max_size=80) | st.sampled_from(ODD) | st.text("ab \u0301\u0327é中", max_size=60), max_size=12)


def by_one(texts: list[bytes], minhash: MinHash) -> tuple[list[list[int]], list[bytes], list[int]]:
    """Return keys, digests and numbers of shingles, a text at a time."""
    read = [read_text(text, minhash.shingling) for text in texts]
    return [keys_of(r.hashes, minhash).tolist() for r in read], [r.digest for r in read], [len(r.hashes) for r in read]


def assert_equal(array: pa.Array, texts: list[bytes], minhash: MinHash) -> None:
    """The sketches of the array are those of its texts one by one."""
    keys, digests, sizes = by_one(texts, minhash)
    found = sketch(array, minhash)
    assert found.keys.shape == (len(texts), minhash.bands)
    assert found.keys.tolist() == keys
    assert [row.tobytes() for row in found.digests] == digests
    assert found.shingles.tolist() == sizes


@settings(deadline=None)  # the first call compiles
@given(texts=TEXTS, bands=st.integers(1, 5), rows=st.integers(1, 9), words=st.integers(1, 6), seed=st.integers(0, 9))
@example(texts=ODD, bands=14, rows=8, words=5, seed=1)
@example(texts=[], bands=14, rows=8, words=5, seed=1)
def test_sketches_equal_texts_one_by_one(texts: list[str], bands: int, rows: int, words: int, seed: int) -> None:
    """Keys, digests and counts are those of read_text and keys_of, for any Unicode and any settings."""
    minhash = MinHash(bands=bands, rows=rows, seed=seed, shingling=Shingling(words=words))
    assert_equal(pa.array(texts, pa.string()), [text.encode() for text in texts], minhash)


@settings(deadline=None)  # the first call compiles
@given(texts=st.lists(st.binary(max_size=120), max_size=8))
def test_malformed_utf8_gives_the_same(texts: list[bytes]) -> None:
    """Bytes that are no UTF-8 are survived, and read as read_text reads them."""
    assert_equal(pa.array(texts, pa.binary()).view(pa.string()), texts, MinHash())


def test_slices_of_arrays() -> None:
    """An array that begins and ends within its buffers is read from its own first to its own last text."""
    texts = [f"text number {i} of some that lie in one buffer" for i in range(20)]
    assert_equal(pa.array(texts).slice(7, 5), [text.encode() for text in texts[7:12]], MinHash())


def test_chunks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    """However few texts go through the kernel at a time, also one longer than a chunk, the results are equal."""
    texts = ["", "a b c d e f g", "word " * 50, "e\u0301", "", "中文字符" * 30, "last one of them"]
    for chunk in (1, 40, 1 << 18):
        monkeypatch.setattr(sketches, "CHUNK", chunk)
        assert_equal(pa.array(texts), [text.encode() for text in texts], MinHash())


def test_endless_texts() -> None:
    """A line of a million words and a word of five million letters take no more than their length in memory."""
    found = sketch(pa.array(["word " * 1_000_000, "x" * 5_000_000, "a" + "\u0301\u0327" * 500_000]))
    assert found.shingles.tolist() == [1, 1, 1]


def test_repeats_count_once() -> None:
    """Eight windows of which five differ are five shingles."""
    assert sketch(pa.array(["a b c d e a b c d e a b"])).shingles.tolist() == [5]


def test_results_do_not_depend_on_the_secret_factor(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes draw different factors for the table of seen shingles, and give the same."""
    texts = pa.array([" ".join(f"w{i * i % 97}" for i in range(3000))])
    seen = set()
    for salt in (1, 0x9E3779B97F4A7C15, (1 << 64) - 1):
        monkeypatch.setattr(sketches, "_SALT", np.uint64(salt))
        found = sketch(texts)
        seen.add((found.keys.tobytes(), found.digests.tobytes(), int(found.shingles[0])))
    assert len(seen) == 1


@settings(deadline=None)  # the first call compiles
@given(hashes=st.lists(st.integers(0, 5) | st.integers(0, (1 << 64) - 1), max_size=300), salt=st.integers(0, 1 << 63))
def test_distinct_hashes_are_kept_in_order(hashes: list[int], salt: int) -> None:
    """Each hash once, in the order met, the hash 0 among them, however badly the factor spreads them."""
    found, slots = np.array(hashes, np.uint64), np.empty(1024, np.uint64)
    count = keep_distinct(found, len(hashes), slots, np.uint64(salt | 1))
    assert found[:count].tolist() == list(dict.fromkeys(hashes))


def test_warm_takes_no_text() -> None:
    """Warming is safe to call at any time, more than once."""
    sketches.warm()
    sketches.warm()
