"""`sitegraph explain`: why a site has the ranks that it has."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import click
from rich.table import Table

from sitegraph.cli.common import AsJson, Threads, Top, any_path, example, file_path, graph_at
from sitegraph.cli.showing import ranks_at
from sitegraph.cli.tables import harmless, print_json, print_line, table_of, terminal
from sitegraph.explaining.explain import Asked, explain
from sitegraph.explaining.explanation import Explanation, Link, Supporter, Trail
from sitegraph.explaining.lookup import COUNTS
from sitegraph.explaining.reasons import number, percent
from sitegraph.layout import LEVELS
from sitegraph.store.classes import PRESETS

TOLD: Final = "what the ranks say"


@click.command(
    "explain",
    short_help="Say why a site has its ranks.",
    epilog=example("""
sitegraph explain example.org --root crawl-root
sitegraph explain example.org --graph graph --ranks ranks.parquet --seeds trusted.txt --bad spam.txt --labels labels.txt
sitegraph explain example.org --root crawl-root --level domain --top 30 --json"""),
)
@click.argument("site")
@click.option("--root", type=any_path(), help="Root of a corpus run, for its ranks and its graph.")
@click.option("--ranks", type=any_path(), help="Ranks of the graph: a Parquet file, or a folder of part files.")
@click.option("--graph", type=any_path(), help="Graph that the ranks are of.")
@click.option("--seeds", type=file_path(), help="File of trusted sites, to name them on the trails from them.")
@click.option("--bad", type=file_path(), help="File of bad sites: shows how the site leads to them.")
@click.option("--labels", type=file_path(), help="File of labelled sites: shows what speaks for and against the site.")
@click.option(
    "--level", type=click.Choice(LEVELS), help="Which node to explain; the host unless only its domain is one."
)
@Top
@click.option("--weights", type=click.Choice(PRESETS), show_default=TOLD, help="Arc weights.")
@click.option("--nofollow", type=float, show_default=TOLD, help="Factor of nofollow and ugc pages.")
@click.option("--sponsored", type=float, show_default=TOLD, help="Factor of sponsored pages.")
@click.option("--collapse/--no-collapse", default=None, show_default=TOLD, help="Links of a template are one page.")
@click.option("--fold/--no-fold", default=None, show_default=TOLD, help="Links within one owner count nothing.")
@click.option("--damping", type=float, show_default=TOLD, help="Probability of following a link.")
@click.option("--trust-damping", type=float, show_default=TOLD, help="The same for trust.")
@click.option("--cap", type=float, show_default=TOLD, help="Share of a site's rank that one supporter may give.")
@Threads
@AsJson
def explain_command(
    site: str, root: Path | None, ranks: Path | None, graph: Path | None, as_json: bool, **options: Any
) -> None:
    """Say why SITE (a host, registered domain or URL) has its ranks: who supports it, and over which links.

    How the ranks were made is read from their table, if sitegraph wrote it.
    """
    table = ranks_at(ranks, root, "explain")
    place = graph or root
    if place is None:
        raise click.ClickException("explain: give --graph beside --ranks, or --root of a corpus run")
    asked = {name: options.pop(name) for name in ("seeds", "bad", "labels", "level", "top", "threads")}
    settings = {"preset" if name == "weights" else name: v for name, v in options.items() if v is not None}
    found = explain(site, table, graph_at(place), Asked(settings=settings, **asked))
    if as_json:
        print_json(asdict(found))
        return
    print_explanation(found)


def print_explanation(found: Explanation) -> None:
    """Print an explanation: the reasons first, then the tables behind them; notes on standard error."""
    print_line(f"{found.name}, {found.level} level")
    for line in found.reasons:
        print_line(f"- {line}")
    console = terminal()
    if found.supporters:
        console.print(supporters_table(found))
    for title, trails in (("from trusted sites", found.trust), ("to bad sites", found.anti_trust)):
        if steps := [trail for trail in trails or () if not trail.own]:
            console.print(trails_table(f"ways {title}", found.name, steps, backwards=trails is found.anti_trust))
    if found.discounts:
        console.print(discounts_table(found))
    for note in found.notes:
        click.echo(f"sitegraph: {harmless(note)}", err=True)


def supporters_table(found: Explanation) -> Table:
    """Return the table of the largest supporters, with the largest links of each."""
    title = f"{len(found.supporters):,} of {found.supporters_total:,} supporters of {found.name}"
    columns = ("name", "share", "capped", "weight", "pages", "nofollow", "sponsored", "owner", "sitewide")
    hosts = found.level == "host"
    return table_of(title, columns, [row for one in found.supporters for row in supporter_rows(one, found, hosts)])


def supporter_rows(one: Supporter, found: Explanation, grouped: bool) -> list[Sequence[Any]]:
    """Return the rows of a supporter: itself, and at host level its hosts, unless it is one host of that name."""
    taken = percent(one.taken / found.row["pagerank"]) if one.taken and found.row["pagerank"] else None
    links = [
        [percent(link.share), None, link.weight, *(getattr(link, name) for name in COUNTS), *flags(link)]
        for link in one.links
    ]
    if not grouped or (one.nodes == 1 and one.links[0].name == one.name):
        links[0][1] = taken
        return [[one.name, *links[0]]]
    rest = f", the largest {len(links):,}:" if one.nodes > len(links) else ":"
    rows: list[Sequence[Any]] = [
        [f"{one.name}, {number(one.nodes, 'host')}{rest}", percent(one.share), taken, *[""] * 6]
    ]
    return rows + [[f"  {link.name}", *row] for link, row in zip(one.links, links, strict=True)]


def flags(link: Link) -> list[bool | None]:
    """Return the flags of a link, dashes where they are not set."""
    return [link.owner or None, link.sitewide or None]


def trails_table(title: str, name: str, trails: Sequence[Trail], backwards: bool) -> Table:
    """Return the table of trails, a row for each, with the share that each step brings."""
    rows = []
    for trail in trails:
        steps = [f"{step.name} ({percent(step.share)})" for step in trail.steps]
        way = [name, *steps] if backwards else [*steps, name]
        rows.append((trail.seed, ", ".join(trail.groups) or None, percent(trail.share), " > ".join(way)))
    return table_of(title, ("seed", "group", "share", "way"), rows)


def discounts_table(found: Explanation) -> Table:
    """Return the table of links that count nothing, or less than their pages say."""
    rows = ((one.reason, one.links, one.pages, ", ".join(one.examples)) for one in found.discounts)
    return table_of("links that count nothing, or less than their pages", ("why", "links", "pages", "examples"), rows)
