"""`sitegraph show`: a site's ranks, and who links to it."""

from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import click
from rich.table import Table

from corpus.schema import AUTHORITY
from sitegraph.cli.common import AsJson, Top, any_path, example, graph_at
from sitegraph.cli.tables import cell, print_json, table_of, terminal
from sitegraph.explaining.lookup import COUNTS, Card, look_up

ALWAYS: Final = ("position", "percentile", "pagerank", "in_domains")
"""Rows that are shown even where nothing is known."""
NEVER: Final = ("level", "name", "reversed")


@click.command(
    "show",
    short_help="Show a site's ranks, and who links to it.",
    epilog=example("""
sitegraph show example.org --root crawl-root
sitegraph show https://blog.example.org/ --ranks ranks.parquet --graph graph
sitegraph show example.org --root crawl-root --json"""),
)
@click.argument("site")
@click.option("--root", type=any_path(), help="Root of a corpus run, for its ranks and its graph.")
@click.option("--ranks", type=any_path(), help="Ranks: a Parquet file, or a folder of part files.")
@click.option("--graph", type=any_path(), help="Graph to take the neighbours from.")
@Top
@AsJson
def show_command(site: str, root: Path | None, ranks: Path | None, graph: Path | None, top: int, as_json: bool) -> None:
    """Show what is known of SITE (a host, registered domain or URL): its ranks, and who links to it."""
    graph = graph or root
    card = look_up(site, ranks_at(ranks, root, "show"), graph_at(graph) if graph else None, top)
    if as_json:
        print_json(asdict(card))
    else:
        print_card(card, with_neighbours=graph is not None)


def ranks_at(ranks: Path | None, root: Path | None, command: str) -> Path:
    """Return the ranks that --ranks or --root name."""
    if ranks is None and root is None:
        raise click.ClickException(f"{command}: give --ranks, or --root of a corpus run")
    return ranks or (root or Path()) / "authority"


def print_card(card: Card, with_neighbours: bool) -> None:
    """Print a card as tables."""
    console = terminal()
    console.print(rank_table(card))
    if with_neighbours:
        linking, linked = (f"domains that link to {card.domain_name}", f"domains that {card.domain_name} links to")
        console.print(neighbour_table(linking, card.linking, card.linking_total))
        console.print(neighbour_table(linked, card.linked, card.linked_total))


def rank_table(card: Card) -> Table:
    """Return the table of what is known of a site, its host and its registered domain side by side."""
    table = table_of(f"ranks of {card.name}", ())
    for column in ("", "host", "registered domain"):
        table.add_column(column, overflow="fold")
    table.add_row(cell("name"), cell(card.name), cell(card.domain_name))
    names = dict.fromkeys((*ALWAYS, *(name for name in AUTHORITY.names if name not in NEVER)))
    for name in names:
        values = [(row or {}).get(name) for row in (card.host, card.domain)]
        if name in ALWAYS or any(value is not None and value is not False for value in values):
            table.add_row(cell(name), *map(cell, values))
    return table


def neighbour_table(title: str, rows: list[dict[str, Any]], total: int) -> Table:
    """Return the table of a domain's neighbours on one side."""
    columns = ("name", "position", "percentile", *COUNTS)
    headings = [column.replace("pages_", "") for column in columns]
    cells = ([row[column] for column in columns] for row in rows)
    return table_of(f"{len(rows):,} of {total:,} {title}", headings, cells)
