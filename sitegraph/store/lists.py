"""A block of the arcs file: the in-lists of consecutive targets, as kernels write and read them.

Targets and sources are slots (numbering.py). A block of `count` targets with m arcs holds

    degrees    uint8[count]      arcs into each target; 255 means: the next number of `escapes`
    escapes    uint32[...]       the degrees of 255 and more, little-endian
    control    uint8[ceil(m/4)]  of the gaps, in Stream VByte (vbyte.py), across the borders of lists
    data       uint8[...]
    codes      uint8, uint16 or nothing, m of them: the class of each arc (classes.py)

A list is ascending. Its first source is stored as the difference from the target's reference, zigzag (0, -1, 1, -2 ...
as 0, 1, 2, 3 ...), the others as their difference from the one before, minus one. The reference of a target is how many
sources of the first tier (of all, where there are no tiers) come before it by name, because sites link to neighbours by
name most of all: of a source of that tier it is its own slot (arcs.py says how references are kept).

Reading goes by chunks of CHUNK gaps, each decoded to sources as a whole before anyone works with them: a decoder fused
with the work would flush the cache misses that are on their way at every branch it mispredicts.

A damaged block must never be followed out of bounds: `check_block` holds the lengths against one another, `next_chunk`
finds a source that does not exist before anyone has used it.
"""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from corpus.kernels import inlined, kernel
from sitegraph.store.primitives import LANES, add_up, lift, load_word, prefetch
from sitegraph.store.vbyte import (
    CAN_SHUFFLE,
    PACKS,
    SHUFFLES,
    SIZES,
    data_size,
    decode_plain,
    decode_shuffled,
    encode_control,
    encode_plain,
    encode_shuffled,
)

CHUNK: Final = 256
ESCAPE: Final = 255
ROOM: Final = CHUNK + LANES
"""Numbers for which gaps and ids of a chunk must have room: the last lanes may write behind the last of them."""
LINE: Final = 64
"""Bytes of a cache line."""
LIMIT: Final = 1 << 31
"""Sources, and gaps between them, are below."""


@inlined
def zigzag(difference: Any) -> Any:  # int64 -> uint64
    return np.uint64((difference << 1) ^ (difference >> 63))


@inlined
def unzigzag(value: Any) -> Any:  # uint32 -> int64
    return (np.int64(value) >> 1) ^ -(np.int64(value) & 1)


@kernel
def encode_lists(offsets: Any, sources: Any, references: Any, control: Any, data: Any) -> Any:
    """Write the gaps of lists; a last group is filled up with zeros. Return the data bytes.

    offsets int64[count + 1] from 0 on into sources uint32[m], references int64[count]; control uint8[ceil(m / 4)], data
    uint8[>= 4 m + 16].
    """
    m, one = np.uint64(len(sources)), np.uint64(1)
    gaps = np.empty(4 * len(control), np.uint32)
    for i in range(one, m):
        gaps[i] = sources[i] - sources[i - one] - np.uint32(1)
    for i in range(m, np.uint64(len(gaps))):
        gaps[i] = 0
    for t in range(np.uint64(len(references))):
        begin = np.uint64(offsets[t])
        if begin < np.uint64(offsets[t + one]):
            gaps[begin] = zigzag(np.int64(sources[begin]) - references[t])
    encode_control(gaps, control)
    if CAN_SHUFFLE:
        return encode_shuffled(gaps, control, data, SIZES, PACKS)
    return encode_plain(gaps, control, data)


@kernel
def to_degrees(offsets: Any, degrees: Any, escapes: Any) -> Any:  # int64[count + 1], uint8[count], uint32[count]
    """Fill degrees and escapes; return how many escapes there are."""
    used = 0
    for t in range(len(degrees)):
        degree = offsets[t + 1] - offsets[t]
        if degree >= ESCAPE:
            degrees[t] = ESCAPE
            escapes[used] = degree
            used += 1
        else:
            degrees[t] = degree
    return used


@kernel
def check_block(degrees: Any, escapes: Any, control: Any, data_bytes: Any, arcs: Any) -> Any:  # -> bool
    """Say whether the lengths of a block agree: escapes (uint8, 4 per number), sum of degrees, data of the gaps."""
    total, at = np.int64(0), np.uint64(0)
    for byte in degrees:
        degree = np.int64(byte)
        if degree == ESCAPE:
            if at + np.uint64(4) > np.uint64(len(escapes)):
                return False
            degree = np.int64(load_word(escapes, at))
            if degree < ESCAPE:
                return False
            at += np.uint64(4)
        total += degree
    if at != np.uint64(len(escapes)) or total != arcs or len(control) != (arcs + 3) // 4:
        return False
    return data_size(control, SIZES) == data_bytes


class Reading(NamedTuple):
    """Where a reader of a block is: of control and data, among the targets, and in a list."""

    group: Any  # of four gaps
    byte: Any
    target: Any  # the next one
    left: Any  # arcs of the target before that have not been read
    source: Any  # int64, the others uint64: the one read last
    escape: Any  # byte


NOWHERE: Final = Reading(np.uint64(0), np.uint64(0), np.uint64(0), np.uint64(0), np.int64(0), np.uint64(0))
"""Where a reader begins."""


