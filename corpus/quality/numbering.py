"""Equal things get equal numbers: open addressing in tables that grow with the number of different ones.

Numbers are given in order of first occurrence, so they do not depend on where a key lies in the table. `seed`, an odd
64-bit number drawn once per process, spreads the keys: who writes a page cannot choose words or lines that all fall
in one place. No result depends on it.
"""

import secrets
from typing import Any, Final

import numpy as np

from corpus.kernels import kernel

SEED: Final = np.uint64(secrets.randbits(64) | 1)
_MIX: Final = np.uint64(0x9E3779B97F4A7C15)
_ROUND: Final = np.uint64(0xD6E8FEB86659FD93)


@kernel
def _place(key: Any, seed: Any, size: int) -> Any:
    """Return the first slot of a key in a table of `size` slots, a power of 2."""
    mixed = key * seed
    return np.int64(((mixed ^ (mixed >> np.uint64(32))) * _MIX) >> np.uint64(33)) & (size - 1)


@kernel
def _grown(slots: Any, keys: Any, seed: Any) -> Any:
    """Return a table of four times the size with the same numbers."""
    size = 4 * len(slots)
    found = np.zeros(size, np.int32)
    for place in range(len(slots)):
        if slots[place]:
            slot = _place(keys[slots[place] - 1], seed, size)
            while found[slot]:
                slot = (slot + 1) & (size - 1)
            found[slot] = slots[place]
    return found


@kernel
def _table(n: int) -> Any:
    """Return an empty table to begin with, for n keys: numbers plus 1 by slot, 0 where there is none."""
    size = 16
    while size < n and size < 4096:
        size *= 2
    return np.zeros(2 * size, np.int32)


@kernel
def number(keys: Any, n: int, seed: Any, ids: Any, counts: Any) -> int:
    """Number the first n keys (uint64): fill `ids` by key, `counts` by number; return how many differ.

    `keys` is used up: its front becomes the different keys by number.
    """
    slots, distinct = _table(n), 0
    for at in range(n):
        if 2 * distinct >= len(slots):
            slots = _grown(slots, keys, seed)
        key, mask = keys[at], len(slots) - 1
        slot = _place(key, seed, len(slots))
        while slots[slot] and keys[slots[slot] - 1] != key:
            slot = (slot + 1) & mask
        if slots[slot] == 0:
            keys[distinct], counts[distinct] = key, 0
            distinct += 1
            slots[slot] = distinct
        ids[at] = slots[slot] - 1
        counts[slots[slot] - 1] += 1
    return distinct


@kernel
def span_key(codes: Any, start: int, end: int, seed: Any) -> Any:
    """Return a hash of codes[start:end], three code points (of 21 bits) at a step."""
    key, at = seed + np.uint64(end - start), start
    while at + 3 <= end:
        packed = np.uint64(codes[at]) | np.uint64(codes[at + 1]) << np.uint64(21)
        key = (key ^ packed ^ np.uint64(codes[at + 2]) << np.uint64(42)) * _ROUND
        key ^= key >> np.uint64(32)
        at += 3
    while at < end:
        key = (key ^ np.uint64(codes[at])) * _ROUND
        key ^= key >> np.uint64(32)
        at += 1
    return key


@kernel
def repeats(codes: Any, spans: Any, keys: Any, n: int, seed: Any, out: Any) -> None:
    """Count the first n spans (start, end) that are equal, code point by code point; equal ones have equal keys.

    Fills `out`: spans that occurred before, their characters, all occurrences of spans that occur twice or more,
    their characters. `spans` and `keys` are used up: their fronts become the different ones.
    """
    slots, distinct = _table(n), 0
    again = np.zeros(n, np.bool_)
    for at in range(n):
        if 2 * distinct >= len(slots):
            slots = _grown(slots, keys, seed)
        start, end, key = spans[at, 0], spans[at, 1], keys[at]
        slot = _place(key, seed, len(slots))
        while slots[slot] and not (
            keys[slots[slot] - 1] == key
            and _equal(codes, spans[slots[slot] - 1, 0], spans[slots[slot] - 1, 1], start, end)
        ):
            slot = (slot + 1) & (len(slots) - 1)
        if slots[slot] == 0:
            spans[distinct, 0], spans[distinct, 1], keys[distinct] = start, end, key
            distinct += 1
            slots[slot] = distinct
            continue
        times = 1 if again[slots[slot] - 1] else 2
        again[slots[slot] - 1] = True
        out[0] += 1
        out[1] += end - start
        out[2] += times
        out[3] += times * (end - start)


@kernel
def _equal(codes: Any, first: int, first_end: int, second: int, second_end: int) -> bool:
    """Return whether two spans hold the same code points."""
    size = first_end - first
    if size != second_end - second:
        return False
    place = 0
    while place < size and codes[first + place] == codes[second + place]:
        place += 1
    return place == size
