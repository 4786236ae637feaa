"""`sitegraph export`: a graph, its ranks, or a part of it, for other programs."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from corpus.errors import MissingError, SettingError
from corpus.schema import AUTHORITY
from sitegraph.cc.ranksout import write_ranks
from sitegraph.cc.textout import write_edges, write_vertices
from sitegraph.cli.common import AsJson, any_path, example, file_path, graph_at
from sitegraph.cli.progress import counting
from sitegraph.cli.tables import harmless, print_counts
from sitegraph.comparing.ranktables import LOWER_IS_BETTER, is_number
from sitegraph.explaining.bysource import arcs_by_source
from sitegraph.explaining.lookup import site_name
from sitegraph.explaining.rankrows import RankRows
from sitegraph.explaining.reasons import number
from sitegraph.exporting.export import FORMATS, Format, export
from sitegraph.exporting.subgraph import ego, listed, taken, top
from sitegraph.hosts import reverse
from sitegraph.layout import LEVELS, Level
from sitegraph.store.classes import PRESETS, Preset, Weights
from sitegraph.store.opened import Graph, open_graph

TEXT: Final = ("vertices", "edges", "ranks")
SHOWN: Final = 10
"""Unknown names of a list that are told."""
HIDDEN: Final = ("level", "name", "reversed", "source")


@click.command(
    "export",
    short_help="Export a graph, its ranks, or a part of it.",
    epilog=example("""
