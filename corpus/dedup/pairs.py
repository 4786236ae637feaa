"""From equal keys to candidate pairs, and from candidate pairs to exact similarities.

All pairs of a group of m equal keys are m(m-1)/2, so three things keep a group from going quadratic. Equal texts are
collapsed to the first of them (they share all keys anyway). Pairs whose sizes alone rule the threshold out are never
made: J(A, B) <= min(|A|, |B|) / max(|A|, |B|). And in a group of more than `cap` texts, ordered by size, each is
paired with its next `neighbours` and with the first only; such groups are counted, for they may cost recall.

A *place* is one number for a document: documents part * 2^32 + row in it, int64. Pairs have the lower place first.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from corpus.dedup.minhash import DEFAULT, MinHash, keys_of
from corpus.dedup.shingles import read_text
from corpus.kernels import kernel
from corpus.settings import require


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairing:
    """Which pairs are compared, and from what similarity on they are duplicates.

    threshold: exact Jaccard similarity of two duplicates, at least; above 0, at most 1.
    cap: largest group of equal band keys in which all pairs are compared.
    neighbours: in a larger group, how many of the texts next in size each text is compared with.
    """

    threshold: float = 0.8
    cap: int = 128
    neighbours: int = 64

    def __post_init__(self) -> None:
        require(0 < self.threshold <= 1, self, "threshold", "use a similarity above 0 and at most 1")
        require(2 <= self.cap <= 1 << 20, self, "cap", "use 2 to 1,048,576 texts")
        require(1 <= self.neighbours <= 1 << 20, self, "neighbours", "use 1 to 1,048,576 texts")


PAIRING: Final = Pairing()


class Entries(NamedTuple):
    """Texts with their key, as arrays of one length.

    key: uint64, what groups them. check: uint64, part of the digest of the text: equal for equal texts.
    place: int64, see above. shingles: int32, distinct shingles of the text.
    """

    key: NDArray[np.uint64]
    check: NDArray[np.uint64]
    place: NDArray[np.int64]
    shingles: NDArray[np.int32]

    def take(self, chosen: NDArray[Any]) -> "Entries":
        """Return the entries at these positions, or where this mask is true."""
        return Entries(*(values[chosen] for values in self))


class Pairs(NamedTuple):
    """Pairs of places: a < b, each int64."""

    a: NDArray[np.int64]
    b: NDArray[np.int64]


class Groups(NamedTuple):
    """Entries of groups of two and more different texts, by (key, shingles, place), with each one's group bounds."""

    entries: Entries
    first: NDArray[np.int64]
    end: NDArray[np.int64]

    def capped(self, cap: int) -> tuple[int, int]:
        """Return how many groups are larger than `cap`, and how many texts they hold."""
        sizes = self.end - self.first
        large = sizes[sizes > cap]
        return int(np.unique(self.first[sizes > cap]).size), int(large.size)


def exact_pairs(entries: Entries) -> Pairs:
    """Return (first, other) for the others of each group of equal texts: same key and same check, sorted."""
    order = np.lexsort((entries.place, entries.check, entries.key))
    ordered = entries.take(order)
    again = _repeats(ordered.key, ordered.check)
    firsts = ordered.place[np.maximum.accumulate(np.where(again, 0, np.arange(len(again))))]
    return _sorted(Pairs(firsts[again], ordered.place[again]))


def groups(entries: Entries) -> Groups:
    """Return the groups of different texts with equal keys; of equal texts the one with the lowest place stands."""
    entries = entries.take(_shared(entries.key))
    entries = entries.take(np.lexsort((entries.place, entries.check, entries.key)))
    entries = entries.take(~_repeats(entries.key, entries.check))
    entries = entries.take(_shared(entries.key))
    entries = entries.take(np.lexsort((entries.place, entries.shingles, entries.key)))
    starts = np.flatnonzero(~_repeats(entries.key))
    ends = np.append(starts, len(entries.key))[1:]
    return Groups(entries, np.repeat(starts, ends - starts), np.repeat(ends, ends - starts))


def candidate_pairs(found: Groups, settings: Pairing, block: int = 1 << 22) -> Iterator[Pairs]:
    """Yield the pairs to compare, each once, in sorted blocks of about `block` pairs at most (16 bytes each)."""
    block = max(block, settings.cap, settings.neighbours + 1)
    a, b = np.empty(block, np.int64), np.empty(block, np.int64)
    done, total = 0, len(found.first)
    places, shingles = found.entries.place, found.entries.shingles
    while done < total:
        count, done = _emit(
            places, shingles, found.first, found.end, settings.threshold, settings.cap, settings.neighbours, done, a, b
        )
        if count:
            yield _sorted(Pairs(a[:count], b[:count]))


def distinct_pairs(pairs: Pairs) -> tuple[Pairs, NDArray[np.int64]]:
    """Return the distinct pairs, sorted, and for each given pair its position among them."""
    order = np.lexsort((pairs.b, pairs.a))
    ordered = Pairs(pairs.a[order], pairs.b[order])
    fresh = ~_repeats(*ordered)
    back = np.empty(len(order), np.int64)
    back[order] = np.cumsum(fresh) - 1
    return Pairs(ordered.a[fresh], ordered.b[fresh]), back


