"""From the index parts of written shards to the manifest: checks that they are one set, then writes it last.

Each shard leaves an index part: its row groups, and in the footer the shard's own row and the digest of the plan it
belongs to. Parts of an earlier plan (more shards, other components) are left aside, and their shards removed, so what
the manifest lists is what the folder holds.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from corpus.errors import PipelineError, ShardError
from corpus.storage import ShardSet, TableWriter, Written, read_parquet
from corpus.tokens.layout import FORMAT, FORMAT_VERSION, footer, with_footer
from corpus.tokens.manifest import (
    ROW_GROUPS,
    ROW_GROUPS_NAME,
    SHARDS,
    SHARDS_NAME,
    TOKENIZER_NAME,
    dataset_id,
    merkle_root,
)

BUFFERED_ROWS = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexPart:
    """What one unit of `shards` wrote: `shard` is its row of the shards table, None when its key range was empty."""

    path: Path
    plan: str
    count: int
    shard: Mapping[str, Any] | None
    block: Mapping[str, Any]


def write_index(index: ShardSet, unit: int, row_groups: pa.Table, block: Mapping[str, Any]) -> Written:
    """Write the index part of shard `unit`; `block` is what IndexPart holds, as JSON values."""
    schema = with_footer(ROW_GROUPS, block)
    with TableWriter(index, unit, schema) as out:
        out.write(row_groups.cast(schema))
    return out.written


def read_index(index: ShardSet) -> list[IndexPart]:
    """Return the index parts of the newest plan, in order; PipelineError when there are none or some are missing."""
    parts = {number: _index_part(index.path(number)) for number in index.parts()}
    if 0 not in parts:
        raise PipelineError("no shards to list: no document was kept; loosen the thresholds or give more input")
    plan, count = parts[0].plan, parts[0].count
    wrong = [n for n in range(count) if n not in parts or parts[n].plan != plan]
    if wrong:
        raise PipelineError(f"shard {wrong[0]} of {count} is missing or of an earlier run; run the pipeline again")
    return [parts[n] for n in range(count)]


def _index_part(path: Path) -> IndexPart:
    block = footer(pq.read_schema(path), path)
    return IndexPart(path=path, plan=block["plan"], count=block["count"], shard=block["shard"], block=block["block"])


def remove_stale(folder: Path, index: ShardSet, parts: Sequence[IndexPart]) -> int:
    """Delete shards and index parts of earlier plans; return how many files went."""
    keep = {str(part.shard["path"]) for part in parts if part.shard}
    stale = [p for p in folder.glob("*/*.parquet") if p.relative_to(folder).as_posix() not in keep]
    stale += [index.path(number) for number in index.parts() if number >= len(parts)]
    for path in stale:
        path.unlink()
    for child in [c for c in folder.iterdir() if c.is_dir() and not any(c.iterdir())]:
        child.rmdir()
    return len(stale)


def check_shards(folder: Path, shards: Sequence[Mapping[str, Any]]) -> None:
    """Raise ShardError unless every shard is there in its size (its SHA-256 was taken while it was written)."""
    for shard in shards:
        path = folder / shard["path"]
        if not path.is_file() or path.stat().st_size != shard["bytes"]:
            raise ShardError(f"{path}: missing or not {shard['bytes']:,} bytes; remove its report and run again")


def indexed(parts: Sequence[IndexPart]) -> Iterator[tuple[dict[str, Any], pa.Table]]:
    """Yield the row of each shard in the shards table, and its rows of the row-groups table."""
    for part in parts:
        if part.shard:
            yield dict(part.shard), read_parquet(part.path).replace_schema_metadata(None)


def write_tables(
    shard_set: ShardSet, entries: Iterable[tuple[Mapping[str, Any], pa.Table]]
) -> tuple[Written, Written, dict[str, Any]]:
    """Write both tables of the shards in `entries`; return them and the components' totals with their Merkle roots."""
    folder = shard_set.root / shard_set.name
    shards: list[dict[str, Any]] = []
    leaves: dict[str, list[bytes]] = {}
    with TableWriter(shard_set, 0, ROW_GROUPS, path=folder / ROW_GROUPS_NAME) as groups:
        for rows in _batched(_numbered(entries, shards, leaves)):
            groups.write(rows)
    with TableWriter(shard_set, 0, SHARDS, path=folder / SHARDS_NAME) as table:
        table.write(shards)
    totals = {name: _totals([s for s in shards if s["component"] == name]) for name in sorted(leaves)}
    return table.written, groups.written, {n: t | {"merkle_root": merkle_root(leaves[n])} for n, t in totals.items()}


def _numbered(
    entries: Iterable[tuple[Mapping[str, Any], pa.Table]], shards: list[dict[str, Any]], leaves: dict[str, list[bytes]]
) -> Iterator[pa.Table]:
    """Yield each shard's row groups with the shard's number; note the shard, and checksums by component."""
    for shard, rows in entries:
        number = pa.array([len(shards)] * rows.num_rows, pa.int32())
        shards.append(dict(shard))
        leaves.setdefault(shard["component"], []).extend(rows["checksum"].to_pylist())
        yield rows.set_column(0, ROW_GROUPS.field("shard"), number).cast(ROW_GROUPS)


def _batched(tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    held: list[pa.Table] = []
    for table in tables:
        held.append(table)
        if sum(t.num_rows for t in held) >= BUFFERED_ROWS:
            yield pa.concat_tables(held)
            held = []
    if held:
        yield pa.concat_tables(held)


def _totals(shards: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    sums = {
        field: sum(int(s[field]) for s in shards) for field in ("tokens", "rows", "documents", "row_groups", "bytes")
    }
    return sums | {"shards": len(shards)}


def manifest_root(
    tables: Mapping[str, Written],
    components: Mapping[str, Mapping[str, Any]],
    block: Mapping[str, Any],
    about: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the JSON root; `block` is what all shards share, `about` says how they came about (not in the id)."""
    roots = {name: str(totals["merkle_root"]) for name, totals in components.items()}
    fields = ("tokens", "rows", "documents", "row_groups", "bytes", "shards")
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "dataset": dataset_id(roots, block["tokenizer"], block["boundary"]),
        "tokenizer": block["tokenizer"],
        "tokenizer_file": {"path": TOKENIZER_NAME, "sha256": block["tokenizer"]["sha256"]},
        "boundary": block["boundary"],
        "dtype": block["dtype"],
        "scores": block["scores"],
        "components": components,
        "totals": {field: sum(int(c[field]) for c in components.values()) for field in fields},
        "tables": {n: {"path": Path(w.path).name, "sha256": w.sha256, "bytes": w.bytes} for n, w in tables.items()},
        "about": about,
    }
