"""A column chunk of a shard as a Parquet file of its own, so that it can be decoded without the shard's footer.

A shard's footer has a place for every column of every row group, a hundred bytes each. A reader that takes row groups
in random order from a hundred thousand shards would fetch a footer with nearly every one, so it fetches none: the
manifest says where the chunk lies and how many values it has, and the schema and the codec are those of layout.py.
`as_file` sets a header before the chunk and a footer with this one column behind it. Pages tell their encodings
themselves, and their CRCs are checked by whoever reads the file. Plain pages need none of this (plain.py).

The footer is a FileMetaData in Thrift's compact protocol (parquet.thrift of apache/parquet-format; thrift-compact-
protocol.md of apache/thrift): a field is a byte of (distance from the last field's number << 4 | kind), then its value.
"""

import struct
from typing import Any, Final

import numpy as np

MAGIC: Final = b"PAR1"
INT32: Final = 1
REQUIRED, REPEATED = 0, 2
PLAIN: Final = 0
CODECS: Final = {"UNCOMPRESSED": 0, "SNAPPY": 1, "GZIP": 2, "BROTLI": 4, "ZSTD": 6, "LZ4": 7}
"""Numbers of codecs, by the names that pyarrow gives them."""
ZSTD: Final = CODECS["ZSTD"]
"""What layout.py writes."""
LIST: Final = 3
CONVERTED: Final = {np.dtype(np.uint16): 12, np.dtype(np.uint32): 13}
_I32, _I64, _BINARY, _LIST, _STRUCT = 5, 6, 8, 9, 12


def as_file(chunk: bytes, column: str, dtype: np.dtype[Any], rows: int, values: int, codec: int = ZSTD) -> bytes:
    """Return a Parquet file of one row group and one column: a list of `dtype` named tokens, or a plain column."""
    schema, path = _schema(column, dtype)
    meta = _struct(
        (1, _I32, _number(INT32)),
        (2, _LIST, _list(_I32, [_number(PLAIN)])),  # pages say theirs; this one is not looked at
        (3, _LIST, _list(_BINARY, [_text(name) for name in path])),
        (4, _I32, _number(codec)),
        (5, _I64, _number(values)),
        (6, _I64, _number(len(chunk))),
        (7, _I64, _number(len(chunk))),
        (9, _I64, _number(len(MAGIC))),
    )
    column_chunk = _struct((2, _I64, _number(len(MAGIC))), (3, _STRUCT, meta))
    group = _struct(
        (1, _LIST, _list(_STRUCT, [column_chunk])), (2, _I64, _number(len(chunk))), (3, _I64, _number(rows))
    )
    footer = _struct(
        (1, _I32, _number(2)),
        (2, _LIST, _list(_STRUCT, schema)),
        (3, _I64, _number(rows)),
        (4, _LIST, _list(_STRUCT, [group])),
    )
    return b"".join([MAGIC, chunk, footer, struct.pack("<I", len(footer)), MAGIC])


def _schema(column: str, dtype: np.dtype[Any]) -> tuple[list[bytes], list[str]]:
    """Return the schema's elements and the path of its only leaf."""
    root = _struct((4, _BINARY, _text("schema")), (5, _I32, _number(1)))
    if column != "tokens":
        return [root, _leaf(column, dtype)], [column]
    outer = _struct(
        (3, _I32, _number(REQUIRED)), (4, _BINARY, _text(column)), (5, _I32, _number(1)), (6, _I32, _number(LIST))
    )
    inner = _struct((3, _I32, _number(REPEATED)), (4, _BINARY, _text("list")), (5, _I32, _number(1)))
    return [root, outer, inner, _leaf("element", dtype)], [column, "list", "element"]


def _leaf(name: str, dtype: np.dtype[Any]) -> bytes:
    return _struct(
        (1, _I32, _number(INT32)),
        (3, _I32, _number(REQUIRED)),
        (4, _BINARY, _text(name)),
        (6, _I32, _number(CONVERTED[dtype])),
    )


def _struct(*fields: tuple[int, int, bytes]) -> bytes:
    """Return a struct: fields of (number, kind, value), ascending, then a zero."""
    last, out = 0, bytearray()
    for number, kind, value in fields:
        out += bytes([(number - last) << 4 | kind]) + value
        last = number
    return bytes(out) + b"\0"


def _list(kind: int, items: list[bytes]) -> bytes:
    """Return a list of fewer than 15 items."""
    return bytes([len(items) << 4 | kind]) + b"".join(items)


def _text(text: str) -> bytes:
    return _unsigned(len(text)) + text.encode()


def _number(value: int) -> bytes:
    """Return a number that is not negative: zigzag, then 7 bits a byte."""
    return _unsigned(value << 1)


def _unsigned(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out) + bytes([value])
