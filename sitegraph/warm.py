"""Kernels loaded, or compiled where no cache has them, before a unit's clock starts: by doing it all to four hosts.

A build compiles for some ten seconds and a ranking for as long, the first time on a machine; then it is a tenth of one.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

from corpus.storage import ShardSet, write_text
from sitegraph.building.assemble import leaving_packed
from sitegraph.building.small import graph_of
from sitegraph.engine import workspace
from sitegraph.layout import GraphSets
from sitegraph.ranks.pagerank import PageRank, pageranks
from sitegraph.ranks.passes import Passes
from sitegraph.ranks.ranking import Ranking, rank
from sitegraph.store.arranging import arranged
from sitegraph.store.merging import ALONE, Lists
from sitegraph.store.numbering import Numbering
from sitegraph.store.opened import open_graph
from sitegraph.store.sorting import Sorter
from sitegraph.store.spill import range_bits
from sitegraph.store.words import WORST, Packed, pack

SITE = "a.com"
LARGE = 1 << 24
"""Bytes of arcs up to which a graph stays decoded, and its contributions lie in the cache."""
RANGE = range_bits(3)
"""Bits of the targets of a range of three nodes."""


def small_graph(folder: Path) -> GraphSets:
    """Build a graph of four hosts that has what any has: counts, dangling nodes, a domain of two hosts."""
    counts = np.array([[pages, 1, 0, 1, 0, 0, 0] for pages in (1, 2, 3, 4)], np.int64)
    source, target = np.array([0, 1, 1, 3]), np.array([1, 0, 2, 0])
    return graph_of(folder, [SITE, "b.com", "c.com", "x.b.com"], source, target, counts, pages=np.full(4, 9))


def warm_build(root: Path) -> None:
    """Load the kernels of a build; `root` gets a folder for the length of it."""
    with workspace(root, "warm-build") as folder:
        small_graph(folder)
    warm_tiers()


def warm_tiers() -> None:
    """Load the kernels that put lists in order where there are tiers, which only large graphs have."""
    lists = Lists(np.array([0, 1]), np.zeros(1, np.uint32), ALONE, np.zeros(0, np.int32))
    numbering = Numbering.of_tiers(np.array([1, 2, 2], np.uint8))
    order = numbering.order()
    arranged(lists, np.zeros(1, np.int64), numbering, order)
    domains = np.array([2, 1, 0], np.int32)
    for table in (None, domains):
        Sorter(numbering, order, table).sort(some_arcs(), 0)
    zero, state, room = np.uint64(0), np.zeros(1 << RANGE, np.uint64), np.zeros(2, np.uint32)
    some = some_arcs()
    leaving_packed(some.words, some.bits, zero, zero, numbering.directory, domains, state, room, room)


def some_arcs() -> Packed:
    """Return two arcs, from nodes 1 and 2 to node 0."""
    words, ends = np.zeros(2 * WORST, np.uint32), np.zeros(1, np.int64)
    pack(np.array([1, 2], np.uint32), np.zeros(2, np.uint32), RANGE, ends, words)
    return Packed(words[: ends[0]], RANGE, 2, 3, Path())


def warm_rank(root: Path, ranking: Ranking, arcs: int = 0) -> None:
    """Load the kernels of a ranking with these settings, of a graph whose arcs take so many bytes."""
    with workspace(root, "warm-rank") as folder:
        sites = folder / "sites.txt"
        write_text(sites, f"{SITE},1\n")
        named = {name: sites if getattr(ranking, name) else None for name in ("seeds", "bad", "quality")}
        mode = PageRank(dangling=ranking.pagerank.dangling)
        settings = replace(ranking, pagerank=mode, imports=(), labels=None, **named)  # type: ignore[arg-type]
        graph = small_graph(folder)
        rank(graph, ShardSet(folder, "authority"), settings)
        if arcs > LARGE:
            warm_sweeps(graph)


def warm_sweeps(graph: GraphSets) -> None:
    """Load those that only large graphs need: of sweeps that decode, narrow and wide."""
    for opened in open_graph(graph).values():
        with Passes(opened, np.ones(opened.classes.num_rows), 1, keep=0) as passes:
            for narrow in (True, False):
                pageranks(passes, [None], narrow=narrow)
