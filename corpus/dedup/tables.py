"""What the stages exchange: the rows of one partition or key range, and the shingle sets of chosen documents.

Only the row groups that may hold what is wanted are read, by their statistics or their row numbers, so a unit's
memory depends on what it asks for and never on the size of a shard set.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from corpus.dedup.pairs import Pairs, Sets, jaccard, join_sets
from corpus.dedup.shingles import Shingling, read_text
from corpus.errors import MissingError
from corpus.schema import CANDIDATES
from corpus.storage import ShardSet, TableWriter

PART_BITS = 32
ROW_MASK = (1 << PART_BITS) - 1
"""A place is documents part * 2^32 + row."""


def open_table(path: Path) -> pq.ParquetFile:
    """Open a Parquet file; raises MissingError with its path when it is not there."""
    try:
        return pq.ParquetFile(path, page_checksum_verification=True)
    except FileNotFoundError:
        raise MissingError(f"{path}: not found; run the stage that writes it first") from None


def write_partitions(out: TableWriter, table: pa.Table) -> None:
    """Write a row group per value of the column `partition`, ascending, for `read_where` to find."""
    for number in np.unique(table["partition"].to_numpy()).tolist():
        out.write(table.filter(pc.equal(table["partition"], number)))


def read_where(path: Path, column: str, low: int, high: int) -> pa.Table:
    """Return the rows with low <= column <= high, in order; row groups that cannot hold any are not read."""
    with open_table(path) as file:
        chosen = [group for group in range(file.num_row_groups) if _admits(file, group, column, low, high)]
        table = file.read_row_groups(chosen, use_threads=False)
    values = table[column]
    return table.filter(pc.and_(pc.greater_equal(values, low), pc.less_equal(values, high)))


def read_tables(paths: Sequence[Path], schema: pa.Schema) -> pa.Table:
    """Return the rows of several small files, in order."""
    tables = [schema.empty_table()]
    for path in paths:
        with open_table(path) as file:
            tables.append(file.read(use_threads=False).cast(schema))
    return pa.concat_tables(tables)


def read_pairs(table: pa.Table) -> Pairs:
    """Return the pairs of places that the rows of schema.CANDIDATES or schema.EDGES name."""
    part_a, row_a, part_b, row_b = (table[name].to_numpy().astype(np.int64) for name in CANDIDATES.names)
    return Pairs((part_a << PART_BITS) + row_a, (part_b << PART_BITS) + row_b)


def pair_table(pairs: Pairs) -> pa.Table:
    """Return pairs of places as rows of schema.CANDIDATES."""
    columns = [half for side in pairs for half in (side >> PART_BITS, side & ROW_MASK)]
    return pa.table([pa.array(values.astype(np.int32)) for values in columns], schema=CANDIDATES)


def _admits(file: pq.ParquetFile, group: int, column: str, low: int, high: int) -> bool:
    index = file.schema_arrow.get_field_index(column)
    found = file.metadata.row_group(group).column(index).statistics
    return found is None or not found.has_min_max or (found.min <= high and found.max >= low)


def read_sets(
    documents: ShardSet, places: NDArray[np.int64], shingling: Shingling, memory: int
) -> Iterator[tuple[NDArray[np.int64], Sets]]:
    """Yield (places, their shingle sets) for ascending distinct places, in blocks of about `memory` bytes."""
    found: list[NDArray[np.uint64]] = []
    done = held = 0
    for text in _texts(documents, places):
        found.append(read_text(text, shingling).hashes)
        held += found[-1].nbytes
        if held >= memory:
            yield places[done : done + len(found)], join_sets(found)
            done, held, found = done + len(found), 0, []
    if found:
        yield places[done:], join_sets(found)


def similarities(
    documents: ShardSet, pairs: Pairs, shingling: Shingling, memory: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """Yield (positions in `pairs`, exact Jaccard similarities) until every pair had its turn.

    The sets of the a side are held in blocks of `memory` bytes; for each block the b side streams past in smaller
    ones. So a text is shingled once per side while the a side fits into `memory`.
    """
    order = np.argsort(pairs.a, kind="stable")
    ordered = pairs.a[order]
    for places, left in read_sets(documents, np.unique(ordered), shingling, memory):
        first, end = np.searchsorted(ordered, places[0]), np.searchsorted(ordered, places[-1], "right")
        chosen = order[first:end][np.argsort(pairs.b[order[first:end]], kind="stable")]
        partners = pairs.b[chosen]
        for others, right in read_sets(documents, np.unique(partners), shingling, memory // 4):
            now = chosen[np.searchsorted(partners, others[0]) : np.searchsorted(partners, others[-1], "right")]
            i, j = np.searchsorted(places, pairs.a[now]), np.searchsorted(others, pairs.b[now])
            yield now, jaccard(left, right, i, j)


def _texts(documents: ShardSet, places: NDArray[np.int64]) -> Iterator[pa.Buffer]:
    """Yield the text of each place, as UTF-8, one row group in memory at a time."""
    for part in np.unique(places >> PART_BITS).tolist():
        rows = places[places >> PART_BITS == part] & ROW_MASK
        with open_table(documents.path(part)) as file:
            start = 0
            for group in range(file.num_row_groups):
                end = start + file.metadata.row_group(group).num_rows
                wanted = rows[np.searchsorted(rows, start) : np.searchsorted(rows, end)] - start
                if len(wanted):
                    texts = file.read_row_group(group, columns=["text"], use_threads=False)["text"]
                    yield from (text.as_buffer() for text in texts.take(pa.array(wanted)))
                start = end
