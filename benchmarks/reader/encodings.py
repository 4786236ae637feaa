"""Which encoding shards should have: bytes a token, and how fast a core decodes it, on real tokens.

Each candidate is written as row groups of whole documents, read back by pyarrow on one thread with page CRCs checked,
and turned into flat ids as the reader does. Two more clocks run beside: the same without CRCs, and our own checksum of
the decoded ids. Rounds take the candidates in turn, so that a slow moment of the machine falls on all of them.
"""

import itertools
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.reader.data import Tokens
from benchmarks.suite.figures import spread
from benchmarks.suite.tables import between, number, table
from corpus.tokens.layout import list_parts, logical_checksum

GROUPS: Final = (1 << 18, 1 << 20, 1 << 22)
CODECS: Final = {"none": ("none", None), "zstd 1": ("zstd", 1), "zstd 3": ("zstd", 3), "lz4": ("lz4", None)}
LEAF: Final = "tokens.list.element"
ENCODINGS: Final[Mapping[str, Mapping[str, Any]]] = {
    "PLAIN": {"use_dictionary": False},
    "dictionary": {"use_dictionary": [LEAF], "dictionary_pagesize_limit": 1 << 20},
    "DELTA_BINARY_PACKED": {"use_dictionary": False, "column_encoding": {LEAF: "DELTA_BINARY_PACKED"}},
    "BYTE_STREAM_SPLIT": {"use_dictionary": False, "column_encoding": {LEAF: "BYTE_STREAM_SPLIT"}},
}


def candidates() -> list[tuple[str, str, str]]:
    """Return (column type, encoding, codec) of all candidates."""
    lists = [(kind, name, codec) for kind in ("uint32", "uint16") for name in ENCODINGS for codec in CODECS]
    return lists + [("binary", "PLAIN", codec) for codec in CODECS]


def group_edges(lengths: np.ndarray, most: int) -> list[int]:
    """Return the documents at which row groups begin, and the end: as many as stay within `most` tokens."""
    edges, held = [0], 0
    for row, length in enumerate(lengths.tolist()):
        if held and held + length > most:
            edges.append(row)
            held = 0
        held += length
    return [*edges, len(lengths)]


def columns(tokens: Tokens, kind: str, most: int) -> Iterator[pa.Table]:
    """Yield the tables of the row groups."""
    starts = np.concatenate([[0], np.cumsum(tokens.lengths)])
    edges = group_edges(tokens.lengths, most)
    for first, last in itertools.pairwise(edges):
        ids = tokens.ids[starts[first] : starts[last]]
        offsets = (starts[first : last + 1] - starts[first]).astype(np.int32)
        if kind == "binary":
            buffers = [None, pa.py_buffer(2 * offsets), pa.py_buffer(ids.tobytes())]
            column = pa.Array.from_buffers(pa.binary(), last - first, buffers)
            yield pa.table({"tokens": column}, pa.schema([pa.field("tokens", pa.binary(), False)]))
        else:
            item = pa.field("element", pa.from_numpy_dtype(np.dtype(kind)), False)
            column = pa.ListArray.from_arrays(pa.array(offsets), pa.array(ids.astype(kind)), type=pa.list_(item))
            yield pa.table({"tokens": column}, pa.schema([pa.field("tokens", pa.list_(item), False)]))


def write(path: Path, tokens: Tokens, kind: str, encoding: str, codec: str, most: int) -> int:
    """Write a candidate; return its bytes."""
    name, level = CODECS[codec]
    options: dict[str, Any] = {"compression": name, "write_statistics": False, "write_page_checksum": True}
    options |= {"compression_level": level} if level else {}
    options |= {"use_dictionary": False} if kind == "binary" else dict(ENCODINGS[encoding])
    tables = list(columns(tokens, kind, most))
    with pq.ParquetWriter(path, tables[0].schema, **options) as out:
        for one in tables:
            out.write_table(one, row_group_size=max(1, one.num_rows))
    return path.stat().st_size


