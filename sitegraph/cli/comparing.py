"""`sitegraph compare`: how far two rank tables agree, and how ranks drift over releases."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click

from sitegraph.cli.common import AsJson, example, file_path, folder_path
from sitegraph.cli.tables import print_json, table_of, terminal
from sitegraph.comparing.agreement import AgreementSettings
from sitegraph.comparing.compare import Comparison, Drift, as_json, compare_command_rows, drift, drift_rows, move_rows
from sitegraph.comparing.ranktables import RankTable
from sitegraph.engine import Engine
from sitegraph.layout import LEVELS

GIB: Final = 1 << 30
DEFAULTS: Final = AgreementSettings()


@click.command(
    "compare",
    short_help="Compare rank tables.",
    epilog=example("""
sitegraph compare old.parquet new.parquet
sitegraph compare ranks.parquet ranks.parquet --column pagerank --column trust --at 100 --at 1000
sitegraph compare ranks.parquet cc-main-2026-apr-may-jun-domain-ranks.txt.gz --level domain
sitegraph compare jan.parquet feb.parquet mar.parquet --column robust --json
sitegraph compare domain-lookup.json --release cc-main-2025-oct-nov-dec --release cc-main-2026-jan-feb-mar"""),
)
@click.argument("tables", nargs=-1, required=True, type=file_path())
@click.option("--column", "columns", multiple=True, help="Column to rank by: one for all (pagerank), or one per table.")
@click.option("--level", type=click.Choice(LEVELS), help="Hosts or domains; what the tables have, else hosts.")
@click.option("--at", "depths", multiple=True, type=click.IntRange(1), help="Depth to compare the first places at.")
@click.option("--release", "releases", multiple=True, help="Releases of one lookup table, in place of several tables.")
@click.option("--persistence", default=DEFAULTS.persistence, show_default=True, help="p of rank-biased overlap.")
@click.option("--shared-only", is_flag=True, help="Leave out what only one of the tables has.")
@click.option("--movers", default=DEFAULTS.movers, show_default=True, help="Risers and fallers to name.")
@click.option("--scratch", type=folder_path(), help="Folder to work and spill in; the system's, if none is given.")
@click.option("--memory", default=2.0, show_default=True, help="GiB for the join; then disk.")
@AsJson
def compare_command(tables: tuple[Path, ...], scratch: Path | None, as_json: bool, **options: Any) -> None:
    """Compare rank TABLES: authority tables, ranks files of Common Crawl, or its statistics.

    Of two it says how far they agree; of more, how the ranks drift from each to the next, and from first to last.
    """
    wanted = tables_of(tables, options["columns"], options["releases"])
    settings = AgreementSettings(
        depths=tuple(sorted(set(options["depths"]))) or DEFAULTS.depths,
        persistence=options["persistence"],
        shared_only=options["shared_only"],
        movers=options["movers"],
    )
    engine = Engine(memory=int(options["memory"] * GIB))
    with tempfile.TemporaryDirectory(prefix="sitegraph-", dir=scratch) as folder:
        found = drift(wanted, Path(folder), options["level"], settings, engine)
    show(found, as_json)


def tables_of(paths: Sequence[Path], columns: Sequence[str], releases: Sequence[str]) -> list[RankTable]:
    """Return the tables to compare, in their order."""
    if releases:
        if len(paths) != 1:
            raise click.ClickException(f"compare: --release is for one lookup table, and here are {len(paths)} tables")
        paths = [paths[0]] * len(releases)
    columns = columns or ["pagerank"]
    if len(columns) not in (1, len(paths)):
        raise click.ClickException(
            f"compare: {len(columns)} columns for {len(paths)} tables; give one, or one for each"
        )
    columns = list(columns) * (len(paths) if len(columns) == 1 else 1)
    each: list[str | None] = list(releases) or [None] * len(paths)
    return [RankTable(path=p, column=c, release=r) for p, c, r in zip(paths, columns, each, strict=True)]


def show(found: Drift, machine: bool) -> None:
    """Print a comparison of two tables, or a drift of several."""
    if machine:
        print_json(as_json(found) if len(found.pairs) > 1 else as_json(found.ends))
        return
    console = terminal()
    if len(found.pairs) > 1:
        headings = ("from", "to", f"{found.ends.level}s in both", "Spearman", "Kendall", "RBO", "first places in both")
        console.print(table_of("drift, the last row from first to last", headings, drift_rows(found)))
    else:
        console.print(comparison_table(found.ends))
    rows = move_rows(found.ends)
    if rows:
        moved = ("name", "percentile in A", "percentile in B", "position")
        console.print(table_of("moved most, of those in both", moved, rows))


def comparison_table(found: Comparison) -> Any:
    """Return the table of two tables beside each other."""
    return table_of("", ("", "A", "B"), compare_command_rows(found))
