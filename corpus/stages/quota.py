"""Quota: at most so many documents of a site, over the whole run. Three stages between select and tokenize.

    judged, documents -- places --> places             a unit per documents part: the kept documents, by site
    places -- limits --> limits                        a unit per partition of sites: who is over its quota, and where
    judged, documents, limits -- quota --> verdicts    a unit per documents part: the last word on every document

Without a cap a few sites with generated pages can fill a crawl; the crawl's own budget is spent by the sites' fame and
says nothing of it. A document stays when fewer than `documents` of its site come before it, in the order that the
rules name: by a keyed hash of its id, which is a random sample whatever the site's page order, or by a column. The
order is total (value, hash, place), so the result is exact, and the same whatever the workers and partitions.

No stage shuffles: a places file has a row group per partition of sites, as signatures have (deduplicate.py). Memory:
a part's ids and hosts; one partition's places, some 60 bytes for each kept document of its sites, where a part passes
on no more of one site than could matter; the limits, one row for each site over its quota. Without a quota the first
two stages have nothing to do, and the judged rows are the verdicts.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from corpus.dedup.tables import PART_BITS, ROW_MASK, read_tables, read_where, write_partitions
from corpus.errors import StorageError
from corpus.quality.columns import SIGNALS_SCHEMA
from corpus.quality.thresholds import QUOTA, Quota
from corpus.quality.verdict import numbers
from corpus.schema import LIMITS, PLACES, VERDICTS
from corpus.settings import require
from corpus.stage import Result, tick
from corpus.stages.select import tally
from corpus.storage import ShardSet, TableWriter, open_parquet, read_parquet
from corpus.url import www_normalised

ORDER_KEY = b"quota"
Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Note the site of each kept document, and its place in the order of the site's documents."""

    documents: ShardSet
    signals: ShardSet
    judged: ShardSet
    output: ShardSet
    quota: Quota | None = None
    splits: int = 16

    name: ClassVar[str] = "places"
    version: ClassVar[int] = 1

    def __post_init__(self) -> None:
        require(1 <= self.splits <= 1 << 16, self, "splits", "use 1 to 65,536 splits")

    @property
    def root(self) -> Path:
        return self.output.root

    @property
    def inputs(self) -> tuple[ShardSet, ...]:
        return self.documents, self.signals, self.judged

    @property
    def outputs(self) -> tuple[ShardSet, ...]:
        return (self.output,)

    def settings(self) -> Any:
        return self.quota, self.splits

    def shards(self) -> int:
        return self.judged.span() if self.quota else 0

    def sources(self, shard: int) -> Sequence[Path]:
        return [shard_set.path(shard) for shard_set in self.inputs]

    def run(self, shard: int) -> Result:
        assert self.quota  # noqa: S101  # or there would be no unit
        found = contenders(shard, self.documents, self.signals, self.judged, self.quota)
        site = found["site"].combine_chunks().dictionary_encode()
        order, rank = ranked(site.indices.to_numpy(), found)
        chosen = order[rank <= self.quota.documents]
        partition = np.array([partition_of(name, self.splits) for name in site.dictionary.to_pylist()], np.int32)
        found = found.add_column(0, PLACES.field("partition"), [partition[site.indices.to_numpy()]]).take(chosen)
        with TableWriter(self.output, shard, PLACES) as out:
            write_partitions(out, found)
        tick(len(site))
        return Result(files=[out.written], counts={"kept": len(site), "passed_on": len(chosen)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Find, for each site with more documents than its quota, the last one that stays."""

    places: ShardSet
    output: ShardSet
    quota: Quota | None = None
    splits: int = 16

    name: ClassVar[str] = "limits"
    version: ClassVar[int] = 1

    @property
    def root(self) -> Path:
        return self.output.root

    @property
    def inputs(self) -> tuple[ShardSet, ...]:
        return (self.places,)

    @property
    def outputs(self) -> tuple[ShardSet, ...]:
        return (self.output,)

    def settings(self) -> Any:
        return self.quota, self.splits

    def shards(self) -> int:
        return self.splits if self.quota else 0

    def sources(self, shard: int) -> Sequence[Path]:
        return self.places.paths()

    def run(self, shard: int) -> Result:
        assert self.quota  # noqa: S101  # or there would be no unit
        read = [read_where(path, "partition", shard, shard) for path in self.places.paths()]
        found = pa.concat_tables([PLACES.empty_table(), *read])
        site = found["site"].combine_chunks().dictionary_encode()
        order, rank = ranked(site.indices.to_numpy(), found)
        over = np.isin(site.indices.to_numpy()[order], site.indices.to_numpy()[order[rank == self.quota.documents]])
        last = order[over & (rank == self.quota.documents - 1)]
        limits = found.select(LIMITS.names).take(last).sort_by("site")
        with TableWriter(self.output, shard, LIMITS) as out:
            out.write(limits)
        tick(found.num_rows)
        return Result(files=[out.written], counts={"sites": len(site.dictionary), "over": limits.num_rows})


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyQuota:
    """Drop the documents over their site's quota; judged part i becomes verdicts part i."""

    documents: ShardSet
    signals: ShardSet
    judged: ShardSet
    limits: ShardSet
    verdicts: ShardSet
    quota: Quota | None = None

    name: ClassVar[str] = "quota"
    version: ClassVar[int] = 2

    @property
    def root(self) -> Path:
        return self.verdicts.root

    @property
    def inputs(self) -> tuple[ShardSet, ...]:
        return self.documents, self.signals, self.judged, self.limits

    @property
    def outputs(self) -> tuple[ShardSet, ...]:
        return (self.verdicts,)

    def settings(self) -> Any:
        return self.quota

    def shards(self) -> int:
        return self.judged.span()

    def sources(self, shard: int) -> Sequence[Path]:
        aligned = [shard_set.path(shard) for shard_set in (self.documents, self.signals, self.judged)]
        return [*aligned, *self.limits.paths()]

    def run(self, shard: int) -> Result:
        counts: Counter[str] = Counter()
        over = self._over(shard)
        start = 0
        with (
            open_parquet(self.judged.path(shard)) as judged,
            open_parquet(self.signals.path(shard)) as signals,
            TableWriter(self.verdicts, shard, VERDICTS) as out,
        ):
            for group in range(judged.num_row_groups):
                rows = judged.read_row_group(group)
                verdicts = without(rows, over[start : start + rows.num_rows])
                count(counts, verdicts, signals.read_row_group(group, columns=["language", "characters"]))
                out.write(verdicts)
                tick(rows.num_rows)
                start += rows.num_rows
        return Result(files=[out.written], counts=counts)

    def _over(self, shard: int) -> NDArray[np.bool_]:
        """Return which rows of a part are over the quota of their site."""
        rows = row_count(self.judged.path(shard))
        over = np.zeros(rows, np.bool_)
        if self.quota:
            found = contenders(shard, self.documents, self.signals, self.judged, self.quota)
            limits = self._limits(found["site"])
            at = pc.index_in(found["site"], value_set=limits["site"]).combine_chunks()
            limited = np.flatnonzero(at.is_valid().to_numpy(zero_copy_only=False))
            found, limits = found.take(limited), limits.take(at.drop_null())
            over[(found["place"].to_numpy() & ROW_MASK)[comes_after(found, limits)]] = True
        return over

    def _limits(self, sites: pa.ChunkedArray) -> pa.Table:
        """Return the limits of these sites."""
        wanted = pc.unique(sites)
        tables = [read_tables([path], LIMITS) for path in self.limits.paths()]
        chosen = [table.filter(pc.is_in(table["site"], value_set=wanted)) for table in tables]
        return pa.concat_tables([LIMITS.empty_table(), *chosen])


def row_count(path: Path) -> int:
    """Return the rows of a Parquet file."""
    with open_parquet(path) as file:
        return int(file.metadata.num_rows)


def contenders(shard: int, documents: ShardSet, signals: ShardSet, judged: ShardSet, quota: Quota) -> pa.Table:
    """Return the kept documents of a part, one row each in the columns of LIMITS, in row order."""
    pages = read_parquet(documents.path(shard), ["id", "host", "registered_domain"])
    kept = read_parquet(judged.path(shard), ["kept"])["kept"]
    if len(kept) != pages.num_rows:
        raise StorageError(f"{judged.path(shard)}: {len(kept)} rows for {pages.num_rows} documents; run select again")
    rows = np.flatnonzero(kept.to_numpy(zero_copy_only=False))
    chosen = pages.take(pa.array(rows))
    value = np.zeros(len(rows))
    if quota.column:
        source = signals if quota.column in SIGNALS_SCHEMA.names else judged
        value = numbers(read_parquet(source.path(shard), [quota.column])[quota.column])[rows].astype(np.float64)
        value = np.nan_to_num(-value if quota.highest else value, nan=np.inf, posinf=np.inf, neginf=-np.inf)
    hashes = [hashlib.blake2b(one, digest_size=8, key=ORDER_KEY).digest() for one in chosen["id"].to_pylist()]
    columns = [sites(chosen, quota.by), value, np.frombuffer(b"".join(hashes), ">u8").astype(np.uint64)]
    return pa.table([*columns, (np.int64(shard) << PART_BITS) + rows], schema=LIMITS)


def sites(pages: pa.Table, by: str) -> pa.Array:
    """Return the site of each page: its registered domain (its host where it has none), or its www-normalised host."""
    if by == "registered_domain":
        return pc.coalesce(pages["registered_domain"], pages["host"]).combine_chunks()
    hosts = pages["host"].combine_chunks().dictionary_encode()
    names = pa.array([www_normalised(host) for host in hosts.dictionary.to_pylist()], pa.string())
    return names.take(hosts.indices)


def partition_of(site: str, splits: int) -> int:
    """Return the partition of a site."""
    return int.from_bytes(hashlib.blake2b(site.encode(), digest_size=8).digest(), "big") % splits


def ranked(site: NDArray[Any], found: pa.Table) -> tuple[Indices, Indices]:
    """Return rows sorted by site and, within it, by what orders its documents; and the rank of each there, from 0.

    site: a number per row that tells sites apart.
    """
    order = np.lexsort((found["place"].to_numpy(), found["hash"].to_numpy(), found["value"].to_numpy(), site))
    first = np.flatnonzero(np.diff(site[order], prepend=-1))
    sizes = np.diff(first, append=len(order))
    return order, np.arange(len(order)) - np.repeat(first, sizes)


def comes_after(found: pa.Table, limits: pa.Table) -> NDArray[np.bool_]:
    """Return for each row of two tables whether the first comes after the second, by value, hash and place."""
    after, equal = np.zeros(found.num_rows, np.bool_), np.ones(found.num_rows, np.bool_)
    for name in ("value", "hash", "place"):
        one, two = found[name].to_numpy(), limits[name].to_numpy()
        after |= equal & (one > two)
        equal &= one == two
    return after


def without(judged: pa.Table, over: NDArray[np.bool_]) -> pa.Table:
    """Return judged rows as verdicts: those over the quota are not kept, and say so."""
    if not over.any():
        return judged
    mask = pa.array(over)
    failed = [[QUOTA] if drop else names for drop, names in zip(over, judged["failed"].to_pylist(), strict=True)]
    changed = {
        "kept": pc.and_(judged["kept"], pc.invert(mask)),
        "component": pc.if_else(mask, pa.scalar(None, pa.string()), judged["component"]),
        "reason": pc.if_else(mask, QUOTA, judged["reason"]),
        "failed": pa.array(failed, VERDICTS.field("failed").type),
    }
    return pa.table([changed.get(name, judged[name]) for name in VERDICTS.names], schema=VERDICTS)


def count(counts: Counter[str], verdicts: pa.Table, columns: pa.Table) -> None:
    """Count a row group as select does; columns: its languages and characters."""
    kept = verdicts["kept"].to_numpy()
    labels = np.array([*verdicts["component"].to_pylist(), None], object)[:-1]
    own = {name: columns[name] for name in ("language", "characters")}
    tally(counts, own, verdicts["failed"].to_pylist(), kept, labels)
