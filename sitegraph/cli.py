"""The command `sitegraph`: build a graph from links, rank it, look a site up.

Results go to standard output (tables, or JSON with --json), errors as one sentence to standard error with exit code 1.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from corpus import __version__
from corpus.errors import HeadwaterError, MissingError, SettingError
from corpus.schema import LINKS
from corpus.storage import ShardSet
from sitegraph.build import build
from sitegraph.cc.ranksfile import ImportedRanks
from sitegraph.engine import Engine, check_table, workspace
from sitegraph.layout import LEVELS, GraphSets
from sitegraph.lookup import Card, look_up
from sitegraph.pagerank import PageRank
from sitegraph.ranking import Ranking, rank
from sitegraph.store.classes import PRESETS, Weights
from sitegraph.textlinks import convert

GIB = 1 << 30


class Commands(click.Group):
    """A group whose commands end on errors of the project with one sentence and exit code 1."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except HeadwaterError as error:
            raise click.ClickException(harmless(str(error))) from error


def harmless(text: str) -> str:
    """Return a text in which control characters, which could steer a terminal, are shown as escapes."""
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text)


def example(text: str) -> str:
    """Return examples as click prints them, line by line."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in text.strip().splitlines())


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="sitegraph")
def main() -> None:
    """Rank sites by the links between them.

    \b
    sitegraph build links.tsv.gz --out graph               links to a graph of hosts and registered domains
    sitegraph rank graph --out ranks.parquet               PageRank, percentiles, linking domains
    sitegraph show example.org --ranks ranks.parquet --graph graph
    sitegraph show example.org --root out                  the same from the root of a corpus run
    """


def limits(command: Any) -> Any:
    """Add the options that limit the engine."""
    command = click.option("--memory", default=2.0, show_default=True, help="GiB for joins and sorts; then disk.")(
        command
    )
    return click.option("--threads", default=0, help="Threads for joins and sorts; 0 is one per processor.")(command)


@main.command(
    "build",
    short_help="Build a graph from links.",
    epilog=example("""
sitegraph build crawl-root --out graph
sitegraph build links/part-00000.parquet links/part-00001.parquet --out graph
sitegraph build links.tsv.gz --out graph"""),
)
@click.argument("links", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder for the graph.")
@click.option("--json", "as_json", is_flag=True, help="Print the counts as JSON.")
@limits
def build_command(links: tuple[Path, ...], out: Path, as_json: bool, memory: float, threads: int) -> None:
    """Build a graph from LINKS.

    LINKS are roots of corpus runs (their links and documents are read), folders of link part files, link part files,
    or text files with `source host, target host[, pages]` per line (commas or tabs, gzip too).
    """
    engine = engine_of(memory, threads)
    with workspace(out, "text") as folder:
        files, documents = expand(links, folder)
        built = build(files, documents, GraphSets(out, ""), engine)
    print_counts(built.counts, f"graph in {out}", as_json)


def engine_of(memory: float, threads: int) -> Engine:
    """Return the engine's limits from the command line."""
    return Engine(memory=int(memory * GIB), threads=threads)


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


@main.command(
    "rank",
    short_help="Rank the hosts and registered domains of a graph.",
    epilog=example("""
sitegraph rank graph --out ranks.parquet
sitegraph rank crawl-root --out trusted.parquet --seeds seeds.txt --dangling weak
sitegraph rank graph --out ranks.parquet --import-ranks cc-main-2026-apr-may-jun-host-ranks.txt.gz"""),
)
@click.argument("graph", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="Parquet file to write.")
@click.option("--damping", default=0.85, show_default=True, help="Probability of following a link.")
@click.option(
    "--dangling",
    type=click.Choice(["strong", "weak", "pseudo"]),
    default="strong",
    show_default=True,
    help="Where the rank of nodes without links goes: to the preferred nodes, to all, nowhere.",
)
@click.option("--tolerance", default=1e-9, show_default=True, help="Bound on the L1 error of a rank.")
@click.option("--weights", type=click.Choice(PRESETS), default="log-pages", show_default=True, help="Arc weights.")
@click.option("--nofollow", default=0.1, show_default=True, help="Factor of nofollow and ugc pages in log-pages.")
@click.option("--sponsored", default=0.0, show_default=True, help="Factor of sponsored pages in log-pages.")
@click.option("--seeds", type=click.Path(path_type=Path), help="File of preferred hosts or domains, one per line.")
@click.option(
    "--import-ranks",
    multiple=True,
    help="Common Crawl ranks file to take a level's ranks from; LEVEL=PATH where the header does not tell the level.",
)
@click.option("--import-nodes", type=int, help="Nodes of the whole table, when the imported file is a part of it.")
@click.option("--json", "as_json", is_flag=True, help="Print the counts as JSON.")
@limits
def rank_command(graph: Path, out: Path, as_json: bool, **options: Any) -> None:
    """Rank the hosts and registered domains of GRAPH (a built graph, or the root of a corpus run)."""
    settings = Ranking(
        pagerank=PageRank(damping=options["damping"], dangling=options["dangling"], tolerance=options["tolerance"]),
        weights=Weights(preset=options["weights"], nofollow=options["nofollow"], sponsored=options["sponsored"]),
        seeds=options["seeds"],
        imports=tuple(imports_of(options["import_ranks"], options["import_nodes"])),
        threads=options["threads"],
    )
    target = ShardSet(out.parent, "ranks")
    _, counts, notes = rank(graph_at(graph), target, settings, path=out)
    for note in notes:
        click.echo(f"sitegraph: {note}", err=True)
    print_counts(counts, f"ranks in {out}", as_json)


