"""Arcs by range of targets -> sorted, merged, numbered, compressed: the second half of an external sort.

A range (spill.py) is sorted by (target, source); equal arcs become one, their counts added up. Where the spilled
sources are hosts and the level is that of registered domains, sources are relabelled after that: several hosts of a
domain that link to one target become one arc that knows how many they were. Then the sources are numbered by slots,
lists of linking and of dangling targets are parted, and both written in blocks.

Two passes over the ranges when arcs carry counts, as the table of classes must be whole before a code is written; one
when they do not. Every range is a unit: its file is written whole, then its mark, and a build that was killed goes on
behind the last mark. Memory: one range (arcs / 256 on average, a few times that where hubs lie), and 1 bit per node.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from corpus.kernels import kernel
from corpus.stage import tick
from corpus.storage import ShardSet, TableWriter, Written, as_storage_error, write_text
from sitegraph.store.arcs import BLOCK, ArcsWriter, Description
from sitegraph.store.classes import CLASSES as CLASSES_SCHEMA
from sitegraph.store.classes import (
    HOSTS,
    NOFOLLOW,
    OWNER,
    PAGES,
    SITEWIDE,
    SPONSORED,
    ClassTable,
    Counts,
    as_keys,
    real,
)
from sitegraph.store.numbering import Numbering, links, rank
from sitegraph.store.spill import Spill

LEAST_PAGES: Final = 4
"""Pages of a source from which a link on half of them is one of its template; on fewer it may be chance."""


@dataclass(frozen=True, slots=True)
class Lists:
    """Arcs of a range: those into its i-th node are sources[offsets[i]:offsets[i + 1]] (ids, ascending).

    offsets int64[width + 1], sources uint32[m]. Arc k has the counts rows[index[k]] (int64[r, 6]; int32[m]); without
    counts there is one row for all and index is empty.
    """

    offsets: NDArray[np.int64]
    sources: NDArray[np.uint32]
    rows: Counts
    index: NDArray[np.int32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What else is known of the nodes of a level.

    relabel: int32 per spilled source, its node (the domain of a host). domains: int32 per node, its registered domain,
    to count linking domains by; None where nodes are domains. pages: int64 per node, pages read of it, 0 where unknown.
    """

    relabel: NDArray[np.int32] | None = None
    domains: NDArray[np.int32] | None = None
    pages: NDArray[np.int64] | None = None


@dataclass(slots=True)
class BuiltArcs:
    """Finished arcs of a level: files, how many arcs, and per node the distinct domains that link to it (int64)."""

    files: list[Written] = field(default_factory=list)
    arcs: int = 0
    tail_arcs: int = 0
    merged: int = 0
    in_domains: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))


class Forward(Protocol):
    """Who gets the lists of each range as it is finished, and can be told to go on where a killed build was."""

    def add(self, first: int, lists: Lists) -> None:
        """Take the lists of a range whose first node is `first`, ids as they are stored."""
        ...

    def state(self) -> Any:
        """Return as JSON values what was taken so far."""
        ...

    def rewind(self, state: Any) -> None:
        """Forget what was taken after a state."""
        ...


ALONE: Final = np.array([[1, 0, 0, 1, 0, 0]], np.int64)
"""The counts of an arc of which nothing is known but that it is there."""


# Sorting and merging


@kernel
def sort_stable(keys: Any, width: Any) -> Any:  # uint64[m] with rising sources -> (offsets int64[width + 1], uint32[m])
    places = np.zeros(width + 1, np.uint32)  # small, so that it stays in the cache
    for key in keys:
        places[(key >> np.uint64(32)) + np.uint64(1)] += np.uint32(1)
    offsets = np.zeros(width + 1, np.int64)
    for t in range(np.uint64(width)):
        offsets[t + np.uint64(1)] = offsets[t] + np.int64(places[t + np.uint64(1)])
    for t in range(np.uint64(width + 1)):
        places[t] = offsets[t]
    sources = np.empty(len(keys), np.uint32)
    for key in keys:
        t = key >> np.uint64(32)
        at = places[t]
        sources[np.uint64(at)] = np.uint32(key)
        places[t] = at + np.uint32(1)
    return offsets, sources


@kernel
def split_keys(keys: Any, width: Any) -> Any:  # sorted uint64[m] -> (offsets int64[width + 1], sources uint32[m])
    offsets = np.zeros(width + 1, np.int64)
    sources = np.empty(len(keys), np.uint32)
    for i in range(np.uint64(len(keys))):
        offsets[(keys[i] >> np.uint64(32)) + np.uint64(1)] += 1
        sources[i] = keys[i] & np.uint64(0xFFFFFFFF)
    for t in range(width):
        offsets[t + 1] += offsets[t]
    return offsets, sources


