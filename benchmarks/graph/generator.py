"""Graphs with the skew of the web, streamed: arcs in order, any size, the same however they are cut into chunks.

No release of a host graph can be part of a repository, so what is ranked here is made. It follows what is published of
Common Crawl's host graphs (cc-webgraph-statistics, release 2026 apr-may-jun: 247.3 M hosts, 6.32 G arcs, 74 % dangling,
out-degrees up to 7.0 M, in-degrees up to 19 to 20 M) and what is known of host graphs in general:

    hosts         numbered in the order of their reversed names; 13 of every 50 link, which ones a hash of the 50 says
    out-degrees   1 + Lomax, exponent 1.4, cut at the published maximum in proportion (7.0 of 247 hosts in a thousand)
    near targets  at distances by name that are logarithmically uniform, of both signs; of what lies there, a draw takes
                  the one host that stands for a stretch of 2**g hosts, g uniform: so some hosts of a neighbourhood are
                  linked by many, most by few, with the power law (exponent 2) that in-degrees of the web have
    popular ones  rank r with a probability as 1 / r, in octaves of ranks; a pseudo-random permutation says whose it is
    dangling      three arcs in ten lead to hosts that do not link (an assumption; no source says how many do)

A source draws its targets from octaves in turn, so equal ones are rare; they are dropped. All random numbers are hashes
of seed and source, so chunks can be cut anywhere, and the arcs into a slice of the targets be made of all sources.

What cannot be told from published figures is how near to one another the sources of a target lie, on which bytes per
arc and the speed of a sweep depend. SHARES and REACH were chosen so that in-lists come out as calibration.py says.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from corpus.kernels import inlined, kernel
from sitegraph.store.numbering import Numbering
from sitegraph.store.spill import MOST

Ids = NDArray[np.uint32]

GROUP: Final = 50
LINKING: Final = 13
DANGLING: Final = GROUP - LINKING
FULL_HOSTS: Final = 247_300_000
FULL_ARCS: Final = 6_320_000_000
LARGEST_OUT: Final = 7.0 / 247.3
"""The published largest out-degree over the hosts."""
EXPONENT: Final = 1.4
SHARES: Final = (0.42, 0.18, 0.28, 0.12)
"""Draws of near linking, near dangling, popular linking and popular dangling targets."""
REACH: Final = 15
"""Octaves of distances by name, at most: near targets lie within 2**REACH."""
STEEP: Final = 66
"""Octaves times ranks in the first: what a source must draw of popular targets to link to the most popular of all."""
DISTINCT: Final = 0.94
"""Draws that are left when equal ones are dropped, about."""
CHUNK: Final = 1 << 21

U = np.uint64
GOLDEN: Final = U(0x9E3779B97F4A7C15)


def patterns() -> NDArray[np.uint8]:
    """Return uint8[1024, GROUP]: ways to choose LINKING of a group: those, then the others, both ascending."""
    places = np.tile(np.arange(GROUP, dtype=np.uint8), (1024, 1))
    mixed = np.random.default_rng(26).permuted(places, axis=1)
    return np.hstack([np.sort(mixed[:, :LINKING]), np.sort(mixed[:, LINKING:])])


PATTERNS: Final = patterns()


@inlined
def mix(x: Any) -> Any:  # uint64 -> uint64; the finalizer of SplitMix64 (Steele, Lea, Flood 2014)
    x = (x ^ (x >> U(30))) * U(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> U(27))) * U(0x94D049BB133111EB)
    return x ^ (x >> U(31))


@inlined
def fraction(x: Any) -> Any:  # uint64 -> float64 in [0, 1)
    return np.float64(x >> U(11)) * (1.0 / (1 << 53))


@inlined
def host(slot: Any, linking: Any) -> Any:
    """Return the id of the slot-th host that links (or of those that do not); uint64."""
    per = U(LINKING) if linking else U(DANGLING)
    group = slot // per
    place = slot - group * per + (U(0) if linking else U(LINKING))
    return group * U(GROUP) + U(PATTERNS[mix(group) & U(1023), place])


@inlined
def permuted(x: Any, count: Any, mask: Any, half: Any, seed: Any) -> Any:
    """Return the place of x in a permutation of 0 ... count - 1: one of 0 ... mask, followed until it is below count.

    mask: 2**b - 1, the least from count - 1 on; half: b / 2.
    """
    x = ((x ^ seed) * GOLDEN) & mask
    x ^= x >> half
    x = (x * U(0xD1342543DE82EF95) + seed) & mask
    x ^= x >> half
    while x >= count:
        x = ((x ^ seed) * GOLDEN) & mask
        x ^= x >> half
        x = (x * U(0xD1342543DE82EF95) + seed) & mask
        x ^= x >> half
    return x


@inlined
def degree_of(slot: Any, seed: Any, scale: Any, cap: Any) -> Any:
    """Return how many targets a source draws: 1 + Lomax(EXPONENT, scale), cut at cap (a draw beyond is drawn anew)."""
    least = (1.0 + cap / scale) ** -EXPONENT
    u = least + (1.0 - least) * (1.0 - fraction(mix(seed ^ (slot * U(0xA24BAED4963EE407)))))
    return 1 + np.int64(scale * (u ** (-1.0 / EXPONENT) - 1.0))


@kernel
def take(first: Any, count: Any, draws: Any, seed: Any, scale: Any, cap: Any) -> Any:
    """Return (the source behind those from `first` on that draw about `draws` targets, how many they draw)."""
    total, slot = 0, first
    while slot < count and (total == 0 or total < draws):
        total += degree_of(U(slot), seed, scale, cap)
        slot += 1
    return slot, total


@inlined
def octaves(size: Any) -> Any:  # int64 -> how many octaves 1, 2, 4 ... cover so many ranks
    count = 0
    while (1 << count) - 1 < size:
        count += 1
    return count


@inlined
def near(at: Any, count: Any, octave: Any, low: Any, r: Any) -> Any:
    """Return a neighbour of place `at` among 0 ... count - 1, drawn by r from an octave of distances (uint64)."""
    size = U(1) << U(octave)
    distance = size + (r & (size - U(1)))
    g = ((r >> U(32) & U(0xFF)) * U(octave - low + 1)) >> U(8)
    down = U(0) - (r >> U(40) & U(1))  # all bits or none, for a branch would be mispredicted every other time
    place = at + ((distance ^ down) - down)
    if place >= count:  # also what would lie below 0
        place = at - ((distance ^ down) - down)
        if place >= count:
            place = (at + distance) % count
    cell = place >> g
    chosen = (cell << g) + (mix(cell * U(64) + g) & ((U(1) << g) - U(1)))
    return chosen if chosen < count else place


@inlined
def other(t: Any, s: Any, count: Any) -> Any:  # a target that is its source becomes the source's neighbour
    if t != s:
        return t
    return s ^ U(1) if s ^ U(1) < count else s - U(1)


@inlined
def asked(target: Any, wanted: Any, bits: Any) -> Any:
    return len(wanted) == 0 or wanted[target >> bits]


@kernel
def draw_near(s: Any, k: Any, low: Any, state: Any, count: Any, linking: Any, wanted: Any, bits: Any, keys: Any) -> Any:
    """Draw k targets near source s, of the octaves of distances from `low` on; write their ids, return how many."""
    n = 0
    most = octaves(np.int64(count)) - 2
    high = max(low + 1, min(max(REACH, low + 6), most))
    own = s if linking else (s // U(LINKING)) * U(DANGLING) + (s % U(LINKING)) * U(3)
    octave = low + np.int64(mix(state) % U(high - low))
    for _ in range(k):
        state += GOLDEN
        t = near(own, count, octave, low, mix(state))
        target = host(other(t, s, count) if linking else t, linking)
        if asked(target, wanted, bits):
            keys[n] = target
            n += 1
        octave = octave + 1 if octave + 1 < high else low
    return n


@kernel
def draw_popular(s: Any, k: Any, state: Any, count: Any, linking: Any, wanted: Any, bits: Any, keys: Any) -> Any:
    """Draw k popular targets, of octaves of ranks in turn; write their ids, return how many.

    Draws of an octave are spread over it evenly, each somewhere in its share, so that none meets another; one with
    fewer ranks than draws is taken whole.
    """
    n = 0
    full = octaves(np.int64(count))
    mask, half, base = U((1 << full) - 1), U(full // 2), max(1, STEEP // full)
    high = octaves((np.int64(count) + base - 1) // base)
    octave = np.int64(mix(state) % U(high))
    rounds = (k + high - 1) // high
    turn, left = 0, high
    for _ in range(k):
        before = base * ((1 << octave) - 1)
        size = min(base << octave, np.int64(count) - before)
        some = min(rounds, size)
        if turn < some:
            state += GOLDEN
            place = min(np.int64((turn + fraction(mix(state))) * size / some), size - 1)
            t = permuted(U(before + place), count, mask, half, U(2) if linking else U(3))
            target = host(other(t, s, count) if linking else t, linking)
            if asked(target, wanted, bits):
                keys[n] = target
                n += 1
        octave = octave + 1 if octave + 1 < high else 0
        left -= 1
        if left == 0:
            turn, left = turn + 1, high
    return n


@kernel
def draw(first: Any, last: Any, sizes: Any, seed: Any, scale: Any, cap: Any, wanted: Any, bits: Any, keys: Any) -> Any:
    """Draw the targets of sources first ... last - 1 into keys: source - first in the upper half, id in the lower.

    sizes: how many hosts link, and do not. wanted bool[ranges or 0]: which ranges of 2**bits ids are asked for, all
    when it is empty. Return how many keys there are.
    """
    n = 0
    linking, dangling = U(sizes[0]), U(sizes[1])
    for slot in range(first, last):
        s = U(slot)
        state = mix(seed + s * GOLDEN)
        degree = degree_of(s, seed, scale, cap)
        u = fraction(mix(state + U(1)))
        a, b = np.int64(degree * SHARES[0] + u), np.int64(degree * (SHARES[0] + SHARES[1]) + u)
        c = np.int64(degree * (SHARES[0] + SHARES[1] + SHARES[2]) + u)
        low = 0
        while 1 << (low + 5) <= degree:
            low += 1
        before = n
        n += draw_near(s, a, low, mix(state + U(2)), linking, True, wanted, bits, keys[n:])
        n += draw_near(s, b - a, low, mix(state + U(3)), dangling, False, wanted, bits, keys[n:])
        n += draw_popular(s, c - b, mix(state + U(4)), linking, True, wanted, bits, keys[n:])
        n += draw_popular(s, degree - c, mix(state + U(5)), dangling, False, wanted, bits, keys[n:])
        for i in range(before, n):
            keys[i] |= U(slot - first) << U(32)
    return n


@kernel
def distinct(keys: Any, first: Any, source: Any, target: Any) -> Any:
    """Unpack sorted keys into ids (uint32[m] both), equal ones once; return how many there are."""
    n = 0
    before, node, last = U(0xFFFFFFFFFFFFFFFF), U(0), U(0xFFFFFFFFFFFFFFFF)
    for key in keys:
        if key != before:
            before = key
            slot = key >> U(32)
            if slot != last:
                node, last = host(U(first) + slot, True), slot
            source[n], target[n] = node, key & U(0xFFFFFFFF)
            n += 1
    return n


@kernel
def fill_degrees(sources: Any, seed: Any, scale: Any, cap: Any, degrees: Any) -> None:  # uint16 per host: draws of each
    for slot in range(sources):
        drawn = degree_of(U(slot), seed, scale, cap)
        degrees[host(U(slot), True)] = min(drawn, MOST)


@dataclass(frozen=True, kw_only=True)
class Web:
    """A graph to generate: about so many hosts (a multiple of GROUP) and arcs.

    hosts, arcs: asked for. sources, dangling: hosts that link, and that do not. scale: of the out-degrees.
    """

    hosts: int
    arcs: int
    seed: int = 1
    scale: float = field(init=False)

    def __post_init__(self) -> None:
        rounded = self.hosts // GROUP * GROUP
        if rounded < 20 * GROUP:
            raise ValueError(f"{self.hosts} hosts; at least {20 * GROUP}")
        object.__setattr__(self, "hosts", rounded)
        object.__setattr__(self, "scale", lomax_scale(self.arcs / DISTINCT / self.sources - 0.5, self.cap))

    @property
    def sources(self) -> int:
        return self.hosts // GROUP * LINKING

    @property
    def dangling(self) -> int:
        return self.hosts - self.sources

    @property
    def cap(self) -> float:
        """The most draws of a source."""
        return LARGEST_OUT * self.hosts / 0.7

    def chunks(
        self, size: int = CHUNK, *, wanted: NDArray[np.bool_] | None = None, bits: int = 0
    ) -> Iterator[tuple[Ids, Ids]]:
        """Yield all arcs, ids of sources and targets, ascending, about `size` at a time, whole sources.

        wanted: bool per range of 2**bits ids; then only the arcs into those ranges.
        """
        ranges = np.zeros(0, np.bool_) if wanted is None else wanted
        share = 1.0 if wanted is None else max(float(wanted.mean()), 1 / 64)
        first = 0
        while first < self.sources:
            last, draws = take(first, self.sources, size / share, U(self.seed), self.scale, self.cap)
            keys = np.empty(draws, np.uint64)
            drawn = (first, last, (self.sources, self.dangling), U(self.seed), self.scale, self.cap, ranges, U(bits))
            keys = keys[: draw(*drawn, keys)]
            keys.sort()
            source, target = np.empty(len(keys), np.uint32), np.empty(len(keys), np.uint32)
            found = distinct(keys, first, source, target)
            yield source[:found], target[:found]
            first = last

    def numbering(self) -> Numbering:
        """Return the numbering of the hosts: all that may link do; degrees are those drawn, equal targets and all."""
        degrees = np.zeros(self.hosts, np.uint16)
        fill_degrees(self.sources, U(self.seed), self.scale, self.cap, degrees)
        return Numbering.of_degrees(degrees)


def lomax_scale(mean: float, cap: float) -> float:
    """Return the scale with which a Lomax distribution of EXPONENT, cut at cap, has a mean; by halving."""
    low, high = 1e-3, cap
    for _ in range(60):
        scale = (low * high) ** 0.5
        beyond = (1.0 + cap / scale) ** -EXPONENT
        whole = scale / (EXPONENT - 1.0) * (1.0 - (1.0 + cap / scale) ** (1.0 - EXPONENT))
        low, high = (scale, high) if (whole - cap * beyond) / (1.0 - beyond) < mean else (low, scale)
    return scale
