"""`sitegraph build`, `sitegraph import` and `sitegraph platforms`: where graphs come from."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, cast, get_args

import click
import pyarrow as pa

from corpus.errors import MissingError, SettingError
from corpus.schema import LINKS
from corpus.storage import ShardSet
from corpus.url import Suffixes, SuffixLevel
from sitegraph.building.build import build
from sitegraph.building.importing import import_graph
from sitegraph.building.platforms import Detection, learn, read_list, write_list
from sitegraph.building.textlinks import convert
from sitegraph.building.www import Www
from sitegraph.cli.common import AsJson, Threads, Top, any_path, example, file_path, folder_path, graph_at
from sitegraph.cli.progress import counting
from sitegraph.cli.tables import print_counts, print_json, print_line, table_of, terminal
from sitegraph.engine import Engine, check_table, workspace
from sitegraph.hosts import reverse
from sitegraph.layout import LEVELS, GraphSets
from sitegraph.store.opened import Graph, open_graph

GIB: Final = 1 << 30
EVIDENCE: Final = ("hosts", "linked", "in_domains", "arcs", "inside", "overlap", "proposed")


def suffix_options(command: Any) -> Any:
    """Add the options that say what a registered domain is."""
    command = click.option(
        "--platforms",
        type=file_path(),
        help="File with more hosting platforms, one name a line (`sitegraph platforms` writes one).",
    )(command)
    return click.option(
        "--suffixes",
        type=click.Choice(get_args(SuffixLevel)),
        default="platforms",
        show_default=True,
        help="What has independent owners below it: suffixes of registries alone (Common Crawl's domains); those of "
        "companies as well (github.io); hosting platforms as well (weebly.com).",
    )(command)


def suffixes_of(level: str, platforms: Path | None) -> Suffixes:
    """Return the suffixes that the options ask for."""
    return Suffixes(cast("SuffixLevel", level), read_list(platforms) if platforms else frozenset())


@click.command(
    "build",
    short_help="Build a graph from links.",
    epilog=example("""
sitegraph build crawl-root --out graph
sitegraph build links/part-00000.parquet links/part-00001.parquet --out graph
sitegraph build links.tsv.gz --out graph --platforms more-platforms.txt"""),
)
@click.argument("links", nargs=-1, required=True, type=any_path())
@click.option("--out", required=True, type=folder_path(), help="Folder for the graph.")
@suffix_options
@click.option("--memory", default=2.0, show_default=True, help="GiB for joins and sorts; then disk.")
@Threads
@AsJson
def build_command(links: tuple[Path, ...], out: Path, as_json: bool, **options: Any) -> None:
    """Build a graph from LINKS.

    LINKS are roots of corpus runs (their links and documents are read), folders of link part files, link part files,
    or text files with `source host, target host[, pages[, source pages]]` per line (commas or tabs, gzip too).
    """
    engine = Engine(memory=int(options["memory"] * GIB), threads=options["threads"])
    suffixes = suffixes_of(options["suffixes"], options["platforms"])
    with workspace(out, "text") as folder, counting("build", "rows"):
        files, documents = expand(links, folder)
        built = build(files, documents, GraphSets(out, ""), engine, suffixes)
    print_counts(built.counts, f"graph in {out}", as_json)


def expand(links: Sequence[Path], folder: Path) -> tuple[list[Path], list[Path]]:
    """Return the link files and document files that arguments stand for; text files are converted into `folder`."""
    files: list[Path] = []
    documents: list[Path] = []
    for number, path in enumerate(links):
        if not path.exists():
            raise MissingError(f"{path}: no such file or folder; check the path")
        if path.is_file():
            files.append(link_file(path, folder / f"{number}.parquet"))
        elif parts := ShardSet(path, "links").paths():
            files += parts
            documents += ShardSet(path, "documents").paths()
        elif parts := sorted(path.glob("*.parquet")):
            files += parts
        else:
            raise MissingError(f"{path}: neither the root of a run with links nor a folder of link files")
    return files, documents


def link_file(path: Path, converted: Path) -> Path:
    """Return a Parquet file of links: the file itself, or a text file converted."""
    with open(path, "rb") as stream:
        if stream.read(4) == b"PAR1":
            check_table(path, LINKS)
            return path
    convert(path, converted)
    return converted


@click.command(
    "import",
    short_help="Import a graph that Common Crawl published.",
    epilog=example("""
