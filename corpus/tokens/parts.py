"""`tokens` parts: tokenized documents of one documents part, sorted by (component, key) in bounded runs.

A run holds at most `run_tokens` tokens; it is sorted by (component, key, document id, segment) and written as row
groups of one component each, with statistics of component and key. An ordinary part is one run, so it is sorted as a
whole; a huge one is several, which costs its readers a few row groups more and nobody any memory.
"""

import hashlib
import itertools
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpus.errors import ShardError
from corpus.settings import require
from corpus.storage import TableWriter


@dataclass(frozen=True, slots=True, kw_only=True)
class PartSettings:
    """Bounds of a `tokens` part, in tokens, and the key that orders documents.

    segment_tokens    longest row; longer documents are split into numbered segments
    row_group_tokens  tokens in a row group of a part (not of a shard): what is read too much at a range's borders
    run_tokens        tokens held and sorted at a time
    order_key         key of the hash that orders documents; another key, another order
    """

    segment_tokens: int = 1 << 20
    row_group_tokens: int = 1 << 18
    run_tokens: int = 1 << 25
    order_key: str = "headwater"

    def __post_init__(self) -> None:
        require(1 <= self.segment_tokens <= 1 << 24, self, "segment_tokens", "give 1 to 16,777,216 tokens")
        require(self.row_group_tokens >= 1, self, "row_group_tokens", "give a positive number of tokens")
        require(1 <= self.run_tokens <= 1 << 30, self, "run_tokens", "give 1 to 2^30 tokens")
        require(0 < len(self.order_key.encode()) <= 64, self, "order_key", "give 1 to 64 bytes of text")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row to be: a document or a segment of one. `values` are its provenance and scores by column name."""

    component: str
    key: int
    doc_id: bytes
    segment: int
    tokens: npt.NDArray[np.uint32]
    values: Mapping[str, Any]

    @property
    def place(self) -> tuple[str, int, bytes, int]:
        """What rows are sorted by."""
        return self.component, self.key, self.doc_id, self.segment


def order_key(doc_id: bytes, key: str) -> int:
    """Return the 64-bit place of a document within its component: BLAKE2b of its id under `key`."""
    return int.from_bytes(hashlib.blake2b(doc_id, key=key.encode(), digest_size=8).digest(), "big")


def rows_of(
    component: str, doc_id: bytes, tokens: npt.NDArray[np.uint32], values: Mapping[str, Any], settings: PartSettings
) -> Iterator[Row]:
    """Yield the rows of a document: one, or numbered segments of at most `segment_tokens` tokens."""
    key = order_key(doc_id, settings.order_key)
    for number, start in enumerate(range(0, len(tokens), settings.segment_tokens)):
        piece = tokens[start : start + settings.segment_tokens]
        yield Row(component=component, key=key, doc_id=doc_id, segment=number, tokens=piece, values=values)


class PartWriter:
    """Takes rows in any order and writes them in sorted runs; `counts` says what was written, by component."""

    def __init__(self, out: TableWriter, settings: PartSettings) -> None:
        self._out, self._settings = out, settings
        self._rows: list[Row] = []
        self._held = 0
        self.counts: Counter[str] = Counter()

    def add(self, row: Row) -> None:
        """Take one row; writes a run when enough tokens are held."""
        if self._rows and self._held + len(row.tokens) > self._settings.run_tokens:
            self.flush()
        self._rows.append(row)
        self._held += len(row.tokens)
        self.counts["tokens"] += len(row.tokens)
        self.counts[f"tokens:{row.component}"] += len(row.tokens)

    def flush(self) -> None:
        """Write what is held as one sorted run."""
        self._rows.sort(key=lambda row: row.place)
        for _, rows in itertools.groupby(self._rows, key=lambda row: row.component):
            for group in _groups(rows, self._settings.row_group_tokens):
                self._out.write(to_table(group, self._out.schema))
        self._rows, self._held = [], 0


def _groups(rows: Iterator[Row], limit: int) -> Iterator[list[Row]]:
    held: list[Row] = []
    tokens = 0
    for row in rows:
        if held and tokens + len(row.tokens) > limit:
            yield held
            held, tokens = [], 0
        held.append(row)
        tokens += len(row.tokens)
    if held:
        yield held


def to_table(rows: Sequence[Row], schema: pa.Schema) -> pa.Table:
    """Return rows as a table; ShardError when an id does not fit the schema's dtype."""
    kind = schema.field("tokens").type
    ids = np.concatenate([row.tokens for row in rows])
    narrow = kind.value_type.to_pandas_dtype()
    if ids.size and int(ids.max()) > np.iinfo(narrow).max:
        raise ShardError(f"id {ids.max()} does not fit {np.dtype(narrow)}; tokenize again with the right tokenizer")
    lengths = np.array([len(row.tokens) for row in rows])
    offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32))
    made: dict[str, Any] = {
        "tokens": pa.ListArray.from_arrays(offsets, pa.array(ids.astype(narrow)), type=kind),
        "n_tokens": pa.array(lengths.astype(np.uint32)),
        "key": pa.array(np.array([row.key for row in rows], dtype=np.uint64)),
        **{name: [getattr(row, name) for row in rows] for name in ("component", "doc_id", "segment")},
    }
    columns = [made[f.name] if f.name in made else [r.values[f.name] for r in rows] for f in schema]
    arrays = [c if isinstance(c, pa.Array) else pa.array(c, f.type) for c, f in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


def score(value: float | int | bool | None) -> float:
    """Return a score column's value: NaN for None."""
    return math.nan if value is None else float(value)
