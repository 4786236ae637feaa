"""A level of a graph, opened: names, node columns, classes, and arcs as the kernels want them or one node at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from corpus.errors import MissingError, StorageError
from corpus.kernels import uncounted
from corpus.storage import as_damage, read_parquet
from sitegraph.layout import LEVELS, NODES, GraphSets, Level
from sitegraph.store.arcs import Arcs, Block
from sitegraph.store.classes import CLASSES, code_bytes
from sitegraph.store.lists import NOWHERE, chunks_of, next_chunk, room, scratch
from sitegraph.store.names import Names
from sitegraph.store.numbering import Numbering

Ids = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Csr:
    """A whole graph in memory: arcs into node t are sources[offsets[t]:offsets[t + 1]] (ids), with codes alike.

    offsets int64[n + 1], sources int32[m] (ascending within a target), codes uint8 or uint16[m] (all 0 with one class).
    """

    offsets: Ids
    sources: NDArray[np.int32]
    codes: NDArray[Any]


class Graph:
    """A level of a graph on disk. Nodes are told by id (place by reversed name) everywhere but in `arcs`."""

    def __init__(self, sets: GraphSets, level: Level) -> None:
        self.sets, self.level = sets, level
        for shard_set in (kind(level) for kind in (sets.names, sets.nodes, sets.classes, sets.arcs)):
            if not shard_set.parts():
                raise MissingError(
                    f"{shard_set.root / shard_set.name}: no such graph; build one first (`sitegraph build`)"
                )
        self.names = Names(sets.names(level).path(0))
        self.arcs = Arcs(sets.arcs(level).paths())
        self.classes: pa.Table = self._table(sets.classes(level).path(0), CLASSES)
        self._check()

    def _table(self, path: Any, schema: pa.Schema, columns: list[str] | None = None) -> pa.Table:
        found = read_parquet(path, columns)
        wanted = schema if columns is None else pa.schema([schema.field(name) for name in columns])
        if not found.schema.equals(wanted):
            raise StorageError(
                f"{path}: not the columns of a graph; build it again.\nexpected:\n{wanted}\ngot:\n{found.schema}"
            )
        return found

    def _check(self) -> None:
        path = self.sets.nodes(self.level).path(0)
        with as_damage(path), pq.ParquetFile(path) as file:
            rows = file.metadata.num_rows
        if not rows == len(self.names) == self.arcs.description.nodes:
            raise StorageError(
                f"{self.sets.folder}: {len(self.names):,} names, {rows:,} nodes and arcs of "
                f"{self.arcs.description.nodes:,} nodes at the {self.level} level; build the graph again"
            )
        wanted = self.arcs.description.sources, self.arcs.description.links
        if (self.numbering.sources, self.numbering.mark) != wanted:
            raise StorageError(
                f"{path}: its linking nodes, or their tiers, are not those of its arcs; build the graph again"
            )
        if not np.array_equal(self.column("links").astype(np.bool_), self.numbering.flags):
            raise StorageError(f"{path}: its columns links and tier are not of one graph; build the graph again")
        if self.arcs.description.code_bytes != code_bytes(self.classes.num_rows):
            path = self.sets.classes(self.level).path(0)
            raise StorageError(f"{path}: its classes are not those of the arcs; build the graph again")
        self.arcs.classes = self.classes.num_rows

    @property
    def n(self) -> int:
        """How many nodes."""
        return len(self.names)

    @property
    def m(self) -> int:
        """How many arcs."""
        return self.arcs.total

    def column(self, name: str) -> NDArray[Any]:
        """Return a column of the nodes, by id."""
        table = self._table(self.sets.nodes(self.level).path(0), NODES[self.level], [name])
        values: NDArray[Any] = table[name].combine_chunks().to_numpy(zero_copy_only=False)
        if len(values) != self.n:
            path = self.sets.nodes(self.level).path(0)
            raise StorageError(f"{path}: {len(values):,} values of {name} for {self.n:,} nodes; build the graph again")
        return values

    @cached_property
    def numbering(self) -> Numbering:
        """Ids, places and slots."""
        try:
            return Numbering.of_tiers(self.column("tier").astype(np.uint8))
        except ValueError as error:
            path = self.sets.nodes(self.level).path(0)
            raise StorageError(f"{path}: {error}; build the graph again") from error

    def lists(self, number: int) -> tuple[Block, NDArray[np.int64], NDArray[np.uint32]]:
        """Return a block decoded: (block, offsets int64[targets + 1], source slots uint32[arcs])."""
        block = self.arcs.block(number)
        offsets, sources = np.zeros(block.targets + 1, np.int64), np.empty(block.arcs, np.uint32)
        if not decode_block(block.sections, block.references, self.numbering.sources, offsets, sources):
            raise self.arcs.damaged(number)
        return block, offsets, sources

    def in_arcs(self, node: int) -> tuple[Ids, NDArray[Any]]:
        """Return the ids of the nodes that link to a node, ascending, and the class code of each arc."""
        slot = int(self.numbering.slots(np.array([node]))[0])
        number = int(np.searchsorted(self.arcs.first, slot, side="right")) - 1
        block, offsets, sources = self.lists(number)
        part = slice(int(offsets[slot - block.first]), int(offsets[slot - block.first + 1]))
        codes = block.codes[part] if len(block.codes) else np.zeros(part.stop - part.start, np.uint8)
        ids = self.numbering.ids(sources[part].astype(np.int64))
        order = np.argsort(ids)
        return ids[order], np.asarray(codes[order])

    def out_arcs(self, node: int) -> tuple[Ids, NDArray[Any]]:
        """Return the ids of the nodes that a node links to, ascending, and the class code of each arc.

        Reads the whole graph once, as it is stored by target.
        """
        slot = int(self.numbering.slots(np.array([node]))[0])
        if slot >= self.numbering.sources:
            return np.zeros(0, np.int64), np.zeros(0, np.uint8)
        targets, codes = [], []
        for number in range(len(self.arcs)):
            block, offsets, sources = self.lists(number)
            at = np.flatnonzero(sources == slot)
            targets.append(np.searchsorted(offsets, at, side="right") - 1 + block.first)
            codes.append(block.codes[at] if len(block.codes) else np.zeros(len(at), np.uint8))
        ids, found = self.numbering.ids(np.concatenate(targets)), np.concatenate(codes)
        order = np.argsort(ids, kind="stable")
        return ids[order], found[order]

    def chunks(self) -> Iterator[tuple[Ids, Ids, NDArray[Any]]]:
        """Yield all arcs, block by block: (source ids, target ids, class codes), by target slot."""
        for number in range(len(self.arcs)):
            block, offsets, sources = self.lists(number)
            ids = self.numbering.ids(np.arange(block.first, block.first + block.targets))
            codes = block.codes if len(block.codes) else np.zeros(block.arcs, np.uint8)
            yield self.numbering.ids(sources.astype(np.int64)), np.repeat(ids, np.diff(offsets)), codes

    def csr(self) -> Csr:
        """Return the graph in memory, for small ones: 8 bytes per node, 5 or 6 per arc, a few times that meanwhile."""
        nothing = np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.uint8)
        source, target, codes = (np.concatenate(parts) for parts in zip(nothing, *self.chunks(), strict=True))
        order = np.lexsort((source, target))
        offsets = np.zeros(self.n + 1, np.int64)
        np.cumsum(np.bincount(target, minlength=self.n), out=offsets[1:])
        return Csr(offsets, source[order].astype(np.int32), codes[order])


def decode_block(sections: Any, references: Any, limit: int, offsets: Any, out: Any) -> bool:
    """Decode a block into offsets (int64[targets + 1], zeros) and source slots (uint32[arcs]); return its soundness."""
    return bool(decode_chunks(sections, references, limit, offsets, out, scratch(), room(1)))


@uncounted
def decode_chunks(sections: Any, references: Any, limit: Any, offsets: Any, out: Any, work: Any, chunk: Any) -> Any:
    reading = NOWHERE
    ids, targets, ends = chunk
    at = np.uint64(0)
    for _ in range(chunks_of(sections[2])):
        used, reading = next_chunk(reading, sections, references, limit, work, chunk, np.uint64(0))
        if used == 0:
            return False
        start = 0
        for r in range(used):
            offsets[targets[r] + 1] += ends[r] - start
            start = ends[r]
        for j in range(np.uint64(start)):
            out[at + j] = ids[j]
        at += np.uint64(start)
    for t in range(len(offsets) - 1):
        offsets[t + 1] += offsets[t]
    return at == len(out)


def open_graph(sets: GraphSets) -> dict[Level, Graph]:
    """Open the levels that a graph has: both, or the one that it was imported with.

    Raises MissingError when there is none, StorageError when it is damaged.
    """
    levels: list[Level] = [level for level in LEVELS if sets.names(level).parts()]
    if not levels:
        raise MissingError(f"{sets.folder}: no graph here; build one first (`sitegraph build` or `sitegraph import`)")
    return {level: Graph(sets, level) for level in levels}
