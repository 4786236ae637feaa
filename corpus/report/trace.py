"""Everything known of one page: the WARC record, the document, its signals, cluster, verdict and place in the shards.

A page is named by its URL (any spelling that normalises to the same) or by its document id in hex. Shard sets are
joined by position, so each is opened only where the page stands; finding it reads one column of the documents (or of
the ledger, for a record that did not become a document).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from corpus.errors import MissingError
from corpus.report.ledger import parts
from corpus.storage import ShardSet
from corpus.tokens.gather import component_folder
from corpus.url import normalise


def trace(root: Path, page: str) -> dict[str, Any]:
    """Return {"page": ..., "places": [...]}, a place per record of the page; MissingError when there is none."""
    places = list(documents(root, page)) or list(records(root, page))
    if not places:
        raise MissingError(
            f"{page}: neither a document nor a record of this root; is the URL (or the id in hex) right?"
        )
    return {"page": page, "places": places}


def identity_of(page: str) -> bytes | None:
    """Return the document id that `page` spells in hex, or None when it is no id."""
    try:
        return bytes.fromhex(page) if len(page) == 32 else None
    except ValueError:
        return None


def matches(path: Path, column: str, value: Any) -> Iterator[int]:
    """Yield the rows of a Parquet file where `column` equals `value`, reading only that column."""
    base = 0
    with pq.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            values = file.read_row_group(group, columns=[column]).column(0).combine_chunks()
            equal = pc.fill_null(pc.equal(values, pa.scalar(value, values.type)), False)
            yield from (base + int(i) for i in np.flatnonzero(equal.to_numpy(zero_copy_only=False)))
            base += len(values)


def row_of(path: Path, row: int, columns: list[str] | None = None) -> dict[str, Any]:
    """Return one row of a Parquet file, with bytes in hex; an empty dict when there is no file."""
    if not path.exists():
        return {}
    with pq.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            rows = file.metadata.row_group(group).num_rows
            if row < rows:
                return readable(file.read_row_group(group, columns=columns).slice(row, 1).to_pylist()[0])
            row -= rows
    return {}


def readable(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with bytes in hex."""
    return {name: value.hex() if isinstance(value, bytes) else value for name, value in row.items()}


def documents(root: Path, page: str) -> Iterator[dict[str, Any]]:
    """Yield what is known of each document with this URL or id."""
    identity = identity_of(page)
    url = normalise(page)
    column, value = ("id", identity) if identity else ("url", url.href if url else page)
    for part in parts(root):
        path = ShardSet(root, "documents").path(part)
        for row in matches(path, column, value) if path.exists() else ():
            yield document_place(root, part, row)


def document_place(root: Path, part: int, row: int) -> dict[str, Any]:
    """Return all stages' rows of the document in `row` of documents part `part`."""
    document = row_of(ShardSet(root, "documents").path(part), row)
    found: dict[str, Any] = {
        "record": {
            "file": document["warc_file"],
            "offset": document["warc_offset"],
            "length": document["warc_length"],
            "part": part,
            "row": row,
        },
        "document": document,
        "verdict": row_of(ShardSet(root, "verdicts").path(part), row),
    }
    found["cluster"] = cluster_of(root, part, row)
    found["shards"] = shard_rows(root, found["verdict"].get("component"), bytes.fromhex(document["id"]))
    found["signals"] = row_of(ShardSet(root, "signals").path(part), row)
    return {name: entry for name, entry in found.items() if entry}


def cluster_of(root: Path, part: int, row: int) -> dict[str, Any]:
    """Return the document's row in the clusters, an empty dict when it is in none."""
    here = (pc.field("part") == part) & (pc.field("row") == row)
    for path in ShardSet(root, "clusters").paths():
        for found in pq.read_table(path, filters=here).to_pylist():
            return readable(found)
    return {}


def shard_rows(root: Path, component: str | None, identity: bytes) -> dict[str, Any]:
    """Return where the document's tokens lie: {"<shard path>, row N": "n tokens"}."""
    if component is None:
        return {}
    found = {}
    for path in sorted((root / "shards" / component_folder(component)).glob("*.parquet")):
        for row in matches(path, "doc_id", identity):
            tokens = row_of(path, row)
            found[f"{path.relative_to(root)}, row {row}"] = f"{tokens['n_tokens']} tokens"
    return found


def records(root: Path, page: str) -> Iterator[dict[str, Any]]:
    """Yield the ledger rows of records with this target URI, as given or normalised, that became no document."""
    url = normalise(page)
    for part in parts(root):
        path = ShardSet(root, "ledger").path(part)
        for name in dict.fromkeys([page, url.href if url else page]):
            for row in matches(path, "url", name):
                yield {"ledger": row_of(path, row) | {"part": part}}
