"""From `tokens` parts to one shard: plan key ranges, gather one range from every part, order it, write it.

A component's documents are ordered by a keyed hash of their ids, which spreads them evenly over 64 bits, so shard j
of n is the j-th of n equal ranges of keys. Every part is sorted the same way in runs, with row-group statistics of
(component, key), so a shard reads only the row groups that touch its range. Memory: one shard's tokens.
"""

import functools
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from corpus.errors import ShardError
from corpus.storage import ShardSet, TableWriter, Written
from corpus.tokens.layout import (
    FORMAT,
    FORMAT_VERSION,
    doc_id_words,
    footer,
    list_parts,
    logical_checksum,
    shard_schema,
    with_footer,
    writer_options,
)
from corpus.tokens.manifest import ROW_GROUPS

KEYS: Final = 1 << 64


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRange:
    """Shard `number` of `count` of a component: keys from `low` (included) to `high` (excluded)."""

    component: str
    number: int
    count: int

    @property
    def low(self) -> int:
        return self.number * KEYS // self.count

    @property
    def high(self) -> int:
        return (self.number + 1) * KEYS // self.count

    @property
    def place(self) -> str:
        """Path of the shard, relative to the shards folder."""
        return f"{component_folder(self.component)}/shard-{self.number:05d}.parquet"


def component_folder(component: str) -> str:
    """Return the folder name of a component; characters unsafe in file names are percent-encoded."""
    folder = quote(component, safe="")
    if not folder or folder.startswith((".", "manifest", "tokenizer")) or len(folder) > 200:
        raise ShardError(f"component {component!r} cannot name a folder; change the component's name in the recipe")
    return folder


@dataclass(frozen=True, slots=True)
class PartFacts:
    """What a part's footer says: tokens by component, and the block that all parts of a run share (JSON)."""

    totals: tuple[tuple[str, int], ...]
    block: str


def part_facts(path: Path) -> PartFacts:
    """Return the facts of a part; read once per process and version of the file."""
    return _part_facts(path, path.stat().st_mtime_ns)


@functools.lru_cache(maxsize=1 << 16)
def _part_facts(path: Path, _changed: int) -> PartFacts:
    totals: dict[str, int] = {}
    with pq.ParquetFile(path) as file:
        block = footer(file.schema_arrow, path)
        for index in range(file.metadata.num_row_groups):
            group = _Group(file.metadata.row_group(index))
            totals[group.component] = totals.get(group.component, 0) + group.tokens
    return PartFacts(tuple(totals.items()), json.dumps(block, sort_keys=True))


def plan(paths: Sequence[Path], shard_tokens: int) -> list[KeyRange]:
    """Return the shards to write, by component: as many as hold about `shard_tokens` tokens each."""
    totals: dict[str, int] = {}
    for path in paths:
        for component, tokens in part_facts(path).totals:
            totals[component] = totals.get(component, 0) + tokens
    counts = {component: math.ceil(tokens / shard_tokens) for component, tokens in sorted(totals.items())}
    return [KeyRange(component=c, number=i, count=n) for c, n in counts.items() for i in range(n)]


