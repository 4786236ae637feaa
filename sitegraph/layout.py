"""The graph on disk: five shard sets of one part each, and the Arrow schema of every one.

    hosts         one row per host; a host's id is its row number, hosts are sorted by reversed name
    domains       one row per registered domain, the same way
    host-arcs     one row per (source host, target host) that links endorse, sorted by (target, source)
    domain-arcs   the same between registered domains
    same-owner    one row per (source host, target host) of redirects, canonical and hreflang links, sorted alike

Reversed names (`com.example.blog`) sort by their bytes, as in the Common Crawl web graphs, so the hosts of a domain lie
together unless another domain's name begins with theirs. Arcs are sorted by target because that is how a rank reads
them. No arc leads from a node to itself.
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
        column("name", pa.string(), "host, www-normalised, punycode"),
        column("domain", pa.int32(), "id of its registered domain"),
        column("in_domains", pa.int64(), "distinct registered domains, other than its own, that link to it"),
        column("crawled", pa.bool_(), "a page of it was read: it links, or has documents"),
    ]
)

DOMAINS = pa.schema(
    [
        column("name", pa.string(), "registered domain, or a public suffix that is a host itself"),
        column("hosts", pa.int64(), "hosts of the graph in it"),
        column("in_domains", pa.int64(), "distinct registered domains, other than itself, that link to it"),
    ]
)

ARCS = pa.schema(
    [
        column("source", pa.int32(), "id of the linking node"),
        column("target", pa.int32(), "id of the node linked to"),
        column("pages", pa.int64(), "source pages with a link that carries no rel flag, added up over hosts and files"),
        column("pages_nofollow", pa.int64(), "source pages with a nofollow or ugc link, not sponsored"),
        column("pages_sponsored", pa.int64(), "source pages with a sponsored link"),
    ]
)

SAME_OWNER = pa.schema(
    [
        column("source", pa.int32(), "host id of the page that says so"),
        column("target", pa.int32(), "host id it names"),
        column("pages", pa.int64(), "source pages with such a link"),
    ]
)


@dataclass(frozen=True, slots=True)
class GraphSets:
    """Where a graph lies: its shard sets under ROOT/name, or under ROOT itself when the name is empty."""

    root: Path
    name: str = "graph"

    def _set(self, table: str) -> ShardSet:
        return ShardSet(self.root, f"{self.name}/{table}" if self.name else table)

    @property
    def folder(self) -> Path:
        """The folder that holds the graph."""
        return self.root / self.name

    @property
    def same_owner(self) -> ShardSet:
        """Links that say that two hosts have one owner; no rank reads them."""
        return self._set("same-owner")

    def nodes(self, level: Level) -> ShardSet:
        """Nodes of a level."""
        return self._set("hosts" if level == "host" else "domains")

    def arcs(self, level: Level) -> ShardSet:
        """Arcs of a level."""
        return self._set("host-arcs" if level == "host" else "domain-arcs")

    @property
    def ranked(self) -> tuple[ShardSet, ...]:
        """What a rank reads."""
        return (*(self.nodes(level) for level in LEVELS), *(self.arcs(level) for level in LEVELS))

    @property
    def all(self) -> tuple[ShardSet, ...]:
        """Every shard set of the graph."""
        return (*self.ranked, self.same_owner)