sitegraph export graph --what edges --level domain --out edges.txt.gz
sitegraph export graph --what ranks --ranks ranks.parquet --out host-ranks.txt.gz
sitegraph export graph --what graphml --around example.org --depth 2 --ranks ranks.parquet --out around.graphml
sitegraph export graph --what csv --top 1000 --by trust --ranks ranks.parquet --out top
sitegraph export graph --what parquet --sites names.txt --out listed"""),
)
@click.argument("graph", type=any_path())
@click.option("--what", type=click.Choice([*TEXT, *FORMATS]), required=True, help="What to write, see above.")
@click.option("--out", type=any_path(), required=True, help="File to write; a folder for csv and parquet.")
@click.option("--level", type=click.Choice(LEVELS), help="Hosts or registered domains; hosts where there are any.")
@click.option("--ranks", type=any_path(), help="Ranks of the graph, for columns of the nodes, --by, and ranks.")
@click.option("--around", "site", help="Take a site and what lies around it.")
@click.option("--depth", default=1, show_default=True, help="Links from the site, with --around.")
@click.option(
    "--direction",
    type=click.Choice(["in", "out", "both"]),
    default="in",
    show_default=True,
    help="Follow links to the site, from it, or both, with --around; all but `in` read the whole graph.",
)
@click.option("--limit", default=1_000, show_default=True, help="Most nodes, with --around; the best by PageRank.")
@click.option("--top", "best", type=click.IntRange(1), help="Take so many nodes that are first by a rank.")
@click.option("--by", default="pagerank", show_default=True, help="Column of the ranks, with --top.")
@click.option("--sites", type=file_path(), help="Take the nodes named in a file, one a line.")
@click.option(
    "--weights",
    type=click.Choice([*PRESETS, "none"]),
    default="log-pages",
    show_default=True,
    help="Weights of the links; those that weigh nothing are left out. none: every link, without weight.",
)
@AsJson
def export_command(graph: Path, out: Path, what: str, as_json: bool, **options: Any) -> None:
    """Export GRAPH (a built graph, or the root of a corpus run).

    \b
    vertices, edges, ranks   a level in the text form of the Common Crawl web graphs (gzip where the name ends in .gz)
    graphml, csv, parquet    a part of a level, chosen by --around, --top or --sites, with its links
    """
    level = level_of(graph, options["level"])
    chosen = [name for name in ("site", "best", "sites") if options[name] is not None]
    if len(chosen) != (0 if what in TEXT else 1):
        wanted = "is for all of a level: leave out" if what in TEXT else "is for a part of a level: give one of"
        raise click.ClickException(f"export: {what} {wanted} --around, --top, --sites")
    with counting("export", "records"):
        if what in TEXT:
            counts = write_text_form(what, level, options["ranks"], out)
        else:
            counts = write_part(level, options, next(form for form in FORMATS if form == what), out)
    print_counts(counts, f"{what} in {out}", as_json)


def level_of(path: Path, wanted: Level | None) -> Graph:
    """Return a level of a graph: the one that is wanted, else hosts, else domains."""
    levels = open_graph(graph_at(path))
    level = wanted or next(known for known in LEVELS if known in levels)
    if level not in levels:
        raise MissingError(f"{path}: it has no {level} level; choose another")
    return levels[level]


def write_text_form(what: str, graph: Graph, ranks: Path | None, out: Path) -> dict[str, int]:
    """Write vertices, edges or ranks; return counts."""
    hosts = graph.column("hosts") if graph.level == "domain" else None
    if what == "vertices":
        return {"vertices": write_vertices(out, graph.names.tables(), hosts).rows}
    if what == "edges":
        out.parent.mkdir(parents=True, exist_ok=True)
        return {"edges": write_edges(out, arcs_by_source(graph, out.with_name(f".{out.name}.spill")), graph.n).rows}
    with ranks_of(ranks, graph, "ranks") as rows:
        harmonic, pagerank = (every(rows, graph, name) for name in ("harmonic", "pagerank"))
    write_ranks(out, graph.names.tables(), harmonic.astype(np.float32), pagerank, hosts)
    return {"ranks": graph.n}


def ranks_of(ranks: Path | None, graph: Graph, why: str) -> RankRows:
    """Return the ranks of a graph."""
    if ranks is None:
        raise click.ClickException(f"export: give --ranks, the ranks of the graph, for {why}")
    rows = RankRows(ranks)
    rows.check(graph.level, graph.n)
    return rows


def every(rows: RankRows, graph: Graph, name: str) -> NDArray[np.float64]:
    """Return a column of which no node may be without a value."""
    values = rows.whole(graph.level, name)
    if np.isnan(values).any():
        how = "rank with --harmonic" if name == "harmonic" else "rank without imported ranks"
        raise MissingError(
            f"{rows.ranks}: not every {graph.level} has a value of {name}, which a ranks file has; {how}"
        )
    return values


@dataclass(frozen=True, slots=True)
class Chosen:
    """Nodes to take, ascending, with columns that say more of them, and counts."""

    ids: NDArray[np.int64]
    columns: Mapping[str, pa.Array]
    counts: dict[str, int]


def write_part(graph: Graph, options: Mapping[str, Any], form: Format, out: Path) -> dict[str, int]:
    """Write a part of a level; return counts."""
    rows = ranks_of(options["ranks"], graph, "--top") if options["ranks"] or options["best"] else None
    chosen = choose(graph, rows, options)
    weights = None if options["weights"] == "none" else weights_of(options["weights"], graph)
    columns = {**columns_of(graph, rows, chosen.ids), **chosen.columns}
    part = taken(graph, graph.names, chosen.ids, weights=weights, columns=columns)
    export(part, out, form)
    return {"nodes": len(part.names), "links": len(part.source)} | chosen.counts


def weights_of(preset: Preset, graph: Graph) -> NDArray[np.float64]:
    """Return the weight of each class of arcs."""
    return Weights(preset=preset).of(graph.classes)


def choose(graph: Graph, rows: RankRows | None, options: Mapping[str, Any]) -> Chosen:
    """Return the nodes that the options ask for."""
    if options["site"] is not None:
        return around(graph, rows, options)
    if options["sites"] is not None:
        found = listed(options["sites"], graph.names)
        if found.unknown:
            more = ", ..." if len(found.unknown) > SHOWN else ""
            told = f"{number(len(found.unknown), 'name')} not in the graph: {', '.join(found.unknown[:SHOWN])}{more}"
            click.echo(f"sitegraph: {harmless(str(options['sites']))}: {told}", err=True)
        return Chosen(found.ids, {}, {"names_unknown": len(found.unknown)})
    rank = by_rank(rows, graph, options["by"]) if rows else np.zeros(graph.n)
    return Chosen(top(rank, options["best"]), {}, {})


def around(graph: Graph, rows: RankRows | None, options: Mapping[str, Any]) -> Chosen:
    """Return a site and what lies around it."""
    name = site_name(options["site"])
    node = int(graph.names.find([reverse(name)])[0])
    if node < 0:
        raise MissingError(f"{name}: no node of the {graph.level} level; choose another site or --level")
    rank = by_rank(rows, graph, "pagerank") if rows else None
    asked = {name: options[name] for name in ("depth", "limit", "direction")}
    found = ego(graph, node, rank=rank, **asked)
    return Chosen(found.ids, {"distance": pa.array(found.distance)}, {"left_out": found.left_out})


def by_rank(rows: RankRows, graph: Graph, column: str) -> NDArray[np.float64]:
    """Return the values of a column by id, the best the highest; NaN where there is none."""
    known = [field.name for field in AUTHORITY if is_number(field.type)]
    if column not in known:
        raise SettingError("export", "--by", column, f"one of {', '.join(known)}")
    values = rows.whole(graph.level, column)
    if len(values) and np.isnan(values).all():
        raise SettingError("export", "--by", column, "a column that the ranks have; this one is empty")
    return -values if column in LOWER_IS_BETTER else values


def columns_of(graph: Graph, rows: RankRows | None, ids: NDArray[np.int64]) -> dict[str, pa.Array]:
    """Return what is known of nodes: what the graph says, and the ranks that are not null."""
    if rows is None:
        names = ("in_domains", "crawled") if graph.level == "host" else ("in_domains", "hosts", "platform")
        return {name: pa.array(graph.column(name)[ids]) for name in names}
    table = rows.take(graph.level, ids, [name for name in AUTHORITY.names if name not in HIDDEN])
    return {name: table[name].combine_chunks() for name in table.column_names if table[name].null_count < len(ids)}
