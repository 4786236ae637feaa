"""The token-shard layout: a row per document, row groups as the unit of fetch, shuffle, checksum and quarantine.

    tokens       list<uint16> where the vocabulary has at most 65,536 ids, else list<uint32>
    n_tokens     uint32, length of `tokens`
    doc_id       fixed 16 bytes
    segment      uint32, 0 for the first or only segment of a document (documents over 2^20 tokens are split)
    url, registered_domain, language, date, warc_file, warc_offset, warc_length, then one float32 column per score

No column is nullable: what a page does not say is the empty string, a score that is absent is NaN. Documents never
straddle row groups. Tokens are plain and zstd-compressed (1.5 to 2 bytes a token, readable everywhere): a dictionary
would pack them in bits, where zstd finds less (docs/reader-performance.md). Texts are dictionary-encoded; pages carry
CRCs; token columns carry no statistics, which nobody could use.

The logical checksum of a row group is the first 16 bytes of SHA-256 over the row lengths, as little-endian uint32, then
all ids, little-endian, as wide as the column has them. It depends on the decoded values only, so it survives another
encoding and another compression; the width of ids follows from the vocabulary. Where processors have instructions for
SHA-256 (servers of the last years: x86 with SHA-NI, ARMv8), it takes half of BLAKE2b's time, elsewhere nearly twice.
Format version 1 had BLAKE2b-128 over ids widened to uint32: with narrow ids, four times the time, elsewhere the same.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpus.errors import ShardError

FORMAT: Final = "headwater-token-shards"
FORMAT_VERSION: Final = 2
FOOTER_KEY: Final = b"headwater"
"""Key of the JSON block in the Parquet footer of shards and of the parts before them."""

CHECKSUM_BYTES: Final = 16
SHARDS_FOLDER: Final = "shards"
TEXT_COLUMNS: Final = ("url", "registered_domain", "language", "date", "warc_file")
PROVENANCE: Final = (*TEXT_COLUMNS, "warc_offset", "warc_length")
NOT_DICTIONARY: Final = frozenset({"tokens", "doc_id", "n_tokens", "key", "segment"})
"""Columns whose values hardly repeat, and tokens, which zstd packs better as they are; a dictionary would only cost."""


def _field(name: str, kind: pa.DataType, meaning: str) -> pa.Field:
    return pa.field(name, kind, False, {"meaning": meaning})


def shard_schema(dtype: np.dtype[Any], scores: Sequence[str] = ()) -> pa.Schema:
    """Return the columns of a shard whose ids have `dtype` (uint16 or uint32)."""
    item = pa.field("element", pa.from_numpy_dtype(dtype), False)
    return pa.schema(
        [
            _field("tokens", pa.list_(item), "token ids, boundary ids included"),
            _field("n_tokens", pa.uint32(), "number of ids"),
            _field("doc_id", pa.binary(16), "document id"),
            _field("segment", pa.uint32(), "number of this segment of the document, from 0"),
            _field("url", pa.string(), "target URI, WHATWG-normalised"),
            _field("registered_domain", pa.string(), "registered domain, empty when there is none"),
            _field("language", pa.string(), "detected language, empty when unknown"),
            _field("date", pa.string(), "WARC-Date, empty when not given"),
            _field("warc_file", pa.string(), "file or URL the record was read from"),
            _field("warc_offset", pa.int64(), "byte offset of the record in that file"),
            _field("warc_length", pa.int64(), "bytes the record takes in that file"),
            *(_field(name, pa.float32(), "score, NaN when absent") for name in scores),
        ]
    )


def part_schema(dtype: np.dtype[Any], scores: Sequence[str] = ()) -> pa.Schema:
    """Return the columns of a `tokens` part: a shard's, with the component and the order key in front."""
    front = [
        _field("component", pa.string(), "mixture component"),
        _field("key", pa.uint64(), "keyed hash of the document id: place within the component"),
    ]
    return pa.schema([*front, *shard_schema(dtype, scores)])


def writer_options(
    schema: pa.Schema, vocabulary: int, *, level: int = 3, statistics: Sequence[str] = ()
) -> dict[str, Any]:
    """Return the Parquet writer's options: dictionaries large enough for the vocabulary, statistics by name only.

    Level 3 of zstd takes 6 % off level 1 of tokens; parts, which are read once, take level 1.
    """
    return {
        "compression": "zstd",
        "data_page_version": "1.0",
        "compression_level": level,
        "use_dictionary": [field.name for field in schema if field.name not in NOT_DICTIONARY],
        "dictionary_pagesize_limit": max(1 << 20, 8 * vocabulary),
        "write_statistics": list(statistics) or False,
        "write_page_checksum": True,
    }


def with_footer(schema: pa.Schema, block: Mapping[str, Any]) -> pa.Schema:
    """Return `schema` with `block` as JSON in its metadata, which Parquet keeps in the footer."""
    text = json.dumps(block, sort_keys=True, ensure_ascii=False)
    return schema.with_metadata({FOOTER_KEY: text.encode()})


def footer(schema: pa.Schema, where: object) -> dict[str, Any]:
    """Return the JSON block that `with_footer` put; ShardError when there is none."""
    try:
        return dict(json.loads((schema.metadata or {})[FOOTER_KEY]))
    except (KeyError, ValueError) as error:
        raise ShardError(f"{where}: no Headwater block in the footer; the file is not one of ours") from error


def logical_checksum(lengths: npt.NDArray[Any], ids: npt.NDArray[Any]) -> bytes:
    """Return the checksum (16 bytes) of a row group: `lengths` of its rows and all its `ids` (uint16 or uint32, as the
    column has them), in order."""
    digest = hashlib.sha256(np.ascontiguousarray(lengths, "<u4").data)
    digest.update(np.ascontiguousarray(ids, ids.dtype.newbyteorder("<")).data)
    return digest.digest()[:CHECKSUM_BYTES]


def list_parts(column: pa.ChunkedArray) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Return (lengths int64, ids) of a tokens column, without copying where it is one chunk."""
    lengths, ids = [], []
    for chunk in column.chunks:
        offsets = chunk.offsets.to_numpy()
        lengths.append(np.diff(offsets).astype(np.int64))
        ids.append(
            chunk.values.to_numpy()[offsets[0] : offsets[-1]] if len(offsets) > 1 else chunk.values[:0].to_numpy()
        )
    if len(ids) == 1:
        return lengths[0], ids[0]
    kind = column.type.value_type.to_pandas_dtype()
    return np.concatenate([*lengths, np.zeros(0, np.int64)]), np.concatenate([*ids, np.zeros(0, kind)])


def doc_id_words(column: pa.ChunkedArray) -> npt.NDArray[np.uint64]:
    """Return document ids as (rows, 2) big-endian words in native order: compares as the bytes do."""
    raw = b"".join(column.to_pylist())
    return np.frombuffer(raw, dtype=">u8").astype(np.uint64).reshape(-1, 2)
