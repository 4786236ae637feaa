"""What differs between two shard sets: identity, tokenizer, boundary, components, and documents by id and tokens.

Equal Merkle roots say that a component holds the same ids in the same order, so it is not read; nor are files that both
sides have, by their SHA-256, as after a removal. The others are merged in the order of their keys, which is the same on
both sides where they were written with the same order key; else they are sorted by document id first, by DuckDB, which
spills to disk. Memory: a row group a side.

A document has changed when its ids differ, segments joined. Provenance is not compared.
"""

import hashlib
import itertools
import tempfile
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa

from corpus.errors import ShardError
from corpus.tokens.contents import Contents
from corpus.tokens.layout import list_parts
from corpus.tokens.manifest import Manifest
from corpus.tokens.parts import order_key
from corpus.tokens.verify import IDENTITY

COLUMNS: Final = ("tokens", "doc_id", "url")
SORT_MEMORY: Final = "1GB"
BATCH: Final = 1 << 14
ENTRIES: Final = pa.schema(
    [
        ("key", pa.uint64()),
        ("doc_id", pa.binary()),
        ("digest", pa.binary()),
        ("tokens", pa.int64()),
        ("url", pa.string()),
    ]
)


class Entry(NamedTuple):
    """A document of one side: its place in the order is (key, doc_id)."""

    key: int
    doc_id: bytes
    digest: bytes
    tokens: int
    url: str

    def readable(self) -> dict[str, Any]:
        """Return it as JSON values, for an example."""
        return {"doc_id": self.doc_id.hex(), "url": self.url, "tokens": self.tokens}


@dataclass(slots=True)
class Tally:
    """How many documents are on one side only, or on both with other ids, and the first of each."""

    most: int
    only_a: int = 0
    only_b: int = 0
    changed: int = 0
    same: int = 0
    examples: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def add(self, one: Entry | None, two: Entry | None) -> None:
        """Count a document by what the sides have of it."""
        if one is not None and two is not None and one.digest == two.digest:
            self.same += 1
            return
        name = "only_a" if two is None else "only_b" if one is None else "changed"
        setattr(self, name, getattr(self, name) + 1)
        shown = self.examples.setdefault(name, [])
        either = one or two
        if either is not None and len(shown) < self.most:
            more = {"tokens": [one.tokens, two.tokens]} if one and two else {}
            shown.append(either.readable() | more)

    def readable(self) -> dict[str, Any]:
        """Return it as JSON values."""
        counts = {name: getattr(self, name) for name in ("same", "only_a", "only_b", "changed")}
        return counts | {"examples": self.examples}


def compare(one: Manifest, two: Manifest, examples: int = 3) -> dict[str, Any]:
    """Return what differs between A and B as JSON values; `same` says whether the ids do not."""
    found: dict[str, Any] = {
        "a": {"folder": str(one.folder), "dataset": one.dataset},
        "b": {"folder": str(two.folder), "dataset": two.dataset},
        "same": one.dataset == two.dataset,
        "tokenizer": _differing(one.root["tokenizer"], two.root["tokenizer"], IDENTITY),
        "boundary": _differing(one.root["boundary"], two.root["boundary"]),
    }
    components: dict[str, Any] = {}
    for name in sorted({*one.components, *two.components}):
        components[name] = _component(one, two, name, examples)
    return found | {"components": components}


