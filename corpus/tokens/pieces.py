"""Byte-level BPE of many documents at once: cut into pieces, look each up, merge the bytes of those not met before.

Pieces repeat by Zipf's law, so nearly every one has been seen: their ids are kept in a hash table (exact: the bytes
are compared) of bounded size. Merging takes the listed pair of lowest rank, leftmost first, until none is left, as
`tokenizers` does. All is one kernel over a buffer of UTF-8, with no Python object per piece.

A document that the program cannot cut whole, that holds a piece longer than LONGEST_PIECE bytes (merging here is
quadratic in a piece), a surrogate, or makes the matcher step back too often (crafted text) is given back as `None`:
another encoder has to do it.
"""

from collections.abc import Mapping, Sequence
from threading import Lock
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from corpus.kernels import inlined, kernel

GREEDY, POSSESSIVE, NEVER = 0, 1, 2
"""Kinds of an item: gives back on demand; never gives back; must not follow (takes nothing)."""
MOST_ITEMS: Final = 16
LONGEST_PIECE: Final = 1 << 10
"""Bytes of a piece, at most."""
STEPS: Final = 64
"""Characters the matcher may look at per byte of a document."""

SLOTS: Final = 1 << 17
ENTRIES: Final = SLOTS // 2
ARENA: Final = 1 << 20
"""Of the table of pieces: slots, entries before it is emptied, bytes (and ids) of all pieces in it."""


class Merges(NamedTuple):
    """The merges of a vocabulary, by pair of ids (open addressing).

    byte_ids  uint32[256], id of each single byte
    pairs     uint64, left id << 32 | right id, NO_PAIR where a slot is free
    ranks     int32, place of the pair in the list of merges
    products  uint32, by rank: the id that the merge gives
    """

    byte_ids: npt.NDArray[np.uint32]
    pairs: npt.NDArray[np.uint64]
    ranks: npt.NDArray[np.int32]
    products: npt.NDArray[np.uint32]


NO_PAIR: Final = np.uint64(0xFFFFFFFFFFFFFFFF)
_LAST: Final = (1 << 31) - 1


def merge_table(byte_ids: Sequence[int], merges: Mapping[tuple[int, int], int]) -> Merges:
    """Return the table of `merges`: (left id, right id) to product, in the order of their ranks."""
    slots = 1 << max(4, (2 * len(merges)).bit_length())
    pairs, ranks = np.full(slots, NO_PAIR), np.zeros(slots, np.int32)
    listed = np.array(list(merges), np.uint64).reshape(-1, 2)
    _enter(listed[:, 0] << np.uint64(32) | listed[:, 1], pairs, ranks)
    return Merges(np.array(byte_ids, np.uint32), pairs, ranks, np.array(list(merges.values()), np.uint32))


class Table(NamedTuple):
    """Pieces by hash (open addressing): their bytes and their ids, each in an arena."""

    hashes: npt.NDArray[np.uint64]
    places: npt.NDArray[np.int32]  # (SLOTS, 4): first byte, bytes, first id, ids
    bytes: npt.NDArray[np.uint8]
    ids: npt.NDArray[np.uint32]
    used: npt.NDArray[np.int64]  # entries, bytes, ids


def new_table() -> Table:
    """Return an empty table."""
    return Table(
        np.zeros(SLOTS, np.uint64),
        np.zeros((SLOTS, 4), np.int32),
        np.zeros(ARENA, np.uint8),
        np.zeros(ARENA, np.uint32),
        np.zeros(3, np.int64),
    )