sitegraph import --vertices vertices.txt.gz --edges edges.txt.gz --out graph
sitegraph import --vertices v-0.txt.gz --vertices v-1.txt.gz --edges e-0.txt.gz --edges e-1.txt.gz --out graph
sitegraph import --vertices v.txt.gz --edges e.txt.gz --out graph --suffixes icann"""),
)
@click.option("--vertices", multiple=True, required=True, type=file_path(), help="Text file of nodes, in their order.")
@click.option("--edges", multiple=True, required=True, type=file_path(), help="Text file of arcs, in their order.")
@click.option("--out", required=True, type=folder_path(), help="Folder for the graph.")
@click.option(
    "--level",
    type=click.Choice([*LEVELS, "auto"]),
    default="auto",
    show_default=True,
    help="What the nodes are; auto: domains where the vertices have a third column, hosts otherwise.",
)
@click.option(
    "--www",
    type=click.Choice(get_args(Www)),
    default="fold",
    show_default=True,
    help="Hosts named `www.`: fold makes them the host without it, as graphs of our own crawls have it; keep leaves "
    "the nodes and ids of the files, and Common Crawl's ranks.",
)
@suffix_options
@AsJson
def import_command(
    vertices: tuple[Path, ...], edges: tuple[Path, ...], out: Path, level: str, as_json: bool, **options: Any
) -> None:
    """Import vertices and edges in the text form of the Common Crawl web graphs, plain or gzip.

    A graph of hosts is folded into registered domains as well. Interrupted, the same command goes on where it was.
    """
    for path in (*vertices, *edges):
        if not path.exists():
            raise MissingError(f"{path}: no such file; check the path")
    suffixes = suffixes_of(options["suffixes"], options["platforms"])
    chosen = next((known for known in LEVELS if known == level), None)
    with counting("import", "lines and arcs"):
        www = cast("Www", options["www"])
        built = import_graph(vertices, edges, GraphSets(out, ""), level=chosen, suffixes=suffixes, www=www)
    print_counts(built.counts, f"graph in {out}", as_json)


@click.command(
    "platforms",
    short_help="Find hosting platforms in a graph.",
    epilog=example("""
sitegraph platforms graph --out platforms.txt
sitegraph build crawl-root --out graph --platforms platforms.txt
sitegraph platforms graph --hosts 1000 --top 50"""),
)
@click.argument("graph", type=any_path())
@click.option("--out", type=file_path(), help="File for the names that are proposed, with their evidence.")
@click.option("--hosts", default=Detection().hosts, show_default=True, help="Least hosts of a platform.")
@click.option("--linked", default=Detection().linked, show_default=True, help="Least of them that others link to.")
@click.option("--inside", default=Detection().inside, show_default=True, help="Most of the links that stay inside.")
@click.option("--overlap", default=Detection().overlap, show_default=True, help="Most overlap of those who link.")
@Top
@AsJson
def platforms_command(graph: Path, out: Path | None, top: int, as_json: bool, **options: Any) -> None:
    """Show which registered domains of GRAPH look like hosting platforms, whose hosts have owners of their own.

    A list is for a person to look at: where a link farm is taken for a platform, each of its hosts becomes a site that
    can vote. Take out what is none, and give the list to `sitegraph build --platforms`.
    """
    levels = open_graph(graph_at(graph))
    if "host" not in levels:
        raise SettingError("platforms", "graph", str(graph), "a graph with hosts; this one has domains alone")
    found = learn(levels, Detection(**options))
    names = levels["domain"].names
    written = write_list(out, found, names) if out else None
    if as_json:
        print_json(evidence_rows(found, levels["domain"]))
        return
    print_evidence(found, levels["domain"], top)
    if out:
        print_line(f"{written:,} names in {out}")


def evidence_rows(found: pa.Table, graph: Graph) -> list[dict[str, Any]]:
    """Return rows of evidence with names."""
    return [{"name": reverse(graph.names[row.pop("domain")])} | row for row in found.to_pylist()]


def print_evidence(found: pa.Table, graph: Graph, top: int) -> None:
    """Print the first rows of evidence: those that are proposed, then the others."""
    ordered = pa.concat_tables([found.filter(found["proposed"]), found.filter(pa.compute.invert(found["proposed"]))])
    rows = ([row["name"], *(row[name] for name in EVIDENCE)] for row in evidence_rows(ordered.slice(0, top), graph))
    title = f"{min(top, len(found)):,} of {len(found):,} domains with enough hosts"
    terminal().print(table_of(title, ("name", *EVIDENCE), rows))