@inlined
def chunks_of(control: Any) -> Any:  # uint8[groups] -> uint64
    """Return how many chunks a block has."""
    return np.uint64((len(control) + CHUNK // 4 - 1) // (CHUNK // 4))


Room = tuple[NDArray[np.uint32], NDArray[np.uint32], NDArray[np.uint32]]


def scratch() -> Room:
    """Return what next_chunk works in: gaps, steps from list to list (zeros between chunks), first sources of runs.

    Kernels get it, and `room`, from whoever calls them, so that they need not count who holds arrays (kernels.py).
    """
    return np.empty(ROOM, np.uint32), np.zeros(ROOM, np.uint32), np.empty(ROOM, np.uint32)


def room(chunks: int) -> Room:
    """Return room for what next_chunk finds, ROOM numbers for each of some chunks: ids, targets, ends."""
    size = chunks * ROOM
    return np.zeros(size, np.uint32), np.empty(size, np.uint32), np.empty(size, np.uint32)


@inlined
def ask_for(data: Any, start: Any, size: Any) -> None:  # uint8 array; the address may lie behind its end
    for line in range(np.uint64(size // LINE + 1)):  # the first bytes may be the last of a line
        prefetch(data, start + np.uint64(LINE) * line)


@inlined
def next_chunk(reading: Any, block: Any, references: Any, sources: Any, work: Any, chunk: Any, base: Any) -> Any:
    """Decode the next CHUNK gaps of a block; return the number of runs, 0 where it is damaged, and the new reading.

    block (degrees, escapes, control, data), uint8 arrays that check_block passed; references int64[count]; sources: how
    many there are, at most 2**31; work: what `scratch` returned. Into chunk, uint32 arrays, from `base` on: ids, the
    sources; of each run its target in the block, and where it ends among the ids. Not to be called more often than the
    block has chunks.

    Gaps are summed up over the whole chunk, whatever lists they are of; a second running sum, of the steps from list to
    list, then lifts each to where its first source says: no branch depends on how long a list is.
    """
    degrees, escapes, control, data = block
    gaps, steps, firsts = work
    ids, targets, ends = chunk
    groups = min(np.uint64(len(control)) - reading.group, np.uint64(CHUNK // 4))
    if CAN_SHUFFLE:
        byte = decode_shuffled(control, reading.group, groups, data, reading.byte, gaps, SIZES, SHUFFLES)
    else:
        byte = decode_plain(control, reading.group, groups, data, reading.byte, gaps)
    full, lanes = np.uint64(4) * groups, np.uint64(LANES)
    for j in range(full, full + lanes):
        gaps[j] = 0
    used, target, left, escape = next_runs(
        reading, degrees, escapes, references, sources, gaps, full, firsts, targets, ends, base
    )
    vectors = (full + lanes - np.uint64(1)) // lanes
    # A gap below 2**31 added to a source below 2**31 does not wrap around, so the first wrong id is seen as one.
    sound = used > 0 and add_up(gaps, vectors) < LIMIT
    at, before, largest, source = np.uint64(0), np.uint32(0), np.uint32(0), np.int64(0)
    if sound:
        for r in range(used):
            offset = np.uint32(firsts[r] - gaps[at])
            steps[at] = offset - before
            at, before = np.uint64(ends[base + r]), offset
        largest = lift(gaps, steps, vectors, ids, base)
        if largest >= sources:  # it may be one of the numbers behind the last id
            largest = np.uint32(0)
            for j in range(base, base + at):
                largest = max(largest, ids[j])
        source = np.int64(ids[base + at - np.uint64(1)])
    # The next chunk, of two bytes a gap or less as a rule: while reads of a vector wait for memory, nothing else is
    # brought from there unasked.
    ask_for(data, byte, 2 * CHUNK)
    ask_for(control, reading.group + groups, CHUNK // 4)
    reading = Reading(reading.group + groups, byte, target, left, source, escape)
    return used if sound and largest < sources else np.uint64(0), reading


@inlined
def next_runs(
    reading: Any, degrees: Any, escapes: Any, references: Any, sources: Any, gaps: Any, full: Any, firsts: Any,
    targets: Any, ends: Any, base: Any,
) -> Any:  # fmt: skip
    """Write the runs of a chunk of `full` gaps; return how many there are (0 where one begins outside the sources), the
    next target, what is left of the last list, and the next escape.

    The gap of a first source, which is none, becomes 0.
    """
    target, left, escape = reading.target, reading.left, reading.escape
    i, used, sound, limit = np.uint64(0), np.uint64(0), True, np.uint64(sources)
    if left > 0:
        first = reading.source + np.int64(gaps[i]) + 1
        sound = first < sources
        i = min(left, full)
        left -= i
        firsts[used], targets[base], ends[base] = first, target - np.uint64(1), i
        used += np.uint64(1)
    while i < full and target < np.uint64(len(degrees)):
        left = np.uint64(degrees[target])
        if left == ESCAPE:
            left = np.uint64(load_word(escapes, escape))
            escape += np.uint64(4)
        # A target without arcs writes a run that the next one writes over: as good as half of them have none, and a
        # branch on that would be mispredicted.
        some = left > 0
        first = references[target] + unzigzag(gaps[i])
        sound &= bool(np.uint64(first) < limit or not some)
        gaps[i] = np.uint32(0) if some else gaps[i]
        count = min(left, full - i)
        i += count
        left -= count
        firsts[used], targets[base + used], ends[base + used] = first, target, i
        used += np.uint64(some)
        target += np.uint64(1)
    return used if sound else np.uint64(0), target, left, escape