@kernel
def repeats(offsets: Any, sources: Any) -> Any:  # -> whether a list has a source twice
    found = np.uint64(0)
    for t in range(len(offsets) - 1):
        for i in range(np.uint64(offsets[t]) + np.uint64(1), np.uint64(offsets[t + 1])):
            found |= np.uint64(sources[i] == sources[i - np.uint64(1)])
    return found > 0


@kernel
def drop_repeats(offsets: Any, sources: Any) -> Any:
    """Keep one of equal sources in each list, in place; offsets change; return how many are left."""
    at, start = 0, offsets[0]
    for t in range(len(offsets) - 1):
        end = offsets[t + 1]
        offsets[t] = at
        for i in range(start, end):
            if i == start or sources[i] != sources[i - 1]:
                sources[at] = sources[i]
                at += 1
        start = end
    offsets[len(offsets) - 1] = at
    return at


def plain_lists(keys: NDArray[np.uint64], width: int, rising: bool) -> Lists:
    """Return the lists of arcs without counts; `rising`: their sources never fell when they were added."""
    if rising:
        offsets, sources = sort_stable(keys, width)
    else:
        keys.sort()
        offsets, sources = split_keys(keys, width)
    left = drop_repeats(offsets, sources) if repeats(offsets, sources) else len(sources)
    return Lists(offsets, sources[:left], ALONE, np.zeros(0, np.int32))


def counted_lists(keys: NDArray[np.uint64], counts: Counts, width: int, only_real: bool = True) -> Lists:
    """Return the lists of arcs with counts: those of equal arcs are added up (owner: or-ed, hosts: the largest)."""
    order = np.argsort(keys, kind="stable")
    keys, counts = keys[order], counts[order]
    return merge(keys, counts, np.maximum.reduceat, width, only_real)


def merge(keys: NDArray[np.uint64], counts: Counts, hosts: Any, width: int, only_real: bool = True) -> Lists:
    """Return the lists of sorted arcs, equal ones made one; `hosts` is the ufunc method that merges the hosts.

    only_real: without pairs of which only the other direction says that they have one owner.
    """
    starts = np.flatnonzero(np.concatenate([[len(keys) > 0], keys[1:] != keys[:-1]]))
    found = np.zeros((len(starts), counts.shape[1]), np.int64)
    if len(starts):
        found[:, :HOSTS] = np.add.reduceat(counts[:, :HOSTS], starts, axis=0)
        found[:, HOSTS] = hosts(counts[:, HOSTS], starts)
        found[:, OWNER] = np.bitwise_or.reduceat(counts[:, OWNER], starts)
    kept = real(found) if only_real else slice(None)
    offsets, sources = split_keys(keys[starts][kept], width)
    return indexed(offsets, sources, found[kept])


def indexed(offsets: NDArray[np.int64], sources: NDArray[np.uint32], counts: Counts) -> Lists:
    """Return lists whose counts are stored once per distinct row."""
    _, first, index = np.unique(as_keys(counts), return_index=True, return_inverse=True)
    return Lists(offsets, sources, counts[first], index.astype(np.int32).ravel())


def relabelled(lists: Lists, relabel: NDArray[np.int32]) -> Lists:
    """Return the lists with sources relabelled; arcs that become equal are merged, and their hosts counted."""
    width = len(lists.offsets) - 1
    target = np.repeat(np.arange(width, dtype=np.uint64), np.diff(lists.offsets))
    keys = target << np.uint64(32) | relabel[lists.sources].astype(np.uint64)
    if len(lists.index):
        order = np.argsort(keys, kind="stable")
        counts = lists.rows[lists.index[order]]
        counts[:, HOSTS] = counts[:, :HOSTS].sum(axis=1) > 0
        return merge(keys[order], counts, np.add.reduceat, width)
    keys.sort()
    starts = np.flatnonzero(np.concatenate([[len(keys) > 0], keys[1:] != keys[:-1]]))
    offsets, sources = split_keys(keys[starts], width)
    hosts = np.diff(np.append(starts, len(keys)))
    distinct, index = np.unique(hosts, return_inverse=True)
    rows = np.repeat(ALONE, len(distinct), axis=0)
    rows[:, PAGES] = rows[:, HOSTS] = distinct
    return Lists(offsets, sources, rows, index.astype(np.int32).ravel())


def with_sitewide(lists: Lists, pages: NDArray[np.int64]) -> Lists:
    """Return the lists with the mark `sitewide` where a link stands on half of its source's pages or more."""
    if not len(lists.index):
        return lists
    counts = lists.rows[lists.index]
    total = pages[lists.sources]
    linking = counts[:, PAGES] + counts[:, NOFOLLOW] + counts[:, SPONSORED]
    counts[:, SITEWIDE] = (total >= LEAST_PAGES) & (2 * linking >= total)
    return indexed(lists.offsets, lists.sources, counts)


