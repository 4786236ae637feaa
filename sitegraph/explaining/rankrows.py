"""The authority table, read a few row groups at a time: a site's row by its name, columns of many nodes by id.

A table is a Parquet file, or a folder of part files. Its rows are sorted by (level, reversed name), so the statistics
of its row groups tell which of them can hold a name. As ids are places in that order, row k of a level is node k of the
graph that was ranked: columns by id need no names. Tables that other programs write may be in any order; names are
found in them too, only not as fast.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from corpus.errors import InputError, MissingError
from corpus.schema import AUTHORITY
from corpus.storage import as_damage
from sitegraph.engine import check_table
from sitegraph.hosts import reverse
from sitegraph.layout import Level

Row = dict[str, Any]
Span = tuple[str, str]
HELD: Final = 256
"""Columns of row groups that are kept for the next question; 1 MB each in tables of ours."""


@dataclass(frozen=True, slots=True)
class Group:
    """A row group: its file and number, its rows, and the least and last level and reversed name (None: not told)."""

    file: pq.ParquetFile
    path: Path
    number: int
    rows: int
    levels: Span | None
    names: Span | None

    def may_hold(self, level: Level, backwards: str) -> bool:
        """Say whether a name of a level can be in it."""
        wanted = ((self.levels, level), (self.names, backwards))
        return all(span is None or span[0] <= value <= span[1] for span, value in wanted)


def group_of(file: pq.ParquetFile, path: Path, number: int) -> Group:
    """Return a row group by its statistics."""
    found = file.metadata.row_group(number)
    spans: list[Span | None] = []
    for name in ("level", "reversed"):
        told = found.column(file.schema_arrow.names.index(name)).statistics
        known = told is not None and told.has_min_max and isinstance(told.min, str)
        spans.append((told.min, told.max) if known else None)
    return Group(file, path, number, found.num_rows, *spans)


class RankRows:
    """An opened authority table. Use it as a context manager, or call close.

    Raises MissingError when there is none, StorageError when a file is damaged or no authority table.
    """

    def __init__(self, ranks: Path) -> None:
        self.ranks = ranks
        paths = sorted(ranks.glob("part-*.parquet")) if ranks.is_dir() else [ranks]
        if not paths or not paths[0].exists():
            raise MissingError(f"{ranks}: no ranks here; write them first (`sitegraph rank`)")
        self._files: list[pq.ParquetFile] = []
        self.groups: list[Group] = []
        self._held: OrderedDict[tuple[int, str], pa.Array] = OrderedDict()
        for path in paths:
            check_table(path, AUTHORITY)
            with as_damage(path):
                file = pq.ParquetFile(path, page_checksum_verification=True)
                self._files.append(file)
                self.groups += [group_of(file, path, number) for number in range(file.num_row_groups)]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the files."""
        for file in self._files:
            file.close()

    @property
    def metadata(self) -> Mapping[bytes, bytes]:
        """What the table says of itself."""
        return self._files[0].schema_arrow.metadata or {}

    def row(self, level: Level, name: str) -> Row | None:
        """Return the row of a name at a level, None when there is none."""
        backwards = reverse(name)
        for group in self.groups:
            if group.may_hold(level, backwards):
                with as_damage(group.path):
                    table = group.file.read_row_group(group.number, AUTHORITY.names)
                mask = pc.and_(pc.equal(table["level"], level), pc.equal(table["reversed"], backwards))
                if found := table.filter(mask).to_pylist():
                    return dict(found[0])
        return None

    def rows(self, level: Level, backwards: Sequence[str], columns: Sequence[str]) -> dict[str, Row]:
        """Return columns of the rows of reversed names at a level, by name."""
        found: dict[str, Row] = {}
        for group in self.groups:
            wanted = [name for name in backwards if group.may_hold(level, name)]
            if wanted:
                with as_damage(group.path):
                    table = group.file.read_row_group(group.number, ["level", "reversed", *columns])
                mask = pc.and_(pc.equal(table["level"], level), pc.is_in(table["reversed"], pa.array(wanted)))
                found |= {row["reversed"]: row for row in table.filter(mask).to_pylist()}
        return found

    def nodes(self, level: Level) -> int:
        """Return how many rows a level has; 0 where the table is not in the order of ids."""
        groups = self.groups
        if any(g.levels is None or g.levels[0] != g.levels[1] for g in groups):
            return 0
        return sum(group.rows for group in groups if group.levels == (level, level))

    def check(self, level: Level, nodes: int) -> None:
        """Raise InputError unless the level has so many rows, those of a graph with so many nodes."""
        if self.nodes(level) != nodes:
            raise InputError(
                f"{self.ranks}: it does not rank the {nodes:,} {level}s of this graph, but {self.nodes(level):,}; "
                "give the ranks of the graph, or rank it (`sitegraph rank`)"
            )

    def take(self, level: Level, ids: NDArray[np.int64], columns: Sequence[str]) -> pa.Table:
        """Return columns of nodes by id, in the order of `ids`."""
        order = np.argsort(ids, kind="stable")
        parts: list[list[pa.Array]] = [[pa.array([], AUTHORITY.field(name).type)] for name in columns]
        first, at = 0, 0
        for number, group in enumerate(self.groups):
            if group.levels == (level, level):
                stop = int(np.searchsorted(ids, first + group.rows, sorter=order))
                places = pa.array(ids[order[at:stop]] - first)
                for name, part in zip(columns, parts, strict=True) if len(places) else ():
                    part.append(self._values(number, name).take(places))
                first, at = first + group.rows, stop
        back = np.empty(len(order), np.int64)
        back[order] = np.arange(len(order))
        return pa.table([pa.concat_arrays(part) for part in parts], list(columns)).take(pa.array(back))

    def column(self, level: Level, name: str, ids: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return a column of numbers of nodes by id, in the order of `ids`; null is NaN."""
        values = self.take(level, ids, [name])[name].cast(pa.float64()).combine_chunks()
        return np.asarray(values.to_numpy(zero_copy_only=False), np.float64)

    def whole(self, level: Level, name: str) -> NDArray[np.float64]:
        """Return a column of numbers of all nodes of a level, by id; null is NaN."""
        found, start = np.empty(self.nodes(level)), 0
        for group in self.groups:
            if group.levels == (level, level):
                with as_damage(group.path):
                    values = group.file.read_row_group(group.number, [name])[name].cast(pa.float64())
                found[start : start + group.rows] = values.to_numpy()
                start += group.rows
        return found

    def _values(self, number: int, name: str) -> pa.Array:
        key = (number, name)
        if key not in self._held:
            group = self.groups[number]
            with as_damage(group.path):
                self._held[key] = group.file.read_row_group(group.number, [name])[name].combine_chunks()
        self._held.move_to_end(key)
        while len(self._held) > HELD:
            self._held.popitem(last=False)
        return self._held[key]
