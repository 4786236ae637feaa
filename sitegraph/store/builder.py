"""Arcs by range of targets -> numbered, sorted, merged, compressed: the second half of an external sort.

A range (spill.py) is sorted by (target, source), and equal arcs become one (merging.py). Where the spilled
sources are hosts and the level is that of registered domains, sources are relabelled after that: several hosts of a
domain that link to one target become one arc that knows how many they were. Lists are put into the order of slots
last (arranging.py), where they are not sorted by slot at once (sorting.py): published graphs are, whose arcs come by
source and without counts. Those of each tier and of dangling targets are written in blocks of their own.

Two passes over the ranges when arcs carry counts, as the table of classes must be whole before a code is written; one
when they do not. Every range is a unit: its file is written whole, then its mark, and a build that was killed goes on
behind the last mark. Memory: one range (arcs / 256 on average, a few times that where hubs lie), and per node 2 bytes
for its out-degree and 2 bits for its numbers, with tiers 4 bytes per linking one besides.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from corpus.stage import tick
from corpus.storage import ShardSet, TableWriter, Written, as_storage_error, write_text
from sitegraph.store.arcs import BLOCK, ArcsWriter, Description
from sitegraph.store.arranging import Order, arranged
from sitegraph.store.classes import CLASSES as CLASSES_SCHEMA
from sitegraph.store.classes import ClassTable
from sitegraph.store.kept import keep, kept
from sitegraph.store.linking import linking_domains
from sitegraph.store.merging import (
    ALONE,
    Lists,
    counted_lists,
    plain_lists,
    relabelled,
    rising_lists,
    with_sitewide,
)
from sitegraph.store.numbering import Numbering, number_sources, number_targets
from sitegraph.store.sorting import Sorted, Sorter
from sitegraph.store.spill import Spill
from sitegraph.store.words import Packed


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What else is known of the nodes of a level, by place.

    relabel: int32 per place that was spilled as a source (a host), the place of its node (its domain). domains: int32
    per node, its registered domain, to count linking domains by; None where nodes are domains. pages: int64 per node,
    pages read of it, 0 where unknown.
    """

    relabel: NDArray[np.int32] | None = None
    domains: NDArray[np.int32] | None = None
    pages: NDArray[np.int64] | None = None


@dataclass(slots=True)
class BuiltArcs:
    """Finished arcs of a level: files, how many arcs, and per place the distinct domains that link to it (int64)."""

    files: list[Written] = field(default_factory=list)
    arcs: int = 0
    tail_arcs: int = 0
    merged: int = 0
    in_domains: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))


class Forward(Protocol):
    """Who gets the arcs of each range as it is finished, and can be told to go on where a killed build was."""

    def add(self, places: NDArray[np.int64], lists: Lists) -> None:
        """Take the lists of a range, those into the nodes of some places (int64 per list)."""
        ...

    def add_packed(self, packed: Packed, first: int, numbering: Numbering) -> None:
        """Take the arcs of a range as they were spilled, without counts, and checked (sorting.py): sources never fall,
        and equal ones may be among them. first: id of the range's first node."""
        ...

    def state(self) -> Any:
        """Return as JSON values what was taken so far."""
        ...

    def rewind(self, state: Any) -> None:
        """Forget what was taken after a state."""
        ...


def write_range(
    out: ArcsWriter, lists: Lists, slots: NDArray[np.int64], numbering: Numbering, table: ClassTable
) -> int:
    """Write the blocks of a range, lists by slot; return how many arcs lead to dangling nodes."""
    codes, cuts = table.codes(lists.rows), list(stretches(slots, numbering.bounds))
    ends = np.array([(start, stop - 1) for start, stop in cuts], np.int64)
    referred = numbering.references(numbering.ids(slots[ends.ravel()])).reshape(-1, 2).tolist()
    for (start, stop), (low, high) in zip(cuts, referred, strict=True):
        offsets = lists.offsets[start : stop + 1]
        arcs = slice(int(offsets[0]), int(offsets[-1]))
        coded = codes[lists.index[arcs]] if len(codes) else codes  # none where all are of one class
        out.write(int(slots[start]), offsets - offsets[0], lists.sources[arcs], coded, (low, high))
    return int(lists.offsets[-1] - lists.offsets[np.searchsorted(slots, numbering.sources)])


