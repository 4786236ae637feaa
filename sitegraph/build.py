"""Links between hosts -> a graph on disk (layout.py), in bounded memory.

What counts as what:

- A node is every usable host (hosts.py) that occurs in the links, on either side, or in the documents. `www.` is
  folded away, hosts are folded into registered domains for the domain level.
- An arc joins two nodes when at least one link endorses: any link but those marked same_owner (redirects, canonical,
  hreflang). Links with rel flags are counted apart, so a rank can weigh them without a new build; a link that is both
  nofollow and sponsored counts as sponsored. Pages add up over hosts that fold into one node and over files.
- same_owner links go to a table of their own. Links from a node to itself, after folding, are no arcs.
- Links of unusable hosts (IP addresses, single labels, malformed names) are counted, and dropped; the hosts
  themselves are counted as written, in hosts_ip and hosts_malformed.

Every row of the input is in exactly one of the counts links_endorsing, links_same_owner, links_self and
links_unusable; they add up to links.

How: the distinct hosts pass once through the rules of hosts.py in Python; everything else is joins, aggregates and
sorts in DuckDB, which spills (engine.py).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from corpus.errors import PipelineError
from corpus.schema import DOCUMENTS, LINKS
from corpus.stage import tick
from corpus.storage import Written
from sitegraph.engine import Database, Engine, database
from sitegraph.hosts import domain_of, node_name, reverse, unusable_because
from sitegraph.layout import ARCS, DOMAINS, HOSTS, SAME_OWNER, GraphSets, Level

NOFOLLOW, UGC, SPONSORED, SAME_OWNER_FLAG = 1, 2, 4, 8
"""Bits of the column `flags` of schema.LINKS."""

MAX_NODES: Final = 2**31 - 1
HOST_BATCH: Final = 50_000

_HOSTS_MAPPED = pa.schema(
    [
        ("raw", pa.string()),
        ("reversed", pa.string()),
        ("domain_reversed", pa.string()),
        ("crawled", pa.bool_()),
        ("unusable", pa.string()),
    ]
)
_NAMES = pa.schema([("reversed", pa.string()), ("domain_reversed", pa.string()), ("crawled", pa.bool_())])
_DOMAIN_NAMES = pa.schema([("reversed", pa.string()), ("hosts", pa.int64())])

_SUMS = f"""
    sum(CASE WHEN flags & {NOFOLLOW | UGC | SPONSORED} = 0 THEN pages ELSE 0 END)::BIGINT AS pages,
    sum(CASE WHEN flags & {NOFOLLOW | UGC} <> 0 AND flags & {SPONSORED} = 0 THEN pages ELSE 0 END)::BIGINT
        AS pages_nofollow,
    sum(CASE WHEN flags & {SPONSORED} <> 0 THEN pages ELSE 0 END)::BIGINT AS pages_sponsored"""
_FORWARD = "array_to_string(list_reverse(string_split({0}, '.')), '.')"


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """A finished graph: its files and counts (see the module's docstring)."""

    files: Sequence[Written]
    counts: Mapping[str, int] = field(default_factory=dict)


def build(links: Sequence[Path], documents: Sequence[Path], out: GraphSets, engine: Engine | None = None) -> Built:
    """Build the graph of link files (schema.LINKS); hosts of document files are nodes too, even if nothing links them.

    Raises StorageError when a file cannot be read, the disk is full or the memory too little to spill with.
    """
    with database(out.folder, "build", engine or Engine()) as db:
        db.view("links", list(links), LINKS)
        db.view("documents", list(documents), pa.schema([DOCUMENTS.field("host")]))
        counts = map_hosts(db)
        number_nodes(db)
        counts |= number_links(db)
        files = [write_host_arcs(db, out), write_domain_arcs(db, out), write_same_owner(db, out)]
        files += [write_hosts(db, out), write_domains(db, out)]
    names = ("host_arcs", "domain_arcs", "same_owner_arcs", "hosts", "domains")
    return Built(files=files, counts=counts | {n: f.rows for n, f in zip(names, files, strict=True)})


def map_hosts(db: Database) -> dict[str, int]:
    """Make the view `mapped`: each distinct host as written, with its node's reversed name or why it is none."""
    path = db.folder / "mapped.parquet"
    query = """
        SELECT host AS raw, bool_or(crawled) AS crawled FROM (
            SELECT source_host AS host, true AS crawled FROM links
            UNION ALL SELECT target_host, false FROM links
            UNION ALL SELECT host, true FROM documents
        ) GROUP BY host"""
    with pq.ParquetWriter(path, _HOSTS_MAPPED) as writer:
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
        "domain_reversed": [reverse(domain_of(name)) if name else None for name in names],
        "crawled": table["crawled"],
        "unusable": [None if name else unusable_because(host) for host, name in zip(raw, names, strict=True)],
    }
    return pa.table(rows, schema=_HOSTS_MAPPED)


