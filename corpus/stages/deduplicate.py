"""Deduplication in four stages: signatures, candidates, verify, clusters.

    documents -- signatures --> signatures, members     a unit per documents part
    signatures -- candidates --> candidates             a unit per partition: of exact text, and of each band
    candidates, documents -- verify --> edges           a unit per documents part (of the lower document)
    candidates, edges, members -- clusters --> clusters one unit

Partitions. A signature file has a row group per partition, so the exchange between the first two stages is by row
group and no stage shuffles. With `splits` s there are s partitions of exact text (numbers 0 to s-1) and s per band;
a key goes to split `key modulo s`. A candidates unit holds its keys, at most some 80 bytes a document while it
sorts them: keep documents / splits below some ten million. Results do not depend on `splits`.

Candidates are cheap and one in five is wrong (LSH alone: precision 0.805 on labelled page variants), so each pair is
verified by the exact Jaccard similarity of its shingle sets, computed again from the text: no signature file then
has to hold the sets, which are larger than the text. Equal texts need no verification.

What is held in memory: a part's keys (signatures), a partition's keys (candidates), `memory` bytes of shingle sets
and one row group of text (verify), arrays over the clustered documents alone (clusters).
"""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from corpus.authority import Authority
from corpus.dedup.clusters import Preference, Standing, components, known, representatives, write_clusters
from corpus.dedup.minhash import MinHash
from corpus.dedup.pairs import Entries, Pairing, Pairs, candidate_pairs, distinct_pairs, exact_pairs, groups
from corpus.dedup.shingles import Shingling
from corpus.dedup.sketches import sketch, warm
from corpus.dedup.tables import (
    PART_BITS,
    ROW_MASK,
    open_table,
    pair_table,
    read_pairs,
    read_tables,
    read_where,
    similarities,
    write_partitions,
)
from corpus.schema import CANDIDATES, CLUSTERS, EDGES, MEMBERS, SIGNATURES
from corpus.settings import UNMARKED, require
from corpus.stage import Result, tick
from corpus.storage import ShardSet, TableWriter

Ints = NDArray[np.int64]

