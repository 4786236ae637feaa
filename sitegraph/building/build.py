"""Links between hosts -> a graph on disk (layout.py), in bounded memory.

What counts as what:

- A node is every usable host (hosts.py) that occurs in the links, on either side, or in the documents. `www.` is
  folded away, hosts are folded into registered domains for the domain level.
- An arc joins two nodes when at least one link does. Links with rel flags, and technical ones, are counted apart, so a
  rank can weigh them without a new build; a link that is both nofollow and sponsored counts as sponsored. Pages add up
  over hosts that fold into one node and over files. Links marked same_owner (redirects, canonical, hreflang) mark the
  arc, and the one in the other direction where there is one. Links from a node to itself, after folding, are no arcs.
- Links of unusable hosts (IP addresses, single labels, malformed names) are counted, and dropped; the hosts
  themselves are counted as written, in hosts_ip and hosts_malformed.

Every row of the input is in exactly one of the counts links_endorsing, links_technical, links_same_owner, links_self
and links_unusable; they add up to links.

How: the distinct hosts pass once through the rules of hosts.py in Python, and DuckDB, which spills (engine.py), gives
them numbers and adds links up; from there on the arcs take the road of every graph (assemble.py).
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from corpus.errors import PipelineError
from corpus.schema import DOCUMENTS, LINKS
from corpus.stage import tick
from corpus.storage import as_storage_error
from corpus.url import PLATFORMS, Suffixes
from sitegraph.building.assemble import Built, Hosts, assemble
from sitegraph.engine import Database, Engine, database
from sitegraph.hosts import node_name, reverse, unusable_because
from sitegraph.layout import GraphSets
from sitegraph.store.classes import BACKWARD, COLUMNS, FORWARD
from sitegraph.store.names import NamesWriter
from sitegraph.store.spill import Spill

NOFOLLOW, UGC, SPONSORED, SAME_OWNER_FLAG, TECHNICAL = 1, 2, 4, 8, 16
"""Bits of the column `flags` of schema.LINKS."""

MAX_NODES: Final = 2**31 - 1
HOST_BATCH: Final = 50_000

_HOSTS_MAPPED = pa.schema(
    [("raw", pa.string()), ("reversed", pa.string()), ("crawled", pa.bool_()), ("unusable", pa.string())]
)
_NAMES = pa.schema([("reversed", pa.string()), ("crawled", pa.bool_())])

_OWNED = f"flags & {SAME_OWNER_FLAG} <> 0"
_LOADS = f"flags & {SAME_OWNER_FLAG | TECHNICAL} = {TECHNICAL}"
_ENDORSES = f"flags & {SAME_OWNER_FLAG | TECHNICAL} = 0"
_SUMS = f"""
    sum(CASE WHEN {_ENDORSES} AND flags & {NOFOLLOW | UGC | SPONSORED} = 0 THEN pages ELSE 0 END)::BIGINT AS pages,
    sum(CASE WHEN {_ENDORSES} AND flags & {NOFOLLOW | UGC} <> 0 AND flags & {SPONSORED} = 0 THEN pages ELSE 0 END)
        ::BIGINT AS pages_nofollow,
    sum(CASE WHEN {_ENDORSES} AND flags & {SPONSORED} <> 0 THEN pages ELSE 0 END)::BIGINT AS pages_sponsored,
    sum(CASE WHEN {_LOADS} THEN pages ELSE 0 END)::BIGINT AS pages_technical,
    max(CASE WHEN {_OWNED} THEN {FORWARD} ELSE 0 END)::BIGINT AS forward"""


def build(
    links: Sequence[Path],
    documents: Sequence[Path],
    out: GraphSets,
    engine: Engine | None = None,
    suffixes: Suffixes = PLATFORMS,
) -> Built:
    """Build the graph of link files (schema.LINKS); hosts of document files are nodes too, even if nothing links them.

    Raises StorageError when a file cannot be read, the disk is full or the memory too little to spill with.
    """
    with database(out.folder, "build", engine or Engine()) as db:
        db.view("links", list(links), LINKS, file_name=True)
        db.view("documents", list(documents), pa.schema([DOCUMENTS.field("host")]))
        counts = map_hosts(db)
        nodes = number_hosts(db, out)
        counts |= number_links(db)
        spill = spill_arcs(db, nodes)
        built = assemble(out, spill, known_of_hosts(db, nodes), db.folder / "arcs", suffixes)
    return Built(files=built.files, counts=counts | built.counts)


def map_hosts(db: Database) -> dict[str, int]:
    """Make the view `mapped`: each distinct host as written, with its node's reversed name or why it is none."""
    path = db.folder / "mapped.parquet"
    query = """
        SELECT host AS raw, bool_or(crawled) AS crawled FROM (
            SELECT source_host AS host, true AS crawled FROM links
            UNION ALL SELECT target_host, false FROM links
            UNION ALL SELECT host, true FROM documents
        ) GROUP BY host"""
    with as_storage_error(path), pq.ParquetWriter(path, _HOSTS_MAPPED) as writer:
        for table in db.stream(query, rows=HOST_BATCH):
            writer.write_table(mapped(table))
            tick(table.num_rows)
    db.view("mapped", [path], _HOSTS_MAPPED)
    return db.row("""
        SELECT count(DISTINCT reversed) FILTER (crawled) AS hosts_crawled,
            count(*) FILTER (unusable = 'ip') AS hosts_ip, count(*) FILTER (unusable = 'name') AS hosts_malformed
        FROM mapped""")


