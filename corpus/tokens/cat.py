"""Documents of finished shards, one after the other, with their provenance and, by the shards' tokenizer, their text.

The rows of a long document (its segments) follow one another and come as one document, so its text is whole. What is
asked for by id or URL is found by reading that column alone; an id is looked for only in the shards whose range of
keys holds it.
"""

import hashlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from corpus.errors import SettingError, ShardError
from corpus.tokens.contents import Contents, Shard
from corpus.tokens.gather import KeyRange
from corpus.tokens.layout import list_parts
from corpus.tokens.manifest import TOKENIZER_NAME, Manifest
from corpus.tokens.parts import order_key

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which documents: of a component (None for all), and with one of these ids, URLs or rows (none for all).

    Rows are counted from 0 over the shards of the component, or of the folder, in the manifest's order.
    """

    component: str | None = None
    doc_ids: frozenset[bytes] = frozenset()
    urls: frozenset[str] = frozenset()
    rows: frozenset[int] = frozenset()

    @property
    def everything(self) -> bool:
        """Whether no document is asked for by name."""
        return not (self.doc_ids or self.urls or self.rows)


@dataclass(slots=True, kw_only=True)
class Document:
    """A document: where it begins, its columns but the tokens, and its ids, boundary ids included."""

    component: str
    shard: str
    row: int
    shard_row: int
    segments: int
    values: Mapping[str, Any]
    ids: npt.NDArray[Any]

    def readable(self) -> dict[str, Any]:
        """Return all but the ids as JSON values; a score that is absent is None."""
        values = {name: _readable(value) for name, value in self.values.items() if name not in ("n_tokens", "segment")}
        place = {"component": self.component, "shard": self.shard, "row": self.row, "shard_row": self.shard_row}
        doc_id = {"doc_id": values.pop("doc_id")}
        return doc_id | place | {"segments": self.segments, "n_tokens": len(self.ids)} | values


def _readable(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    return None if isinstance(value, float) and math.isnan(value) else value


def documents(contents: Contents, wanted: Wanted) -> Iterator[Document]:
    """Yield the documents that are asked for, in the order of the shards."""
    base = 0
    for number in contents.numbers(wanted.component):
        rows = contents.shards[number]["rows"]
        if wanted.everything or wanted.urls or wanted.doc_ids or any(base <= row < base + rows for row in wanted.rows):
            with contents.open(number) as shard:
                yield from _joined(_of_shard(shard, wanted, base))
        base += rows


def _joined(rows: Iterator[Document]) -> Iterator[Document]:
    """Yield documents of their rows: rows that follow one another and have one id are segments of one."""
    held: Document | None = None
    for row in rows:
        if held is None:
            held = row
        elif row.values["doc_id"] == held.values["doc_id"] and row.row == held.row + held.segments:
            held.ids = np.concatenate([held.ids, row.ids])
            held.segments += 1
        else:
            yield held
            held = row
    if held is not None:
        yield held


def _of_shard(shard: Shard, wanted: Wanted, base: int) -> Iterator[Document]:
    """Yield the rows of a shard that are asked for; `base` is the number of its first row."""
    doc_ids = [doc_id for doc_id in wanted.doc_ids if _may_hold(shard, doc_id)]
    values = {name: found for name, found in (("doc_id", doc_ids), ("url", list(wanted.urls))) if found}
    first = 0
    for group, rows in enumerate(shard.groups["rows"].to_pylist()):
        flags: Flags = np.full(rows, wanted.everything)
        flags[[row - base - first for row in wanted.rows if 0 <= row - base - first < rows]] = True
        if values:
            flags |= _having(shard.read(group, list(values)), values)
        places = np.flatnonzero(flags)
        if len(places):
            yield from _rows(shard, group, places, base, first)
        first += rows


def _may_hold(shard: Shard, doc_id: bytes) -> bool:
    block = shard.block
    keys = KeyRange(component=block["component"], number=block["shard"], count=block["shards"])
    return keys.low <= order_key(doc_id, block["order_key"]) < keys.high


def _having(table: pa.Table, values: Mapping[str, Sequence[Any]]) -> Flags:
    """Say which rows have one of the values of some column."""
    flags: Flags = np.zeros(table.num_rows, bool)
    for name, wanted in values.items():
        flags |= np.asarray(pc.is_in(table[name], value_set=pa.array(wanted, table[name].type)))
    return flags


def _rows(shard: Shard, group: int, places: npt.NDArray[np.int64], base: int, first: int) -> Iterator[Document]:
    """Yield rows of a row group as documents; `base` and `first` are the numbers of the shard's and its first row."""
    table = shard.read(group)
    lengths, ids = list_parts(table["tokens"])
    starts = np.cumsum(lengths) - lengths
    values = table.drop_columns(["tokens"]).take(pa.array(places)).to_pylist()
    for place, value in zip(places.tolist(), values, strict=True):
        yield Document(
            component=shard.row["component"],
            shard=shard.row["path"],
            row=base + first + place,
            shard_row=first + place,
            segments=1,
            values=value,
            ids=ids[starts[place] : starts[place] + lengths[place]],
        )


class Seen:
    """Which of the ids, URLs and rows asked for have come."""

    def __init__(self, wanted: Wanted) -> None:
        self._doc_ids, self._urls, self._rows = set(wanted.doc_ids), set(wanted.urls), set(wanted.rows)

    def add(self, document: Document) -> None:
        """Take note of a document."""
        self._doc_ids.discard(document.values["doc_id"])
        self._urls.discard(document.values["url"])
        self._rows.difference_update(range(document.row, document.row + document.segments))

    @property
    def missing(self) -> list[str]:
        """What has not come, in words."""
        rows = [f"row {row:,}" for row in sorted(self._rows)]
        return [*sorted(doc_id.hex() for doc_id in self._doc_ids), *sorted(self._urls), *rows]


def decoder(manifest: Manifest) -> Callable[[npt.NDArray[Any]], str]:
    """Return what turns ids into text: the shards' own tokenizer, boundary ids at either end left out."""
    import tokenizers  # noqa: PLC0415 - only where text is asked for

    path = manifest.folder / TOKENIZER_NAME
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ShardError(f"{path}: cannot be read ({error.strerror}); copy the whole folder again") from error
    if hashlib.sha256(content).hexdigest() != manifest.root["tokenizer"]["sha256"]:
        raise ShardError(f"{path}: not the tokenizer of these shards; copy the whole folder again")
    tokenizer = tokenizers.Tokenizer.from_str(content.decode())
    bos, eos = manifest.root["boundary"]["bos"], manifest.root["boundary"]["eos"]

    def text_of(ids: npt.NDArray[Any]) -> str:
        start = int(bos is not None and len(ids) > 0 and ids[0] == bos)
        end = len(ids) - int(eos is not None and len(ids) > start and ids[-1] == eos)
        return tokenizer.decode(ids[start:end].tolist(), skip_special_tokens=False)

    return text_of


def doc_id_of(text: str) -> bytes:
    """Return the document id that `text` spells in hex; SettingError when it is none."""
    try:
        found = bytes.fromhex(text)
    except ValueError:
        found = b""
    if len(found) != 16:
        raise SettingError("document", "id", text, "give 32 hex digits, as `corpus trace` prints them")
    return found
