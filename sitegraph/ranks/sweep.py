"""The loops over arcs: pull adds up what sources give to each target, push what targets give back to each source.

    pull   y[t] += sum over arcs s -> t of w(arc) * c[s]      PageRank and its kin, with c = rank / out-weight
    push   y[s] += sum over arcs s -> t of w(arc) * z[t]      the same on the reversed graph, and out-weights (z = 1)

Both read the one file, sorted by target; the reversed graph is never stored. Several vectors go in one pass: their
values for a node lie together, so a source costs one cache miss, whatever their number.

Sums are plain float64 additions in the order of the list, carried over chunks, so a result does not depend on how the
arcs are cut into blocks, nor on which thread reads which. push is divided among threads by ranges of sources: each
decodes every arc and adds those of its own range, again in one order.

Reads of a vector larger than the cache are what takes the time. So a chunk of sources is decoded ahead of the one being
added, and while that one is added the memory of the next is asked for, source by source: misses are on their way all
the time, and never in bursts.
"""

from typing import Any, Final

import numpy as np

from corpus.kernels import inlined, kernel, uncounted
from sitegraph.store.lists import NOWHERE, ROOM, chunks_of, next_chunk, room, scratch
from sitegraph.store.primitives import prefetch

# The loops below stand in full, one for each number of vectors, and are put in place: which one a call takes is known
# when it is compiled.


@inlined
def add_one(
    chunk: Any, base: Any, ahead: Any, used: Any, ask: Any, codes: Any, first: Any, weights: Any, c: Any, y: Any
) -> Any:
    """Add the sources of a chunk of `used` runs to their targets, one vector; return how many there were.

    chunk, base: see next_chunk. ahead: where the ids of the next chunk begin. first: arc of the first id. The rest as
    in pull.
    """
    ids, targets, ends = chunk
    weighted = len(codes) > 0
    i = np.uint64(0)
    for r in range(base, base + used):
        t, j = np.uint64(targets[r]), np.uint64(ends[r])
        a = y[t, 0]
        for k in range(i, j):
            if ask:
                prefetch(c, np.uint64(ids[ahead + k]))
            x = c[np.uint64(ids[base + k]), 0]
            if weighted:
                x *= weights[np.uint64(codes[first + k])]
            a += x
        y[t, 0] = a
        i = j
    return i


@inlined
def add_two(
    chunk: Any, base: Any, ahead: Any, used: Any, ask: Any, codes: Any, first: Any, weights: Any, c: Any, y: Any
) -> Any:
    """The same for two vectors."""
    ids, targets, ends = chunk
    weighted = len(codes) > 0
    i = np.uint64(0)
    for r in range(base, base + used):
        t, j = np.uint64(targets[r]), np.uint64(ends[r])
        a, b = y[t, 0], y[t, 1]
        for k in range(i, j):
            if ask:
                prefetch(c, np.uint64(ids[ahead + k]))
            s = np.uint64(ids[base + k])
            w = weights[np.uint64(codes[first + k])] if weighted else 1.0
            a += w * c[s, 0]
            b += w * c[s, 1]
        y[t, 0], y[t, 1] = a, b
        i = j
    return i


@inlined
def add_four(
    chunk: Any, base: Any, ahead: Any, used: Any, ask: Any, codes: Any, first: Any, weights: Any, c: Any, y: Any
) -> Any:
    """The same for four vectors."""
    ids, targets, ends = chunk
    weighted = len(codes) > 0
    i = np.uint64(0)
    for r in range(base, base + used):
        t, j = np.uint64(targets[r]), np.uint64(ends[r])
        a, b, d, e = y[t, 0], y[t, 1], y[t, 2], y[t, 3]
        for k in range(i, j):
            if ask:
                prefetch(c, np.uint64(ids[ahead + k]))
            s = np.uint64(ids[base + k])
            w = weights[np.uint64(codes[first + k])] if weighted else 1.0
            a += w * c[s, 0]
            b += w * c[s, 1]
            d += w * c[s, 2]
            e += w * c[s, 3]
        y[t, 0], y[t, 1], y[t, 2], y[t, 3] = a, b, d, e
        i = j
    return i


def pull(block: Any, codes: Any, weights: Any, references: Any, c: Any, y: Any, ask: bool) -> bool:
    """Add to y (float64[count, k]) what the sources of a block's targets give; return False where it is damaged.

    codes: class per arc, empty where all weigh 1; weights float64[classes]; c float64[sources, k] or float32, k is 1, 2
    or 4; ask: whether to prefetch, which pays when c is larger than the cache.
    """
    return bool(pull_chunks(block, codes, weights, references, c, y, ask, scratch(), room(2)))


@uncounted
def pull_chunks(
    block: Any, codes: Any, weights: Any, references: Any, c: Any, y: Any, ask: Any, work: Any, chunk: Any
) -> Any:
    reading = NOWHERE
    count, first, ahead_used = chunks_of(block[2]), np.uint64(0), np.uint64(0)
    for number in range(count + np.uint64(1)):
        ahead = (number & np.uint64(1)) * np.uint64(ROOM)
        base, used = np.uint64(ROOM) - ahead, ahead_used
        if number < count:
            ahead_used, reading = next_chunk(reading, block, references, len(c), work, chunk, ahead)
            if ahead_used == 0:
                return False
        if c.shape[1] == 1:
            first += add_one(chunk, base, ahead, used, ask, codes, first, weights, c, y)
        elif c.shape[1] == 2:
            first += add_two(chunk, base, ahead, used, ask, codes, first, weights, c, y)
        else:
            first += add_four(chunk, base, ahead, used, ask, codes, first, weights, c, y)
    return True