def decode(path: Path, *, crc: bool) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return lengths and ids of every row group."""
    found = []
    with pq.ParquetFile(path, page_checksum_verification=crc) as file:
        for group in range(file.num_row_groups):
            column = file.read_row_group(group, columns=["tokens"], use_threads=False)["tokens"]
            found.append(blobs(column) if column.type == pa.binary() else list_parts(column))
    return found


def blobs(column: pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray]:
    """Return lengths and ids of a column of binary documents."""
    whole = column.combine_chunks() if column.num_chunks > 1 else column.chunk(0)
    _, offsets, data = whole.buffers()
    edges = np.frombuffer(offsets, np.int32)[: len(whole) + 1]
    return np.diff(edges) // 2, np.frombuffer(data, np.uint16)[edges[0] // 2 : edges[-1] // 2]


def clocked(action: Callable[[], Any]) -> tuple[float, Any]:
    """Return CPU seconds of an action, and what it returned."""
    start = time.process_time()
    found = action()
    return time.process_time() - start, found


def measure(tokens: Tokens, work: Path, rounds: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Write all candidates and read them in rounds."""
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    sizes = [most for most in GROUPS if most <= 2 * len(tokens.ids)] or [GROUPS[0]]
    found: list[dict[str, Any]] = []
    for most in sizes:
        say(f"encodings: {tokens.name}, row groups of {most >> 10} k tokens")
        rows = []
        for place, (kind, encoding, codec) in enumerate(candidates()):
            path = work / f"{place}.parquet"
            size = write(path, tokens, kind, encoding, codec, most)
            one = {"kind": kind, "encoding": encoding, "codec": codec, "group": most, "bytes": size}
            rows.append(one | {"path": path, "crc": [], "plain": [], "checksum": []})
        for _ in range(rounds):
            for row in rows:
                seconds, parts = clocked(lambda path=row["path"]: decode(path, crc=True))
                row["crc"].append(seconds)
                row["plain"].append(clocked(lambda path=row["path"]: decode(path, crc=False))[0])
                row["checksum"].append(clocked(lambda parts=parts: [logical_checksum(*part) for part in parts])[0])
                if sum(len(ids) for _, ids in parts) != len(tokens.ids):
                    raise ValueError(f"{row['path']}: other tokens than were written")
        found += [{name: value for name, value in row.items() if name != "path"} for row in rows]
    return {"tokens": len(tokens.ids), "documents": len(tokens.lengths), "vocabulary": tokens.vocabulary, "rows": found}


def shares(row: Mapping[str, Any]) -> tuple[float, float]:
    """Return the share of CRCs in decoding, and of our checksum in decoding and checking: medians of the rounds."""
    crc = spread([1 - without / with_ for with_, without in zip(row["crc"], row["plain"], strict=True)]).median
    check = spread([own / (own + read) for own, read in zip(row["checksum"], row["crc"], strict=True)]).median
    return max(crc, 0.0), check


def report(found: Mapping[str, Any]) -> str:
    """Return the table: a row for each candidate, rates at about a million tokens a row group."""
    sizes = sorted({row["group"] for row in found["rows"]})
    chosen = GROUPS[1] if GROUPS[1] in sizes else sizes[-1]
    rows = []
    for kind, encoding, codec in candidates():
        mine = {row["group"]: row for row in found["rows"] if (row["kind"], row["encoding"], row["codec"])
                == (kind, encoding, codec)}  # fmt: skip
        rate = spread([found["tokens"] / seconds / 1e6 for seconds in mine[chosen]["crc"]])
        crc, check = shares(mine[chosen])
        name = "binary per document" if kind == "binary" else f"list<{kind}>"
        each = [f"{mine[size]['bytes'] / found['tokens']:.2f}" for size in sizes]
        rows.append([name, encoding, codec, *each, between(rate), f"{crc:.0%}", f"{check:.0%}"])
    names = [f"bytes a token, groups of {shown(size)}" for size in sizes]
    head = ["column", "encoding", "codec", *names, f"M tokens/s, groups of {shown(chosen)}", "CRC", "our checksum"]
    lead = f"{found['documents']:,} documents, {number(found['tokens'] / 1e6)} M tokens, {found['vocabulary']:,} ids:"
    return f"{lead}\n\n{table(head, rows)}"


def shown(size: int) -> str:
    """Return a size of row groups: 256 k, 1 M."""
    return f"{size >> 20} M" if size >= 1 << 20 else f"{size >> 10} k"