def imports_of(values: Sequence[str], nodes: int | None) -> Iterator[ImportedRanks]:
    """Yield the imported ranks that `[LEVEL=]PATH` values name."""
    for value in values:
        named = next((level for level in LEVELS if value.startswith(f"{level}=")), None)
        path = value.removeprefix(f"{named}=")
        yield ImportedRanks(path=Path(path), level=named or "auto", nodes=nodes)


def graph_at(path: Path) -> GraphSets:
    """Return the graph in a folder: a built graph, or the root of a corpus run that has one."""
    for found in (GraphSets(path, ""), GraphSets(path)):
        if found.names("host").parts() or found.names("domain").parts():
            return found
    raise MissingError(f"{path}: no graph here; build one first (`sitegraph build`)")


@main.command(
    "show",
    short_help="Show a site's ranks, and who links to it.",
    epilog=example("""
sitegraph show example.org --root crawl-root
sitegraph show https://blog.example.org/ --ranks ranks.parquet --graph graph
sitegraph show example.org --root crawl-root --json"""),
)
@click.argument("site")
@click.option("--root", type=click.Path(path_type=Path), help="Root of a corpus run, for its ranks and its graph.")
@click.option("--ranks", type=click.Path(path_type=Path), help="Ranks: a Parquet file, or a folder of part files.")
@click.option("--graph", type=click.Path(path_type=Path), help="Graph to take the neighbours from.")
@click.option("--top", default=10, show_default=True, type=click.IntRange(1, 10_000), help="Neighbours to list.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show_command(site: str, root: Path | None, ranks: Path | None, graph: Path | None, top: int, as_json: bool) -> None:
    """Show what is known of SITE (a host, registered domain or URL): its ranks, and who links to it."""
    ranks = ranks or (root / "authority" if root else None)
    if ranks is None:
        raise SettingError("show", "--ranks", None, "give --ranks, or --root of a corpus run")
    graph = graph or root
    card = look_up(site, ranks, graph_at(graph) if graph else None, top)
    if as_json:
        click.echo(json.dumps(asdict(card), indent=1))
    else:
        print_card(card, with_neighbours=graph is not None)


def terminal() -> Console:
    """Return the console for results; 120 columns wide where it is no terminal."""
    console = Console(highlight=False, markup=False, emoji=False)
    return console if console.is_terminal else Console(highlight=False, markup=False, emoji=False, width=120)


def print_card(card: Card, with_neighbours: bool) -> None:
    """Print a card as tables."""
    console = terminal()
    console.print(rank_table(card))
    if with_neighbours:
        linking, linked = (f"domains that link to {card.domain_name}", f"domains that {card.domain_name} links to")
        console.print(neighbour_table(linking, card.linking, card.linking_total))
        console.print(neighbour_table(linked, card.linked, card.linked_total))


def rank_table(card: Card) -> Table:
    """Return the table of a site's ranks, its host and its registered domain side by side."""
    table = table_of(f"ranks of {card.name}", ())
    for column in ("", "host", "registered domain"):
        table.add_column(column, overflow="fold")
    table.add_row(cell("name"), cell(card.name), cell(card.domain_name))
    for name in ("position", "percentile", "pagerank", "harmonic", "in_domains", "source"):
        table.add_row(cell(name), *(cell((row or {}).get(name)) for row in (card.host, card.domain)))
    return table


def neighbour_table(title: str, rows: list[dict[str, Any]], total: int) -> Table:
    """Return the table of a domain's neighbours on one side."""
    columns = ("name", "position", "percentile", "pages", "pages_nofollow", "pages_sponsored")
    headings = [column.replace("pages_", "") for column in columns]
    table = table_of(f"{len(rows):,} of {total:,} {title}", headings)
    for row in rows:
        table.add_row(*(cell(row[column]) for column in columns))
    return table


def table_of(title: str, columns: Sequence[str]) -> Table:
    """Return an empty table; numbers are aligned to the right."""
    table = Table(title=Text(harmless(title), overflow="fold"), title_justify="left", box=box.SIMPLE_HEAD)
    for column in columns:
        words = column in ("name", "count")
        table.add_column(column, justify="left" if words else "right", overflow="fold")
    return table


def cell(value: Any) -> Text:
    """Return a value as a cell; what is unknown is a dash."""
    if value is None:
        return Text("-")
    if isinstance(value, float):
        return Text(f"{value:.6g}")
    return Text(f"{value:,}" if isinstance(value, int) else harmless(str(value)))


def print_counts(counts: Mapping[str, int], title: str, as_json: bool) -> None:
    """Print counts by name."""
    if as_json:
        click.echo(json.dumps(dict(counts), indent=1))
        return
    terminal().print(Text(harmless(title)), soft_wrap=True)
    table = table_of("", ("count", "number"))
    for name, number in counts.items():
        table.add_row(cell(name), cell(number))
    terminal().print(table)


if __name__ == "__main__":
    main(prog_name="sitegraph")
