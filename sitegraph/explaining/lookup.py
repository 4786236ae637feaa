"""What is known of one host and its registered domain: rows of the authority table, and the neighbours in the graph."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from corpus.errors import InputError, MissingError
from corpus.storage import open_parquet
from corpus.url import Suffixes, SuffixLevel, normalise
from sitegraph.explaining.rankrows import RankRows, Row
from sitegraph.hosts import domain_of, node_name, reverse
from sitegraph.layout import GraphSets, Level
from sitegraph.store.opened import Graph, open_graph

COUNTS: Final = ("pages", "pages_nofollow", "pages_sponsored", "pages_technical")
PLACES: Final = ("position", "percentile")
LADDER: Final[tuple[SuffixLevel, ...]] = ("platforms", "private", "icann")
"""By which suffixes a registered domain is looked for, where no graph tells by which it was folded."""

Arcs = tuple[NDArray[np.int64], NDArray[Any]]
Levels = Mapping[Level, Graph]


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One site: its authority rows (None where the table has none), and the domains that link to it and that it links.

    A neighbour has name, COUNTS, position and percentile; the best positions come first. linking_total, linked_total:
    how many neighbours there are in all, those of technical links too. Without a graph there are none.
    """

    name: str
    domain_name: str
    host: Row | None
    domain: Row | None
    linking: list[Row] = field(default_factory=list)
    linked: list[Row] = field(default_factory=list)
    linking_total: int = 0
    linked_total: int = 0


def site_name(site: str) -> str:
    """Return the node name of a host, registered domain or URL; raises InputError when it can be none."""
    url = normalise(site.strip()) if "://" in site else None
    name = node_name(url.host if url else site.strip())
    if name is None:
        raise InputError(f"{site!a} is no host, registered domain or URL of one (such as blog.example.org)")
    return name


def look_up(site: str, ranks: Path, graph: GraphSets | None = None, top: int = 10) -> Card:
    """Return what a ranks file (or a folder of part files) and a graph know of a site.

    Raises MissingError when neither level of the ranks has it.
    """
    name = site_name(site)
    levels: Levels = open_graph(graph) if graph else {}
    with RankRows(ranks) as rows:
        card = card_of(name, rows, levels)
        if card.host is None and card.domain is None:
            raise MissingError(
                f"{name}: neither the host nor its registered domain {card.domain_name} is in {ranks}; "
                "no page of it was read, and no link leads to it"
            )
        return with_neighbours(card, rows, levels["domain"], top) if "domain" in levels else card


def card_of(name: str, rows: RankRows, levels: Levels) -> Card:
    """Return the ranks of a node name and of its registered domain."""
    host = rows.row("host", name)
    for domain in domains_of(name, levels):
        if row := rows.row("domain", domain):
            return Card(name=name, domain_name=domain, host=host, domain=row)
    return Card(name=name, domain_name=domain_of(name), host=host, domain=None)


def domains_of(name: str, levels: Levels) -> list[str]:
    """Return the registered domain that a host was folded into or, if no graph has it, those it may be of."""
    if "host" in levels:
        node = int(levels["host"].names.find([reverse(name)])[0])
        if node >= 0:
            return [reverse(levels["domain"].names[domain_id(levels["host"], node)])]
    return list(dict.fromkeys(domain_of(name, Suffixes(level)) for level in LADDER))


def domain_id(hosts: Graph, node: int) -> int:
    """Return the registered domain of a host; one row group of the nodes is read."""
    with open_parquet(hosts.sets.nodes("host").path(0)) as file:
        for group in range(file.num_row_groups):
            rows = file.metadata.row_group(group).num_rows
            if node < rows:
                return int(file.read_row_group(group, ["domain"])["domain"][node].as_py())
            node -= rows
    raise IndexError(node)


def with_neighbours(card: Card, rows: RankRows, graph: Graph, top: int) -> Card:
    """Return the card with the neighbours of its registered domain; none when the graph does not know it."""
    node = int(graph.names.find([reverse(card.domain_name)])[0])
    if node < 0:
        return card
    linking, linked = graph.in_arcs(node), graph.out_arcs(node)
    return replace(
        card,
        linking=one_side(graph, rows, linking, top),
        linked=one_side(graph, rows, linked, top),
        linking_total=len(linking[0]),
        linked_total=len(linked[0]),
    )


def one_side(graph: Graph, rows: RankRows, arcs: Arcs, top: int) -> list[Row]:
    """Return the `top` best neighbours on one side of a node."""
    ids, codes = arcs
    best, places = best_by_id(graph, rows, ids, top)
    if places is None:
        best, places = best_by_name(graph, rows, ids, top)
    names = graph.names.of(ids[best])
    classes = graph.classes.take(pa.array(codes[best].astype(np.int64))).to_pylist()
    found = []
    for name, counts in zip(names, classes, strict=True):
        rank = {column: places.get(name, {}).get(column) for column in PLACES}
        found.append({"name": reverse(name)} | {column: counts[column] for column in COUNTS} | rank)
    return found


def best_by_id(
    graph: Graph, rows: RankRows, ids: NDArray[np.int64], top: int
) -> tuple[NDArray[np.int64], dict[str, Row] | None]:
    """Return the places in `ids` of the nodes with the best positions, and their ranks by name.

    None in place of the ranks where they are not those of this graph.
    """
    if rows.nodes(graph.level) != graph.n:
        return np.zeros(0, np.int64), None
    positions = rows.column(graph.level, "position", ids)  # null is NaN, and sorts last
    best = np.argsort(positions, kind="stable")[:top]
    found = {row.pop("reversed"): row for row in rows.take(graph.level, ids[best], ("reversed", *PLACES)).to_pylist()}
    return best, found if list(found) == graph.names.of(ids[best]) else None


def best_by_name(
    graph: Graph, rows: RankRows, ids: NDArray[np.int64], top: int
) -> tuple[NDArray[np.int64], dict[str, Row]]:
    """Return the same for ranks that are of another graph, or in another order."""
    names = graph.names.of(ids)
    known = rows.rows(graph.level, names, PLACES)
    positions = [known.get(name, {}).get("position") for name in names]
    best = sorted(range(len(ids)), key=lambda i: (positions[i] is None, positions[i] or 0, names[i]))[:top]
    return np.array(best, np.int64), known
