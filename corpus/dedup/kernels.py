"""The kernels of deduplication: from UTF-8 to tokens, shingles, minima and band keys.

What they compute is stated in shingles.py and minhash.py, which give them their faces. All stand in one module because
numba's cache of a compiled kernel notices a change of the kernel's own file alone, not of what it calls elsewhere.
Positions are unsigned where that counts: a signed index costs a test for negative ones at every access.
"""

from typing import Any, Final

import numpy as np

from corpus.dedup.characters import CHARACTER, COMBINING, GAP, KIND, MARK, WORD
from corpus.kernels import kernel

APART: Final = 16
"""Bit beside those of characters.py: a text has characters that are tokens of their own."""

_FNV_BASIS: Final = np.uint64(0xCBF29CE484222325)
_FNV_PRIME: Final = np.uint64(0x100000001B3)
_P: Final = np.uint64(0x9E3779B97F4A7C15)
_M1: Final = np.uint64(0xFF51AFD7ED558CCD)
_M2: Final = np.uint64(0xC4CEB9FE1A85EC53)
_S33: Final = np.uint64(33)
_ZERO: Final = np.uint64(0)
_ONE: Final = np.uint64(1)
_FIRST: Final = np.uint32(0x85EBCA6B)
_SECOND: Final = np.uint32(0xC2B2AE35)
_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
_MIX1: Final = np.uint64(0xBF58476D1CE4E5B9)
_MIX2: Final = np.uint64(0x94D049BB133111EB)
_BITS: Final = 64  # of a hash
_int: Any = np.int64


@kernel
def _decode(data: Any, i: int) -> Any:
    """Return code point and length in bytes of the UTF-8 sequence at i; what is cut short counts as a space."""
    lead = np.int64(data[i])
    if lead < 0x80:
        return lead, 1
    size = 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4
    if i + size > len(data):
        return 32, len(data) - i
    point = lead & (0x7F >> size)
    for k in range(1, size):
        point = (point << 6) | (np.int64(data[i + k]) & 0x3F)
    return (point if point < 0x110000 else 32), size


@kernel
def longest_mark_run(data: Any, entries: Any) -> int:
    """Return the length of the longest run of combining marks."""
    run, longest, i = 0, 0, 0
    while i < len(data):
        point, size = _decode(data, i)
        i += size
        run = run + 1 if entries[point] & COMBINING else 0
        longest = max(longest, run)
    return longest


@kernel
def _encode(point: Any, out: Any, m: int) -> int:
    """Write a code point as UTF-8 at out[m:]; return the position after it."""
    if point < 0x80:
        out[m] = point
        return m + 1
    if point < 0x800:
        out[m] = 0xC0 | (point >> 6)
        out[m + 1] = 0x80 | (point & 0x3F)
        return m + 2
    if point < 0x10000:
        out[m] = 0xE0 | (point >> 12)
        out[m + 1] = 0x80 | ((point >> 6) & 0x3F)
        out[m + 2] = 0x80 | (point & 0x3F)
        return m + 3
    out[m] = 0xF0 | (point >> 18)
    out[m + 1] = 0x80 | ((point >> 12) & 0x3F)
    out[m + 2] = 0x80 | ((point >> 6) & 0x3F)
    out[m + 3] = 0x80 | (point & 0x3F)
    return m + 4


@kernel
def _finish(h: Any) -> Any:
    """MurmurHash3's 64-bit finaliser: a bijection that spreads every bit."""
    h = (h ^ (h >> _S33)) * _M1
    h = (h ^ (h >> _S33)) * _M2
    return h ^ (h >> _S33)


