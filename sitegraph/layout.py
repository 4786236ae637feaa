"""The graph on disk: four shard sets per level, and the Arrow schema of those that are Parquet.

    LEVEL-names     all reversed names, front-coded (store/names.py); a node's id is its place among them
    LEVEL-nodes     one row per node, by id
    LEVEL-classes   one row per arc class, by code (store/classes.py)
    LEVEL-arcs      compressed in-lists by slot, one file per range of ids (store/arcs.py)

Levels are `host` and `domain` (registered domain: what is independent of its neighbours; suffixes and hosting platforms
in corpus/url.py). Reversed names (`com.example.blog`) sort by their bytes, as in the Common Crawl web graphs, so the
hosts of a domain lie together unless another domain's name begins with theirs. Arcs are sorted by target because that
is how a rank reads them. No arc leads from a node to itself.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pyarrow as pa

from corpus.schema import column
from corpus.storage import ShardSet

Level = Literal["host", "domain"]
LEVELS: tuple[Level, ...] = ("host", "domain")

HOSTS = pa.schema(
    [
        column("domain", pa.int32(), "id of its registered domain"),
        column("in_domains", pa.int64(), "distinct registered domains, other than its own, that link to it"),
        column("crawled", pa.bool_(), "a page of it was read: it links, or has documents"),
        column("links", pa.bool_(), "an arc leads from it to another host"),
        column("tier", pa.uint8(), "1 for the hosts that link most, and so on; 0 for those that do not link"),
    ]
)

DOMAINS = pa.schema(
    [
        column("hosts", pa.int64(), "hosts of the graph in it"),
        column("in_domains", pa.int64(), "distinct registered domains, other than itself, that link to it"),
        column("platform", pa.bool_(), "a public suffix or hosting platform: its hosts are sites of their own"),
        column("links", pa.bool_(), "an arc leads from it to another registered domain"),
        column("tier", pa.uint8(), "1 for the domains that link most, and so on; 0 for those that do not link"),
    ]
)
NODES = {"host": HOSTS, "domain": DOMAINS}


@dataclass(frozen=True, slots=True)
class GraphSets:
    """Where a graph lies: its shard sets under ROOT/name, or under ROOT itself when the name is empty."""

    root: Path
    name: str = "graph"

    def _set(self, table: str, suffix: str = ".parquet") -> ShardSet:
        return ShardSet(self.root, f"{self.name}/{table}" if self.name else table, suffix)

    @property
    def folder(self) -> Path:
        """The folder that holds the graph."""
        return self.root / self.name

    def names(self, level: Level) -> ShardSet:
        """Names of a level's nodes."""
        return self._set(f"{level}-names", ".names")

    def nodes(self, level: Level) -> ShardSet:
        """What is known of a level's nodes."""
        return self._set(f"{level}-nodes")

    def classes(self, level: Level) -> ShardSet:
        """Classes of a level's arcs."""
        return self._set(f"{level}-classes")

    def arcs(self, level: Level) -> ShardSet:
        """Arcs of a level."""
        return self._set(f"{level}-arcs", ".arcs")

    @property
    def all(self) -> tuple[ShardSet, ...]:
        """Every shard set of the graph."""
        return tuple(kind(level) for level in LEVELS for kind in (self.names, self.nodes, self.classes, self.arcs))
