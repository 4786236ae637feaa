"""Repetition of n-grams of words, as array kernels (Gopher: Rae et al. 2021, arXiv 2112.11446, table A1).

All shares are of the characters in words (spaces and punctuation count nowhere), so they compare across scripts.

- top n-gram: characters of the most frequent n-gram times its occurrences; the longest among equally frequent; 0 when
  no n-gram occurs twice. Overlapping occurrences count, but the share is at most 1.
- duplicate n-grams: characters of the occurrences after the first, found greedily from the left without overlap. This
  is datatrove's reading (FineWeb's thresholds were set with it).
- repeated n-grams: characters of all words inside any occurrence of an n-gram that occurs at least twice, each word
  once. This is the paper's wording and DCLM's reading; it is about twice as large.
"""

from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from corpus.quality.words import Words, finish

LONGEST: Final = 10
TOP: Final = range(2, 5)
ALL: Final = range(5, LONGEST + 1)


def repetition(words: Words) -> NDArray[np.float64]:
    """Return shares (11 x 3, float64): row n holds top, duplicate and repeated for n-grams; rows 0 and 1 are zero."""
    out = np.zeros((LONGEST + 1, 3))
    prefix = np.zeros(len(words) + 1, np.int64)
    np.cumsum(words.lengths, out=prefix[1:])
    _repetition(words.hashes, prefix, out)
    return out


@njit(cache=True, nogil=True)
def _repetition(hashes: Any, prefix: Any, out: Any) -> None:
    """Fill rows 2 to 10; `prefix` holds characters of words before each word."""
    words = len(hashes)
    size = 4
    while size < 2 * words:
        size *= 2
    keys, counts = np.empty(size, np.uint64), np.empty(size, np.int32)
    slots, seen = np.empty(words, np.int32), np.empty(size, np.bool_)
    for n in range(2, out.shape[0]):
        grams = words - n + 1
        if grams < 2:
            break
        counts[:] = 0
        most = _count(hashes, n, grams, keys, counts, slots)
        if most < 2:
            break  # a longer n-gram cannot occur twice either
        total = prefix[words]
        out[n, 0] = min(1.0, most * _longest(prefix, n, grams, counts, slots, most) / total)
        seen[:] = False
        out[n, 1] = _duplicate(prefix, n, grams, slots, seen) / total
        out[n, 2] = _repeated(prefix, n, grams, counts, slots) / total


@njit(cache=True, nogil=True)
def _count(hashes: Any, n: int, grams: int, keys: Any, counts: Any, slots: Any) -> int:
    """Count equal n-grams by open addressing; fill the slot of each and return the highest count."""
    mask, most = len(keys) - 1, 0
    for at in range(grams):
        key = np.uint64(n)
        for word in range(at, at + n):
            key = key * np.uint64(0x9E3779B97F4A7C15) + hashes[word]
        key = finish(key)
        slot = np.int64(key & np.uint64(mask))
        while counts[slot] and keys[slot] != key:
            slot = (slot + 1) & mask
        keys[slot] = key
        counts[slot] += 1
        slots[at] = slot
        most = max(most, counts[slot])
    return most


@njit(cache=True, nogil=True)
def _longest(prefix: Any, n: int, grams: int, counts: Any, slots: Any, most: int) -> int:
    """Characters of the longest n-gram that occurs `most` times."""
    best = 0
    for at in range(grams):
        if counts[slots[at]] == most:
            best = max(best, prefix[at + n] - prefix[at])
    return best


@njit(cache=True, nogil=True)
def _duplicate(prefix: Any, n: int, grams: int, slots: Any, seen: Any) -> int:
    """Characters of later occurrences, greedily, without overlap."""
    at, characters = 0, 0
    while at < grams:
        if seen[slots[at]]:
            characters += prefix[at + n] - prefix[at]
            at += n
        else:
            seen[slots[at]] = True
            at += 1
    return characters


@njit(cache=True, nogil=True)
def _repeated(prefix: Any, n: int, grams: int, counts: Any, slots: Any) -> int:
    """Characters of words in any occurrence of an n-gram that occurs twice or more, each word once."""
    covered, characters = 0, 0
    for at in range(grams):
        if counts[slots[at]] > 1:
            characters += prefix[at + n] - prefix[max(at, covered)]
            covered = at + n
    return characters
