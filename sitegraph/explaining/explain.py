"""Why a site has the ranks that it has, from the ranks, the graph, and the settings that the ranks were made with.

- Who supports it: the flows of PageRank into it (flows.py), by registered domain at host level (support.py), and what
  the cap of the robust rank took of them.
- Which links count nothing, or less than their pages say.
- How trusted sites lead to it, and how it leads to bad ones (trails.py).
- What labelled sites teach of it (lessons.py).
- All of it in sentences (reasons.py).

The weights must be those of the ranking, or the flows do not add up to the ranks. A table made by this project says in
its metadata what they were (rankedby.py); for others they are given.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from corpus.errors import InputError, MissingError
from corpus.schema import AUTHORITY
from sitegraph.explaining.explanation import Explanation, Step, Trail
from sitegraph.explaining.flows import Flows, RankedLevel
from sitegraph.explaining.lessons import Taught, taught_of
from sitegraph.explaining.lookup import Levels, domains_of, site_name
from sitegraph.explaining.rankedby import RankedBy, changed, ranked_by
from sitegraph.explaining.rankrows import RankRows, Row
from sitegraph.explaining.reasons import notes_on, reasons
from sitegraph.explaining.seedindex import SeedIndex
from sitegraph.explaining.support import Support, discounts
from sitegraph.explaining.trails import EXPANDED, Way, ways
from sitegraph.hosts import reverse
from sitegraph.layout import GraphSets, Level
from sitegraph.store.opened import Graph, open_graph

PASSES: Final = 12
"""Nodes whose links are followed forward: each takes a pass over the graph."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked of a site.

    level: None is that of hosts where the graph has it as one, else that of registered domains. top: supporters to
    name. seeds, bad, labels: files of trusted, of bad and of labelled sites. settings: those that are other than the
    table says, by name.
    """

    level: Level | None = None
    top: int = 10
    seeds: Path | None = None
    bad: Path | None = None
    labels: Path | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    threads: int = 0


def explain(site: str, ranks: Path, graph: GraphSets, asked: Asked | None = None) -> Explanation:
    """Return why a site (host, registered domain or URL) has its ranks.

    Raises MissingError when the graph has no such site, InputError for ranks of another graph or a wrong file.
    """
    asked = asked or Asked()
    name, levels = site_name(site), open_graph(graph)
    level, node = node_of(name, levels, asked.level)
    seeds, bad = (SeedIndex.of(path, levels, level) if path else None for path in (asked.seeds, asked.bad))
    with RankRows(ranks) as rows:
        by = changed(ranked_by(rows), asked.settings)
        how = by.ranking
        with RankedLevel(levels[level], rows, how, asked.threads) as ranked:
            row = rows.take(level, np.array([node]), AUTHORITY.names).to_pylist()[0]
            if row["reversed"] != levels[level].names[node]:
                raise InputError(f"{ranks}: not the ranks of this graph: its {level}s are others; rank the graph again")
            found = flows_explained(ranked, levels, node, row, by, asked)
            taught = taught_of(rows, levels, level, node, row, asked.labels) if asked.labels else Taught()
            found = replace(
                found,
                trust=trust_trails(ranked, node, row, seeds, by),
                anti_trust=bad_trails(ranked, node, row, bad) if bad else None,
                lesson=taught.lesson,
            )
    others = by.others({"seeds": asked.seeds, "bad": asked.bad, "labels": asked.labels})
    more = [*(index.note for index in (seeds, bad) if index and index.note), *taught.notes]
    if found.row["good"] is not None and asked.labels is None:
        more.append("give --labels, the file of labelled sites, to see what speaks for and against it")
    if level == "domain" and name != found.name:
        more.append(f"this is {found.name}, the registered domain of {name}")
    found = replace(found, notes=notes_on(found, by, others, more))
    return replace(found, reasons=reasons(found))


def node_of(name: str, levels: Levels, wanted: Level | None) -> tuple[Level, int]:
    """Return the level to explain a site at and its node there: at domain level the registered domain of a host."""
    if wanted != "domain" and "host" in levels and (node := place_of(name, levels["host"])) >= 0:
        return "host", node
    if wanted != "host" and "domain" in levels:
        for domain in domains_of(name, levels):
            if (node := place_of(domain, levels["domain"])) >= 0:
                return "domain", node
    what = f"no node of the {wanted} level" if wanted else "neither it nor its registered domain is in this graph"
    raise MissingError(f"{name}: {what}; no page of it was read, and no link leads to it")


def place_of(name: str, graph: Graph) -> int:
    """Return the id of a node, -1 where there is none of that name."""
    return int(graph.names.find([reverse(name)])[0])


def flows_explained(
    ranked: RankedLevel, levels: Levels, node: int, row: Row, by: RankedBy, asked: Asked
) -> Explanation:
    """Return what the flows into a node say."""
    graph, crawled = ranked.graph, row["source"] == "crawl"
    rank, links = float(row["pagerank"] or 0.0), ranked.forward(node, "pagerank")
    support = Support.of(ranked, levels, node, links, rank, by.ranking.cap if crawled else np.inf)
    linked = float(links.values.sum())
    rest, base = max(rank - linked, 0.0), (1.0 - by.ranking.pagerank.damping) / graph.n
    return Explanation(
        name=row["name"],
        level=graph.level,
        domain_name=reverse(support.names[support.own]) if support.own >= 0 else row["name"],
        nodes=graph.n,
        row=row,
        settings=by.decisive,
        links=len(links.ids),
        from_links=linked,
        from_teleport=min(base, rest) if crawled else None,
        from_dangling=max(rest - base, 0.0) if crawled else None,
        supporters=support.largest(asked.top),
        supporters_total=int(np.count_nonzero(support.flow > 0.0)),
        own_domain=support.own_flow,
        capped=int(np.count_nonzero(support.taken > 0.0)),
        taken=float(support.taken.sum()),
        discounts=discounts(ranked, links, by.ranking.weights),
    )


def trust_trails(
    ranked: RankedLevel, node: int, row: Row, seeds: SeedIndex | None, by: RankedBy
) -> tuple[Trail, ...] | None:
    """Return the trails from trusted sites to a node; None where they cannot be told.

    Without a file the seeds are told by what reaches them without a link, which weak ranks give to every node, and
    which is known only where the flows are those of the ranking.
    """
    if row["trust"] is None or (seeds is None and (by.ranking.pagerank.dangling == "weak" or not by.certain)):
        return None

    def expand(at: int) -> tuple[Flows, float]:
        return ranked.forward(at, "trust"), float(ranked.values("trust", np.array([at]))[0])

    found = ways(node, expand, seeds.ids if seeds else None, expanded=EXPANDED)
    return tuple(trail(ranked.graph, way, seeds) for way in found)


def bad_trails(ranked: RankedLevel, node: int, row: Row, bad: SeedIndex) -> tuple[Trail, ...] | None:
    """Return the trails from a node to bad sites; None where the table has no anti-trust."""
    if row["anti_trust"] is None:
        return None

    def expand(at: int) -> tuple[Flows, float]:
        return ranked.backward(at, "anti_trust"), float(ranked.values("anti_trust", np.array([at]))[0])

    found = ways(node, expand, bad.ids, expanded=PASSES)
    return tuple(replace(one, steps=one.steps[::-1]) for one in (trail(ranked.graph, way, bad) for way in found))


def trail(graph: Graph, way: Way, seeds: SeedIndex | None) -> Trail:
    """Return a way with names."""
    names = [reverse(name) for name in graph.names.of(np.array(way.nodes))]
    steps = tuple(Step(name=name, share=share) for name, share in zip(names, way.shares, strict=False))
    groups = seeds.groups(way.nodes[0]) if seeds else ()
    return Trail(seed=names[0], groups=groups, share=way.share, steps=steps)