# Counting linking domains


@kernel
def count_domains(offsets: Any, sources: Any, endorsing: Any, domains: Any, own: Any) -> Any:
    """Return per list the distinct domains[source] other than own[i], over arcs with endorsing[k] (all, if empty)."""
    found = np.zeros(len(offsets) - 1, np.int64)
    held = np.empty(1024, np.int32)
    for t in range(len(found)):
        size = offsets[t + 1] - offsets[t]
        if size > len(held):
            held = np.empty(2 * size, np.int32)
        used, rising = 0, True
        for k in range(offsets[t], offsets[t + 1]):
            domain = domains[sources[k]]
            if domain == own[t] or (len(endorsing) > 0 and not endorsing[k]):
                continue
            if used and domain == held[used - 1]:
                continue
            rising = rising and (used == 0 or domain > held[used - 1])
            held[used] = domain
            used += 1
        if not rising:
            some = np.sort(held[:used])
            used = 1
            for i in range(1, len(some)):
                used += some[i] != some[i - 1]
        found[t] = used
    return found


def endorsing(lists: Lists) -> NDArray[np.bool_]:
    """Return which arcs endorse (bool[m]); empty where all do."""
    sums = lists.rows[:, :HOSTS].sum(axis=1) > 0
    return sums[lists.index] if len(lists.index) else np.zeros(0, np.bool_)


def linking_domains(lists: Lists, first: int, domains: NDArray[np.int32] | None) -> NDArray[np.int64]:
    """Return per node of a range the distinct domains that link to it; `first` is the id of its first node."""
    some = endorsing(lists)
    if domains is not None:
        own = domains[first : first + len(lists.offsets) - 1]
        return np.asarray(count_domains(lists.offsets, lists.sources, some, domains, own))
    if not len(some):
        return np.diff(lists.offsets)
    return np.diff(np.concatenate([[0], np.cumsum(some)])[lists.offsets])


# Numbering and writing


@kernel
def part_lists(offsets: Any, sources: Any, first: Any, bits: Any, before: Any, linking: Any, placed: Any) -> Any:
    """Return the lists of linking (or of dangling) targets: (offsets, slots of sources, places in the input).

    placed: whether places are wanted; they are empty where not.
    """
    count, total = 0, 0
    for t in range(len(offsets) - 1):
        if links(np.uint64(first + t), bits) == linking:
            count += 1
            total += offsets[t + 1] - offsets[t]
    found = np.zeros(count + 1, np.int64)
    slots, places = np.empty(total, np.uint32), np.empty(total if placed else 0, np.int64)
    row, at = 0, 0
    for t in range(len(offsets) - 1):
        if links(np.uint64(first + t), bits) == linking:
            for k in range(offsets[t], offsets[t + 1]):
                slots[np.uint64(at)] = rank(np.uint64(sources[np.uint64(k)]), bits, before)
                if placed:
                    places[np.uint64(at)] = k
                at += 1
            row += 1
            found[row] = at
    return found, slots, places


def write_range(out: ArcsWriter, lists: Lists, first: int, numbering: Numbering, table: ClassTable) -> int:
    """Write the blocks of a range whose first node is `first`; return how many arcs lead to dangling nodes."""
    codes = table.codes(lists.rows)
    coded_by_place = len(codes) > 0 and len(lists.index) > 0
    arcs = 0
    for linking in (True, False):
        offsets, slots, places = part_lists(
            lists.offsets, lists.sources, first, numbering.bits, numbering.before, linking, coded_by_place
        )
        begin = int(rank_of(first, numbering))
        start = begin if linking else numbering.sources + first - begin
        coded = codes[lists.index[places]] if coded_by_place else np.zeros(len(slots), np.uint8)
        for row in range(0, len(offsets) - 1, BLOCK):
            end = min(row + BLOCK, len(offsets) - 1)
            low, high = int(offsets[row]), int(offsets[end])
            references = numbering.references(start + row, end - row)
            out.write(start + row, offsets[row : end + 1] - low, slots[low:high], coded[low:high], references)
        arcs = len(slots)
    return arcs


def rank_of(node: int, numbering: Numbering) -> int:
    """Return how many linking nodes come before a node id."""
    word, bit = divmod(node, 64)
    low = int(numbering.bits[word]) & ((1 << bit) - 1) if word < len(numbering.bits) else 0
    return int(numbering.before[min(word, len(numbering.bits))]) + low.bit_count()