@kernel
def _home(pair: Any, slots: Any) -> Any:
    return np.int64((pair * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(32)) & (slots - 1)


@kernel
def _enter(listed: Any, pairs: Any, ranks: Any) -> Any:
    for rank, pair in enumerate(listed):
        slot = _home(pair, len(pairs))
        while pairs[slot] != NO_PAIR:
            slot = (slot + 1) & (len(pairs) - 1)
        pairs[slot], ranks[slot] = pair, rank


@kernel
def _rank(left: Any, right: Any, merges: Any) -> Any:
    """Return the rank of a pair, _LAST when it is not listed."""
    pair = np.uint64(left) << np.uint64(32) | np.uint64(right)
    slot = _home(pair, len(merges.pairs))
    while merges.pairs[slot] != pair:
        if merges.pairs[slot] == NO_PAIR:
            return np.int32(_LAST)
        slot = (slot + 1) & (len(merges.pairs) - 1)
    return merges.ranks[slot]


@kernel
def _merge(data: Any, at: Any, end: Any, merges: Any, ids: Any, ranks: Any) -> Any:
    """Put the ids of a piece into `ids`, return how many; `ranks` is scratch of the same length."""
    size = end - at
    for place in range(size):
        ids[place] = merges.byte_ids[data[at + place]]
    for place in range(size - 1):
        ranks[place] = _rank(ids[place], ids[place + 1], merges)
    while size > 1:
        best = 0
        for place in range(1, size - 1):
            if ranks[place] < ranks[best]:
                best = place
        if ranks[best] == _LAST:
            break
        ids[best] = merges.products[ranks[best]]
        size -= 1
        for place in range(best + 1, size):
            ids[place], ranks[place - 1] = ids[place + 1], ranks[place]
        if best:
            ranks[best - 1] = _rank(ids[best - 1], ids[best], merges)
        if best < size - 1:
            ranks[best] = _rank(ids[best], ids[best + 1], merges)
    return size


@inlined
def _read(data: Any, at: Any) -> Any:
    """Return the code point at a byte and its width; the UTF-8 is valid, surrogates aside."""
    first = np.int64(data[at])
    if first < 0x80:
        return first, 1
    if first < 0xE0:
        return (first & 0x1F) << 6 | (data[at + 1] & 0x3F), 2
    if first < 0xF0:
        return (first & 0x0F) << 12 | (np.int64(data[at + 1]) & 0x3F) << 6 | (data[at + 2] & 0x3F), 3
    rest = (np.int64(data[at + 1]) & 0x3F) << 12 | (np.int64(data[at + 2]) & 0x3F) << 6 | (data[at + 3] & 0x3F)
    return (first & 0x07) << 18 | rest, 4


@kernel
def _follow(
    data: Any, at: Any, end: Any, bits: Any, items: Any, first: Any, last: Any, counts: Any, stops: Any, steps: Any
) -> Any:
    """Match items `first` to `last` at a byte; return the place behind, -1 for none."""
    place, item = at, first
    while item < last:
        mask, least, most, kind = np.uint32(items[item, 0]), items[item, 1], items[item, 2], items[item, 3]
        count, before = 0, place
        while count < most and place < end:
            code, width = _read(data, place)
            if not bits[code] & mask:
                break
            count += 1
            place += width
            if kind == NEVER:
                break
        steps[0] += count + 1
        if kind == NEVER:
            matched = count == 0
            count, place = 0, before
        else:
            matched = count >= least
        counts[item - first], stops[item - first] = count, place
        item += 1
        if matched:
            continue
        item -= 2
        while item >= first and (items[item, 3] != GREEDY or counts[item - first] <= items[item, 1]):
            item -= 1
        if item < first:
            return -1
        place = stops[item - first] - 1
        while data[place] & 0xC0 == 0x80:
            place -= 1
        counts[item - first] -= 1
        stops[item - first] = place
        item += 1
    return place


@kernel
def _ending(data: Any, at: Any, end: Any, bits: Any, endings: Any, masks: Any, first: Any, last: Any) -> Any:
    """Return the place behind the first ending that matches, `at` when none does."""
    for one in range(first, last):
        place = at
        fits = True
        for letter in range(endings[one, 0], endings[one, 1]):
            if place >= end:
                fits = False
                break
            code, width = _read(data, place)
            if not bits[code] & masks[letter]:
                fits = False
                break
            place += width
        if fits:
            return place
    return at


@kernel
def _piece(
    data: Any,
    at: Any,
    end: Any,
    bits: Any,
    items: Any,
    rows: Any,
    endings: Any,
    masks: Any,
    counts: Any,
    stops: Any,
    steps: Any,
) -> Any:
    """Return the end of the piece that begins at a byte, -1 when nothing matches there."""
    code, _ = _read(data, at)
    first = np.int64(bits[code])
    for row in range(rows.shape[0]):
        if not rows[row, 4] & first:
            continue
        place = _follow(data, at, end, bits, items, rows[row, 0], rows[row, 1], counts, stops, steps)
        if place >= 0:
            place = _ending(data, place, end, bits, endings, masks, rows[row, 2], rows[row, 3])
            if place > at:
                return place
    return -1


@kernel
def _first_wrong(data: Any, offsets: Any, wanted: Any, merges: Any) -> Any:
    longest = np.int64(np.max(np.diff(offsets)))
    ids, ranks = np.zeros(longest, np.uint32), np.zeros(longest, np.int32)
    for one in range(len(wanted)):
        count = _merge(data, offsets[one], offsets[one + 1], merges, ids, ranks)
        if count != 1 or ids[0] != wanted[one]:
            return one
    return -1


def first_wrong(tokens: Sequence[bytes], ids: Sequence[int], merges: Merges) -> int | None:
    """Return the place of the first token whose bytes do not merge to its id, None when all do."""
    data, offsets = _joined(tokens)
    found = int(_first_wrong(data, offsets, np.array(ids, np.uint32), merges))
    return None if found < 0 else found


def _joined(texts: Sequence[bytes]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Return texts as one buffer, and where each begins and the last ends."""
    offsets = np.zeros(len(texts) + 1, np.int64)
    np.cumsum([len(text) for text in texts], out=offsets[1:])
    return np.frombuffer(b"".join(texts), np.uint8), offsets


@inlined
def _find(data: Any, at: Any, end: Any, hashes: Any, places: Any, held: Any) -> Any:
    """Return the slot of a piece (a free one when it is not there) and its hash."""
    code = np.uint64(0xCBF29CE484222325)
    for place in range(at, end):
        code = (code ^ np.uint64(data[place])) * np.uint64(0x100000001B3)
    code ^= code >> np.uint64(29)
    code = (code * np.uint64(0xBF58476D1CE4E5B9)) | np.uint64(1)
    slot = np.int64((code >> np.uint64(32)) & np.uint64(SLOTS - 1))
    size = end - at
    while hashes[slot]:
        if hashes[slot] == code and places[slot, 1] == size:
            first, same = places[slot, 0], 0
            while same < size and held[first + same] == data[at + same]:
                same += 1
            if same == size:
                break
        slot = (slot + 1) & (SLOTS - 1)
    return slot, code


@kernel
def _add(data: Any, at: Any, end: Any, code: Any, slot: Any, table: Any, merges: Any, scratch: Any) -> Any:
    """Enter a piece with its ids at a free slot."""
    size, start, first = end - at, table.used[1], table.used[2]
    count = _merge(data, at, end, merges, table.ids[first : first + size], scratch)
    table.hashes[slot] = code
    places = table.places
    places[slot, 0], places[slot, 1], places[slot, 2], places[slot, 3] = start, size, first, count
    table.bytes[start : start + size] = data[at:end]
    table.used[0] += 1
    table.used[1] += size
    table.used[2] += count


@kernel
def _encode(data: Any, offsets: Any, program: Any, table: Any, merges: Any, out: Any, counts: Any) -> Any:
    """Put the ids of all documents into `out`, one after the other, and their numbers into `counts` (-1: given up)."""
    taken, stops, steps = np.zeros(MOST_ITEMS, np.int64), np.zeros(MOST_ITEMS, np.int64), np.zeros(1, np.int64)
    scratch = np.zeros(LONGEST_PIECE, np.int32)
    bits, items, rows, endings, masks = program
    hashes, places, held, ids, used = table.hashes, table.places, table.bytes, table.ids, table.used
    written = 0
    for document in range(len(counts)):
        place, end, start = offsets[document], offsets[document + 1], written
        limit = STEPS * (end - place + 64)
        steps[0] = 0
        while place < end:
            behind = _piece(data, place, end, bits, items, rows, endings, masks, taken, stops, steps)
            size = behind - place
            if behind < 0 or size > LONGEST_PIECE or steps[0] > limit:
                break
            if used[0] >= ENTRIES or used[1] + LONGEST_PIECE > ARENA:
                hashes[:] = 0
                used[:] = 0
            slot, code = _find(data, place, behind, hashes, places, held)
            if hashes[slot] == 0:
                _add(data, place, behind, code, slot, table, merges, scratch)
            first = places[slot, 2]
            for one in range(first, first + places[slot, 3]):
                out[written] = ids[one]
                written += 1
            place = behind
        if place < end:
            written, counts[document] = start, -1
        else:
            counts[document] = written - start


@kernel
def _cuts(data: Any, program: Any, ends: Any) -> Any:
    counts, stops, steps = np.zeros(MOST_ITEMS, np.int64), np.zeros(MOST_ITEMS, np.int64), np.zeros(1, np.int64)
    bits, items, rows, endings, masks = program
    place = found = 0
    while place < len(data):
        place = _piece(data, place, len(data), bits, items, rows, endings, masks, counts, stops, steps)
        if place < 0:
            return -1
        ends[found] = place
        found += 1
    return found


def cut(text: bytes, program: Any) -> list[int] | None:
    """Return the lengths of the pieces of valid UTF-8, in bytes; None when the program does not cover it."""
    ends = np.zeros(len(text), np.int64)
    found = _cuts(np.frombuffer(text, np.uint8), program, ends)
    return None if found < 0 else np.diff(ends[:found], prepend=0).tolist()


class Pieces:
    """Ids of documents: a program (cuts.py) says what the pieces are, `merges` what becomes of one.

    One thread at a time goes through the kernel: it runs without the GIL, and two would spoil the table for both.
    """

    def __init__(self, program: Any, merges: Merges) -> None:
        self._program, self._merges, self._table, self._lock = program, merges, new_table(), Lock()

    def encode(self, texts: Sequence[str]) -> list[npt.NDArray[np.uint32] | None]:
        """Return the ids (uint32) of each text, None for what has to go another way."""
        data, offsets = _joined([text.encode("utf-8", "surrogatepass") for text in texts])
        out, counts = np.empty(len(data), np.uint32), np.zeros(len(texts), np.int64)
        with self._lock:
            _encode(data, offsets, self._program, self._table, self._merges, out, counts)
        ends = np.cumsum(np.maximum(counts, 0)).tolist()
        return [None if n < 0 else out[end - n : end] for n, end in zip(counts.tolist(), ends, strict=True)]

    def held(self) -> int:
        """Return how many pieces are remembered."""
        return int(self._table.used[0])