def mapped(table: pa.Table) -> pa.Table:
    """Return rows of _HOSTS_MAPPED for hosts as written."""
    raw = table["raw"].to_pylist()
    names = [node_name(host) for host in raw]
    rows = {
        "raw": raw,
        "reversed": [reverse(name) if name else None for name in names],
        "crawled": table["crawled"],
        "unusable": [None if name else unusable_because(host) for host, name in zip(raw, names, strict=True)],
    }
    return pa.table(rows, schema=_HOSTS_MAPPED)


def number_hosts(db: Database, out: GraphSets) -> int:
    """Write the names of the hosts in order, and make `host_ids` (id, reversed, crawled) and `lookup` (raw, host)."""
    query = """
        SELECT reversed, bool_or(crawled) AS crawled
        FROM mapped WHERE reversed IS NOT NULL GROUP BY reversed ORDER BY reversed"""
    path = db.folder / "host_ids.parquet"
    numbered = _NAMES.insert(0, pa.field("id", pa.int32()))
    with as_storage_error(path), pq.ParquetWriter(path, numbered) as writer, NamesWriter(out.names("host")) as names:
        for table in with_ids(db.stream(query, _NAMES)):
            writer.write_table(table.cast(numbered))
            names.add(table["reversed"].combine_chunks())
    db.view("host_ids", [path], numbered)
    db.run("CREATE TABLE lookup AS SELECT m.raw, h.id AS host FROM mapped m JOIN host_ids h USING (reversed)")
    return names.names


def with_ids(tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """Yield the tables with running row numbers in front."""
    start = 0
    for table in tables:
        end = start + table.num_rows
        if end > MAX_NODES:
            raise PipelineError(f"more than {MAX_NODES:,} hosts; divide the links, and build a graph of each part")
        yield table.add_column(0, "id", pa.array(range(start, end), pa.int32()))
        start = end


def number_links(db: Database) -> dict[str, int]:
    """Make the table `numbered`, the links by host ids and kind; return how many links are of which kind."""
    db.run(f"""
        CREATE TABLE numbered AS
        SELECT s.host AS source, t.host AS target, flags, pages,
            CASE WHEN s.host IS NULL OR t.host IS NULL THEN 'unusable' WHEN s.host = t.host THEN 'self'
                WHEN {_OWNED} THEN 'same_owner' WHEN {_LOADS} THEN 'technical' ELSE 'endorsing' END AS kind
        FROM links LEFT JOIN lookup s ON s.raw = source_host LEFT JOIN lookup t ON t.raw = target_host""")
    kinds = ("endorsing", "technical", "same_owner", "self", "unusable")
    each = ", ".join(f"count(*) FILTER (kind = '{kind}') AS links_{kind}" for kind in kinds)
    return db.row(f"SELECT count(*) AS links, {each} FROM numbered")


def spill_arcs(db: Database, nodes: int) -> Spill:
    """Add links up to arcs, and spill them."""
    db.run(f"""
        CREATE TABLE sums AS SELECT source, target, {_SUMS} FROM numbered
        WHERE kind IN ('endorsing', 'technical', 'same_owner') GROUP BY source, target""")
    query = f"""
        SELECT a.source, a.target, a.pages, a.pages_nofollow, a.pages_sponsored,
            (a.pages + a.pages_nofollow + a.pages_sponsored > 0)::BIGINT AS hosts, a.pages_technical,
            a.forward + {BACKWARD} * coalesce(b.forward, 0) AS owner, 0::BIGINT AS sitewide
        FROM sums a LEFT JOIN sums b ON b.source = a.target AND b.target = a.source"""
    with Spill(db.folder / "arcs" / "host-arcs", nodes, counted=True) as spill:
        for table in db.stream(query):
            source, target = (table[side].to_numpy().astype(np.uint32) for side in ("source", "target"))
            spill.add(source, target, np.stack([table[name].to_numpy() for name in COLUMNS], axis=1))
            tick(table.num_rows)
    return spill


def known_of_hosts(db: Database, nodes: int) -> Hosts:
    """Return which hosts were read, and how many of their pages; a host with a file that does not say has 0."""
    crawled, pages = np.zeros(nodes, np.bool_), np.zeros(nodes, np.int64)
    for table in db.stream("SELECT id FROM host_ids WHERE crawled"):
        crawled[table["id"].to_numpy()] = True
    query = """
        SELECT host, CASE WHEN min(said) = 0 THEN 0 ELSE sum(said) END::BIGINT AS pages FROM (
            SELECT host, max(source_pages) AS said FROM links JOIN lookup ON raw = source_host
            GROUP BY host, raw, filename
        ) GROUP BY host"""
    for table in db.stream(query):
        pages[table["host"].to_numpy()] = table["pages"].to_numpy()
    return Hosts(crawled=crawled, pages=pages)