def _differing(one: Mapping[str, Any], two: Mapping[str, Any], names: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the fields (some, or all) of two blocks that differ, each with both values."""
    return {
        name: [one.get(name), two.get(name)] for name in names or sorted({*one, *two}) if one.get(name) != two.get(name)
    }


def _component(one: Manifest, two: Manifest, name: str, examples: int) -> dict[str, Any]:
    """Return how a component differs; one that a side lacks, and one with equal Merkle roots, is not read."""
    sides = [manifest.components.get(name) for manifest in (one, two)]
    sizes = {what: [side[what] if side else 0 for side in sides] for what in ("documents", "tokens")}
    if sides[0] is None or sides[1] is None:
        return {"state": "only in B" if sides[0] is None else "only in A"} | sizes
    if sides[0]["merkle_root"] == sides[1]["merkle_root"]:
        return {"state": "same"} | sizes
    contents = Contents(one), Contents(two)
    tally = Tally(examples)
    shared = _shared(*contents, name)
    tally.same = sum(shard["documents"] for shard in contents[0].shards if shard["sha256"] in shared)
    with tempfile.TemporaryDirectory(prefix="headwater-") as scratch:
        for pair in _pairs(*contents, name, shared, Path(scratch)):
            tally.add(*pair)
    changed = tally.only_a or tally.only_b or tally.changed
    return {"state": "differs" if changed else "same documents, cut or ordered otherwise"} | sizes | tally.readable()


def _shared(one: Contents, two: Contents, component: str) -> set[str]:
    """Return the SHA-256 of the files of a component that both sides have."""
    sides = ({c.shards[number]["sha256"] for number in c.numbers(component)} for c in (one, two))
    return set.intersection(*sides)


def _pairs(
    one: Contents, two: Contents, component: str, shared: Set[str], scratch: Path
) -> Iterator[tuple[Entry | None, Entry | None]]:
    """Yield each document of either side with what the other has of it, but for those in shared files."""
    read = [[n for n in c.numbers(component) if c.shards[n]["sha256"] not in shared] for c in (one, two)]
    sides = [entries(contents, numbers) for contents, numbers in zip((one, two), read, strict=True)]
    if len({*_order_keys(one, read[0]), *_order_keys(two, read[1])}) > 1:
        return merged(*(by_id(side, scratch / str(number)) for number, side in enumerate(sides)))
    return merged(*(ordered(side, c.manifest.folder) for side, c in zip(sides, (one, two), strict=True)))


def _order_keys(contents: Contents, numbers: Sequence[int]) -> set[str]:
    """Return the keys that shards were ordered by: one, unless they were put together by hand."""
    found = set()
    for number in numbers:
        with contents.open(number) as shard:
            found.add(str(shard.block["order_key"]))
    return found


def merged(one: Iterator[Entry], two: Iterator[Entry]) -> Iterator[tuple[Entry | None, Entry | None]]:
    """Yield the entries of two ordered sides, those of one place together."""
    a, b = next(one, None), next(two, None)
    while a is not None or b is not None:
        if b is None or (a is not None and a[:2] < b[:2]):
            yield a, None
            a = next(one, None)
        elif a is None or b[:2] < a[:2]:
            yield None, b
            b = next(two, None)
        else:
            yield a, b
            a, b = next(one, None), next(two, None)


def entries(contents: Contents, numbers: Sequence[int]) -> Iterator[Entry]:
    """Yield the documents of some shards of a component, in their order."""
    for number in numbers:
        with contents.open(number) as shard:
            rows = itertools.chain.from_iterable(_rows(table) for table in shard.each(COLUMNS))
            for doc_id, segments in itertools.groupby(rows, key=lambda row: row[0]):
                digest, tokens, url = hashlib.blake2b(digest_size=16), 0, ""
                for _, ids, url in segments:  # noqa: B007 - the last one's URL, the same as the others'
                    digest.update(np.ascontiguousarray(ids, dtype="<u4").data)
                    tokens += len(ids)
                yield Entry(order_key(doc_id, shard.block["order_key"]), doc_id, digest.digest(), tokens, url)


def _rows(table: pa.Table) -> Iterator[tuple[bytes, Any, str]]:
    """Yield document id, ids and URL of each row of a row group."""
    lengths, ids = list_parts(table["tokens"])
    ends = np.cumsum(lengths)
    pieces = zip((ends - lengths).tolist(), ends.tolist(), strict=True)
    for doc_id, url, (start, end) in zip(table["doc_id"].to_pylist(), table["url"].to_pylist(), pieces, strict=True):
        yield doc_id, ids[start:end], url


def by_id(side: Iterator[Entry], scratch: Path) -> Iterator[Entry]:
    """Yield the entries in the order of their document ids, with key 0: sorted on disk below `scratch`."""
    import duckdb  # noqa: PLC0415 - only for sets of another order

    scratch.mkdir()
    limits: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": SORT_MEMORY,
        "temp_directory": str(scratch),
        "autoload_known_extensions": False,
    }
    with duckdb.connect(str(scratch / "entries.duckdb"), config=limits) as database:
        database.execute("CREATE TABLE entries (doc_id BLOB, digest BLOB, tokens BIGINT, url VARCHAR)")
        while rows := list(itertools.islice(side, BATCH)):
            columns = [list(column) for column in zip(*rows, strict=True)]
            database.register("batch", pa.table(columns, schema=ENTRIES))
            database.execute("INSERT INTO entries SELECT doc_id, digest, tokens, url FROM batch")
            database.unregister("batch")
        found = database.execute("SELECT doc_id, digest, tokens, url FROM entries ORDER BY doc_id")
        while sorted_rows := found.fetchmany(BATCH):
            yield from (Entry(0, *row) for row in sorted_rows)


def ordered(side: Iterator[Entry], where: object) -> Iterator[Entry]:
    """Pass on entries that are in order; ShardError at the first that is not."""
    before: tuple[int, bytes] | None = None
    for entry in side:
        if before is not None and entry[:2] <= before:
            raise ShardError(f"{where}: document {entry.doc_id.hex()} is out of order; write the shards again")
        before = entry[:2]
        yield entry
