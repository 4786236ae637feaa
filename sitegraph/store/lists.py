"""A block of the arcs file: the in-lists of consecutive targets, as kernels write and read them.

Targets and sources are slots (numbering.py). A block of `count` targets with m arcs holds

    degrees    uint8[count]      arcs into each target; 255 means: the next number of `escapes`
    escapes    uint32[...]       the degrees of 255 and more, little-endian
    control    uint8[ceil(m/4)]  of the gaps, in Stream VByte (vbyte.py), across the borders of lists
    data       uint8[...]
    codes      uint8, uint16 or nothing, m of them: the class of each arc (classes.py)

A list is ascending. Its first source is stored as the difference from the target's reference, zigzag (0, -1, 1, -2 ...
as 0, 1, 2, 3 ...), the others as their difference from the one before, minus one. The reference of a target is its own
place among the sources (of a dangling one: how many sources come before it by name), because sites link to neighbours
by name most of all.

Reading goes by chunks of CHUNK gaps, each decoded to sources as a whole before anyone works with them: a decoder fused
with the work would flush the cache misses that are on their way at every branch it mispredicts.

A damaged block must never be followed out of bounds: `check_block` holds the lengths against one another, `next_chunk`
returns BAD for a source that does not exist before anyone has used it.
"""

from typing import Any, Final

import numpy as np

from corpus.kernels import inlined, kernel
from sitegraph.store.primitives import LANES, add_up, lift, load_word, store_word
from sitegraph.store.vbyte import (
    CAN_SHUFFLE,
    SHUFFLES,
    SIZES,
    data_size,
    decode_plain,
    decode_shuffled,
    number_size,
)

CHUNK: Final = 512
ESCAPE: Final = 255
ROOM: Final = CHUNK + LANES
"""Numbers for which gaps and ids of a chunk must have room: the last lanes may write behind the last of them."""
RUNS: Final = (CHUNK, 3)
BAD: Final = -1
LIMIT: Final = 1 << 31
"""Sources, and gaps between them, are below."""
STATE: Final = 6
"""Words of a reading state: group, byte, target, left in its list, source before, escape."""


@inlined
def zigzag(difference: Any) -> Any:  # int64 -> uint64
    return np.uint64((difference << 1) ^ (difference >> 63))


@inlined
def unzigzag(value: Any) -> Any:  # uint32 -> int64
    return (np.int64(value) >> 1) ^ -(np.int64(value) & 1)


@kernel
def encode_lists(offsets: Any, sources: Any, references: Any, control: Any, data: Any) -> Any:
    """Write the gaps of lists; a last group is filled up with zeros. Return the data bytes.

    offsets int64[count + 1] into sources uint32[m], references int64[count]; control uint8[ceil(m / 4)], data
    uint8[>= 4 m + 16].
    """
    at, i, byte = np.uint64(0), np.uint64(0), np.uint64(0)
    for t in range(np.uint64(len(references))):
        before = references[t]
        first = True
        for _ in range(offsets[t + np.uint64(1)] - offsets[t]):
            source = np.int64(sources[i])
            gap = zigzag(source - before) if first else np.uint64(source - before - 1)
            first, before = False, source
            size = np.uint64(number_size(np.uint32(gap)))
            store_word(data, at, np.uint32(gap))
            at += size
            byte |= (size - np.uint64(1)) << (np.uint64(2) * (i & np.uint64(3)))
            if i & np.uint64(3) == np.uint64(3):
                control[i >> np.uint64(2)] = byte
                byte = np.uint64(0)
            i += np.uint64(1)
    if i & np.uint64(3):
        control[i >> np.uint64(2)] = byte
        for _ in range(np.uint64(4) - (i & np.uint64(3))):
            data[at] = 0
            at += np.uint64(1)
    return at


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


@kernel
def next_chunk(state: Any, block: Any, references: Any, sources: Any, gaps: Any, ids: Any, runs: Any) -> Any:
    """Decode the next CHUNK gaps of a block; return the number of runs, 0 at its end, BAD where it is damaged.

    state int64[STATE], zeros at first; block (degrees, escapes, control, data), uint8 arrays that check_block passed;
    references int64[count]; sources: how many there are, at most 2**31; gaps uint32[ROOM]; ids uint32[ROOM]: the
    sources; runs int64[RUNS]: (target in the block, how many of the ids are its, the first of them).

    Gaps are summed up over the whole chunk, whatever lists they are of, and each list is then lifted to where its
    first source says: no branch depends on how long a list is, bar one for those of more than LANES arcs.
    """
    degrees, escapes, control, data = block
    groups = min(len(control) - state[0], CHUNK // 4)
    if groups <= 0:
        return 0
    at = np.uint64(state[1])
    if CAN_SHUFFLE:
        at = decode_shuffled(control, state[0], groups, data, at, gaps, SIZES, SHUFFLES)
    else:
        at = decode_plain(control, state[0], groups, data, at, gaps)
    state[0] += groups
    state[1] = at
    lanes, full = np.uint64(LANES), np.uint64(4 * groups)
    for j in range(full, full + lanes):
        gaps[j] = 0
    used = next_runs(state, degrees, escapes, references, sources, gaps, full, runs)
    # A gap below 2**31 added to a source below 2**31 does not wrap around, so the first wrong id is seen as one.
    if used <= 0 or add_up(gaps, (full + lanes - np.uint64(1)) // lanes) >= LIMIT:
        return BAD
    at = np.uint64(0)
    for r in range(np.uint64(used)):
        count = np.uint64(runs[r, 1])
        lift(gaps, at, (count + lanes - np.uint64(1)) // lanes, np.uint32(runs[r, 2]) - gaps[at], ids)
        at += count
    largest = np.uint32(0)
    for j in range(at):
        largest = max(largest, ids[j])
    state[4] = ids[at - np.uint64(1)]
    return used if largest < sources else BAD


@inlined
def next_runs(
    state: Any, degrees: Any, escapes: Any, references: Any, sources: Any, gaps: Any, full: Any, runs: Any
) -> Any:
    """Write the runs of a chunk of `full` gaps; return how many there are, BAD where one begins outside the sources.

    The gap of a first source, which is none, becomes 0.
    """
    target, left, last = state[2], state[3], state[4]
    i, used = np.uint64(0), np.int64(0)
    while i < full:
        first = last + np.int64(gaps[i]) + 1
        if left == 0:
            while target < len(degrees) and degrees[np.uint64(target)] == 0:
                target += 1
            if target == len(degrees):
                break
            left = np.int64(degrees[np.uint64(target)])
            if left == ESCAPE:
                left = np.int64(load_word(escapes, np.uint64(state[5])))
                state[5] += 4
            first = references[np.uint64(target)] + unzigzag(gaps[i])
            target += 1
            gaps[i] = 0
        if first < 0 or first >= sources:
            used = np.int64(BAD)
            break
        count = min(np.uint64(left), full - i)
        runs[used, 0], runs[used, 1], runs[used, 2] = target - 1, count, first
        used += 1
        i += count
        left -= np.int64(count)
    state[2], state[3] = target, left
    return used
