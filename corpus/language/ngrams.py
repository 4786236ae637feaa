"""The kernels of linear.py: from UTF-8 to rows, to their mean, to labels.

Sums are taken in the library's order, in 32 bits where it does, so that scores are the same numbers.
"""

from typing import Any, Final

import numpy as np

from corpus.kernels import kernel

_BASIS: Final = np.uint32(2166136261)
_PRIME: Final = np.uint32(16777619)
_ZERO: Final = np.uint64(0)
_ONE: Final = np.uint64(1)
_SIX: Final = np.uint64(6)
_LEAST: Final = 1e-5  # added to probabilities before their logarithm, as the library does
_LABEL: Final = tuple(b"__label__")
_int: Any = np.int64
_END: Final = 0  # number of the word </s>, which closes a text


@kernel
def _stir(h: Any, byte: Any) -> Any:
    """FNV-1a, 32 bits, of a byte taken as signed."""
    return np.uint32((h ^ np.uint32(np.int32(np.int8(byte)))) * _PRIME)


@kernel
def fill_slots(slots: Any, hashes: Any, starts: Any, spelling: Any) -> None:
    """Fill the hash table of words."""
    for word in range(len(hashes)):
        h = _BASIS
        for k in range(starts[word], starts[word + 1]):
            h = _stir(h, spelling[k])
        hashes[word] = h
        place = _int(h) & (len(slots) - 1)
        while slots[place] >= 0:
            place = (place + 1) & (len(slots) - 1)
        slots[place] = word


@kernel
def _find(data: Any, first: int, end: int, h: Any, slots: Any, hashes: Any, starts: Any, spelling: Any) -> Any:
    """Return the number of the word data[first:end], -1 when it is none of the dictionary's."""
    place = _int(h) & (len(slots) - 1)
    while slots[place] >= 0:
        word = slots[place]
        if hashes[word] == h and starts[word + 1] - starts[word] == end - first:
            same = True
            for k in range(end - first):
                same = same and spelling[starts[word] + k] == data[first + k]
            if same:
                return word
        place = (place + 1) & (len(slots) - 1)
    return np.int32(-1)


@kernel
def _ones(word: Any) -> Any:
    """Return the number of bits that are set."""
    word -= (word >> np.uint64(1)) & np.uint64(0x5555555555555555)
    word = (word & np.uint64(0x3333333333333333)) + ((word >> np.uint64(2)) & np.uint64(0x3333333333333333))
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return _int((word * np.uint64(0x0101010101010101)) >> np.uint64(56))


@kernel
def _is_gap(byte: Any) -> Any:
    """Return whether a byte parts words: space, tab to carriage return, NUL."""
    return byte in (0, 32) or 9 <= byte <= 13


@kernel
def _is_label(data: Any, first: int, end: int) -> Any:
    """Return whether a word starts like a label; such words have no rows."""
    same = end - first >= len(_LABEL)
    for k in range(len(_LABEL)):
        same = same and data[first + k] == _LABEL[k]
    return same


@kernel
def _hash_ngrams(word: Any, cuts: Any, characters: int, shortest: int, longest: int, found: Any, n: Any) -> Any:
    """Write the hashes of a word's n-grams to found[n:]; return their new number.

    `word` stands between < and >, which count as characters of its n-grams but make none of their own; character c is
    word[cuts[c]:cuts[c + 1]].
    """
    for c in range(characters):
        h = _BASIS
        for length in range(1, min(longest, characters - c) + 1):
            for k in range(cuts[c + length - 1], cuts[c + length]):
                h = _stir(h, word[k])
            found[n] = _int(h)
            at_end = c == 0 or c + 1 == characters
            n += _ONE if length >= shortest and not (length == 1 and at_end) else _ZERO
    return n


@kernel
def _hash_plain(word: Any, size: Any, shortest: int, longest: int, found: Any, n: Any) -> Any:
    """Do as `_hash_ngrams` does for a word in ASCII, with the same steps at each letter, so that no branch is guessed.

    Hashes that reach over the end of the word (there are `longest` more bytes to read) are written and written over.
    """
    for c in range(_ZERO, size):
        h = _BASIS
        for length in range(_ONE, np.uint64(longest) + _ONE):
            h = _stir(h, word[c + length - _ONE])
            found[n] = _int(h)
            inside = length >= np.uint64(shortest) and c + length <= size
            at_end = length == _ONE and (c == _ZERO or c + _ONE == size)
            n += _ONE if inside and not at_end else _ZERO
    return n