class _Group:
    """What the footer says of one row group of a part."""

    def __init__(self, group: Any) -> None:
        columns = {c.path_in_schema: c for c in map(group.column, range(group.num_columns))}
        key = columns["key"].statistics
        self.component: str = columns["component"].statistics.min
        self.low, self.high = int(key.min), int(key.max)
        self.tokens: int = columns["tokens.list.element"].num_values


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Rows of one row group that fall in a key range: every column but the tokens, lengths, and the ids flat."""

    rows: pa.Table
    lengths: npt.NDArray[np.int64]
    ids: npt.NDArray[Any]


def common_block(paths: Sequence[Path]) -> dict[str, Any]:
    """Return the block that all parts carry; ShardError when two were written with different tokenizers or settings."""
    if not paths:
        raise ShardError("no token parts to make shards of; run `tokenize` first")
    first: dict[str, Any] = json.loads(part_facts(paths[0]).block)
    for path in paths[1:]:
        block = json.loads(part_facts(path).block)
        if block != first:
            differ = sorted(k for k in {*first, *block} if first.get(k) != block.get(k))
            raise ShardError(f"{path}: {', '.join(differ)} differ from {paths[0]}; run `tokenize` again for all parts")
    return first


def gather(paths: Sequence[Path], wanted: KeyRange) -> list[Piece]:
    """Return the rows of `wanted` from every part."""
    pieces = []
    for path in paths:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            for index in range(file.metadata.num_row_groups):
                group = _Group(file.metadata.row_group(index))
                if group.component == wanted.component and group.low < wanted.high and group.high >= wanted.low:
                    piece = _piece(file.read_row_group(index), wanted, path)
                    pieces.extend([piece] if piece.rows.num_rows else [])
    return pieces


def _piece(table: pa.Table, wanted: KeyRange, path: Path) -> Piece:
    key = table["key"].to_numpy()
    inside = (key >= np.uint64(wanted.low)) & (key <= np.uint64(wanted.high - 1))
    if not inside.all():
        table = table.filter(pa.array(inside))
    lengths, ids = list_parts(table["tokens"])
    if not np.array_equal(lengths, table["n_tokens"].to_numpy()):
        raise ShardError(f"{path}: n_tokens does not match the tokens; run `tokenize` again")
    return Piece(rows=table.drop_columns(["tokens", "component"]), lengths=lengths, ids=ids)


class OrderedRows:
    """The rows of a shard in final order: by key, document id, segment."""

    def __init__(self, pieces: Sequence[Piece], component: str) -> None:
        self._pieces = pieces
        self.rows = pa.concat_tables([p.rows for p in pieces])
        self.lengths = np.concatenate([p.lengths for p in pieces])
        # Where a row's ids lie: which piece, and from where in it.
        self._piece = np.repeat(np.arange(len(pieces)), [len(p.lengths) for p in pieces])
        self._start = np.concatenate([np.cumsum(p.lengths) - p.lengths for p in pieces])
        words, segment = doc_id_words(self.rows["doc_id"]), self.rows["segment"].to_numpy()
        self.order = np.lexsort((segment, words[:, 1], words[:, 0], self.rows["key"].to_numpy()))
        self._refuse_duplicates(words[self.order], segment[self.order], component)

    def _refuse_duplicates(self, words: npt.NDArray[Any], segment: npt.NDArray[Any], component: str) -> None:
        same = (words[1:] == words[:-1]).all(axis=1) & (segment[1:] == segment[:-1])
        if same.any():
            at = int(np.argmax(same))
            names = ["doc_id", "url", "warc_file", "warc_offset"]
            one, two = self.rows.select(names).take(pa.array(self.order[at : at + 2])).to_pylist()
            raise ShardError(
                f"component {component!r}: document {one['doc_id'].hex()} ({one['url']}) comes twice, from "
                f"{one['warc_file']} at {one['warc_offset']} and {two['warc_file']} at {two['warc_offset']}; "
                "give each archive once, or drop exact duplicates"
            )

    def row_groups(self, group_tokens: int) -> Iterator[npt.NDArray[np.int64]]:
        """Yield the rows of each row group: as many as stay within `group_tokens`, at least one."""
        start, tokens = 0, 0
        for place, length in enumerate(self.lengths[self.order].tolist()):
            if place > start and tokens + length > group_tokens:
                yield self.order[start:place]
                start, tokens = place, 0
            tokens += length
        if start < len(self.order):
            yield self.order[start:]

    def ids(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
        """Return the ids of `rows`, one after the other."""
        places = zip(self._piece[rows].tolist(), self._start[rows].tolist(), self.lengths[rows].tolist(), strict=True)
        return np.concatenate([self._pieces[p].ids[s : s + n] for p, s, n in places])


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardFile:
    """A written shard and its row of the row-groups table for each row group."""

    written: Written
    row_groups: pa.Table
    tokens: int
    documents: int


def write_shard(
    shard_set: ShardSet, wanted: KeyRange, pieces: Sequence[Piece], block: Mapping[str, Any], group_tokens: int
) -> ShardFile:
    """Write one shard under `shard_set`; `block` is the footer of the parts it was gathered from.

    Raises ShardError for an id beyond the vocabulary, a dtype too narrow for it, a document that comes twice, a row
    without tokens, or no rows at all.
    """
    vocabulary, dtype = int(block["tokenizer"]["vocabulary"]), np.dtype(block["dtype"])
    if vocabulary > np.iinfo(dtype).max + 1:
        raise ShardError(f"{wanted.place}: {vocabulary:,} ids do not fit {dtype}; run `tokenize` again")
    if not pieces:
        raise ShardError(f"{wanted.place}: no documents in its range of keys; raise the tokens per shard")
    rows = OrderedRows(pieces, wanted.component)
    schema = with_footer(shard_schema(dtype, block["scores"]), shard_block(wanted, block))
    options = writer_options(schema, vocabulary)
    path = shard_set.root / shard_set.name / wanted.place
    groups: list[dict[str, Any]] = []
    with TableWriter(shard_set, 0, schema, path=path, **options) as out:
        for chosen in rows.row_groups(group_tokens):
            groups.append(_write_group(out, rows, chosen, vocabulary))
    found = pq.read_metadata(path)
    table = [group | places_of(found.row_group(i)) | {"row_group": i, "shard": 0} for i, group in enumerate(groups)]
    return ShardFile(
        written=out.written,
        row_groups=pa.Table.from_pylist(table, schema=ROW_GROUPS),
        tokens=int(rows.lengths.sum()),
        documents=sum(g["documents"] for g in groups),
    )


def _write_group(out: TableWriter, rows: OrderedRows, chosen: npt.NDArray[np.int64], vocabulary: int) -> dict[str, Any]:
    lengths, ids = rows.lengths[chosen], rows.ids(chosen)
    if not lengths.all():
        raise ShardError(f"{out.path}: a document without tokens; run `tokenize` again")
    if int(ids.max()) >= vocabulary:
        raise ShardError(f"{out.path}: id {ids.max()} is beyond the vocabulary of {vocabulary:,}; check the tokenizer")
    item = out.schema.field("tokens").type
    offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32))
    ids = ids.astype(item.value_type.to_pandas_dtype(), copy=False)
    tokens = pa.ListArray.from_arrays(offsets, pa.array(ids), type=item)
    taken = rows.rows.take(pa.array(chosen))
    columns = [tokens if f.name == "tokens" else taken[f.name] for f in out.schema]
    out.write(pa.Table.from_arrays(columns, schema=out.schema))
    documents = int(pc.sum(pc.equal(taken["segment"], 0)).as_py())
    checksum = logical_checksum(lengths, ids)
    return {"tokens": len(ids), "rows": len(lengths), "documents": documents, "checksum": checksum}


def places_of(group: Any) -> dict[str, int]:
    """Return where a row group and its n_tokens column lie in the file, in bytes."""
    columns = [group.column(i) for i in range(group.num_columns)]
    starts = [_start(c) for c in columns]
    lengths = next(c for c in columns if c.path_in_schema == "n_tokens")
    end = max(s + c.total_compressed_size for s, c in zip(starts, columns, strict=True))
    return {
        "offset": min(starts),
        "bytes": end - min(starts),
        "lengths_offset": _start(lengths),
        "lengths_bytes": lengths.total_compressed_size,
    }


def _start(column: Any) -> int:
    dictionary = column.dictionary_page_offset
    return int(column.data_page_offset if dictionary is None else min(dictionary, column.data_page_offset))


def shard_block(wanted: KeyRange, block: Mapping[str, Any]) -> dict[str, Any]:
    """Return the footer block of a shard."""
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "component": wanted.component,
        "shard": wanted.number,
        "shards": wanted.count,
        "tokenizer": block["tokenizer"],
        "boundary": block["boundary"],
        "dtype": block["dtype"],
        "scores": block["scores"],
        "order_key": block["order_key"],
        "writer": block["writer"],
    }
