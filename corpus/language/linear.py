"""fastText's prediction for models such as lid.176.ftz, in one kernel over UTF-8.

A text's words and their character n-grams each have a row; the mean of the rows goes down a Huffman tree of labels,
where every inner node is a logistic regression (Joulin et al. 2016, arXiv 1607.01759; compressed as in arXiv
1612.03651). What is done here gives the answers of the library itself, which the tests hold it to, in a third of its
time: it makes no strings, looks an n-gram up in a bitmap of the 2,000,000 buckets that the compressed model has thinned
out (ranks in the bitmap are row numbers), and adds rows that were decompressed once (64 bytes each, 3.3 MB in all).

The format is that of fastText's version 12, read from the file: arguments, dictionary, input and output matrix. Only
what lid.176.ftz is made of is taken: supervised, hierarchical softmax, compressed and thinned input, plain output, no
word n-grams. `read_linear` returns None for any other model, which is then asked through the library.
"""

import struct
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from corpus.language.ngrams import fill_slots, predicted

_MAGIC: Final = 793712314, 12
_HIERARCHICAL, _SUPERVISED = 1, 3
_ARGUMENTS: Final = "12id"
_CENTROIDS: Final = 256
_SLOTS: Final = 1 << 15


class Arrays(NamedTuple):
    """A model's arrays, as the kernel takes them.

    slots int32[2^15], hashes uint32[words], starts int64[words + 1], spelling uint8: the dictionary's words.
    bits uint64, ranks int32: which buckets have a row, and how many before each word of 64.
    rows float32[words + kept buckets, dim]; nodes float32[labels, dim]; left, right int32[2 * labels - 1].
    shape: number of buckets, shortest and longest n-gram.
    """

    slots: NDArray[np.int32]
    hashes: NDArray[np.uint32]
    starts: NDArray[np.int64]
    spelling: NDArray[np.uint8]
    bits: NDArray[np.uint64]
    ranks: NDArray[np.int32]
    rows: NDArray[np.float32]
    nodes: NDArray[np.float32]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    shape: tuple[int, int, int]


class Linear(NamedTuple):
    """A model: its labels (`__label__en`) and its arrays."""

    labels: tuple[str, ...]
    arrays: Arrays

    def predict(self, text: str, count: int) -> list[tuple[float, str]]:
        """Return the best labels of a text without lone surrogates, as (score, label), best first."""
        scores, numbers = predicted(np.frombuffer(text.encode(), np.uint8), *self.arrays, count)
        return [(score, self.labels[number]) for score, number in zip(scores.tolist(), numbers.tolist(), strict=True)]


def read_linear(path: Path) -> Linear | None:
    """Return the model in a file, or None when it is made of other things than the kernel knows."""
    try:
        return _read(_File(path.read_bytes()))
    except (struct.error, ValueError, IndexError):  # the library says what is wrong with the file, if anything is
        return None


class _File:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, layout: str) -> tuple[Any, ...]:
        found = struct.unpack_from(f"<{layout}", self.data, self.at)
        self.at += struct.calcsize(f"<{layout}")
        return found

    def array(self, kind: str, count: int) -> NDArray[Any]:
        found: NDArray[Any] = np.frombuffer(self.data, kind, count, self.at)
        self.at += found.nbytes
        return found

    def word(self) -> bytes:
        end = self.data.index(b"\0", self.at)
        found, self.at = self.data[self.at : end], end + 1
        return found


def _read(file: _File) -> Linear | None:
    *magic, dim, _, _, _, _, word_ngrams, loss, kind, buckets, shortest, longest, _, _ = file.take("2i" + _ARGUMENTS)
    if (*magic, word_ngrams, loss, kind) != (*_MAGIC, 1, _HIERARCHICAL, _SUPERVISED):
        return None
    _, words, labels, _, kept = file.take("iiiqq")
    if kept <= 0 or not 0 < words <= _SLOTS // 2 or (entries := _entries(file, words, labels)) is None:
        return None
    pruned = file.array("<i4", 2 * kept).reshape(-1, 2)
    if not file.take("?")[0] or (rows := _decompressed(file)) is None or file.take("?")[0]:
        return None
    height, width = file.take("qq")
    nodes = file.array("<f4", height * width).reshape(height, width)
    if width != dim or rows.shape != (words + kept, dim) or height != labels:
        return None
    order = np.argsort(pruned[:, 0])
    rows = np.concatenate([rows[:words], rows[words:][pruned[order, 1]]])
    bits, ranks = _bitmap(pruned[order, 0], buckets)
    left, right = _tree([entry[1] for entry in entries[words:]])
    spelled = _dictionary([entry[0] for entry in entries[:words]])
    shape = buckets, shortest, longest
    arrays = Arrays(*spelled, bits, ranks, rows, nodes.astype(np.float32), left, right, shape)
    return Linear(tuple(entry[0].decode() for entry in entries[words:]), arrays)


def _entries(file: _File, words: int, labels: int) -> list[tuple[bytes, int]] | None:
    """Return words and then labels with their counts; None when they do not lie so, the end of text first."""
    found = [(file.word(), *file.take("qb")) for _ in range(words + labels)]
    if found[0][0] != b"</s>" or [kind for _, _, kind in found] != [0] * words + [1] * labels:
        return None
    return [(word, count) for word, count, _ in found]


def _decompressed(file: _File) -> NDArray[np.float32] | None:
    """Return the rows of a product-quantised matrix; None when its columns are not divided evenly."""
    norms, height, width, size = file.take("?qqi")
    codes = file.array("u1", size).reshape(height, -1)
    _, parts, part, last = file.take("4i")
    centroids = file.array("<f4", width * _CENTROIDS)
    if last != part or parts * part != width:
        return None
    rows = centroids.reshape(parts, _CENTROIDS, part)[np.arange(parts), codes].reshape(height, width)
    if norms:
        of_row = file.array("u1", height)
        file.take("4i")
        rows = rows * file.array("<f4", _CENTROIDS)[of_row, None]
    return np.ascontiguousarray(rows, np.float32)


def _bitmap(buckets: NDArray[np.int32], count: int) -> tuple[NDArray[np.uint64], NDArray[np.int32]]:
    marks = np.zeros(-(-count // 64) * 64, np.bool_)
    marks[buckets] = True
    before = np.cumsum(marks.reshape(-1, 64).sum(axis=1))
    bits = np.packbits(marks, bitorder="little").view("<u8").astype(np.uint64)
    return bits, np.concatenate([[0], before[:-1]]).astype(np.int32)


def _dictionary(words: list[bytes]) -> tuple[Any, Any, Any, Any]:
    starts = np.cumsum([0, *map(len, words)])
    spelling = np.frombuffer(b"".join(words), np.uint8)
    slots, hashes = np.full(_SLOTS, -1, np.int32), np.empty(len(words), np.uint32)
    fill_slots(slots, hashes, starts, spelling)
    return slots, hashes, starts, spelling


def _tree(counts: list[int]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the children of the nodes of the Huffman tree over labels that are sorted by falling count; -1: a leaf."""
    size = len(counts)
    total = counts + [10**15] * (size - 1)
    left, right = np.full(2 * size - 1, -1, np.int32), np.full(2 * size - 1, -1, np.int32)
    leaf, node = size - 1, size
    for parent in range(size, 2 * size - 1):
        pair = []
        for _ in range(2):
            if leaf >= 0 and total[leaf] < total[node]:
                pair.append(leaf)
                leaf -= 1
            else:
                pair.append(node)
                node += 1
        left[parent], right[parent] = pair
        total[parent] = total[pair[0]] + total[pair[1]]
    return left, right