class Sets(NamedTuple):
    """Shingle sets end to end: set i is values[offsets[i]:offsets[i + 1]], ascending and distinct."""

    values: NDArray[np.uint64]
    offsets: NDArray[np.int64]


def join_sets(found: Sequence[NDArray[np.uint64]]) -> Sets:
    """Lay sets end to end."""
    sizes = np.array([len(values) for values in found], np.int64)
    values = np.concatenate([np.empty(0, np.uint64), *found])
    return Sets(values, np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)]))


def jaccard(left: Sets, right: Sets, i: NDArray[np.int64], j: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the exact Jaccard similarity, float64, of left set i[k] and right set j[k]; 0 when both are empty."""
    found: NDArray[np.float64] = _jaccard(left.values, left.offsets, right.values, right.offsets, i, j)
    return found


def near_duplicates(
    texts: Sequence[str], settings: MinHash = DEFAULT, pairing: Pairing = PAIRING
) -> list[tuple[int, int]]:
    """Return all pairs (i, j), i < j, sorted, of texts that are equal once normalised or verified as near-duplicates.

    The stages' own kernels on a list in memory: shingle sets take about 8 bytes per word.
    """
    read = [read_text(text, settings.shingling) for text in texts]
    halves = np.frombuffer(b"".join(one.digest for one in read), np.uint64).reshape(-1, 2)
    sizes = np.array([len(one.hashes) for one in read], np.int32)
    same = exact_pairs(Entries(halves[:, 0], halves[:, 1], np.arange(len(texts)), sizes))
    leaders = np.setdiff1d(np.flatnonzero(sizes), same.b)
    sets = join_sets([read[i].hashes for i in leaders])
    keys = np.array([keys_of(read[i].hashes, settings) for i in leaders], np.uint64).reshape(-1, settings.bands)
    found, count = [np.empty(0, np.int64)], max(1, len(leaders))
    for key in keys.T:
        entries = Entries(key, halves[leaders, 1], np.arange(len(leaders)), sizes[leaders])
        found += [block.a * count + block.b for block in candidate_pairs(groups(entries), pairing)]
    a, b = np.divmod(np.unique(np.concatenate(found)), count)
    verified = jaccard(sets, sets, a, b) >= pairing.threshold
    return expand(same, Pairs(leaders[a[verified]], leaders[b[verified]]))


def expand(same: Pairs, edges: Pairs) -> list[tuple[int, int]]:
    """Return every pair that (first, other) pairs of equal texts and edges between firsts stand for, sorted."""
    members: dict[int, list[int]] = {}
    for first, other in zip(same.a.tolist(), same.b.tolist(), strict=True):
        members.setdefault(first, [first]).append(other)
    found = {(one[i], one[j]) for one in members.values() for j in range(len(one)) for i in range(j)}
    for a, b in zip(edges.a.tolist(), edges.b.tolist(), strict=True):
        found.update((min(x, y), max(x, y)) for x in members.get(a, [a]) for y in members.get(b, [b]))
    return sorted(found)


def _repeats(*columns: NDArray[Any]) -> NDArray[np.bool_]:
    """Which rows equal the row before them."""
    found = np.ones(len(columns[0]), np.bool_)
    found[:1] = False
    for values in columns:
        found[1:] &= values[1:] == values[:-1]
    return found


def _shared(keys: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Which keys occur more than once."""
    order = np.argsort(keys, kind="stable")
    again = _repeats(keys[order])
    again[:-1] |= again[1:]
    found = np.empty(len(keys), np.bool_)
    found[order] = again
    return found


def _sorted(pairs: Pairs) -> Pairs:
    order = np.lexsort((pairs.b, pairs.a))
    return Pairs(pairs.a[order], pairs.b[order])


@kernel
def _emit(
    place: Any,
    shingles: Any,
    first: Any,
    end: Any,
    threshold: float,
    cap: int,
    neighbours: int,
    at: int,
    a: Any,
    b: Any,
) -> tuple[int, int]:
    """Write pairs of members at, at + 1, ... while a whole member's pairs fit; return how many and the next member."""
    count, most = 0, max(cap, neighbours + 1)
    while at < len(place) and count + most <= len(a):
        large = end[at] - first[at] > cap
        last = min(end[at], at + 1 + neighbours) if large else end[at]
        for other in range(at + 1, last):
            if shingles[at] / shingles[other] < threshold:
                break
            a[count], b[count] = min(place[at], place[other]), max(place[at], place[other])
            count += 1
        anchor = first[at]
        if large and at - anchor > neighbours and shingles[anchor] / shingles[at] >= threshold:
            a[count], b[count] = min(place[at], place[anchor]), max(place[at], place[anchor])
            count += 1
        at += 1
    return count, at


@kernel
def _jaccard(left: Any, lefts: Any, right: Any, rights: Any, i: Any, j: Any) -> Any:
    found = np.zeros(len(i), np.float64)
    for k in range(len(i)):
        x, x_end, y, y_end = lefts[i[k]], lefts[i[k] + 1], rights[j[k]], rights[j[k] + 1]
        total, shared = x_end - x + y_end - y, 0
        while x < x_end and y < y_end:
            if left[x] == right[y]:
                shared, x, y = shared + 1, x + 1, y + 1
            elif left[x] < right[y]:
                x += 1
            else:
                y += 1
        if total:
            found[k] = shared / (total - shared)
    return found