BATCH = 512
"""Documents read at a time."""
LOOKUP = 200_000
"""Hosts looked up in one pass over the authority set."""
ROW_GROUP = 1 << 16
"""Rows of a row group of pairs: small enough that a verify unit finds its own by statistics."""
RANDOM: dict[str, Any] = {"use_dictionary": False}
"""Writer options for columns of hashes and row numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signatures:
    """Read the documents once; write band keys and text digests by partition, and what choosing among them takes.

    splits: partitions per band, see the module.
    """

    documents: ShardSet
    output: ShardSet
    members: ShardSet
    minhash: MinHash = field(default_factory=MinHash)
    splits: int = 1

    name: ClassVar[str] = "signatures"
    version: ClassVar[int] = 1

    def __post_init__(self) -> None:
        require(1 <= self.splits <= 1 << 16, self, "splits", "use 1 to 65,536 splits")

    @property
    def root(self) -> Path:
        return self.output.root

    @property
    def inputs(self) -> tuple[ShardSet, ...]:
        return (self.documents,)

    @property
    def outputs(self) -> tuple[ShardSet, ...]:
        return (self.output, self.members)

    def settings(self) -> Any:
        return self.minhash, self.splits, unicodedata.unidata_version

    def shards(self) -> int:
        return self.documents.span()

    def sources(self, shard: int) -> Sequence[Path]:
        return [self.documents.path(shard)]

    def prepare(self) -> None:
        """Load the kernels."""
        warm()

    def run(self, shard: int) -> Result:
        read = [_read_batch(batch, self.minhash) for batch in _batches(self.documents.path(shard))]
        members = pa.concat_tables([MEMBERS.empty_table(), *(batch.members for batch in read)])
        sizes = members["shingles"].to_numpy()
        with TableWriter(self.members, shard, MEMBERS) as facts:
            facts.write(members)
        halves = np.concatenate([np.empty((0, 2), np.uint64), *(batch.digests for batch in read)])
        keys = np.concatenate([np.empty((0, self.minhash.bands), np.uint64), *(batch.keys for batch in read)])
        rows = np.arange(len(sizes))
        with TableWriter(self.output, shard, SIGNATURES, **RANDOM) as out:
            self._write(out, 0, Entries(halves[:, 0], halves[:, 1], rows, sizes))
            whole = np.flatnonzero(sizes)
            for band in range(self.minhash.bands):
                entries = Entries(keys[:, band], halves[:, 1], rows, sizes)
                self._write(out, band + 1, entries.take(whole))
        counts = {"documents": len(sizes), "tokenless": int((sizes == 0).sum()), "shingles": int(sizes.sum())}
        return Result(files=[facts.written, out.written], counts=counts)

    def _write(self, out: TableWriter, level: int, entries: Entries) -> None:
        partition = level * self.splits + (entries.key % np.uint64(self.splits)).astype(np.int32)
        columns = [partition, entries.key, entries.check, entries.place.astype(np.int32), entries.shingles]
        write_partitions(out, pa.table([pa.array(values) for values in columns], schema=SIGNATURES))


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """Group equal keys of one partition over all parts; write the pairs to compare, or the pairs of equal texts.

    Part p holds partition p: pairs of equal texts, first and other, below `splits`; above, pairs to verify.
    """

    signatures: ShardSet
    output: ShardSet
    bands: int = 14
    splits: int = 1
    pairing: Pairing = field(default_factory=Pairing)

    name: ClassVar[str] = "candidates"
    version: ClassVar[int] = 1

    @property
    def root(self) -> Path:
        return self.output.root

    @property
    def inputs(self) -> tuple[ShardSet, ...]:
        return (self.signatures,)

    @property
    def outputs(self) -> tuple[ShardSet, ...]:
        return (self.output,)

    def settings(self) -> Any:
        return self.bands, self.splits, self.pairing

    def shards(self) -> int:
        return self.splits * (1 + self.bands)

    def sources(self, shard: int) -> Sequence[Path]:
        return self.signatures.paths()

    def run(self, shard: int) -> Result:
        entries = self._entries(shard)
        with TableWriter(self.output, shard, CANDIDATES, **RANDOM) as out:
            if shard < self.splits:
                pairs = exact_pairs(entries)
                out.write(pair_table(pairs), ROW_GROUP)
                counts = {"exact_duplicates": len(pairs.a)}
            else:
                found = groups(entries)
                for pairs in candidate_pairs(found, self.pairing):
                    out.write(pair_table(pairs), ROW_GROUP)
                large, inside = found.capped(self.pairing.cap)
                counts = {"candidates": out.rows, "capped_groups": large, "capped_members": inside}
        return Result(files=[out.written], counts=counts)

    def _entries(self, partition: int) -> Entries:
        """Return the keys of a partition over all parts."""
        found = [Entries(np.empty(0, "u8"), np.empty(0, "u8"), np.empty(0, "i8"), np.empty(0, "i4"))]
        for part in self.signatures.parts():
            table = read_where(self.signatures.path(part), "partition", partition, partition)
            key, check, row, shingles = (table[name].to_numpy() for name in SIGNATURES.names[1:])
            found.append(Entries(key, check, (part << PART_BITS) + row.astype(np.int64), shingles))
            tick(len(key))
        return Entries(*(np.concatenate(columns) for columns in zip(*found, strict=True)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Verify:
    """Compute the exact similarity of the candidate pairs whose lower document lies in one part; keep the duplicates.

    memory: bytes of shingle sets held at once.
    """

    documents: ShardSet
    candidates: ShardSet
    output: ShardSet
    shingling: Shingling = field(default_factory=Shingling)
    splits: int = 1
    threshold: float = 0.8
    memory: int = field(default=256 << 20, metadata=UNMARKED)

    name: ClassVar[str] = "verify"
    version: ClassVar[int] = 1

    def __post_init__(self) -> None:
        require(0 < self.threshold <= 1, self, "threshold", "use a similarity above 0 and at most 1")
        require(self.memory >= 1 << 20, self, "memory", "use at least 1,048,576 bytes")

    @property
    def root(self) -> Path:
        return self.output.root

    @property
    def inputs(self) -> tuple[ShardSet, ...]:
        return (self.documents, self.candidates)

    @property
    def outputs(self) -> tuple[ShardSet, ...]:
        return (self.output,)

    def settings(self) -> Any:
        return self.shingling, self.splits, self.threshold, unicodedata.unidata_version

    def shards(self) -> int:
        return self.documents.span()

    def sources(self, shard: int) -> Sequence[Path]:
        others = [path for path in self.documents.paths() if path != self.documents.path(shard)]
        bands = [self.candidates.path(part) for part in self.candidates.parts() if part >= self.splits]
        return [self.documents.path(shard), *others, *bands]

    def run(self, shard: int) -> Result:
        pairs = self._pairs(shard)
        exact = np.zeros(len(pairs.a), np.float64)
        for positions, values in similarities(self.documents, pairs, self.shingling, self.memory):
            exact[positions] = values
            tick(len(positions))
        good = exact >= self.threshold
        table = pair_table(Pairs(pairs.a[good], pairs.b[good])).append_column(EDGES.field("similarity"), [exact[good]])
        with TableWriter(self.output, shard, EDGES, **RANDOM) as out:
            out.write(table, ROW_GROUP)
        return Result(files=[out.written], counts={"compared": len(pairs.a), "verified": int(good.sum())})

    def _pairs(self, part: int) -> Pairs:
        """Return the distinct candidate pairs of all bands whose lower document lies in `part`, sorted."""
        found = Pairs(np.empty(0, np.int64), np.empty(0, np.int64))
        for partition in self.candidates.parts():
            if partition >= self.splits:
                more = read_pairs(read_where(self.candidates.path(partition), "part_a", part, part))
                found, _ = distinct_pairs(Pairs(np.append(found.a, more.a), np.append(found.b, more.b)))
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Clusters:
    """Join equal texts and verified pairs to clusters, choose their representatives, state every similarity.

    authority: ranks of hosts for the choice, or None. memory: bytes of shingle sets held at once.
    """

    documents: ShardSet
    members: ShardSet
    candidates: ShardSet
    edges: ShardSet
    output: ShardSet
    authority: ShardSet | None = None
    preference: Preference = field(default_factory=Preference)
    shingling: Shingling = field(default_factory=Shingling)
    splits: int = 1
    threshold: float = 0.8
    memory: int = field(default=256 << 20, metadata=UNMARKED)

    name: ClassVar[str] = "clusters"
    version: ClassVar[int] = 2

    @property
    def root(self) -> Path:
        return self.output.root

    @property
    def inputs(self) -> tuple[ShardSet, ...]:
        read = (self.documents, self.members, self.candidates, self.edges)
        return (*read, self.authority) if self.authority else read

    @property
    def outputs(self) -> tuple[ShardSet, ...]:
        return (self.output,)

    def settings(self) -> Any:
        return self.preference, self.shingling, self.splits, self.threshold, unicodedata.unidata_version

    def shards(self) -> int:
        return 1

    def sources(self, shard: int) -> Sequence[Path]:
        return [path for shard_set in self.inputs for path in shard_set.paths()]

    def run(self, shard: int) -> Result:
        same, edges, weights = self._links()
        places = np.unique(np.concatenate([*same, *edges]))
        a, b, first, other = (np.searchsorted(places, side) for side in (*edges, *same))
        labels = components(len(places), np.append(a, first), np.append(b, other))
        standing = self._standing(places)
        best = representatives(labels, standing, self.preference)
        leader = np.arange(len(places))
        leader[other] = first
        similarity, computed = self._similarities(places, leader, leader[best], Pairs(a, b), weights)
        with TableWriter(self.output, 0, CLUSTERS) as out:
            write_clusters(out, places, standing.id, best, similarity, leader == leader[best])
        chosen = best == np.arange(len(places))
        counts = {
            "clusters": int(chosen.sum()),
            "clustered": len(places),
            "duplicates": int((~chosen).sum()),
            "computed": computed,
            "below_threshold": int((similarity < self.threshold).sum()),
        }
        return Result(files=[out.written], counts=counts)

    def _links(self) -> tuple[Pairs, Pairs, NDArray[np.float64]]:
        """Return pairs of equal texts, verified pairs sorted by (a, b), and the similarities of the latter."""
        exact = [self.candidates.path(part) for part in self.candidates.parts() if part < self.splits]
        same = read_tables(exact, CANDIDATES)
        edges = read_tables(self.edges.paths(), EDGES)
        return read_pairs(same), read_pairs(edges), edges["similarity"].to_numpy()

    def _standing(self, places: Ints) -> Standing:
        tables = [MEMBERS.empty_table()]
        for part in np.unique(places >> PART_BITS).tolist():
            rows = places[places >> PART_BITS == part] & ROW_MASK
            tables.append(read_tables([self.members.path(part)], MEMBERS).take(pa.array(rows)))
            tick(len(rows))
        found = pa.concat_tables(tables).combine_chunks()
        length = found["characters"].to_numpy().astype(np.int64)
        authority = host_authority(self.authority, found["host"].to_pylist())
        return Standing(authority, length, found["date"].combine_chunks(), found["id"].combine_chunks(), places)

    def _similarities(
        self, places: Ints, leader: Ints, target: Ints, edges: Pairs, weights: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], int]:
        """Return each document's similarity to its representative, and how many pairs of texts had to be compared."""
        other = np.flatnonzero(leader != target)
        wanted = Pairs(np.minimum(leader, target)[other], np.maximum(leader, target)[other])
        values = known(wanted, edges, weights, len(places))
        unknown = np.flatnonzero(np.isnan(values))
        pairs, back = distinct_pairs(Pairs(wanted.a[unknown], wanted.b[unknown]))
        found = np.empty(len(pairs.a), np.float64)
        asked = Pairs(places[pairs.a], places[pairs.b])
        for positions, exact in similarities(self.documents, asked, self.shingling, self.memory):
            found[positions] = exact
            tick(len(positions))
        values[unknown] = found[back]
        similarity = np.ones(len(places))
        similarity[other] = values
        return similarity, len(found)


