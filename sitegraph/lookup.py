"""What is known of one host and its registered domain: rows of the authority table, and the neighbours in the graph."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from corpus.errors import InputError, MissingError
from corpus.schema import AUTHORITY
from corpus.storage import as_damage
from corpus.url import normalise
from sitegraph.engine import check_table
from sitegraph.hosts import domain_of, node_name, reverse
from sitegraph.layout import GraphSets, Level
from sitegraph.store.opened import Graph

Row = dict[str, Any]
_PAGES = ("pages", "pages_nofollow", "pages_sponsored")


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One site: its authority rows (None where the table has none), and the domains that link to it and that it links.

    A neighbour has name, pages, pages_nofollow, pages_sponsored, position and percentile; the best positions come
    first. in_total, out_total: how many neighbours there are in all. Without a graph there are none.
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
    domain = domain_of(name)
    paths = rank_paths(ranks)
    host_row, domain_row = rank_row(paths, "host", name), rank_row(paths, "domain", domain)
    if host_row is None and domain_row is None:
        raise MissingError(f"{name}: neither the host nor its registered domain {domain} is in {ranks}")
    card = Card(name=name, domain_name=domain, host=host_row, domain=domain_row)
    return neighbours(card, paths, Graph(graph, "domain"), top) if graph else card


def rank_paths(ranks: Path) -> list[Path]:
    """Return the files of a ranks table; raises MissingError when there are none."""
    paths = sorted(ranks.glob("part-*.parquet")) if ranks.is_dir() else [ranks]
    if not paths or not paths[0].exists():
        raise MissingError(f"{ranks}: no ranks here; write them first (`sitegraph rank`)")
    for path in paths:
        check_table(path, AUTHORITY)
    return paths


def rank_row(paths: list[Path], level: Level, name: str) -> Row | None:
    """Return the row of a name at a level; the table is sorted by it, so few row groups are read."""
    where = [("level", "=", level), ("reversed", "=", reverse(name))]
    for path in paths:
        with as_damage(path):
            found: list[Row] = pq.read_table(path, schema=AUTHORITY, filters=where).to_pylist()
        if found:
            return found[0]
    return None


def neighbours(card: Card, ranks: list[Path], graph: Graph, top: int) -> Card:
    """Return the card with the neighbours of its registered domain; none when the graph does not know it."""
    node = int(graph.names.find([reverse(card.domain_name)])[0])
    if node < 0:
        return card
    linking, linking_total = one_side(graph, ranks, graph.in_arcs(node), top)
    linked, linked_total = one_side(graph, ranks, graph.out_arcs(node), top)
    return replace(card, linking=linking, linked=linked, linking_total=linking_total, linked_total=linked_total)


def one_side(graph: Graph, ranks: list[Path], arcs: tuple[Any, Any], top: int) -> tuple[list[Row], int]:
    """Return the `top` best neighbours on one side of a node, and how many there are."""
    ids, codes = arcs
    names = graph.names.of(ids)
    known = rows_of(ranks, graph.level, names)
    places = [known.get(name, {}).get("position") for name in names]
    best = sorted(range(len(ids)), key=lambda i: (places[i] is None, places[i] or 0, names[i]))[:top]
    classes = graph.classes.to_pylist()
    rows = []
    for i in best:
        row = known.get(names[i], {})
        counts = {name: classes[codes[i]][name] for name in _PAGES}
        rank = {name: row.get(name) for name in ("position", "percentile")}
        rows.append({"name": reverse(names[i])} | counts | rank)
    return rows, len(ids)


def rows_of(paths: list[Path], level: Level, names: list[str]) -> dict[str, Row]:
    """Return the authority rows of reversed names at a level."""
    found: dict[str, Row] = {}
    if names:
        where = (pc.field("level") == level) & pc.field("reversed").isin(pa.array(names, pa.string()))
        for path in paths:
            with as_damage(path):
                table = pq.read_table(path, columns=["reversed", "position", "percentile"], filters=where)
            found |= {row["reversed"]: row for row in table.to_pylist()}
    return found