@kernel
def _tokenise(data: Any, entries: Any, lower: Any, plain: Any, out: Any, hashes: Any, kinds: Any) -> Any:
    """Fill `out` with the normalised text, `hashes` (not yet finished) and `kinds` by token.

    Return the number of tokens and bytes, and all bits met in `entries`, with APART for a character of its own. In the
    normalised text one space stands between two words, and nothing beside a character of its own. ASCII takes the same
    steps for any byte: stores that the next byte overwrites cost less than a branch that is guessed wrong at both ends
    of a word. `inside` is 1 in a word, `joint` is 1 when the last token was one.
    """
    seen = 0
    i: Any = _ZERO
    m: Any = _ZERO
    n: Any = _ZERO
    inside: Any = _ZERO
    joint: Any = _ZERO
    h: Any = _FNV_BASIS
    while i < np.uint64(len(data)):
        if data[i] < 0x80:
            letter = plain[data[i]]
            word = _ONE if letter else _ZERO
            out[m] = 32
            m += (word & ~inside) & joint
            out[m] = letter
            m += word
            n += inside & ~word
            kinds[n] = WORD
            h = (h ^ np.uint64(letter)) * _FNV_PRIME if word else _FNV_BASIS
            hashes[n] = h
            inside, joint, i = word, joint | word, i + _ONE
            continue
        point, size = _decode(data, _int(i))
        i += np.uint64(size)
        entry = _int(entries[point])
        seen |= entry
        kind = entry & KIND
        if kind == MARK:
            kind = WORD if inside else GAP
        if kind != WORD:
            n += inside
            inside, h = _ZERO, _FNV_BASIS
        elif not inside:
            out[m] = 32
            m += joint
            inside, joint, kinds[n] = _ONE, _ONE, WORD
        if kind != GAP:
            start, m = m, np.uint64(_encode(_int(lower[point]), out, _int(m)))
            for k in range(start, m):
                h = (h ^ np.uint64(out[k])) * _FNV_PRIME
            hashes[n] = h
        if kind == CHARACTER:
            kinds[n] = CHARACTER
            n, joint, h, seen = n + _ONE, _ZERO, _FNV_BASIS, seen | APART
    return _int(n + inside), _int(m), seen


@kernel
def _windows(prefix: Any, kinds: Any, n: int, words: int, characters: int, powers: Any, found: Any) -> int:
    """Fill `found` with the hash of every shingle of n tokens, in order, repeats included; return their number."""
    full, count, end, weight = words * characters, 0, 0, 0
    for start in range(n):
        while end < n and weight < full:
            weight += characters if kinds[end] == WORD else words
            end += 1
        if weight < full and start > 0:
            break
        found[count] = _finish(prefix[end] - prefix[start] * powers[end - start])
        count += 1
        if weight < full:
            break
        weight -= characters if kinds[start] == WORD else words
    return count


@kernel
def _word_windows(prefix: Any, n: int, words: int, powers: Any, found: Any) -> int:
    """Do as `_windows` does where all tokens are words."""
    size = min(n, words)
    count = n - size + 1 if n else 0
    power = powers[size]
    for start in range(count):
        found[start] = _finish(prefix[start + size] - prefix[start] * power)
    return count


@kernel
def _shingle_into(
    data: Any, entries: Any, lower: Any, plain: Any, words: int, characters: int, room: Any, out: Any
) -> Any:
    """Fill `out` with the normalised text of `data` and `found` of `room` with its shingle hashes, in order.

    Return the number of hashes and of bytes, and all bits met in `entries`, with APART. `room`: of `_new_room`; `out`
    has `_room_for` bytes.
    """
    tokens, kinds, prefix, found, powers = room
    n, m, seen = _tokenise(data, entries, lower, plain, out, tokens, kinds)
    prefix[0] = _ZERO
    for k in range(n):
        prefix[k + 1] = prefix[k] * _P + _finish(tokens[k])
    if seen & APART:
        return _windows(prefix, kinds, n, words, characters, powers, found), m, seen
    return _word_windows(prefix, n, words, powers, found), m, seen


@kernel
def _room_for(size: int) -> int:
    """Return the bytes that the normal form of `size` bytes can take: lower case has up to 3 where upper has 2."""
    return size * 3 // 2 + 4


@kernel
def _new_room(size: int, words: int, characters: int) -> Any:
    """Return scratch arrays for texts of up to `size` bytes: tokens, kinds, prefix sums, shingle hashes, powers of P.

    A token takes a byte and a gap, or two bytes; one more is written where the next token would start.
    """
    count = size // 2 + 2
    powers = np.empty(max(words, characters) + 1, np.uint64)
    powers[0] = _ONE
    for k in range(1, len(powers)):
        powers[k] = powers[k - 1] * _P
    kinds, prefix = np.empty(count, np.uint8), np.empty(count + 1, np.uint64)
    return np.empty(count, np.uint64), kinds, prefix, np.empty(count, np.uint64), powers


@kernel
def shingle(data: Any, entries: Any, lower: Any, plain: Any, words: int, characters: int) -> Any:
    """Return shingle hashes (uint64, in order of the text), the normalised text (uint8), and all bits of `entries`."""
    room, out = _new_room(len(data), words, characters), np.empty(_room_for(len(data)), np.uint8)
    count, m, seen = _shingle_into(data, entries, lower, plain, words, characters, room, out)
    return room[3][:count], out[:m], seen


