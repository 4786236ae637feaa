"""Select: judge every document, by signals, clusters, authority and the rules; nothing is measured here.

A document is kept when it fails no threshold and no other document stands for it. All thresholds it fails are stored;
the first in the rules' order is its reason, `duplicate` comes last. So a cluster whose representative fails is lost as
a whole, its near-copies having near-equal signals. Documents, signals and clusters are joined by position: part and
row. The kept share is checked once, over the whole run, when every unit is done (`finish`).

What comes out, `judged`, has the rows of the verdicts; the quota of sites (quota.py) has the last word on those that
are kept here, since it takes all documents of a site to know which stay.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from corpus.authority import KNOWN, Authority
from corpus.errors import PipelineError, StorageError
from corpus.quality.columns import SIGNALS_SCHEMA
from corpus.quality.thresholds import DUPLICATE, UNDETERMINED, Rules
from corpus.quality.verdict import components, failures
from corpus.schema import DOCUMENTS, VERDICTS
from corpus.stage import Report, Result, tick
from corpus.storage import ShardSet, TableWriter, open_parquet, read_parquet

_CLUSTER_COLUMNS: Final = ["row", "cluster", "size", "representative", "similarity"]
_ALWAYS: Final = frozenset({"language", "characters"})


@dataclass(frozen=True, slots=True)
class Clusters:
    """What the clusters say of n documents, in row order; documents in no cluster stand for themselves."""

    size: NDArray[np.int32]
    similarity: NDArray[np.float32]
    duplicate_of: NDArray[np.object_]

    def part(self, start: int, end: int) -> "Clusters":
        """Return rows `start` to `end`."""
        return Clusters(self.size[start:end], self.similarity[start:end], self.duplicate_of[start:end])


@dataclass(frozen=True, slots=True, kw_only=True)
class Select:
    """Judge documents part i into judged part i."""

    name: ClassVar[str] = "select"
    version: ClassVar[int] = 4

    documents: ShardSet
    signals: ShardSet
    judged: ShardSet
    rules: Rules
    clusters: ShardSet | None = None
    authority: ShardSet | None = None

    @property
    def root(self) -> Path:
        return self.judged.root

    @property
    def inputs(self) -> tuple[ShardSet, ...]:
        return tuple(s for s in (self.documents, self.signals, self.clusters, self.authority) if s)

    @property
    def outputs(self) -> tuple[ShardSet, ...]:
        return (self.judged,)

    def settings(self) -> Rules:
        return replace(self.rules, quota=None)

    def shards(self) -> int:
        return self.documents.span()

    def sources(self, shard: int) -> Sequence[Path]:
        shared = [path for shard_set in (self.clusters, self.authority) if shard_set for path in shard_set.paths()]
        return [self.documents.path(shard), self.signals.path(shard), *shared]

    def run(self, shard: int) -> Result:
        counts: Counter[str] = Counter()
        ranks = self._ranks(shard)
        counts["unknown_sites"] = ranks.num_rows - pc.sum(ranks[KNOWN]).as_py() if ranks.num_rows else 0
        ranks = ranks.drop_columns([KNOWN])
        with (
            open_parquet(self.documents.path(shard)) as documents,
            open_parquet(self.signals.path(shard)) as signals,
            TableWriter(self.judged, shard, VERDICTS) as out,
        ):
            check_aligned(documents, signals, shard)
            clusters = self._clusters(shard, documents.metadata.num_rows)
            start = 0
            for columns in self._groups(documents, signals):
                end = start + len(columns["language"])
                out.write(self._judge(columns, clusters.part(start, end), ranks.slice(start, end - start), counts))
                tick(end - start)
                start = end
        return Result(files=[out.written], counts=counts)

    def finish(self, reports: Sequence[Report]) -> None:
        """Raise PipelineError when the kept share of the whole run is outside the band that the rules expect."""
        check_kept(reports, self.rules)

    def _ranks(self, shard: int) -> pa.Table:
        """Return the authority columns of the part, one row per document."""
        hosts = read_parquet(self.documents.path(shard), ["host"]).column("host").to_pylist()
        return Authority(self.authority, self.rules.unknown).lookup(hosts)

    def _groups(self, documents: pq.ParquetFile, signals: pq.ParquetFile) -> Iterator[dict[str, pa.ChunkedArray]]:
        """Yield the columns needed, a row group at a time."""
        wanted = sorted(self.rules.signals | _ALWAYS)
        own = [name for name in wanted if name not in SIGNALS_SCHEMA.names and name in DOCUMENTS.names]
        measured = [name for name in wanted if name in SIGNALS_SCHEMA.names]
        for group in range(signals.num_row_groups):
            columns = dict(_columns(signals.read_row_group(group, columns=measured)))
            if own:
                columns |= _columns(documents.read_row_group(group, columns=own))
            yield columns

    def _clusters(self, shard: int, rows: int) -> Clusters:
        """Return the cluster columns of the part."""
        size = np.ones(rows, np.int32)
        similarity = np.ones(rows, np.float32)
        duplicate_of = np.full(rows, None, object)
        for path in self.clusters.paths() if self.clusters else []:
            found = read_parquet(path, list(_CLUSTER_COLUMNS), filters=[("part", "=", shard)])
            at, stands = (found.column(name).to_numpy() for name in ("row", "representative"))
            if len(at) and at.max() >= rows:
                raise StorageError(f"{path}: row {at.max()} of part {shard}, which has {rows}; run deduplicate again")
            size[at] = found.column("size").to_numpy()
            similarity[at] = found.column("similarity").to_numpy()
            duplicate_of[at[~stands]] = np.array([*found.column("cluster").to_pylist(), None], object)[:-1][~stands]
        return Clusters(size, similarity, duplicate_of)

    def _judge(
        self, columns: dict[str, pa.ChunkedArray], clusters: Clusters, ranks: pa.Table, counts: Counter[str]
    ) -> pa.Table:
        """Return the verdicts on one row group and count them."""
        columns |= _columns(ranks)
        columns |= {"cluster_size": pa.array(clusters.size), "similarity": pa.array(clusters.similarity)}
        failed = failures(columns, self.rules)
        if self.rules.duplicates == "drop":
            failed[DUPLICATE] = np.array([other is not None for other in clusters.duplicate_of], np.bool_)
        names = list(failed)
        grid = np.array(list(failed.values()), np.bool_).reshape(len(names), len(clusters.size))
        lists = [[names[i] for i in np.flatnonzero(row)] for row in grid.T]
        kept: NDArray[np.bool_] = np.logical_not(grid.any(axis=0))
        labels = components(columns, self.rules.components)
        labels[~kept] = None
        tally(counts, columns, lists, kept, labels)
        return pa.table(
            {
                "kept": pa.array(kept),
                "component": pa.array(labels.tolist(), pa.string()),
                "reason": pa.array([rules[0] if rules else None for rules in lists], pa.string()),
                "failed": pa.array(lists, VERDICTS.field("failed").type),
                "cluster_size": columns["cluster_size"],
                "duplicate_of": pa.array(clusters.duplicate_of.tolist(), VERDICTS.field("duplicate_of").type),
                **{name: columns[name] for name in ranks.column_names},
            },
            schema=VERDICTS,
        )


def _columns(table: pa.Table) -> dict[str, pa.ChunkedArray]:
    return dict(zip(table.column_names, table.columns, strict=True))


def check_aligned(documents: pq.ParquetFile, signals: pq.ParquetFile, shard: int) -> None:
    """Raise StorageError unless signals hold the same row groups as documents."""
    groups = [[f.metadata.row_group(g).num_rows for g in range(f.num_row_groups)] for f in (documents, signals)]
    if groups[0] != groups[1]:
        raise StorageError(f"signals part {shard} is not aligned with its documents: {groups[1]} rows for {groups[0]}")


def tally(
    counts: Counter[str],
    columns: Mapping[str, Any],
    failed: Sequence[Sequence[str]],
    kept: NDArray[np.bool_],
    labels: NDArray[np.object_],
) -> None:
    """Count a row group: documents, kept, reasons, failures, components, languages, characters.

    columns: language and characters; failed: what each document fails, in order; labels: components, None if not kept.
    """
    counts["documents"] += len(kept)
    counts["kept"] += int(kept.sum())
    characters = columns["characters"].to_numpy()
    counts["characters"] += int(characters.sum())
    counts["kept_characters"] += int(characters[kept].sum())
    for rules in failed:
        counts.update(f"failed:{rule}" for rule in rules)
        counts.update(f"reason:{rule}" for rule in rules[:1])
    languages = [language or UNDETERMINED for language in columns["language"].to_pylist()]
    counts.update(f"language:{language}" for language in languages)
    counts.update(f"kept_language:{language}" for language, stays in zip(languages, kept, strict=True) if stays)
    counts.update(f"component:{label}" for label in labels if label is not None)


def check_kept(reports: Sequence[Report], rules: Rules) -> None:
    """Raise PipelineError when the kept share over all `reports` is outside `rules.expected_kept`."""
    counts: Counter[str] = Counter()
    for report in reports:
        counts.update(report.counts)
    total, kept = counts["documents"], counts["kept"]
    if rules.expected_kept is None or not total:
        return
    low, high = rules.expected_kept
    if low <= kept / total <= high:
        return
    reasons = [(number, name[7:]) for name, number in counts.items() if name.startswith("reason:")]
    top = ", ".join(f"{name} {number:,}" for number, name in sorted(reasons, key=lambda x: (-x[0], x[1]))[:5])
    raise PipelineError(
        f"select kept {kept:,} of {total:,} documents ({kept / total:.1%}), expected_kept in the rules is "
        f"{low:.0%} to {high:.0%}; most frequent reasons: {top or 'none'}. Look at the report, then change the "
        f"thresholds or expected_kept"
    )
