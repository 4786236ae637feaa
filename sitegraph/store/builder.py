"""Arcs by range of targets -> sorted, merged, numbered, compressed: the second half of an external sort.

A range (spill.py) is sorted by (target, source), and equal arcs become one (merging.py). Where the spilled
sources are hosts and the level is that of registered domains, sources are relabelled after that: several hosts of a
domain that link to one target become one arc that knows how many they were. Then the sources are numbered by slots,
lists of linking and of dangling targets are parted, and both written in blocks.

Two passes over the ranges when arcs carry counts, as the table of classes must be whole before a code is written; one
when they do not. Every range is a unit: its file is written whole, then its mark, and a build that was killed goes on
behind the last mark. Memory: one range (arcs / 256 on average, a few times that where hubs lie), and 3 bits per node.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from corpus.kernels import kernel
from corpus.stage import tick
from corpus.storage import ShardSet, TableWriter, Written, as_storage_error, write_text
from sitegraph.store.arcs import BLOCK, ArcsWriter, Description
from sitegraph.store.classes import CLASSES as CLASSES_SCHEMA
from sitegraph.store.classes import ClassTable
from sitegraph.store.kept import keep, kept
from sitegraph.store.linking import linking_domains
from sitegraph.store.merging import ALONE, Lists, counted_lists, plain_lists, relabelled, with_sitewide
from sitegraph.store.numbering import PER_WORD, Numbering, links, rank
from sitegraph.store.spill import Spill


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


@kernel
def of_kind(count: Any, first: Any, directory: Any, linking: Any) -> Any:
    """Return which of the nodes first ... first + count - 1 link (or do not): int64, less `first`."""
    rows, used = np.empty(count, np.int64), np.uint64(0)
    for t in range(np.uint64(count)):
        rows[used] = t
        used += np.uint64(links(np.uint64(first) + t, directory) == linking)
    return rows[:used]


@kernel
def fill_block(offsets: Any, sources: Any, rows: Any, directory: Any, slots: Any, places: Any) -> None:
    """Write the slots of the sources of some lists one behind another, and where they stand (places int64[m or 0])."""
    at, placed = np.uint64(0), len(places) > 0
    for t in rows:
        for k in range(np.uint64(offsets[t]), np.uint64(offsets[t + 1])):
            slots[at] = rank(np.uint64(sources[k]), directory)
            if placed:
                places[at] = k
            at += np.uint64(1)


@kernel
def pick(codes: Any, index: Any, places: Any, out: Any) -> None:  # out[i] = codes[index[places[i]]]
    for i in range(np.uint64(len(places))):
        out[i] = codes[np.uint64(index[np.uint64(places[i])])]


def write_range(out: ArcsWriter, lists: Lists, first: int, numbering: Numbering, table: ClassTable) -> int:
    """Write the blocks of a range whose first node is `first`; return how many arcs lead to dangling nodes."""
    codes = table.codes(lists.rows)
    degrees, room, arcs = np.diff(lists.offsets), np.empty(0, np.uint32), 0
    for linking in (True, False):
        rows = of_kind(len(degrees), first, numbering.directory, linking)
        begin = int(rank_of(first, numbering))
        start, arcs = begin if linking else numbering.sources + first - begin, 0
        for row in range(0, len(rows), BLOCK):
            some = rows[row : row + BLOCK]
            offsets = np.concatenate([[0], np.cumsum(degrees[some])])
            m = int(offsets[-1])
            room = room if len(room) >= m else np.empty(m, np.uint32)
            places = np.empty(m if len(codes) and len(lists.index) else 0, np.int64)
            fill_block(lists.offsets, lists.sources, some, numbering.directory, room, places)
            coded = np.zeros(m, codes.dtype)
            pick(codes, lists.index, places, coded)
            references = numbering.references(start + row, len(some))
            out.write(start + row, offsets, room[:m], coded, references)
            arcs += m
    return arcs


def rank_of(node: int, numbering: Numbering) -> int:
    """Return how many linking nodes come before a node id."""
    word = int(numbering.directory[node // PER_WORD])
    return (word >> 32) + (word & ((1 << node % PER_WORD) - 1)).bit_count()


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
        packed, counts = self.spill.read(number)
        width = self._width(number)
        if counts is not None:
            lists = counted_lists(packed.keys(), counts, width, only_real=self.origin.relabel is None)
        else:
            lists = plain_lists(packed, width, self.spill.sorted_by_source)
        if self.origin.relabel is not None:
            lists = relabelled(lists, self.origin.relabel)
        return with_sitewide(lists, self.origin.pages) if self.origin.pages is not None else lists

    def _prepared_path(self, number: int) -> Path:
        return self.spill.folder / f"{number:05d}.sorted"

    def _prepared(self, number: int) -> Lists:
        """Return the lists of a range that carry counts, sorted once and kept beside the spill."""
        path = self._prepared_path(number)
        if path.exists():
            return kept(path)
        lists = self._lists(number)
        keep(path, lists)
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
