"""A column chunk as a file of its own: what pyarrow wrote, read back without the footer it wrote."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from column_chunks import ROWS, chunk_of, schema_of, written

from corpus.reader.chunks import CODECS, as_file
from corpus.tokens.layout import list_parts, writer_options


def read(content: bytes) -> pa.ChunkedArray:
    return pq.ParquetFile(pa.BufferReader(content), page_checksum_verification=True).read_row_group(0).column(0)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize(("kind", "dtype"), [(pa.uint16(), np.uint16), (pa.uint32(), np.uint32)])
@pytest.mark.parametrize("more", [{}, {"use_dictionary": False}, {"data_page_size": 100}, {"data_page_version": "2.0"}])
def test_every_codec_encoding_and_width(codec: str, kind: pa.DataType, dtype: Any, more: dict[str, Any]) -> None:
    """Ids, lengths and dtype are those that were written; the second row group's chunk lies elsewhere in its file."""
    compression = {"UNCOMPRESSED": "none"}.get(codec, codec.lower())
    content = written(kind, 2, compression=compression, write_page_checksum=True, **more)
    chunk = chunk_of(content, 1, 0)
    column = read(as_file(chunk, "tokens", np.dtype(dtype), len(ROWS), sum(map(len, ROWS)), CODECS[codec]))
    lengths, ids = list_parts(column)
    assert lengths.tolist() == [len(row) for row in ROWS]
    assert ids.dtype == dtype
    assert ids.tolist() == [id_ for row in ROWS for id_ in row]
    counted = read(
        as_file(chunk_of(content, 1, 1), "n_tokens", np.dtype(np.uint32), len(ROWS), len(ROWS), CODECS[codec])
    )
    assert counted.to_pylist() == lengths.tolist()


def test_a_file_that_other_readers_open(tmp_path: Path) -> None:
    """It is whole Parquet: schema, rows and values, as DuckDB sees them."""
    duckdb = pytest.importorskip("duckdb")
    options = writer_options(schema_of(pa.uint16()), 1 << 16)
    chunk = chunk_of(written(pa.uint16(), **options), 0, 0)
    path = tmp_path / "chunk.parquet"
    path.write_bytes(as_file(chunk, "tokens", np.dtype(np.uint16), len(ROWS), sum(map(len, ROWS))))
    assert pq.read_schema(path).field("tokens") == schema_of(pa.uint16()).field("tokens")
    found = duckdb.sql(f"SELECT tokens FROM '{path}'").fetchall()
    assert [row for (row,) in found] == ROWS


def test_page_crcs_are_looked_at() -> None:
    """A flipped bit in a page is no value but an error."""
    content = written(pa.uint16(), compression="none", use_dictionary=False, write_page_checksum=True)
    chunk = bytearray(chunk_of(content, 0, 0))
    chunk[len(chunk) // 2] ^= 1
    with pytest.raises(OSError, match="CRC"):
        read(
            as_file(bytes(chunk), "tokens", np.dtype(np.uint16), len(ROWS), sum(map(len, ROWS)), CODECS["UNCOMPRESSED"])
        )
