"""Pages as layout.py has them written, decoded here: PLAIN integers of 32 bits, zstd, version 1, each with its CRC.

Arrow decodes a chunk of any kind, but for a list it unpacks two levels of each id and builds offsets from them: what
numpy does below takes little more than half of that time. Levels are passed over, since the lengths of rows are a
column of their own. Whatever is unlike this, damage too, is left to Arrow (groups.py), which says what it is.

A page is a header in Thrift's compact protocol (PageHeader of parquet.thrift), then its bytes; see chunks.py.
"""

import zlib
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

DATA_PAGE: Final = 0
PLAIN, RLE = 0, 3
TYPE, SIZE, COMPRESSED, CRC, DATA = 1, 2, 3, 4, 5
"""Fields of PageHeader; sizes are in bytes."""
VALUES, ENCODING, DEFINITIONS, REPETITIONS = 1, 2, 3, 4
"""Fields of DataPageHeader: how many values, and how they and their levels are encoded."""
_I32, _STRUCT = 5, 12
Header = dict[int, Any]


def plain_values(chunk: memoryview, values: int, dtype: np.dtype[Any], *, levels: int = 0) -> npt.NDArray[Any] | None:
    """Return the values of a column chunk with so many kinds of levels; None when it is not as described above."""
    found, done = np.empty(values, dtype), 0
    at = 0
    try:
        while at < len(chunk):
            header, at = _struct(chunk, at)
            body = chunk[at : at + header[COMPRESSED]]
            at += len(body)
            page = _page(header, body, levels, 8 * values + 1024)
            found[done : done + len(page)] = page
            done += len(page)
    except (KeyError, IndexError, TypeError, ValueError, OSError, MemoryError, OverflowError):  # Arrow's are among them
        return None
    return found if done == values else None


def _page(header: Header, body: memoryview, levels: int, most: int) -> npt.NDArray[np.uint32]:
    """Return the values of a page, no larger than `most` bytes; an error when it is not what is read here."""
    data = header[DATA]
    kind = header[TYPE], data[ENCODING], data[DEFINITIONS], data[REPETITIONS]
    sound = kind == (DATA_PAGE, PLAIN, RLE, RLE) and 0 < len(body) == header[COMPRESSED] and 0 <= header[SIZE] <= most
    if not sound or zlib.crc32(body) != header[CRC] & 0xFFFFFFFF:
        raise ValueError("another kind of page, or a damaged one")
    content = memoryview(pa.decompress(body, header[SIZE], codec="zstd"))
    at = 0
    for _ in range(levels):
        at += 4 + int.from_bytes(content[at : at + 4], "little")
    values = np.frombuffer(content, "<u4", offset=at)
    if len(values) != data[VALUES]:
        raise ValueError("nulls, or empty lists")
    return values


def _struct(view: memoryview, at: int, depth: int = 0) -> tuple[Header, int]:
    """Return the fields of a struct at a place, by number, and where it ends; numbers and structs are all there are."""
    found: Header = {}
    last = 0
    while head := view[at]:
        distance, kind = head >> 4, head & 15
        last, at = last + distance, at + 1
        if kind == _STRUCT and depth < 2:
            found[last], at = _struct(view, at, depth + 1)
        elif kind == _I32:
            found[last], at = _number(view, at)
        else:
            raise ValueError("a field of another kind")
    return found, at + 1


def _number(view: memoryview, at: int) -> tuple[int, int]:
    """Return a number at a place, 7 bits a byte and zigzag, and where it ends."""
    value = 0
    for shift in range(0, 35, 7):
        byte = view[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1), at
    raise ValueError("a number beyond 32 bits")