@kernel
def _mixed(wide: Any) -> Any:
    """MurmurHash3's 32-bit finaliser of the lower half of a hash."""
    h = np.uint32(wide)
    h = np.uint32(np.uint32(h ^ (h >> np.uint32(16))) * _FIRST)
    h = np.uint32(np.uint32(h ^ (h >> np.uint32(13))) * _SECOND)
    return np.uint32(h ^ (h >> np.uint32(16)))


@kernel
def minima_into(hashes: Any, factors: Any, offsets: Any, found: Any) -> None:
    """Fill `found`, uint32, with the minimum of every permutation over `hashes`, uint64.

    Four hashes share one pass over the permutations: what is loaded and stored for one is loaded and stored for all,
    and the inner loop is SIMD multiplies, additions and minima.
    """
    found[:] = np.uint32(0xFFFFFFFF)
    last = len(hashes) - 1
    for i in range(0, len(hashes), 4):  # the last hash is repeated where there are fewer; its minimum is the same
        h0, h1 = _mixed(hashes[i]), _mixed(hashes[min(i + 1, last)])
        h2, h3 = _mixed(hashes[min(i + 2, last)]), _mixed(hashes[min(i + 3, last)])
        for k in range(len(factors)):
            a, b = factors[k], offsets[k]
            low = min(np.uint32(a * h0 + b), np.uint32(a * h1 + b))
            other = min(np.uint32(a * h2 + b), np.uint32(a * h3 + b))
            found[k] = min(found[k], low, other)


@kernel
def keys_into(found: Any, keys: Any) -> None:
    """Hash each band's rows, and the band's number, with the SplitMix64 finaliser as the mixing step."""
    rows = len(found) // len(keys)
    for band in range(len(keys)):
        h = np.uint64(band)
        for k in range(rows):
            h = (h + _GOLDEN) ^ np.uint64(found[band * rows + k])
            h = (h ^ (h >> np.uint64(30))) * _MIX1
            h = (h ^ (h >> np.uint64(27))) * _MIX2
            h = h ^ (h >> np.uint64(31))
        keys[band] = h


@kernel
def sketch_into(
    data: Any,
    bounds: Any,
    entries: Any,
    lower: Any,
    plain: Any,
    words: int,
    characters: int,
    factors: Any,
    offsets: Any,
    salt: Any,
    keys: Any,
    counts: Any,
    ends: Any,
    seen: Any,
) -> Any:
    """Fill keys, counts, seen (bits of `entries` met) by text and `ends` of normal forms; return these, joined."""
    longest, total = 0, 0
    for d in range(len(counts)):
        longest = max(longest, bounds[d + 1] - bounds[d])
        total += _room_for(bounds[d + 1] - bounds[d])
    out, room = np.empty(total, np.uint8), _new_room(longest, words, characters)
    slots, minima = np.empty(_slots(longest // 2 + 1), np.uint64), np.empty(len(factors), np.uint32)
    ends[0] = 0
    for d in range(len(counts)):
        text = data[bounds[d] : bounds[d + 1]]
        n, m, bits = _shingle_into(text, entries, lower, plain, words, characters, room, out[ends[d] :])
        ends[d + 1] = ends[d] + m
        seen[d] = bits
        counts[d] = keep_distinct(room[3], n, slots, salt)
        minima_into(room[3][: counts[d]], factors, offsets, minima)
        keys_into(minima, keys[d])
    return out


@kernel
def _slots(count: int) -> int:
    """Return the slots of a table for `count` hashes: a power of two, at least twice as many."""
    slots = 2
    while slots < 2 * count:
        slots *= 2
    return slots


@kernel
def keep_distinct(found: Any, n: int, slots: Any, salt: Any) -> Any:
    """Move the distinct ones of the first n hashes to the front of `found`; return their number."""
    size = _slots(n)
    table, mask, shift = slots[:size], np.uint64(size - 1), np.uint64(_BITS)
    while size > 1:
        size, shift = size // 2, shift - np.uint64(1)
    table[:] = np.uint64(0)  # 0 is a free slot; the hash 0 itself has `zero`
    count, zero = np.uint64(0), False
    for k in range(n):
        h = found[k]
        fresh = not zero if h == 0 else True
        zero = zero or h == 0
        place = (h * salt) >> shift
        while h != 0 and table[place] != 0:
            if table[place] == h:
                fresh = False
                break
            place = (place + np.uint64(1)) & mask
        if fresh:
            table[place] = h if h != 0 else table[place]
            found[count] = h
            count += np.uint64(1)
    return np.int64(count)