# The ranges of a level


@dataclass(slots=True, kw_only=True)
class ArcBuilder:
    """Turn a spill into the arcs files of a level: `ArcBuilder(spill=..., ...).build()`.

    numbering: of the nodes of the level. forward: gets the lists of each range once, over all calls of a build that was
    killed and called again.
    """

    spill: Spill
    arcs: ShardSet
    classes: ShardSet
    numbering: Numbering
    origin: Origin = field(default_factory=Origin)
    forward: Forward | None = None

    def build(self) -> BuiltArcs:
        """Build all ranges that are not built yet, and return what the level holds."""
        self.spill.close()
        counted = self.spill.counted or self.origin.relabel is not None
        table = self._classes(counted)
        built = BuiltArcs(in_domains=np.zeros(self.spill.nodes, np.int64))
        description = Description(
            nodes=self.spill.nodes,
            sources=self.numbering.sources,
            links=self.numbering.mark,
            code_bytes=table.code_bytes,
        )
        for number in range(self.spill.ranges):
            self._build(number, built, table, description, counted)
        for part in self.arcs.parts():
            if part >= self.spill.ranges:  # of a larger graph that was here before
                self.arcs.path(part).unlink()
        with TableWriter(self.classes, 0, CLASSES_SCHEMA) as out:
            out.write(table.table)
        built.files.append(out.written)
        return built

    def _classes(self, counted: bool) -> ClassTable:
        """Return the table of all classes, kept beside the spill: ranges that are finished can no longer be asked."""
        table, path = ClassTable(), self.spill.folder / "classes.json"
        if not counted:
            table.add(ALONE)
        elif path.exists():
            table.restore(json.loads(path.read_text()))
        else:
            for number in range(self.spill.ranges):
                table.add(self._prepared(number).rows)
            write_text(path, json.dumps(table.state()))
        return table

    def _first(self, number: int) -> int:
        return number << self.spill.width_bits

    def _width(self, number: int) -> int:
        return min(1 << self.spill.width_bits, self.spill.nodes - self._first(number))

    def _lists(self, number: int) -> Lists:
        """Return the sorted lists of a range, from its spilled arcs."""
        keys, counts = self.spill.read(number)
        width = self._width(number)
        if counts is not None:
            lists = counted_lists(keys, counts, width, only_real=self.origin.relabel is None)
        else:
            lists = plain_lists(keys, width, self.spill.sorted_by_source)
        if self.origin.relabel is not None:
            lists = relabelled(lists, self.origin.relabel)
        return with_sitewide(lists, self.origin.pages) if self.origin.pages is not None else lists

    def _prepared_path(self, number: int) -> Path:
        return self.spill.folder / f"{number:05d}.sorted.npz"

    def _prepared(self, number: int) -> Lists:
        """Return the lists of a range that carry counts, sorted once and kept beside the spill."""
        path = self._prepared_path(number)
        if path.exists():
            with np.load(path, allow_pickle=False) as found:
                return Lists(*(found[name] for name in ("offsets", "sources", "rows", "index")))
        lists = self._lists(number)
        partial = path.with_name(f".{path.name}.tmp")
        with as_storage_error(path), open(partial, "wb") as stream:
            np.savez(stream, offsets=lists.offsets, sources=lists.sources, rows=lists.rows, index=lists.index)
        partial.replace(path)
        self.spill.remove(number)
        return lists

    def _build(self, number: int, built: BuiltArcs, table: ClassTable, description: Description, counted: bool) -> None:
        first, width = self._first(number), self._width(number)
        mark = self.spill.folder / f"{number:05d}.done.json"
        domains = self.spill.folder / f"{number:05d}.domains.npy"
        done = mark.exists() and self.arcs.path(number).exists()
        if not done:
            lists = self._prepared(number) if counted else self._lists(number)
            with ArcsWriter(self.arcs, number, description) as out:
                tail = write_range(out, lists, first, self.numbering, table)
            with as_storage_error(domains):
                np.save(domains, linking_domains(lists, first, self.origin.domains))
            if self.forward:
                self.forward.add(first, lists)
            forwarded = self.forward.state() if self.forward else None
            write_text(mark, json.dumps(asdict(out.written) | {"tail": tail, "forwarded": forwarded}))
            self.spill.remove(number)
            self._prepared_path(number).unlink(missing_ok=True)
        found = json.loads(mark.read_text())
        built.tail_arcs += found.pop("tail")
        forwarded = found.pop("forwarded")
        if done and self.forward:
            self.forward.rewind(forwarded)
        written = Written(**found)
        built.files.append(written)
        built.arcs += written.rows
        built.in_domains[first : first + width] = np.load(domains)
        tick(written.rows)