AHEAD: Final = 96
"""Arcs between asking for a source's memory and adding it, where lists are decoded already."""


@kernel
def pull_lists(offsets: Any, sources: Any, codes: Any, weights: Any, c: Any, y: Any, ask: Any) -> None:
    """Like pull, over lists that are decoded already: offsets int64[count + 1], sources uint32[arcs]."""
    weighted = len(codes) > 0
    k, m = c.shape[1], np.uint64(len(sources))
    ahead = np.uint64(AHEAD)
    for t in range(np.uint64(len(y))):
        start, end = np.uint64(offsets[t]), np.uint64(offsets[t + np.uint64(1)])
        if k == 1:
            a = y[t, 0]
            for i in range(start, end):
                if ask and i + ahead < m:
                    prefetch(c, np.uint64(sources[i + ahead]))
                x = c[np.uint64(sources[i]), 0]
                if weighted:
                    x *= weights[np.uint64(codes[i])]
                a += x
            y[t, 0] = a
        elif k == 2:
            a, b = y[t, 0], y[t, 1]
            for i in range(start, end):
                if ask and i + ahead < m:
                    prefetch(c, np.uint64(sources[i + ahead]))
                s = np.uint64(sources[i])
                w = weights[np.uint64(codes[i])] if weighted else 1.0
                a += w * c[s, 0]
                b += w * c[s, 1]
            y[t, 0], y[t, 1] = a, b
        else:
            a, b, d, e = y[t, 0], y[t, 1], y[t, 2], y[t, 3]
            for i in range(start, end):
                if ask and i + ahead < m:
                    prefetch(c, np.uint64(sources[i + ahead]))
                s = np.uint64(sources[i])
                w = weights[np.uint64(codes[i])] if weighted else 1.0
                a += w * c[s, 0]
                b += w * c[s, 1]
                d += w * c[s, 2]
                e += w * c[s, 3]
            y[t, 0], y[t, 1], y[t, 2], y[t, 3] = a, b, d, e


@inlined
def push_chunk(
    chunk: Any,
    base: Any,
    ahead: Any,
    used: Any,
    ask: Any,
    codes: Any,
    first: Any,
    weights: Any,
    z: Any,
    y: Any,
    low: Any,
) -> Any:
    """Add to y (float64[range, k]) what the targets of a chunk give back to sources low ... low + len(y) - 1.

    A source of another range adds 0 to one of 16 rows of this one, which lie in the cache: as good as half of them are
    of another range, and a branch on that would be mispredicted every other time.
    """
    ids, targets, ends = chunk
    weighted = len(codes) > 0
    k = y.shape[1]
    size, few = np.uint64(len(y)), np.uint64(min(15, len(y) - 1))
    i = np.uint64(0)
    for r in range(base, base + used):
        t, j = np.uint64(targets[r]), np.uint64(ends[r])
        a, b = z[t, 0], z[t, k - 1]
        for arc in range(i, j):
            if ask:
                coming = np.uint64(ids[ahead + arc]) - low
                prefetch(y, coming if coming < size else np.uint64(0))
            s = np.uint64(ids[base + arc]) - low
            mine = s < size
            w = weights[np.uint64(codes[first + arc])] if weighted else 1.0
            w = w if mine else 0.0
            s = s if mine else min(s & np.uint64(15), few)
            y[s, 0] += w * a
            if k == 2:
                y[s, 1] += w * b
        i = j
    return i


def push(
    block: Any, codes: Any, weights: Any, references: Any, sources: int, z: Any, y: Any, low: int, ask: bool
) -> bool:
    """Add to y (float64[range, k], of sources from `low` on) what a block's targets give back; False where damaged.

    z float64[targets of the block, k], k is 1 or 2; sources: how many there are in all; the rest as in pull.
    """
    return bool(push_chunks(block, codes, weights, references, sources, z, y, low, ask, scratch(), room(2)))


@uncounted
def push_chunks(
    block: Any, codes: Any, weights: Any, references: Any, sources: Any, z: Any, y: Any, low: Any, ask: Any, work: Any,
    chunk: Any,
) -> Any:  # fmt: skip
    reading = NOWHERE
    count, first, ahead_used = chunks_of(block[2]), np.uint64(0), np.uint64(0)
    for number in range(count + np.uint64(1)):
        ahead = (number & np.uint64(1)) * np.uint64(ROOM)
        base, used = np.uint64(ROOM) - ahead, ahead_used
        if number < count:
            ahead_used, reading = next_chunk(reading, block, references, sources, work, chunk, ahead)
            if ahead_used == 0:
                return False
        first += push_chunk(chunk, base, ahead, used, ask, codes, first, weights, z, y, np.uint64(low))
    return True
