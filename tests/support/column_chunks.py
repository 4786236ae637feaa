"""Column chunks of a small table of tokens, as pyarrow writes them."""

import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

ROWS = [[1, 2, 3], [65_535], [7] * 5000, [0, 9]]


def schema_of(kind: pa.DataType) -> pa.Schema:
    """Return the columns of the table."""
    item = pa.field("element", kind, False)
    return pa.schema([pa.field("tokens", pa.list_(item), False), pa.field("n_tokens", pa.uint32(), False)])


def written(kind: pa.DataType, groups: int = 1, **options: Any) -> bytes:
    """Return a Parquet file of ROWS, in so many row groups, ids being of a kind."""
    out = io.BytesIO()
    table = pa.table({"tokens": ROWS, "n_tokens": [len(row) for row in ROWS]}, schema=schema_of(kind))
    with pq.ParquetWriter(out, table.schema, **options) as writer:
        for _ in range(groups):
            writer.write_table(table)
    return out.getvalue()


def chunk_of(content: bytes, group: int, column: int) -> bytes:
    """Return a column chunk, cut out by what the footer says."""
    found = pq.read_metadata(io.BytesIO(content)).row_group(group).column(column)
    start = found.data_page_offset
    if found.has_dictionary_page:
        start = min(start, found.dictionary_page_offset)
    return content[start : start + found.total_compressed_size]
