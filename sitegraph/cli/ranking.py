"""`sitegraph rank`: every rank of a graph, in one table."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import click

from corpus.storage import ShardSet
from sitegraph.cc.ranksfile import ImportedRanks
from sitegraph.cli.common import AsJson, Threads, any_path, example, file_path, graph_at
from sitegraph.cli.progress import SweepShow
from sitegraph.cli.tables import harmless, print_counts
from sitegraph.layout import LEVELS
from sitegraph.ranks.hyperball import SUPPORTERS, HyperBallSettings
from sitegraph.ranks.pagerank import PageRank
from sitegraph.ranks.ranking import Ranking, rank
from sitegraph.sites.measured import Shrinking
from sitegraph.sites.seeds import Sowing
from sitegraph.store.classes import PRESETS, Weights

IMPORT = "Common Crawl ranks file to take a level's ranks from; LEVEL=PATH where the header does not tell the level."
LOG2M = "HyperBall counts with 2 ** log2m bytes a node: 8 (errs by 6.5 %) for centrality, else 6 (13 %)."
TRUNCATE = "Links over which rank must have come to count in the truncated rank; 0 leaves it out."

DEFAULTS: Final = Ranking()
Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def option(name: str, default: Any, text: str) -> Decorator:
    """Return an option with a default that is shown."""
    return click.option(name, default=default, show_default=True, help=text)


def file_option(name: str, text: str) -> Decorator:
    """Return an option that names a file."""
    return click.option(name, type=file_path(), help=text)


@click.command(
    "rank",
    short_help="Rank the hosts and registered domains of a graph.",
    epilog=example("""
sitegraph rank graph --out ranks.parquet
sitegraph rank crawl-root --out ranks.parquet --seeds trusted.txt --bad spam.txt --labels labels.txt
sitegraph rank crawl-root --out ranks.parquet --quality quality.parquet
sitegraph rank graph --out cc.parquet --weights cc --no-inverse
sitegraph rank graph --out ranks.parquet --import-ranks cc-main-2026-apr-may-jun-host-ranks.txt.gz"""),
)
@click.argument("graph", type=any_path())
@click.option("--out", required=True, type=file_path(), help="Parquet file to write.")
@file_option("--seeds", "Trusted sites, `name[, group[, language]]` per line: gives trust and spam mass.")
@file_option("--bad", "Sites known to be bad, in the same form: gives anti-trust.")
@file_option("--quality", "Measured quality, `name, quality[, pages]` (text or Parquet): gives the quality rank.")
@file_option("--labels", "Labelled sites, `name, good|bad`, drawn at random: gives the chance that a site is good.")
@option("--language-cap", DEFAULTS.sowing.language_cap, "Most of the seeds' mass that one language may have.")
@click.option("--by-tld", is_flag=True, help="Seeds without a language have that of their country's domain.")
@option(
    "--strength", DEFAULTS.shrinking.strength, "Pages' worth of the mean by which few measured pages are drawn to it."
)
@click.option("--weights", type=click.Choice(PRESETS), default="log-pages", show_default=True, help="Arc weights.")
@option("--nofollow", DEFAULTS.weights.nofollow, "Factor of nofollow and ugc pages in log-pages.")
@option("--sponsored", DEFAULTS.weights.sponsored, "Factor of sponsored pages in log-pages.")
@click.option("--no-collapse", is_flag=True, help="Links of a template count with all their pages.")
@click.option("--no-fold", is_flag=True, help="Links between hosts of one owner count.")
@option("--damping", DEFAULTS.pagerank.damping, "Probability of following a link.")
@option("--trust-damping", DEFAULTS.trust_damping, "The same for trust: lower, it is harder to keep in a farm.")
@click.option(
    "--dangling",
    type=click.Choice(["strong", "weak", "pseudo"]),
    default="strong",
    show_default=True,
    help="Where the rank of nodes without links goes: to the preferred nodes, to all, nowhere.",
)
@option("--tolerance", DEFAULTS.pagerank.tolerance, "Bound on the L1 error of a rank.")
@option("--max-sweeps", DEFAULTS.pagerank.max_sweeps, "Sweeps after which a rank that has not converged is an error.")
@option("--cap", DEFAULTS.cap, "Share of a site's rank that one supporter may give, for the robust rank.")
@option("--truncate", DEFAULTS.truncate, TRUNCATE)
@option("--good-share", DEFAULTS.good_share, "Share of the web assumed to be good, for spam mass.")
@click.option("--no-inverse", is_flag=True, help="Leave out the inverse rank.")
@click.option("--no-supporters", is_flag=True, help="Leave out the supporters within 1 to 4 links.")
@click.option("--harmonic", is_flag=True, help="Harmonic centrality too, by HyperBall: many passes, much memory.")
@click.option("--log2m", type=int, help=LOG2M)
@click.option("--import-ranks", multiple=True, help=IMPORT)
@click.option("--import-nodes", type=int, help="Nodes of the whole table, when the imported file is a part of it.")
@Threads
@AsJson
def rank_command(graph: Path, out: Path, as_json: bool, **options: Any) -> None:
    """Rank the hosts and registered domains of GRAPH (a built graph, or the root of a corpus run).

    Interrupted, the same command goes on with the sweep that it was at.
    """
    settings = settings_of(options)
    with SweepShow(settings.pagerank.tolerance) as show:
        _, counts, notes = rank(graph_at(graph), ShardSet(out.parent, "ranks"), settings, path=out, watch=show.watch)
    for note in notes:
        click.echo(f"sitegraph: {harmless(note)}", err=True)
    print_counts(counts, f"ranks in {out}", as_json)


def settings_of(options: dict[str, Any]) -> Ranking:
    """Return the ranking that the options ask for."""
    weights = {name: options[name] for name in ("nofollow", "sponsored")}
    return Ranking(
        pagerank=PageRank(**{name: options[name] for name in ("damping", "dangling", "tolerance", "max_sweeps")}),
        weights=Weights(
            preset=options["weights"], collapse=not options["no_collapse"], fold=not options["no_fold"], **weights
        ),
        trust_damping=options["trust_damping"],
        seeds=options["seeds"],
        bad=options["bad"],
        quality=options["quality"],
        labels=options["labels"],
        sowing=Sowing(language_cap=options["language_cap"], by_tld=options["by_tld"]),
        shrinking=Shrinking(strength=options["strength"]),
        cap=options["cap"],
        truncate=options["truncate"],
        good_share=options["good_share"],
        inverse=not options["no_inverse"],
        balls=balls_of(options),
        imports=tuple(imports_of(options["import_ranks"], options["import_nodes"])),
        threads=options["threads"],
    )


def balls_of(options: dict[str, Any]) -> HyperBallSettings | None:
    """Return how to count supporters, None for not at all."""
    if options["no_supporters"] and not options["harmonic"]:
        return None
    usual = HyperBallSettings() if options["harmonic"] else SUPPORTERS
    return replace(usual, log2m=options["log2m"] or usual.log2m)


def imports_of(values: Sequence[str], nodes: int | None) -> Iterator[ImportedRanks]:
    """Yield the imported ranks that `[LEVEL=]PATH` values name."""
    for value in values:
        named = next((level for level in LEVELS if value.startswith(f"{level}=")), None)
        path = value.removeprefix(f"{named}=")
        yield ImportedRanks(path=Path(path), level=named or "auto", nodes=nodes)
