"""Stages: links -> graph -> authority, and the quality of sites between. They wire build.py, textquality.py and
ranking.py to shard sets, and nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

from corpus.settings import UNMARKED
from corpus.stage import Result
from corpus.storage import ShardSet, read_parquet
from corpus.url import PLATFORMS, Suffixes
from sitegraph.building.build import build
from sitegraph.engine import Engine, check_folder
from sitegraph.layout import GraphSets
from sitegraph.ranks.ranking import Ranking, rank
from sitegraph.sites.textquality import site_quality
from sitegraph.warm import warm_build, warm_rank


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildGraph:
    """Build the host graph and the graph of registered domains from links; documents only add the hosts they are of."""

    name: ClassVar[str] = "graph"
    version: ClassVar[int] = 4

    links: ShardSet
    graph: GraphSets
    documents: ShardSet | None = None
    suffixes: Suffixes = PLATFORMS
    engine: Engine = field(default_factory=Engine, metadata=UNMARKED)

    @property
    def root(self) -> Path:
        """Root of its shard sets."""
        return self.graph.root

    @property
    def inputs(self) -> tuple[ShardSet, ...]:
        """Links, and documents when given."""
        return (self.links, *([self.documents] if self.documents else []))

    @property
    def outputs(self) -> tuple[ShardSet, ...]:
        """The shard sets of the graph."""
        return self.graph.all

    def settings(self) -> Any:
        """What tells registered domains."""
        return self.suffixes

    def check(self) -> None:
        """Raise StorageError when the engine cannot work under this root."""
        check_folder(self.root)

    def shards(self) -> int:
        """One unit."""
        return 1

    def sources(self, shard: int) -> Sequence[Path]:
        """All part files there are."""
        return [path for shard_set in self.inputs for path in shard_set.paths()]

    def prepare(self) -> None:
        """Load the kernels."""
        warm_build(self.root)

    def run(self, shard: int) -> Result:
        """Build the graph."""
        documents = self.documents.paths() if self.documents else []
        built = build(self.links.paths(), documents, self.graph, self.engine, self.suffixes)
        return Result(files=built.files, counts=built.counts)


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteQuality:
    """Take the mean of a signal over the pages of each host."""

    name: ClassVar[str] = "quality"
    version: ClassVar[int] = 1

    documents: ShardSet
    signals: ShardSet
    output: ShardSet
    signal: str
    engine: Engine = field(default_factory=Engine, metadata=UNMARKED)

    @property
    def root(self) -> Path:
        """Root of its shard sets."""
        return self.output.root

    @property
    def inputs(self) -> tuple[ShardSet, ...]:
        """Documents and their signals."""
        return self.documents, self.signals

    @property
    def outputs(self) -> tuple[ShardSet, ...]:
        """The quality table."""
        return (self.output,)

    def settings(self) -> Any:
        """Which signal."""
        return self.signal

    def shards(self) -> int:
        """One unit."""
        return 1

    def sources(self, shard: int) -> Sequence[Path]:
        """All parts."""
        return [path for shard_set in self.inputs for path in shard_set.paths()]

    def run(self, shard: int) -> Result:
        """Write the table."""
        written, counts = site_quality(self.documents, self.signals, self.signal, self.output, engine=self.engine)
        return Result(files=[written], counts=counts)


@dataclass(frozen=True, slots=True, kw_only=True)
class RankSites:
    """Rank the hosts and registered domains of a graph (ranking.py has the rules, also for imported ranks)."""

    name: ClassVar[str] = "rank"
    version: ClassVar[int] = 7

    graph: GraphSets
    authority: ShardSet
    quality: ShardSet | None = None
    ranking: Ranking = field(default_factory=Ranking)

    @property
    def root(self) -> Path:
        """Root of its shard sets."""
        return self.authority.root

    @property
    def inputs(self) -> tuple[ShardSet, ...]:
        """The graph, and the quality of sites when given."""
        return (*self.graph.all, *([self.quality] if self.quality else []))

    @property
    def outputs(self) -> tuple[ShardSet, ...]:
        """The authority table."""
        return (self.authority,)

    def settings(self) -> Any:
        """How to rank."""
        return self.ranking

    def identity(self, shard: int) -> Any:
        """What changes with the files that the settings name."""
        return self.ranking.mark()

    def check(self) -> None:
        """Raise InputError when a file that the settings name cannot be read."""
        self.ranking.mark()

    def shards(self) -> int:
        """One unit."""
        return 1

    def sources(self, shard: int) -> Sequence[Path]:
        """The files of the graph that a rank reads."""
        return [path for shard_set in self.inputs for path in shard_set.paths()]

    def prepare(self) -> None:
        """Load the kernels."""
        arcs = sum(path.stat().st_size for path in self.graph.arcs("host").paths())
        warm_rank(self.root, self.ranking, arcs)

    def run(self, shard: int) -> Result:
        """Rank the graph."""
        ranking = self.ranking
        if self.quality and read_parquet(self.quality.path(0), ["pages"]).num_rows:
            ranking = replace(ranking, quality=self.quality.path(0))
        written, counts, notes = rank(self.graph, self.authority, ranking)
        return Result(files=[written], counts=counts, faults=[{"note": note} for note in notes])