def stretches(slots: NDArray[np.int64], bounds: NDArray[np.uint32]) -> Iterator[tuple[int, int]]:
    """Yield stretches of at most BLOCK slots (ascending), each of one tier or of dangling nodes."""
    cuts = [0, *np.searchsorted(slots, bounds).tolist(), len(slots)]
    for first, last in pairwise(cuts):
        for start in range(first, last, BLOCK):
            yield start, min(start + BLOCK, last)


@dataclass(slots=True, kw_only=True)
class ArcBuilder:
    """Turn a spill into the arcs files of a level: `ArcBuilder(spill=..., ...).build()`.

    numbering: of the nodes of the level. forward: gets the arcs of each range once, over all calls of a build that was
    killed and called again.
    """

    spill: Spill
    arcs: ShardSet
    classes: ShardSet
    numbering: Numbering
    origin: Origin = field(default_factory=Origin)
    forward: Forward | None = None
    _order: Order = field(init=False)
    _sorter: Sorter | None = field(init=False)

    def __post_init__(self) -> None:
        self._order = self.numbering.order()
        self._sorter = Sorter(self.numbering, self._order, self.origin.domains) if self.numbering.among else None

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

    def finished(self, number: int, counted: bool) -> tuple[Sorted, Callable[[Forward], None]]:
        """Return the lists of a range, and what tells `forward` of them. counted: arcs have counts, or get some."""
        first = self.spill.first(number)
        if self._sorter and not counted and self.spill.sorted_by_source:
            packed, _ = self.spill.read(number)
            return self._sorter.sort(packed, first), lambda forward: forward.add_packed(packed, first, self.numbering)
        lists = self._prepared(number) if counted else self._lists(number)
        places = self.numbering.of_range(first, self.spill.width(number))
        in_domains = linking_domains(lists, places, self.origin.domains)
        found = Sorted(*arranged(lists, places, self.numbering, self._order), in_domains)
        return found, lambda forward: forward.add(places, lists)

    def _lists(self, number: int) -> Lists:
        """Return the sorted lists of a range, from its spilled arcs."""
        packed, counts = self.spill.read(number)
        relabel = self.origin.relabel
        if counts is None and self.spill.sorted_by_source:
            return rising_lists(packed, self.spill.first(number), self.numbering)
        keys = packed.keys(self.numbering.nodes if relabel is None else len(relabel))
        number_targets(keys, self.spill.first(number), packed.width, self.numbering.directory)
        if relabel is None:
            number_sources(keys, self.numbering.directory)
        if counts is None:
            lists = plain_lists(keys, packed.width)
        else:
            lists = counted_lists(keys, counts, packed.width, only_real=relabel is None)
        if relabel is not None:
            lists = relabelled(lists, relabel)
        return with_sitewide(lists, self.origin.pages) if self.origin.pages is not None else lists

    def _prepared_path(self, number: int) -> Path:
        return self.spill.folder / f"{number:05d}.lists"

    def _prepared(self, number: int) -> Lists:
        """Return the lists of a range that carry counts, sorted once and kept beside the spill."""
        path = self._prepared_path(number)
        if path.exists():
            return kept(path, self.spill.width(number), self.numbering.sources)
        lists = self._lists(number)
        keep(path, lists)
        self.spill.remove(number)
        return lists

    def _build(self, number: int, built: BuiltArcs, table: ClassTable, description: Description, counted: bool) -> None:
        mark = self.spill.folder / f"{number:05d}.done.json"
        in_domains = self.spill.folder / f"{number:05d}.in_domains.npy"
        done = mark.exists() and in_domains.exists() and self.arcs.path(number).exists()
        if not done:
            found, tell = self.finished(number, counted)
            with ArcsWriter(self.arcs, number, description) as out:
                tail = write_range(out, found.lists, found.slots, self.numbering, table)
            with as_storage_error(in_domains):
                np.save(in_domains, found.in_domains)
            if self.forward:
                tell(self.forward)
            forwarded = self.forward.state() if self.forward else None
            write_text(mark, json.dumps(asdict(out.written) | {"tail": tail, "forwarded": forwarded}))
            self.spill.remove(number)
            self._prepared_path(number).unlink(missing_ok=True)
        told = json.loads(mark.read_text())
        built.tail_arcs += told.pop("tail")
        forwarded = told.pop("forwarded")
        if done and self.forward:
            self.forward.rewind(forwarded)
        written = Written(**told)
        built.files.append(written)
        built.arcs += written.rows
        places = self.numbering.of_range(self.spill.first(number), self.spill.width(number))
        built.in_domains[places] = np.load(in_domains)
        tick(written.rows)
