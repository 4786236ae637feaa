"""Repetition of n-grams of words, as array kernels (Gopher: Rae et al. 2021, arXiv 2112.11446, table A1).

All numbers are characters in words (spaces and punctuation count nowhere), so their shares compare across scripts.

- top n-gram: characters of the most frequent n-gram times its occurrences; the longest among equally frequent; 0 when
  no n-gram occurs twice. Overlapping occurrences count, but the share is at most 1.
- duplicate n-grams: characters of the occurrences after the first, found greedily from the left without overlap. This
  is datatrove's reading (FineWeb's thresholds were set with it).
- repeated n-grams: characters of all words inside any occurrence of an n-gram that occurs at least twice, each word
  once. This is the paper's wording and DCLM's reading; it is about twice as large.

An n-gram can occur twice only where both (n-1)-grams in it do. So the places of repeated (n-1)-grams are kept, each
with the number of its gram, and a pair of neighbours is an n-gram: the work shrinks with every n, and equality is
exact (but for words, which are equal where their 64-bit hashes are).
"""

from typing import Any

import numpy as np

from corpus.kernels import kernel
from corpus.quality.numbering import number
from corpus.quality.tally import ALL, DUPLICATE_GRAMS, LONGEST, REPEATED_GRAMS, TOP, TOP_GRAMS
from corpus.quality.words import ZERO

_TOP, _ALL = TOP.start, ALL.start


@kernel
def repetition(ids: Any, counts: Any, prefix: Any, keys: Any, seed: Any, tally: Any) -> None:
    """Fill the n-gram numbers of a tally.

    `ids`: number of each word (int32); `counts`: occurrences by number (int32); `prefix`: characters of words before
    each word (int32, one more); `keys`: room for a uint64 per word. The first two and the last are used up.
    """
    words = len(ids)
    where, kept = np.empty(words, np.int32), ZERO
    for at in range(words):
        if counts[ids[at]] > 1:
            where[kept], ids[kept] = at, ids[at]
            kept += 1
    for n in range(2, LONGEST + 1):
        kept = _lengthen(where, ids, kept, keys, counts, seed)
        if kept == 0:
            break  # a longer n-gram cannot occur twice either
        if n < _ALL:
            tally[TOP_GRAMS + n - _TOP] = min(prefix[words], _top(where, ids, kept, counts, prefix, n))
        else:
            tally[DUPLICATE_GRAMS + n - _ALL] = _duplicate(where, ids, kept, counts, prefix, n)
            tally[REPEATED_GRAMS + n - _ALL] = _repeated(where, kept, prefix, n)


@kernel
def _lengthen(where: Any, grams: Any, kept: int, keys: Any, counts: Any, seed: Any) -> int:
    """Put the repeated n-grams in the place of the `kept` repeated (n-1)-grams; return how many there are."""
    found = ZERO
    for at in range(kept - 1):
        if where[at + 1] == where[at] + 1:
            keys[found] = np.uint64(grams[at]) << np.uint64(32) | np.uint64(grams[at + 1])
            where[found] = where[at]
            found += 1
    number(keys, found, seed, grams, counts)
    left = 0
    for at in range(found):
        if counts[grams[at]] > 1:
            where[left], grams[left] = where[at], grams[at]
            left += 1
    return left


@kernel
def _top(where: Any, grams: Any, kept: int, counts: Any, prefix: Any, n: int) -> Any:
    """Return occurrences times characters of the most frequent n-gram, the longest of them."""
    most, longest = 0, 0
    for at in range(kept):
        times, size = counts[grams[at]], prefix[where[at] + n] - prefix[where[at]]
        if times > most or (times == most and size > longest):
            most, longest = times, size
    return np.int64(most) * np.int64(longest)


@kernel
def _duplicate(where: Any, grams: Any, kept: int, counts: Any, prefix: Any, n: int) -> int:
    """Return characters of later occurrences, greedily, without overlap; counts of grams seen become negative."""
    free, characters = 0, 0
    for at in range(kept):
        place, gram = where[at], grams[at]
        if place < free:
            continue
        if counts[gram] < 0:
            characters += prefix[place + n] - prefix[place]
            free = place + n
        else:
            counts[gram] = -counts[gram]
    return characters


@kernel
def _repeated(where: Any, kept: int, prefix: Any, n: int) -> int:
    """Return characters of words in any occurrence of a repeated n-gram, each word once."""
    covered, characters = 0, 0
    for at in range(kept):
        place = where[at]
        characters += prefix[place + n] - prefix[max(place, covered)]
        covered = place + n
    return characters