@kernel
def _hashes_of(data: Any, slots: Any, hashes: Any, starts: Any, spelling: Any, shortest: int, longest: int) -> Any:
    """Return what a text is made of, in order, int64: -1 - w for a word w with a row, else the hash of an n-gram."""
    found = np.empty((len(data) + len(data) // 2 * 2 + 2) * (longest + 1), np.int64)
    word, cuts = np.zeros(len(data) + 2 + longest, np.uint8), np.empty(len(data) + 3, np.int64)
    n, i, end = _ZERO, _ZERO, np.uint64(len(data))
    while i < end:
        if _is_gap(data[i]):
            i += _ONE
            continue
        first, h, size, characters = i, _BASIS, _ONE, _ONE
        while i < end and not _is_gap(data[i]):
            h = _stir(h, data[i])
            word[size], cuts[characters] = data[i], _int(size)
            characters += _ONE if data[i] & 0xC0 != 0x80 else _ZERO
            size, i = size + _ONE, i + _ONE
        number = _find(data, _int(first), _int(i), h, slots, hashes, starts, spelling)
        if number == _END:
            break
        if number < 0 and _is_label(data, _int(first), _int(i)):
            continue
        found[n] = -1 - number
        n += _ONE if number >= 0 else _ZERO
        word[0], word[size] = 60, 62
        if characters == size:
            n = _hash_plain(word, size + _ONE, shortest, longest, found, n)
            continue
        cuts[0], cuts[characters], cuts[characters + _ONE] = 0, _int(size), _int(size) + 1
        n = _hash_ngrams(word, cuts, _int(characters) + 1, shortest, longest, found, n)
    return found[: _int(n)]


@kernel
def _rows_of(found: Any, bits: Any, ranks: Any, words: int, buckets: int) -> Any:
    """Return the rows of what a text is made of, int64: of words, of n-grams whose bucket is kept, and of </s>.

    One in ten n-grams has a row, so that is not asked with a branch: what has none is written and then written over.
    """
    rows, n, inverse = np.empty(len(found) + 1, np.int64), _ZERO, 1.0 / buckets
    for k in range(len(found)):
        h = max(found[k], 0)
        bucket = h - _int(np.float64(h) * inverse) * buckets  # the quotient may be one too high or too low
        bucket += buckets if bucket < 0 else 0
        bucket -= buckets if bucket >= buckets else 0
        kept = (bits[np.uint64(bucket) >> _SIX] >> np.uint64(bucket & 63)) & _ONE
        rows[n] = found[k] if found[k] < 0 else bucket
        n += _ONE if found[k] < 0 else kept
    for k in range(_int(n)):
        if rows[k] < 0:
            rows[k] = -1 - rows[k]
            continue
        place = np.uint64(rows[k]) >> _SIX
        below = bits[place] & ((_ONE << np.uint64(rows[k] & 63)) - _ONE)
        rows[k] = words + ranks[place] + _ones(below)
    rows[n] = _END
    return rows[: _int(n) + 1]


@kernel
def _mean(numbers: Any, rows: Any) -> Any:
    """Return the mean of the rows, float32[dim]."""
    total = np.zeros(rows.shape[1], np.float32)
    for k in range(len(numbers)):
        row = rows[numbers[k]]
        for d in range(len(total)):
            total[d] += row[d]
    share = np.float32(1.0 / len(numbers))
    for d in range(len(total)):
        total[d] *= share
    return total


@kernel
def _log(probability: Any) -> Any:
    return np.float32(np.log(np.float64(np.float32(probability)) + _LEAST))


@kernel
def _probability(node: Any, mean: Any) -> Any:
    """Return the probability of going right, float32."""
    product = np.float32(0)
    for d in range(len(mean)):
        product += node[d] * mean[d]
    return np.float32(1.0 / np.float64(np.float32(1) + np.exp(-product)))


@kernel
def predicted(
    data: Any,
    slots: Any,
    hashes: Any,
    starts: Any,
    spelling: Any,
    bits: Any,
    ranks: Any,
    rows: Any,
    nodes: Any,
    left: Any,
    right: Any,
    shape: Any,
    count: int,
) -> Any:
    """Return scores float32 and labels int32 of the best `count` labels, best first."""
    buckets, shortest, longest = shape
    found = _hashes_of(data, slots, hashes, starts, spelling, shortest, longest)
    mean = _mean(_rows_of(found, bits, ranks, len(hashes), buckets), rows)
    scores, labels, n = np.empty(count + 1, np.float32), np.empty(count + 1, np.int32), 0
    stack, marks, depth = np.empty(len(left), np.int32), np.empty(len(left), np.float32), 1
    stack[0], marks[0], least = len(left) - 1, np.float32(0), _log(0)
    while depth:
        depth -= 1
        node, score = stack[depth], marks[depth]
        if score < least or (n == count and score < scores[n - 1]):
            continue
        if left[node] < 0:
            n = min(_insert(scores, labels, n, score, node), count)
            continue
        p = _probability(nodes[node - (len(left) + 1) // 2], mean)
        stack[depth], marks[depth] = right[node], score + _log(p)
        stack[depth + 1], marks[depth + 1] = left[node], score + _log(1.0 - np.float64(p))
        depth += 2
    return np.exp(scores[:n]), labels[:n]


@kernel
def _insert(scores: Any, labels: Any, n: int, score: Any, label: Any) -> int:
    """Insert into the n best, sorted; return n + 1."""
    place = n
    while place > 0 and scores[place - 1] < score:
        scores[place], labels[place] = scores[place - 1], labels[place - 1]
        place -= 1
    scores[place], labels[place] = score, label
    return n + 1
