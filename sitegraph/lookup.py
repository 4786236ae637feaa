"""What is known of one host and its registered domain: rows of the authority table, and the neighbours in the graph."""

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from corpus.errors import InputError, MissingError
from corpus.schema import AUTHORITY
from corpus.url import normalise
from sitegraph.engine import Database, Engine, check_table, database
from sitegraph.graph import NODES, reading
from sitegraph.hosts import domain_of, node_name, reverse
from sitegraph.layout import ARCS, GraphSets, Level
from sitegraph.seeds import find

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
    return neighbours(card, paths, graph, top) if graph else card


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
        with reading(path):
            found: list[Row] = pq.read_table(path, schema=AUTHORITY, filters=where).to_pylist()
        if found:
            return found[0]
    return None


def neighbours(card: Card, ranks: list[Path], graph: GraphSets, top: int) -> Card:
    """Return the card with the neighbours of its registered domain; none when the graph does not know it."""
    found = find(graph, "domain", [card.domain_name])
    if not found:
        return card
    (node,) = found.values()
    with tempfile.TemporaryDirectory(prefix="sitegraph-") as folder, database(Path(folder), "show", Engine()) as db:
        db.view("ranks", ranks, AUTHORITY)
        db.view("nodes", graph.nodes("domain").paths(), NODES["domain"], row_id=True)
        db.view("arcs", graph.arcs("domain").paths(), ARCS)
        linking, linking_total = one_side(db, "source", "target", node, top)
        linked, linked_total = one_side(db, "target", "source", node, top)
    return Card(
        name=card.name,
        domain_name=card.domain_name,
        host=card.host,
        domain=card.domain,
        linking=linking,
        linked=linked,
        linking_total=linking_total,
        linked_total=linked_total,
    )


def one_side(db: Database, other: str, this: str, node: int, top: int) -> tuple[list[Row], int]:
    """Return the `top` best neighbours of a node on one side of its arcs, and how many there are."""
    pages = ", ".join(_PAGES)
    query = f"""
        SELECT n.name, {pages}, r.position, r.percentile FROM (SELECT * FROM arcs WHERE {this} = {node}) a
        JOIN nodes n ON n.id = a.{other} LEFT JOIN ranks r ON r.level = 'domain' AND r.name = n.name
        ORDER BY r.position NULLS LAST, n.name LIMIT {top}"""
    rows: list[Row] = pa.concat_tables(list(db.stream(query)) or [pa.table({})]).to_pylist()
    return rows, db.row(f"SELECT count(*) AS total FROM arcs WHERE {this} = {node}")["total"]