class _Read(NamedTuple):
    """What one batch of documents gives: digests uint64[n, 2], keys uint64[n, bands], members by schema."""

    digests: NDArray[np.uint64]
    keys: NDArray[np.uint64]
    members: pa.Table


def host_authority(authority: ShardSet | None, hosts: list[str]) -> NDArray[np.float64]:
    """Return the authority of each host, else of its site, NaN when unknown, float64."""
    found = np.full(len(hosts), np.nan)
    if authority is None:
        return found
    ranks, names = Authority(authority), np.array(hosts, object)
    distinct, where = np.unique(names, return_inverse=True)
    known_ranks = [np.empty(0)]
    for start in range(0, len(distinct), LOOKUP):
        table = ranks.lookup(distinct[start : start + LOOKUP].tolist())
        best = pc.coalesce(table["authority_host"], table["authority_domain"])
        known_ranks.append(np.asarray(pc.fill_null(best.cast(pa.float64()), float("nan"))))
    return np.concatenate(known_ranks)[where]


def _batches(path: Path) -> Iterator[pa.RecordBatch]:
    with open_table(path) as file:
        yield from file.iter_batches(BATCH, columns=["id", "host", "date", "text"], use_threads=False)


def _read_batch(batch: pa.RecordBatch, minhash: MinHash) -> _Read:
    found = sketch(batch["text"], minhash)
    sizes = pa.array(found.shingles)
    columns = [batch["id"], batch["host"], batch["date"], pc.utf8_length(batch["text"]), sizes]
    tick(batch.num_rows)
    return _Read(found.digests, found.keys, pa.table(columns, schema=MEMBERS))
