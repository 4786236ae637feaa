"""`sitegraph quality`: measured quality of sites, for the quality rank."""

from pathlib import Path
from typing import Final

import click

from corpus.errors import MissingError
from corpus.storage import ShardSet
from sitegraph.cli.common import AsJson, Threads, any_path, example, file_path
from sitegraph.cli.progress import counting
from sitegraph.cli.tables import print_counts
from sitegraph.engine import Engine
from sitegraph.sites.textquality import site_quality

GIB: Final = 1 << 30


@click.command(
    "quality",
    short_help="Measure the text quality of sites.",
    epilog=example("""
sitegraph quality crawl-root --signal language_score --out quality.parquet
sitegraph rank crawl-root --out ranks.parquet --quality quality.parquet"""),
)
@click.argument("root", type=any_path())
@click.option("--signal", required=True, help="Column of the signals, one number per page; the higher, the better.")
@click.option("--out", required=True, type=file_path(), help="Parquet file to write: name, quality, pages.")
@click.option("--memory", default=2.0, show_default=True, help="GiB for adding up; then disk.")
@Threads
@AsJson
def quality_command(root: Path, signal: str, out: Path, memory: float, threads: int, as_json: bool) -> None:
    """Write the mean of a signal over the pages of each host of ROOT, a corpus run whose pages have signals."""
    documents, signals = ShardSet(root, "documents"), ShardSet(root, "signals")
    if not signals.parts():
        raise MissingError(f"{root}: no signals here; give the root of a run that has annotated its documents")
    engine = Engine(memory=int(memory * GIB), threads=threads)
    with counting("quality", "pages"):
        _, counts = site_quality(documents, signals, signal, ShardSet(out.parent, "quality"), path=out, engine=engine)
    print_counts(counts, f"quality of sites in {out}", as_json)
