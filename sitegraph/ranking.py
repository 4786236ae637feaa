"""Rank a graph: a PageRank per level, or imported ranks in its place, written as one authority table.

Personalised by a seeds file (seeds.py) when there is one. Imported ranks (commoncrawl.py) replace PageRank, percentile,
position and harmonic centrality of the level they cover, for every node of it: a node that the file does not know keeps
null there, never a rank of another scale, and the column `source` names the file. The number of linking domains always
comes from the crawl.

In the mode `pseudo` ranks keep the sum they have, below 1: the mass of dangling nodes is lost.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from corpus.errors import InputError, PipelineError, SettingError
from corpus.schema import AUTHORITY
from corpus.settings import UNMARKED
from corpus.stage import tick
from corpus.storage import ShardSet, TableWriter, Written
from sitegraph.authority import Scores, name_order, scores, write_authority
from sitegraph.commoncrawl import ImportedRanks, import_ranks
from sitegraph.engine import Database, Engine, database
from sitegraph.graph import NODES, Weights, count_nodes, read_arcs
from sitegraph.layout import LEVELS, GraphSets, Level
from sitegraph.pagerank import PageRank, out_weights, pagerank
from sitegraph.seeds import Preferences, preferences


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """Settings of a ranking.

    seeds: file of preferred hosts or domains; None prefers all alike. imports: ranks files, one per level at most.
    """

    pagerank: PageRank = field(default_factory=PageRank)
    weights: Weights = field(default_factory=Weights)
    seeds: Path | None = field(default=None, metadata=UNMARKED)
    imports: tuple[ImportedRanks, ...] = ()
    engine: Engine = field(default_factory=Engine)

    def mark(self) -> list[Any]:
        """Return what changes when a file named in these settings changes."""
        return [digest(self.seeds) if self.seeds else None, *(ranks.mark() for ranks in self.imports)]


def digest(path: Path) -> str:
    """Return the SHA-256 of a small file."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise InputError(f"{path}: cannot read the seeds ({error.strerror}); check the path") from error


def rank(
    graph: GraphSets, out: ShardSet, settings: Ranking, path: Path | None = None
) -> tuple[Written, dict[str, int]]:
    """Rank a graph and write part 0 of `out` (or the file `path` under its root); return it and counts.

    Raises MissingError when the graph is absent, StorageError when it is damaged, InputError for seeds or ranks files,
    PipelineError when a rank does not converge.
    """
    by_level = imports_by_level(settings.imports)
    nodes = {level: count_nodes(graph, level) for level in LEVELS}
    counts = {f"{level}s": n for level, n in nodes.items()}
    wanted = None
    if settings.seeds and nodes["host"] and len(by_level) < len(LEVELS):
        wanted = preferences(graph, settings.seeds)
        counts |= {"seeds": wanted.seeds, "seeds_unknown": wanted.unknown}
    work = f"rank-{path.name}" if path else "rank"  # several commands may write beside each other
    with database(out.root, work, settings.engine) as db:
        found: dict[Level, Scores] = {}
        for level in LEVELS:
            db.view(f"{level}_nodes", graph.nodes(level).paths(), NODES[level], row_id=True)
            if level in by_level:
                found[level], more = import_ranks(db, by_level[level], nodes[level])
            else:
                found[level], more = ranked(db, graph, level, settings, wanted)
            counts |= {f"{level}_{name}": value for name, value in more.items()}
        with TableWriter(out, 0, AUTHORITY, path=path) as writer:
            write_authority(db, found, writer)
    return writer.written, counts


def imports_by_level(imports: tuple[ImportedRanks, ...]) -> Mapping[Level, ImportedRanks]:
    """Return the imports by the level they cover; two for one level are an error."""
    by_level: dict[Level, ImportedRanks] = {}
    for ranks in imports:
        level = ranks.covers()
        if level in by_level:
            given = f"{by_level[level].path.name}, {ranks.path.name}"
            raise SettingError("Ranking", "imports", given, f"both hold ranks of the {level} level; give one per level")
        by_level[level] = ranks
    return by_level


def ranked(
    db: Database, graph: GraphSets, level: Level, settings: Ranking, wanted: Preferences | None
) -> tuple[Scores, dict[str, int]]:
    """Return the scores of a level by PageRank, and counts."""
    arcs = read_arcs(graph, level, settings.weights)
    n = len(arcs.offsets) - 1

    def watch(sweeps: int, error: float) -> None:
        tick(len(arcs.sources))

    preference = wanted.by_level[level] if wanted else None
    try:
        result = pagerank(arcs.offsets, arcs.sources, arcs.weights, settings.pagerank, preference, watch)
    except ArithmeticError as error:
        raise PipelineError(f"{level} level: {error}") from error
    dangling = int(np.count_nonzero(out_weights(arcs.sources, arcs.weights, n) == 0.0))
    counts = {"arcs": len(arcs.sources), "sweeps": result.sweeps, "dangling": dangling}
    return scores(result.rank, name_order(db, level, n)), counts