def number_nodes(db: Database) -> None:
    """Give hosts and domains dense ids in the order of their reversed names: host_ids, domain_ids, and raw -> ids."""
    hosts = """
        SELECT reversed, any_value(domain_reversed) AS domain_reversed, bool_or(crawled) AS crawled
        FROM mapped WHERE reversed IS NOT NULL GROUP BY reversed ORDER BY reversed"""
    number(db, "host_ids", hosts, _NAMES)
    domains = """
        SELECT domain_reversed AS reversed, count(*) AS hosts
        FROM host_ids GROUP BY domain_reversed ORDER BY domain_reversed"""
    number(db, "domain_ids", domains, _DOMAIN_NAMES)
    db.run("""
        CREATE TABLE host_domain AS SELECT h.id AS host, d.id AS domain
        FROM host_ids h JOIN domain_ids d ON d.reversed = h.domain_reversed""")
    db.run("CREATE TABLE lookup AS SELECT m.raw, h.id AS host FROM mapped m JOIN host_ids h USING (reversed)")


def number(db: Database, name: str, query: str, schema: pa.Schema) -> None:
    """Let `name` stand for the rows of a sorted query with their position, int32, as column `id`."""
    path = db.folder / f"{name}.parquet"
    numbered = schema.insert(0, pa.field("id", pa.int32()))
    with pq.ParquetWriter(path, numbered) as writer:
        for table in with_ids(db.stream(query, schema)):
            writer.write_table(table.cast(numbered))
    db.view(name, [path], numbered)


def with_ids(tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """Yield the tables with running row numbers in front."""
    start = 0
    for table in tables:
        end = start + table.num_rows
        if end > MAX_NODES:
            raise PipelineError(
                f"more than {MAX_NODES:,} nodes; divide the links, or take the domain level of each part"
            )
        yield table.add_column(0, "id", pa.array(range(start, end), pa.int32()))
        start = end


def number_links(db: Database) -> dict[str, int]:
    """Make the table `numbered`, the links by host ids and kind; return how many links are of which kind."""
    db.run(f"""
        CREATE TABLE numbered AS
        SELECT s.host AS source, t.host AS target, flags, pages,
            CASE WHEN s.host IS NULL OR t.host IS NULL THEN 'unusable' WHEN s.host = t.host THEN 'self'
                WHEN flags & {SAME_OWNER_FLAG} <> 0 THEN 'same_owner' ELSE 'endorsing' END AS kind
        FROM links LEFT JOIN lookup s ON s.raw = source_host LEFT JOIN lookup t ON t.raw = target_host""")
    kinds = ("endorsing", "same_owner", "self", "unusable")
    each = ", ".join(f"count(*) FILTER (kind = '{kind}') AS links_{kind}" for kind in kinds)
    return db.row(f"SELECT count(*) AS links, {each} FROM numbered")


def write_host_arcs(db: Database, out: GraphSets) -> Written:
    """Write the arcs between hosts, and let `host_arcs` stand for them."""
    query = f"SELECT source, target, {_SUMS} FROM numbered WHERE kind = 'endorsing' GROUP BY source, target"
    return write_arcs(db, out, "host", query)


def write_domain_arcs(db: Database, out: GraphSets) -> Written:
    """Write the arcs between registered domains, and let `domain_arcs` stand for them."""
    query = """
        SELECT s.domain AS source, t.domain AS target, sum(pages)::BIGINT AS pages,
            sum(pages_nofollow)::BIGINT AS pages_nofollow, sum(pages_sponsored)::BIGINT AS pages_sponsored
        FROM host_arcs JOIN host_domain s ON s.host = source JOIN host_domain t ON t.host = target
        WHERE s.domain <> t.domain GROUP BY s.domain, t.domain"""
    return write_arcs(db, out, "domain", query)


def write_arcs(db: Database, out: GraphSets, level: Level, query: str) -> Written:
    """Store the arcs of a level sorted; the name LEVEL_arcs stands for them from here on."""
    written = db.write(f"SELECT * FROM ({query}) ORDER BY target, source", out.arcs(level), ARCS)
    db.view(f"{level}_arcs", out.arcs(level).paths(), ARCS)
    tick(written.rows)
    return written


def write_same_owner(db: Database, out: GraphSets) -> Written:
    """Write the same_owner links between hosts."""
    query = """
        SELECT source, target, sum(pages)::BIGINT AS pages FROM numbered WHERE kind = 'same_owner'
        GROUP BY source, target ORDER BY target, source"""
    return db.write(query, out.same_owner, SAME_OWNER)


def write_hosts(db: Database, out: GraphSets) -> Written:
    """Write the host nodes."""
    query = f"""
        WITH supporters AS (
            SELECT target, count(*) AS in_domains FROM (
                SELECT DISTINCT target, s.domain FROM host_arcs
                JOIN host_domain s ON s.host = source JOIN host_domain t ON t.host = target WHERE s.domain <> t.domain
            ) GROUP BY target)
        SELECT {_FORWARD.format("reversed")} AS name, d.domain, coalesce(in_domains, 0) AS in_domains, crawled
        FROM host_ids h JOIN host_domain d ON d.host = h.id LEFT JOIN supporters ON target = h.id ORDER BY h.id"""
    return db.write(query, out.nodes("host"), HOSTS)


def write_domains(db: Database, out: GraphSets) -> Written:
    """Write the domain nodes; at this level every arc comes from another domain."""
    query = f"""
        WITH supporters AS (SELECT target, count(*) AS in_domains FROM domain_arcs GROUP BY target)
        SELECT {_FORWARD.format("reversed")} AS name, hosts, coalesce(in_domains, 0) AS in_domains
        FROM domain_ids d LEFT JOIN supporters ON target = d.id ORDER BY d.id"""
    return db.write(query, out.nodes("domain"), DOMAINS)
