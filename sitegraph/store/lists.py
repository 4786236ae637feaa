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
from sitegraph.store.vbyte import (
    CAN_SHUFFLE,
    SHUFFLES,
    SIZES,
    data_size,
    decode_plain,
    decode_shuffled,
    load_word,
)

CHUNK: Final = 512
ESCAPE: Final = 255
BAD: Final = -1
STATE: Final = 6
"""Words of a reading state: group, byte, target, left in its list, source before, escape."""


@inlined
def zigzag(difference: Any) -> Any:  # int64 -> uint64
    return np.uint64((difference << 1) ^ (difference >> 63))


@inlined
def unzigzag(value: Any) -> Any:  # uint32 -> int64
    return (np.int64(value) >> 1) ^ -(np.int64(value) & 1)


@kernel
def to_gaps(offsets: Any, sources: Any, references: Any, out: Any) -> None:
    """Turn lists into gaps. offsets int64[count + 1] into sources uint32[m]; references int64[count]; out uint32[m]."""
    for t in range(len(offsets) - 1):
        start, end = offsets[t], offsets[t + 1]
        if end > start:
            out[start] = zigzag(np.int64(sources[start]) - references[t])
            for i in range(start + 1, end):
                out[i] = sources[i] - sources[i - 1] - np.uint32(1)


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
    references int64[count]; sources: how many there are; gaps uint32[CHUNK + 16]; ids uint32[CHUNK]: the sources;
    runs int64[CHUNK, 2]: (target in the block, how many of the ids are its).
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
    target, left, last = state[2], state[3], state[4]
    i, used, full = np.int64(0), np.int64(0), 4 * groups
    while i < full:
        if left == 0:
            while target < len(degrees) and degrees[np.uint64(target)] == 0:
                target += 1
            if target == len(degrees):
                break
            left = np.int64(degrees[np.uint64(target)])
            if left == ESCAPE:
                left = np.int64(load_word(escapes, np.uint64(state[5])))
                state[5] += 4
            target += 1
            last = references[np.uint64(target - 1)] + unzigzag(gaps[np.uint64(i)]) - 1
            if last < -1:
                return BAD
            gaps[np.uint64(i)] = 0
        count = min(left, full - i)
        for j in range(np.uint64(i), np.uint64(i + count)):
            last += np.int64(gaps[j]) + 1
            ids[j] = last
        if last >= sources:
            return BAD
        runs[used, 0], runs[used, 1] = target - 1, count
        used += 1
        i += count
        left -= count
    state[2], state[3], state[4] = target, left, last
    return used
